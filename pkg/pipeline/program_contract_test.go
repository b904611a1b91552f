package pipeline_test

import (
	"context"
	"net/http"
	"testing"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

func TestProgramContract(t *testing.T) {
	for _, c := range []struct {
		name string
		acts []string
	}{
		{"next", []string{"read", `print {"next":{}}`, "read"}},
		{"reads nothing", []string{`print {"next":{}}`}},
		{"changes a header", []string{`print {"next":{"headers":{"X":["y"]}}}`, "read", "read", `print {"response":{"headers":{"X":"y"}}}`}},
		{"answers", []string{`print {"response":{"status":204}}`}},
		{"fails", []string{"read", "exit 3"}},
		{"fails late", []string{`print {"next":{}}`, "drain", "exit 3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			step := outside(t, Program(acting(t, c.acts...)))
			pipelinetest.Run(t, func() Step { return step })
		})
	}
}

// outside runs step where synctest's clock does not see it: a process does not count as waiting,
// so the clock of a bubble would stand still for as long as one runs. What crosses the border goes
// over channels and contexts that are made outside.
func outside(t *testing.T, step Step) Step {
	calls := make(chan *crossing)
	go func() {
		for {
			c := &crossing{requests: make(chan *http.Request), answers: make(chan answer), sends: make(chan *http.Request), results: make(chan answer)}
			c.ctx, c.cancel = context.WithCancel(context.Background())
			select {
			case calls <- c:
				go c.run(step)
			case <-t.Context().Done():
				return
			}
		}
	}()
	return func(req *http.Request, next Sender) (*http.Response, error) {
		c := <-calls
		defer c.cancel()
		defer context.AfterFunc(req.Context(), c.cancel)()
		c.requests <- req.WithContext(c.ctx)
		for {
			select {
			case send := <-c.sends:
				resp, err := next.Send(send.WithContext(req.Context()))
				c.answers <- answer{resp, err}
			case a := <-c.results:
				return a.resp, a.err
			}
		}
	}
}

type answer struct {
	resp *http.Response
	err  error
}

type crossing struct {
	ctx             context.Context
	cancel          func()
	requests, sends chan *http.Request
	answers         chan answer // of sends
	results         chan answer // of the step
}

func (c *crossing) run(step Step) {
	resp, err := step(<-c.requests, SenderFunc(func(req *http.Request) (*http.Response, error) {
		c.sends <- req
		a := <-c.answers
		return a.resp, a.err
	}))
	c.results <- answer{resp, err}
}
