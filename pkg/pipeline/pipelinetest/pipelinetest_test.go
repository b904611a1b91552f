package pipelinetest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

// broken are steps that break the contract in one way each, and what the suite says of them.
var broken = []struct {
	name, says string
	step       pipeline.Step
}{
	{"nothing", "want exactly one", func(req *http.Request, _ pipeline.Sender) (*http.Response, error) {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, nil
	}},
	{"header", "changed its request", func(req *http.Request, next pipeline.Sender) (*http.Response, error) {
		req.Header.Set("X", "y")
		return next.Send(req)
	}},
	{"url", "changed its request", func(req *http.Request, next pipeline.Sender) (*http.Response, error) {
		req.URL.Path = "/"
		return next.Send(req)
	}},
	{"leak", "was never closed", func(req *http.Request, next pipeline.Sender) (*http.Response, error) {
		if _, err := next.Send(req); err != nil {
			return nil, err
		}
		return pipelinetest.Answer(200, "mine"), nil
	}},
	{"reads", "bytes, want the wire's", func(req *http.Request, next pipeline.Sender) (*http.Response, error) {
		resp, err := next.Send(req)
		if err == nil {
			_, _ = io.CopyN(io.Discard, resp.Body, 1)
		}
		return resp, err
	}},
	{"short circuit", "request's body was never closed", func(*http.Request, pipeline.Sender) (*http.Response, error) {
		return pipelinetest.Answer(204, ""), nil
	}},
	{"second send", "a send carried the body", func(req *http.Request, next pipeline.Sender) (*http.Response, error) {
		if resp, err := next.Send(req); err == nil {
			resp.Body.Close()
		}
		return next.Send(req)
	}},
	{"swallows", "does not wrap", func(req *http.Request, next pipeline.Sender) (*http.Response, error) {
		resp, err := next.Send(req)
		if err != nil {
			return nil, errors.New("oops")
		}
		return resp, nil
	}},
	{"deaf", "after its context", func(req *http.Request, next pipeline.Sender) (*http.Response, error) {
		resp, err := next.Send(req)
		if errors.Is(err, context.Canceled) {
			time.Sleep(time.Minute)
		}
		return resp, err
	}},
}

func TestRunPassesGoodStep(t *testing.T) {
	pipelinetest.Run(t, func() pipeline.Step {
		var calls sync.Map
		return func(req *http.Request, next pipeline.Sender) (*http.Response, error) {
			calls.Store(req, true)
			return next.Send(req)
		}
	})
}

// TestRunFindsBrokenSteps runs the suite in a process of its own for each step, since a test
// cannot expect another to fail.
func TestRunFindsBrokenSteps(t *testing.T) {
	if name := os.Getenv("PIPELINETEST_BROKEN"); name != "" {
		for _, b := range broken {
			if b.name == name {
				pipelinetest.Run(t, func() pipeline.Step { return b.step })
			}
		}
		return
	}
	for _, b := range broken {
		t.Run(b.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestRunFindsBrokenSteps$")
			cmd.Env = append(os.Environ(), "PIPELINETEST_BROKEN="+b.name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), b.says) {
				t.Errorf("the suite ended with %v and does not say %q:\n%s", err, b.says, out)
			}
		})
	}
}
