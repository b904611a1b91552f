package cli

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"strings"

	"invoke-mgupload/internal/auth"
	"invoke-mgupload/pkg/pipeline"
)

// emulatorOrigin stands for the emulator before it listens.
const emulatorOrigin = "http://emulator.invalid"

// connect finds the service and a token for it, before anything is read or
// sent. A dry run needs neither.
func (r *run) connect(ctx context.Context) error {
	origin, err := r.graphOrigin()
	if err != nil {
		return err
	}
	r.origin = origin
	if r.judge.whatIf || r.set.showRequest {
		return nil
	}
	tokens, err := r.tokens(ctx)
	if err != nil {
		return r.runRecord(r.bound, err)
	}
	r.keepContext()
	return r.open(tokens)
}

// graphOrigin is the Graph endpoint: --endpoint, or the environment's.
func (r *run) graphOrigin() (*url.URL, error) {
	switch {
	case r.set.endpoint != "":
		return r.parseEndpoint(r.set.endpoint)
	case strings.EqualFold(r.set.environment, auth.EmulatorEnvironment):
		return url.Parse(emulatorOrigin)
	}
	e, err := r.auth.Environment(r.set.environment)
	if err != nil {
		return nil, err
	}
	return r.parseEndpoint(e.GraphEndpoint)
}

// parseEndpoint takes https, and http on loopback: a token goes nowhere in
// clear text. A path is ignored (network.endpoint-with-path).
func (r *run) parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return nil, r.spec.Setting("--endpoint", "It must be https://host[:port]; http is for loopback only.")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// newAuth is the sign-in package on the program's own environment.
func (r *run) newAuth() *auth.Auth {
	p, msgs := r.program, r.msgs
	home := p.env.Getenv("HOME")
	if home == "" { // Windows
		home = p.env.Getenv("USERPROFILE")
	}
	return auth.New(auth.ConfigDir(runtime.GOOS, p.env.Getenv, home), auth.Env{
		Getenv: p.env.Getenv, Home: home, Now: p.env.Now, Stdin: p.env.Stdin, Stderr: p.env.Stderr,
		Prompt: func(ctx context.Context, text string) (string, error) { return p.readSecret(ctx, msgs, text) },
		Warn:   func(text string) { msgs.warn("%s", text) },
		Debug:  func(text string) { r.debugLine("%s", text) },

		TokenClient: &http.Client{Transport: tokenTransport{r}},
	})
}

// readSecret asks on the controlling terminal without showing the answer.
func (p *program) readSecret(ctx context.Context, msgs *messages, text string) (string, error) {
	c, err := p.env.OpenTerminal()
	if err != nil {
		return "", err
	}
	defer c.Close()
	msgs.write(text)
	defer msgs.write("\n")
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		s, err := c.ReadPassword()
		done <- result{s, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-done:
		return got.text, got.err
	}
}

// tokens is where the tokens of this run come from. The first is taken at once,
// so that its lack is told before the input is read (D35).
func (r *run) tokens(ctx context.Context) (pipeline.TokenSource, error) {
	if r.isEmulator() {
		return r.startEmulator()
	}
	choice := auth.Choice{Environment: r.set.environment, Method: r.set.auth}
	if from := r.set.accessTokenFrom; from != "" {
		ref, err := auth.ParseRef(from, r.folder())
		if err != nil {
			return nil, r.spec.Setting("--access-token-from", "Give env:NAME, file:PATH, fd:N or -.")
		}
		choice.AccessTokenFrom = ref
	}
	source, err := r.auth.Source(ctx, choice)
	if err != nil {
		return nil, err
	}
	t := tokens{source}
	if _, err = t.Token(ctx, pipeline.TokenRequest{}); err != nil {
		return nil, err
	}
	r.describe(source)
	return t, nil
}

func (r *run) isEmulator() bool {
	return strings.EqualFold(r.set.environment, auth.EmulatorEnvironment)
}

// tokens hands auth's tokens to the pipeline.
type tokens struct{ source *auth.Source }

func (t tokens) Token(ctx context.Context, req pipeline.TokenRequest) (string, error) {
	return t.source.Token(ctx, auth.TokenRequest{Claims: req.Claims, Rejected: req.Rejected})
}

// describe writes the authentication lines of -Debug.
func (r *run) describe(source *auth.Source) {
	c, _, _ := r.auth.Context()
	credential := ""
	for _, m := range auth.Methods() {
		if m.Name == source.Method() {
			credential = m.Credential
		}
	}
	r.debugLine("[Authentication]: - AuthType: '%s', TokenCredentialType: '%s', ContextScope: '%s', AppName: '%s'.",
		source.AuthType(), credential, c.ContextScope, c.AppName)
	r.debugLine("[Authentication]: - Scopes: [%s].", strings.Join(c.Scopes, ", "))
}

func (r *run) folder() string {
	if r.env.Dir != "" {
		return r.env.Dir
	}
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	return dir
}

// fromElsewhere gives body members the values that --…-from names.
func (r *run) fromElsewhere(ctx context.Context) error {
	for _, m := range r.cmdlet.Body {
		source, _ := r.line.Addition(fromName(m.Name))
		if source == "" {
			source = r.env.Getenv(variable(fromName(m.Name)))
		}
		if source == "" {
			continue
		}
		err := r.line.Add(m.Name, func() (string, error) { return r.valueFrom(ctx, fromName(m.Name), source, m.JSON) })
		if err != nil {
			return err
		}
	}
	return nil
}

// valueFrom reads file:PATH, base64:PATH, env:NAME, fd:N or prompt.
func (r *run) valueFrom(ctx context.Context, addition, source, what string) (string, error) {
	if path, ok := strings.CutPrefix(source, "base64:"); ok {
		return base64File(r.env.path(path), what)
	}
	ref, err := auth.ParseRef(source, r.folder())
	if err != nil || ref == "-" {
		return "", r.spec.Setting("--"+addition, "Give file:PATH, base64:PATH, env:NAME, fd:N or prompt.")
	}
	return r.auth.ReadSecret(ctx, ref, what)
}

// base64File is a file's content in base64, for members that carry files.
func base64File(path, what string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("the %s can't be read: %w", what, err)
	}
	return base64.StdEncoding.EncodeToString(data), nil
}
