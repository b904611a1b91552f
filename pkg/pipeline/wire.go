package pipeline

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// Wire returns the end of every chain: rt, with its errors explained as *[TransportError].
//
// It keeps net/http from sending a POST a second time on its own: a connection that dies after
// the first byte was written is an error. A request that was not written at all, because a kept
// connection had gone, is sent on a new one. What holds for HTTP/2 is said at [Transport].
func Wire(rt http.RoundTripper) Sender { return wire{rt} }

type wire struct{ rt http.RoundTripper }

func (w wire) Send(req *http.Request) (*http.Response, error) {
	at := &progress{host: req.URL.Host}
	if call, ok := req.Context().Value(callKey{}).(*call); ok {
		call.underway.Store(at)
		defer call.underway.Store(nil)
	}
	ctx := context.WithValue(req.Context(), progressKey{}, at)
	out := req.WithContext(httptrace.WithClientTrace(ctx, at.trace()))
	hideIdempotency(out)
	resp, err := w.rt.RoundTrip(out)
	if err != nil {
		if resp != nil {
			discard(resp)
		}
		return nil, explain(err, req, at.phase())
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if resp.Body != http.NoBody {
		resp.Body = &explainedBody{resp.Body, req}
	}
	return resp, nil
}

// hideIdempotency renames a user's Idempotency-Key to its lower-case form. net/http looks the
// canonical name up and takes it as leave to replay a POST whose answer was lost; header names
// on the wire are case-blind, so the service sees the same header.
func hideIdempotency(req *http.Request) {
	cloned := false
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key"} {
		values, ok := req.Header[name]
		if !ok {
			continue
		}
		if !cloned {
			req.Header, cloned = req.Header.Clone(), true
		}
		delete(req.Header, name)
		req.Header[strings.ToLower(name)] = values
	}
}

// explainedBody names the phase of a failed read.
type explainedBody struct {
	io.ReadCloser
	req *http.Request
}

func (b *explainedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = explain(err, b.req, PhaseBody)
	}
	return n, err
}

// progress follows one send, so that a failure can be placed without reading its text.
// The trace's functions may be called from several goroutines.
type progress struct {
	host  string
	at    atomic.Int32
	http2 atomic.Bool // it got an HTTP/2 connection
	sent  atomic.Bool // and its headers were written there
}

// progressKey finds the progress of the request that a dial is for.
type progressKey struct{}

var phases = [...]Phase{PhaseConnect, PhaseResolve, PhaseConnect, PhaseTLS, PhaseWrite, PhaseHeaders}

func (p *progress) phase() Phase { return phases[p.at.Load()] }

// left reports whether the request was handed to a connection.
func (p *progress) left() bool { return p.at.Load() >= 4 }

// reach notes a phase; a late word from a dial that lost its race does not set it back.
func (p *progress) reach(n int32) {
	for {
		old := p.at.Load()
		if n <= old || p.at.CompareAndSwap(old, n) {
			return
		}
	}
}

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart:             func(httptrace.DNSStartInfo) { p.reach(1) },
		ConnectStart:         func(string, string) { p.reach(2) },
		TLSHandshakeStart:    func() { p.reach(3) },
		GotConn:              p.got,
		WroteHeaders:         func() { p.sent.Store(p.http2.Load()) },
		WroteRequest:         func(i httptrace.WroteRequestInfo) { p.wrote(i.Err) },
		GotFirstResponseByte: func() { p.reach(5) },
	}
}

func (p *progress) got(i httptrace.GotConnInfo) {
	p.reach(4)
	if c, ok := i.Conn.(*tls.Conn); ok && c.ConnectionState().NegotiatedProtocol == "h2" {
		p.http2.Store(true)
	}
}

func (p *progress) wrote(err error) {
	if err == nil {
		p.reach(5)
	}
}
