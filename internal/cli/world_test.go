package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// world is what a run of the program in this process sees, and what it left.
type world struct {
	Env
	variables      map[string]string
	stdout, stderr bytes.Buffer
}

// newWorld has an opaque token, an empty home, no terminal, nothing on standard
// input, and a service that answers 204.
func newWorld(t *testing.T, args ...string) *world {
	t.Helper()
	home := t.TempDir()
	w := &world{variables: map[string]string{"HOME": home, "MGUPLOAD_ACCESS_TOKEN": "opaque-token"}}
	w.Env = Env{
		Program: "invoke-mgupload", Args: args, Dir: home,
		Stdin: strings.NewReader(""), Stdout: &w.stdout, Stderr: &w.stderr,
		StdinKind: Nothing, StdoutKind: Stream, StderrKind: Stream,
		Getenv:       func(name string) string { return w.variables[name] },
		Now:          func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
		OpenTerminal: func() (Console, error) { return nil, errors.New("no terminal") },
		OpenFD:       func(uintptr) (io.ReadCloser, error) { return nil, errors.New("no descriptor") },
		Notify:       context.WithCancel,
		Transport:    answering(http.StatusNoContent, ""),
	}
	return w
}

// pipe puts a text on standard input.
func (w *world) pipe(text string) *world {
	w.Stdin, w.StdinKind = strings.NewReader(text), Stream
	return w
}

// on puts a person at a terminal who gives these answers.
func (w *world) on(width int, answers string) *world {
	w.OpenTerminal = func() (Console, error) {
		return &person{Reader: strings.NewReader(answers), width: width}, nil
	}
	return w
}

func (w *world) run(t *testing.T) int {
	t.Helper()
	return Main(t.Context(), w.Env)
}

// person is a terminal that somebody types on.
type person struct {
	io.Reader
	width int
}

func (p *person) Close() error                  { return nil }
func (p *person) Width() int                    { return p.width }
func (p *person) ReadPassword() (string, error) { return "typed password", nil }

// roundTrip is a service as a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	return f(req)
}

// answering gives every request the same answer.
func answering(status int, body string) roundTrip {
	return func(req *http.Request) (*http.Response, error) { return response(req, status, body), nil }
}

func response(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Request: req, Header: http.Header{}, ContentLength: int64(len(body)),
		Body: io.NopCloser(strings.NewReader(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}
