package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// The numbers are a contract.
func TestExitStatuses(t *testing.T) {
	if got := [...]int{Success, Failed, Usage, NotConnected, Interrupted}; got != [...]int{0, 1, 2, 3, 130} {
		t.Errorf("got %v", got)
	}
}

func TestWorse(t *testing.T) {
	order := []int{Success, Usage, Failed, NotConnected, Interrupted}
	for i, a := range order {
		for j, b := range order {
			if got, want := worse(a, b), order[max(i, j)]; got != want {
				t.Errorf("worse(%d, %d) is %d, want %d", a, b, got, want)
			}
		}
	}
}

const gone = `{"error":{"code":"c","message":"gone"}}`

// One mapping from what happened to the status.
func TestExitStatus(t *testing.T) {
	const a, b, keyless, scalar = `{"certificateBasedAuthPki-id":"a"}`, `{"certificateBasedAuthPki-id":"b"}`, `{"x":1}`, `5`
	id := []string{"-CertificateBasedAuthPkiId", "a"}
	with := func(more ...string) []string { return append(append([]string{}, id...), more...) }
	failsAt := func(part string) roundTrip {
		return func(req *http.Request) (*http.Response, error) {
			if strings.Contains(req.URL.Path, part) {
				return response(req, http.StatusNotFound, gone), nil
			}
			return response(req, http.StatusNoContent, ""), nil
		}
	}
	for _, c := range []struct {
		name  string
		args  []string
		stdin string
		setup func(*world)
		want  int
	}{
		{"done", id, "", nil, Success},
		{"a dry run", with("-WhatIf"), "", nil, Success},
		{"help", []string{"-?"}, "", nil, Success},
		{"the version", []string{"--version"}, "", nil, Success},
		{"a list", []string{"list"}, "", nil, Success},
		{"answered no", with("-Confirm"), "", func(w *world) { w.on(80, "n\n") }, Success},

		{"an error answer", id, "", func(w *world) { w.Transport = answering(400, gone) }, Failed},
		{"an error answer, silent", with("-ErrorAction", "Ignore"), "", func(w *world) { w.Transport = answering(400, gone) }, Failed},
		{"an error answer, terminating", with("-ErrorAction", "Stop"), "", func(w *world) { w.Transport = answering(400, gone) }, Failed},
		{"refused by the service", id, "", func(w *world) { w.Transport = answering(401, "") }, Failed},
		{"no connection", id, "", func(w *world) {
			w.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })
		}, Failed},
		{"nobody to ask", with("-Confirm"), "", nil, Failed},
		{"output that cannot be written", with("-PassThru"), "", func(w *world) { w.Stdout = unwritable{} }, Failed},

		{"no such parameter", []string{"-Nope"}, "", nil, Usage},
		{"no such cmdlet", []string{"nope"}, "", nil, Usage},
		{"no id", []string{"-UploadUrl", "u"}, "", nil, Usage},
		{"an unreadable variable", id, "", func(w *world) { w.variables["MGUPLOAD_OUTPUT"] = "x" }, Usage},
		{"an id that leads elsewhere", []string{"-CertificateBasedAuthPkiId", ".."}, "", nil, Usage},
		{"no such environment", with("--environment", "Nope"), "", nil, Usage},
		{"a token's place that is none", with("--access-token-from", "nope"), "", nil, Usage},
		{"no words, nobody there", nil, "", func(w *world) { w.StdinKind = Terminal }, Usage},
		{"an empty list", []string{"-UploadUrl", "u"}, " ", nil, Usage},
		{"a list that is no JSON", []string{"-UploadUrl", "u"}, "x", nil, Usage},

		{"no token", id, "", func(w *world) { delete(w.variables, "MGUPLOAD_ACCESS_TOKEN") }, NotConnected},
		{"no token, a list", []string{"-UploadUrl", "u"}, a, func(w *world) { delete(w.variables, "MGUPLOAD_ACCESS_TOKEN") }, NotConnected},
		{"an expired token", id, "", func(w *world) {
			w.variables["MGUPLOAD_ACCESS_TOKEN"] = "eyJhbGciOiJub25lIn0.eyJleHAiOjE2MDAwMDAwMDB9.c2ln"
		}, NotConnected},

		{"a list, all done", nil, a + b, nil, Success},
		{"a list, one not bound", nil, a + scalar + b, nil, Usage},
		{"a list, one without its key", nil, a + keyless, nil, Failed},
		{"a list, one failed", nil, a + b, func(w *world) { w.Transport = failsAt("/b/") }, Failed},
		{"a list, one failed and one not bound", nil, scalar + a + b + scalar, func(w *world) { w.Transport = failsAt("/b/") }, Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.args...)
			if c.stdin != "" {
				w.pipe(c.stdin)
			}
			if c.setup != nil {
				c.setup(w)
			}
			if got := w.run(t); got != c.want {
				t.Errorf("exit status %d, want %d; output %q, errors %q", got, c.want, w.stdout.String(), w.stderr.String())
			}
		})
	}
}

// unwritable is a full disk.
type unwritable struct{}

func (unwritable) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// interruptible gives a world an interrupt to press.
func interruptible(w *world) (interrupt func()) {
	pressed := make(chan struct{})
	w.Notify = func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		go func() {
			select {
			case <-pressed:
				cancel()
			case <-ctx.Done():
			}
		}()
		return ctx, cancel
	}
	return sync.OnceFunc(func() { close(pressed) })
}

// An interrupt ends every wait at once, and half a result is never printed.
func TestInterrupt(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  []string
		setup func(w *world, interrupt func())
	}{
		{"waiting for an answer", []string{"-CertificateBasedAuthPkiId", "a", "-PassThru"}, func(w *world, interrupt func()) {
			w.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
				interrupt()
				<-req.Context().Done()
				return nil, req.Context().Err()
			})
		}},
		{"waiting to repeat", []string{"-CertificateBasedAuthPkiId", "a", "--retry-delay", "180"}, func(w *world, interrupt func()) {
			w.Transport = answering(http.StatusTooManyRequests, "")
			w.Stderr = &trigger{on: "Waiting", then: interrupt, w: &w.stderr}
		}},
		{"waiting for input", []string{"-UploadUrl", "u"}, func(w *world, interrupt func()) {
			r, feed := io.Pipe()
			t.Cleanup(func() { _ = feed.Close() })
			w.StdinKind, w.Stdin = Stream, readFunc(func(p []byte) (int, error) {
				interrupt()
				return r.Read(p)
			})
		}},
		{"asking", []string{"-CertificateBasedAuthPkiId", "a", "-Confirm"}, func(w *world, interrupt func()) {
			until := make(chan struct{})
			t.Cleanup(func() { close(until) })
			w.OpenTerminal = func() (Console, error) {
				return &person{Reader: readFunc(func(p []byte) (int, error) {
					interrupt()
					return blocked{until}.Read(p)
				}), width: 80}, nil
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.args...)
			c.setup(w, interruptible(w))
			if got := w.run(t); got != Interrupted {
				t.Errorf("exit status %d, errors %q", got, w.stderr.String())
			}
			if w.stdout.Len() > 0 {
				t.Errorf("printed %q", w.stdout.String())
			}
		})
	}
}

// What was done before the interrupt was printed.
func TestInterruptBetweenItems(t *testing.T) {
	w := newWorld(t, "-PassThru").pipe(`{"certificateBasedAuthPki-id":"a"}{"certificateBasedAuthPki-id":"b"}`)
	interrupt := interruptible(w)
	w.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		if strings.Contains(req.URL.Path, "/a/") {
			return response(req, http.StatusNoContent, ""), nil
		}
		interrupt()
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	if got := w.run(t); got != Interrupted || w.stdout.String() != "True\n" {
		t.Errorf("exit status %d, output %q", got, w.stdout.String())
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// trigger does something, once, when a text is written.
type trigger struct {
	on   string
	then func()
	w    io.Writer
}

func (g *trigger) Write(p []byte) (int, error) {
	if g.then != nil && bytes.Contains(p, []byte(g.on)) {
		g.then()
		g.then = nil
	}
	return g.w.Write(p)
}
