package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/pipeline"
)

// defaultOrigin is where a request goes before the environment is known: what
// user steps see (steps.inspect-request).
const defaultOrigin = "https://graph.microsoft.com"

const sdkVersionHeader = "Sdkversion" // as net/http spells it

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
