// Package pipelinetest checks that a step keeps the contract of package pipeline.
package pipelinetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"invoke-mgupload/pkg/pipeline"
)

const (
	target  = "https://graph.example/v1.0/things/1/upload?a=b"
	payload = `{"password":"p","uploadUrl":"u"}`
)

// Run checks a step against every kind of answer. newStep returns a new one for each check and is
// called in a [synctest] bubble, so waits cost nothing; the step must not use the network itself.
func Run(t *testing.T, newStep func() pipeline.Step) {
	t.Helper()
	for _, a := range answers {
		t.Run("answer/"+a.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkAnswer(t, newStep(), a.make) })
		})
	}
	t.Run("no body", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { checkBodiless(t, newStep()) })
	})
	t.Run("error", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { checkError(t, newStep()) })
	})
	t.Run("context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { checkContext(t, newStep()) })
	})
	t.Run("concurrent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { checkConcurrent(t, newStep()) })
	})
}

// answers are made anew for each send; n counts the sends from 0.
var answers = []struct {
	name string
	make func(n int) *http.Response
}{
	{"200", func(int) *http.Response { return Answer(200, `{"id":"x"}`) }},
	{"204", func(int) *http.Response { return Answer(204, "") }},
	{"large", func(int) *http.Response { return Answer(200, strings.Repeat("0123456789", 20_000)) }},
	{"400", func(int) *http.Response { return Answer(400, `{"error":{"code":"c"}}`) }},
	{"401 for ever", func(int) *http.Response { return Answer(401, "who?") }},
	{"401 then 200", func(n int) *http.Response { return then(n, Answer(401, "who?")) }},
	{"503 for ever", func(int) *http.Response { return Answer(503, "busy", "Retry-After", "1") }},
	{"429 then 200", func(n int) *http.Response { return then(n, Answer(429, "busy")) }},
	{"307 for ever", func(int) *http.Response { return Answer(307, "there", "Location", "/loop") }},
	{"303 then 200", func(n int) *http.Response { return then(n, Answer(303, "there", "Location", "/got")) }},
	{"302 elsewhere", func(int) *http.Response { return Answer(302, "", "Location", "https://other.example/") }},
	{"gzip, broken", func(int) *http.Response { return Answer(200, "not gzip", "Content-Encoding", "gzip") }},
}

func then(n int, first *http.Response) *http.Response {
	if n == 0 {
		return first
	}
	return Answer(200, `{"id":"x"}`)
}

// Answer makes a response with a body and headers given as name, value, name, value.
func Answer(status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// Request returns a POST with a small JSON body that can be had again.
func Request(ctx context.Context) *http.Request {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(payload))
	if err != nil {
		panic(err) // the URL is a constant
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-User", "kept")
	return req
}

// body counts reads after Close and knows whether it was closed.
type body struct {
	io.Reader
	closed atomic.Bool
}

func (b *body) Close() error { b.closed.Store(true); return nil }

// wire is a scripted end of the chain that remembers every answer it gave.
type wire struct {
	t      *testing.T
	answer func(n int) *http.Response

	mu     sync.Mutex
	sends  int
	bodies []*body
}

func (w *wire) Send(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if req.Body != nil {
		sent, err := io.ReadAll(req.Body)
		if err != nil || string(sent) != payload {
			w.t.Errorf("a send carried the body %q (%v), want %q", sent, err, payload)
		}
		req.Body.Close()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	resp := w.answer(w.sends)
	resp.Request = req
	b := &body{Reader: resp.Body}
	resp.Body = b
	w.bodies = append(w.bodies, b)
	w.sends++
	return resp, nil
}

// closed reports an answer left open. It settles the bubble first: a step may close late.
func (w *wire) closed(t *testing.T) {
	t.Helper()
	synctest.Wait()
	for i, b := range w.bodies {
		if !b.closed.Load() {
			t.Errorf("answer %d of %d was never closed", i+1, len(w.bodies))
		}
	}
}

func checkAnswer(t *testing.T, step pipeline.Step, answer func(int) *http.Response) {
	w := &wire{t: t, answer: answer}
	req := Request(t.Context())
	sent := &body{Reader: req.Body}
	req.Body = sent
	before := snapshot(req)
	resp, err := step(req, w)
	exactlyOne(t, resp, err)
	if after := snapshot(req); !reflect.DeepEqual(before, after) {
		t.Errorf("the step changed its request:\n before %+v\n after  %+v", before, after)
	}
	if resp != nil {
		readable(t, w, resp)
	}
	w.closed(t)
	if !sent.closed.Load() {
		t.Error("the request's body was never closed")
	}
}

// readable reads a whole answer and compares it with what the wire gave last, unless the step
// made its own.
func readable(t *testing.T, w *wire, resp *http.Response) {
	t.Helper()
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || w.sends == 0 {
		return // an unreadable body is an answer too
	}
	want, _ := io.ReadAll(w.answer(w.sends - 1).Body) //nolint:bodyclose // made in memory
	if !bytes.Equal(got, want) {
		t.Errorf("the answer's body has %d bytes, want the wire's %d", len(got), len(want))
	}
}

func exactlyOne(t *testing.T, resp *http.Response, err error) {
	t.Helper()
	if (resp == nil) == (err == nil) {
		t.Fatalf("the step returned response %v and error %v, want exactly one", resp, err)
	}
	if resp != nil && resp.Body == nil {
		t.Fatal("the response has no body; use http.NoBody")
	}
}

func checkBodiless(t *testing.T, step pipeline.Step) {
	w := &wire{t: t, answer: func(n int) *http.Response { return then(n, Answer(503, "busy")) }}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, target, nil)
	resp, err := step(req, w)
	exactlyOne(t, resp, err)
	if resp != nil {
		resp.Body.Close()
	}
	w.closed(t)
}

var errWire = errors.New("the wire is cut")

func checkError(t *testing.T, step pipeline.Step) {
	sends := 0
	resp, err := step(Request(t.Context()), pipeline.SenderFunc(func(req *http.Request) (*http.Response, error) {
		req.Body.Close()
		sends++
		return nil, errWire
	}))
	exactlyOne(t, resp, err)
	if resp != nil {
		resp.Body.Close()
	} else if sends > 0 && !errors.Is(err, errWire) {
		t.Errorf("the step's error %q does not wrap the one it got", err)
	}
}

// checkContext gives the step an answer that never comes, once the call is under way.
func checkContext(t *testing.T, step pipeline.Step) {
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(time.Millisecond, cancel).Stop()
	sends := 0
	start := time.Now()
	resp, err := step(Request(ctx), pipeline.SenderFunc(func(req *http.Request) (*http.Response, error) {
		req.Body.Close()
		sends++
		<-req.Context().Done()
		return nil, req.Context().Err()
	}))
	exactlyOne(t, resp, err)
	if took := time.Since(start); took > time.Second {
		t.Errorf("the step ended %s after its context", took)
	}
	if resp != nil {
		resp.Body.Close()
	} else if sends > 0 && !errors.Is(err, context.Canceled) {
		t.Errorf("the step's error is %q, want one that is context.Canceled", err)
	}
}

func checkConcurrent(t *testing.T, step pipeline.Step) {
	w := &wire{t: t, answer: func(n int) *http.Response {
		if n%3 == 0 {
			return Answer(503, "busy", "Retry-After", "1")
		}
		return Answer(200, "{}")
	}}
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			resp, err := step(Request(t.Context()), w)
			if (resp == nil) == (err == nil) {
				t.Errorf("the step returned response %v and error %v, want exactly one", resp, err)
			}
			if resp != nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	calls.Wait()
	w.closed(t)
}

// state is what a step must leave alone.
type state struct {
	Method, Host  string
	URL           url.URL
	Header        http.Header
	ContentLength int64
	Body          io.ReadCloser
}

func snapshot(req *http.Request) state {
	return state{req.Method, req.Host, *req.URL, req.Header.Clone(), req.ContentLength, req.Body}
}
