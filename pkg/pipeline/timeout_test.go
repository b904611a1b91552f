package pipeline_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

// silent never answers.
var silent = SenderFunc(func(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, context.Cause(req.Context())
})

func TestTimeoutHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := call(t.Context(), Timeout(300*time.Second), silent) // network.silent
		e, ok := errors.AsType[*TimeoutError](err)
		if !ok || e.Phase != PhaseHeaders || e.After != 300*time.Second || time.Since(start) != e.After {
			t.Errorf("error %#v after %s, want a timeout after 300 s", err, time.Since(start))
		}
		if want := "the request was not answered within 300 s"; err != nil && err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
	})
}

// A wait that would go past the end is not begun: the answer that asked for it is the answer (D28;
// the real one waits and then reports a timeout, network.retry-and-timeout).
func TestTimeoutCoversRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t, status(503, "Retry-After", "1"), status(503, "Retry-After", "100000"))
		chain := New(s, Named{"timeout", Timeout(2 * time.Second)}, Named{"retry", Retry(RetryOptions{Max: 3})})
		resp, err := chain.Send(pipelinetest.Request(t.Context()))
		if err != nil || resp.StatusCode != 503 || Attempts(resp) != 2 || time.Since(s.start) != time.Second {
			t.Fatalf("answer %v and error %v after %s, want the second 503 after 1s", resp, err, time.Since(s.start))
		}
		resp.Body.Close()
	})
}

// drip gives one byte each time its delay has passed, and stops for good where delays end.
type drip struct {
	ctx    context.Context
	delays []time.Duration
}

func (d *drip) Read(p []byte) (int, error) {
	if len(d.delays) == 0 {
		return 0, io.EOF
	}
	select {
	case <-time.After(d.delays[0]):
		d.delays = d.delays[1:]
		p[0] = 'x'
		return 1, nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

func TestTimeoutBody(t *testing.T) {
	for _, c := range []struct {
		name   string
		delays []time.Duration
		text   string
		err    string
	}{
		{"network.timeout-model-body", []time.Duration{time.Second, time.Second, time.Second, time.Second}, "xxxx", ""},
		{"network.timeout-model-body, begins late", []time.Duration{3 * time.Second}, "x", ""},
		{"stands still", []time.Duration{time.Second, 31 * time.Second}, "x", "the answer's body made no progress for 30 s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				resp, err := call(t.Context(), Timeout(2*time.Second), SenderFunc(func(req *http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 200, Body: io.NopCloser(&drip{req.Context(), c.delays})}, nil
				}))
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour) // the reader's own time does not count
				text, err := io.ReadAll(resp.Body)
				if string(text) != c.text || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
					t.Errorf("read %q and error %v, want %q and %q", text, err, c.text, c.err)
				}
				resp.Body.Close()
			})
		})
	}
}

func TestTimeoutKeepsContextUntilClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inner context.Context
		resp, err := call(t.Context(), Timeout(time.Second), SenderFunc(func(req *http.Request) (*http.Response, error) {
			inner = req.Context()
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("x"))}, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		if inner.Err() != nil {
			t.Error("the context ended before the body was closed")
		}
		resp.Body.Close()
		if inner.Err() == nil {
			t.Error("the context lives on after the body was closed")
		}
	})
}

func TestTimeoutLeavesCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := call(ctx, Timeout(time.Minute), silent)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want a cancelled one", err)
		}
	})
}
