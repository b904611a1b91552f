package pipeline

import (
	"io"
	"maps"
	"net/http"
)

// Sender sends a request and returns its answer. The caller closes the answer's body.
type Sender interface {
	Send(*http.Request) (*http.Response, error)
}

// SenderFunc is a function that sends.
type SenderFunc func(*http.Request) (*http.Response, error)

// Send calls f.
func (f SenderFunc) Send(req *http.Request) (*http.Response, error) { return f(req) }

// Step is one link of the chain; see the package comment for its contract.
type Step func(req *http.Request, next Sender) (*http.Response, error)

// Named is a step and the name it is listed under.
type Named struct {
	Name string
	Step Step
}

// New returns a Sender that runs steps in order, outermost first, before wire.
// The chain is put together here, once, so a step may call its next any number of times.
func New(wire Sender, steps ...Named) Sender {
	s := wire
	for i := len(steps) - 1; i >= 0; i-- {
		step, next := steps[i].Step, s
		s = SenderFunc(func(req *http.Request) (*http.Response, error) { return step(req, next) })
	}
	return s
}

// RoundTripper returns s as an [http.RoundTripper], for clients that want one.
func RoundTripper(s Sender) http.RoundTripper { return roundTripper{s} }

type roundTripper struct{ s Sender }

func (rt roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return rt.s.Send(req) }

// drainLimit is how much of a discarded answer is read so that its connection can be used again;
// a longer one costs less when its connection is closed.
const drainLimit = 64 << 10

// discard reads what is left of an answer nobody wants, up to drainLimit, and closes it.
func discard(resp *http.Response) {
	if resp.Body == nil {
		return
	}
	// An error here is of no interest: the connection is then closed instead of kept.
	_, _ = io.CopyN(io.Discard, resp.Body, drainLimit)
	_ = resp.Body.Close()
}

// hasBody reports whether req carries a body.
func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// closeBody closes the body of a request that is not sent.
func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// copied returns a copy of req with headers of its own, never nil. All else is shared, the URL too:
// Request.Clone would copy more than a header step needs, on every send. So would Header.Clone:
// the lists of values are shared, since steps set headers and never write into a list.
func copied(req *http.Request) *http.Request {
	out := req.WithContext(req.Context())
	if out.Header = maps.Clone(req.Header); out.Header == nil {
		out.Header = http.Header{}
	}
	return out
}

// again returns a copy of req with headers of its own and a fresh body, for a further send.
// It reports false when req has a body that cannot be had again.
func again(req *http.Request) (*http.Request, bool, error) {
	next := copied(req)
	if !hasBody(req) {
		return next, true, nil
	}
	if req.GetBody == nil {
		return nil, false, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, false, err
	}
	next.Body = body
	return next, true, nil
}
