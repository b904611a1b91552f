package pipeline_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

// sent is a request as the scripted wire got it.
type sent struct {
	Method, URL, Body string
	Header            http.Header
	At                time.Duration // since the script began
}

// script is a wire that gives its answers in order, the last again and again.
type script struct {
	t       *testing.T
	answers []func() *http.Response
	sent    []sent
	start   time.Time
}

func newScript(t *testing.T, answers ...func() *http.Response) *script {
	return &script{t: t, answers: answers, start: time.Now()}
}

// status is an answer as pipelinetest makes it.
func status(code int, headers ...string) func() *http.Response {
	return func() *http.Response { return pipelinetest.Answer(code, "body", headers...) }
}

func (s *script) Send(req *http.Request) (*http.Response, error) {
	r := sent{Method: req.Method, URL: req.URL.String(), Header: req.Header.Clone(), At: time.Since(s.start)}
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			s.t.Errorf("read the body of send %d: %v", len(s.sent)+1, err)
		}
		req.Body.Close()
		r.Body = string(b)
	}
	resp := s.answers[min(len(s.sent), len(s.answers)-1)]()
	s.sent = append(s.sent, r)
	resp.Request = req
	return resp, nil
}

// call sends the usual request through step.
func call(ctx context.Context, step Step, s Sender) (*http.Response, error) {
	return New(s, Named{"step", step}).Send(pipelinetest.Request(ctx))
}

// closing closes an answer's body when the test ends.
func closing(t *testing.T, resp *http.Response) *http.Response {
	if resp != nil {
		t.Cleanup(func() { resp.Body.Close() })
	}
	return resp
}
