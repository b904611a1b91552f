package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/internal/emulator"
	"invoke-mgupload/pkg/pipeline"
)

// defaultOrigin is where a request goes before the environment is known: what
// user steps see (steps.inspect-request).
const defaultOrigin = "https://graph.microsoft.com"

const sdkVersionHeader = "Sdkversion" // as net/http spells it

const goos = runtime.GOOS

// open puts the pipeline together: one page, outermost step first.
func (r *run) open(tokens pipeline.TokenSource) error {
	steps := append(r.userSteps(),
		// once per call
		pipeline.Named{Name: "timeout", Step: pipeline.Timeout(r.set.clientTimeout)},
		pipeline.Named{Name: "endpoint", Step: pipeline.Endpoint(r.origin)},
		pipeline.Named{Name: "defaults", Step: pipeline.Defaults(defaultHeaders(), sdkVersionHeader)},
		pipeline.Named{Name: "retry", Step: pipeline.Retry(pipeline.RetryOptions{
			Max: r.set.maxRetry, Delay: r.set.retryDelay, Limit: r.set.retriesTimeLimit, Waiting: r.tellWait,
		})},
		pipeline.Named{Name: "redirect", Step: pipeline.Redirect(5)},
		// once per send
		pipeline.Named{Name: "auth", Step: pipeline.Auth(tokens, r.origin)},
		pipeline.Named{Name: "request-id", Step: pipeline.RequestID(pipeline.NewID)},
	)
	if r.debug {
		steps = append(steps, pipeline.Named{Name: "dump", Step: pipeline.Dump(r.dumped, redactor())})
	}
	steps = append(steps, pipeline.Named{Name: "gzip", Step: pipeline.Gzip()})
	transport := r.env.Transport
	if transport == nil {
		n, err := r.network()
		if err != nil {
			return err
		}
		transport = n.transport(r.origin.Scheme)
	}
	r.sender = pipeline.New(pipeline.Wire(transport), steps...)
	return nil
}

func (r *run) dumped(text string) { r.msgs.marked("DEBUG", text) }

// tellWait says why nothing seems to happen.
func (r *run) tellWait(w pipeline.Wait) {
	r.msgs.line("Waiting %g s: the service answered %d (%s); repeat %d of %d follows.", w.For.Seconds(), w.Status, pipeline.StatusName(w.Status), w.Attempt, w.Max)
}

// Version is the program's version: set by the linker, or the build's own.
var Version string

func version() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "0.0.0-dev"
}

func userAgent() string {
	return fmt.Sprintf("invoke-mgupload/%s (%s; %s)", version(), runtime.GOOS, runtime.GOARCH)
}

// defaultHeaders are the headers every request has unless the user sets them (D11, D12).
func defaultHeaders() http.Header {
	return http.Header{
		"Accept-Encoding": {"gzip"},
		"Cache-Control":   {"no-store, no-cache"},
		"User-Agent":      {userAgent()},
		sdkVersionHeader:  {"invoke-mgupload/" + version()},
	}
}

// httpHeader are the request's own headers.
func (r *run) httpHeader(req *cmdlets.Request) http.Header {
	h := http.Header{}
	for _, line := range req.Header {
		h.Add(line.Name, line.Value)
	}
	if req.Body != nil {
		h.Set("Content-Type", "application/json")
	}
	return h
}

func sortedNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// httpRequest is the request as the pipeline takes it.
func (r *run) httpRequest(ctx context.Context, req *cmdlets.Request) (*http.Request, error) {
	var body io.Reader = http.NoBody
	if req.Body != nil {
		body = bytes.NewReader(req.Body)
	}
	out, err := http.NewRequestWithContext(ctx, req.Method, defaultOrigin+req.Path, body)
	if err != nil {
		return nil, err
	}
	out.Header = r.httpHeader(req)
	return out, nil
}

// exchange sends a request and makes its answer the outcome.
func (r *run) exchange(ctx context.Context, j job, o *outcome) {
	b := j.bound
	hide := &mask{run: r, req: j.request}
	defer func() {
		var rec *record
		if errors.As(o.err, &rec) {
			hide.record(rec)
		}
	}()
	out, err := r.httpRequest(ctx, j.request)
	if err != nil {
		o.err = r.runRecord(b, err)
		return
	}
	resp, err := r.sender.Send(out)
	if err != nil {
		r.cutOff.CompareAndSwap(false, ctx.Err() != nil)
		o.err = r.runRecord(b, err)
		return
	}
	defer resp.Body.Close()
	r.answer(b, resp, o, hide)
}

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
