package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/internal/emulator"
	"invoke-mgupload/pkg/pipeline"
)

// startEmulator starts the emulator in this process, with a token of its own.
func (r *run) startEmulator() (pipeline.TokenSource, error) {
	if r.set.accessTokenFrom != "" {
		if _, word := r.line.Addition("access-token-from"); word {
			return nil, r.spec.Refuse("Conflict", "--access-token-from", "The emulator takes no access token: leave --access-token-from out.")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the emulator cannot listen: %w", err)
	}
	token := pipeline.NewID()
	server := &http.Server{Handler: newEmulator(token, r.env.Now, 0)}
	go func() { _ = server.Serve(l) }()
	r.server = server
	r.origin.Host = l.Addr().String()
	return emulatorToken(token), nil
}

// serverJobLength is how long an upload of certificate authorities runs on an
// emulator that is a server of its own: long enough to meet the second upload's error.
const serverJobLength = 5 * time.Second

func newEmulator(token string, now func() time.Time, jobLength time.Duration) http.Handler {
	var routes []emulator.Route
	for c := range cmdlets.All() {
		for _, template := range c.Routes {
			routes = append(routes, emulator.Route{Version: c.Version, Template: template})
		}
	}
	return emulator.New(emulator.Options{Routes: routes, Token: token, Now: now, JobLength: jobLength})
}

// emulatorToken is good in this process only.
type emulatorToken string

func (t emulatorToken) Token(context.Context, pipeline.TokenRequest) (string, error) {
	return string(t), nil
}

// emulatorCommand serves the emulator until it is interrupted.
type emulatorCommand struct {
	program *program
	Listen  string `help:"Address to listen on; loopback only." default:"127.0.0.1:0"`
	Token   string `help:"The one access token it takes. It is not a secret, and real tokens are refused." default:"emulator"`
}

// Run serves.
func (c *emulatorCommand) Run(ctx context.Context) error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil || !isLoopback(host) {
		fmt.Fprintln(c.program.env.Stderr, "invoke-mgupload emulator: --listen must be a loopback address such as 127.0.0.1:8080")
		return exitStatus(Usage)
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.program.env.Stderr, "The emulator listens on http://%s. In another shell:\n  export MGUPLOAD_ENDPOINT=http://%s MGUPLOAD_ACCESS_TOKEN=%s\n", l.Addr(), l.Addr(), c.Token)
	ctx, stop := c.program.env.Notify(ctx)
	defer stop()
	server := &http.Server{Handler: newEmulator(c.Token, c.program.env.Now, serverJobLength)}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
