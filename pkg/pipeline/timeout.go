package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// TimeoutError says that a limit of [Timeout] was reached.
type TimeoutError struct {
	After time.Duration
	Phase Phase  // PhaseHeaders: no answer; PhaseBody: the answer's body stood still
	Note  string // what became of the send that was under way; "" if none was
}

func (e *TimeoutError) Error() string {
	if e.Phase == PhaseBody {
		return fmt.Sprintf("the answer's body made no progress for %s", seconds(e.After))
	}
	return fmt.Sprintf("the request was not answered within %s%s", seconds(e.After), e.Note)
}

// call is what Timeout shares of a call: with Wire, so that an error can say whether the service
// may have seen the request, and with Retry, so that no wait goes past the end (D28).
type call struct {
	underway atomic.Pointer[progress]
	ends     time.Time
}

type callKey struct{}

func (c *call) note() string {
	switch p := c.underway.Load(); {
	case p == nil: // a wait between two sends, or a chain that does not end in Wire
		return ""
	case p.left():
		return fmt.Sprintf("; it was sent to %s, which may have acted on it", p.host)
	default:
		return fmt.Sprintf("; it was not sent (%s: %s)", p.host, p.phase())
	}
}

// Timeout reports true, as a net.Error would.
func (e *TimeoutError) Timeout() bool { return true }

// minIdle keeps a short limit on a call from cutting off an answer that has begun: the upload has
// happened then, and its answer is worth the wait.
const minIdle = 30 * time.Second

func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

// Timeout returns a step that ends a call with a *[TimeoutError] when the headers of its final
// answer are not there after d, waits between retries included (network.retry-and-timeout). From
// then on only a body that stands still for d, and at least for minIdle, is ended; a slow one may
// take its time (network.timeout-model-body: a body that begins after d is read). The answer's
// body must be closed. d of 0 or less: no limit.
func Timeout(d time.Duration) Step {
	return func(req *http.Request, next Sender) (*http.Response, error) {
		if d <= 0 {
			return next.Send(req)
		}
		ctx, cancel := context.WithCancelCause(req.Context())
		c := &call{ends: time.Now().Add(d)}
		ctx = context.WithValue(ctx, callKey{}, c)
		timer := time.AfterFunc(d, func() { cancel(&TimeoutError{After: d, Phase: PhaseHeaders, Note: c.note()}) })
		resp, err := next.Send(req.WithContext(ctx))
		timer.Stop()
		if late, ok := errors.AsType[*TimeoutError](context.Cause(ctx)); ok && req.Context().Err() == nil {
			if err == nil {
				discard(resp)
			}
			return nil, late
		}
		if err != nil {
			cancel(nil)
			return nil, err
		}
		if resp.Body == nil || resp.Body == http.NoBody {
			resp.Body = http.NoBody
			cancel(nil)
			return resp, nil
		}
		resp.Body = newIdleBody(resp.Body, max(d, minIdle), ctx, cancel)
		return resp, nil
	}
}

// idleBody ends a Read that takes longer than limit. Time between reads does not count: it is the
// reader's own.
type idleBody struct {
	body   io.ReadCloser
	limit  time.Duration
	timer  *time.Timer
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func newIdleBody(body io.ReadCloser, limit time.Duration, ctx context.Context, cancel context.CancelCauseFunc) *idleBody {
	timer := time.AfterFunc(limit, func() { cancel(&TimeoutError{After: limit, Phase: PhaseBody}) })
	timer.Stop()
	return &idleBody{body, limit, timer, ctx, cancel}
}

func (b *idleBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.limit)
	n, err := b.body.Read(p)
	b.timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		if late, ok := errors.AsType[*TimeoutError](context.Cause(b.ctx)); ok {
			err = late
		}
	}
	return n, err
}

// Close closes the body and lets go of the context that lived for it.
func (b *idleBody) Close() error {
	b.timer.Stop()
	err := b.body.Close()
	b.cancel(nil)
	return err
}
