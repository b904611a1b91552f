package pipeline

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// maxWait is the longest wait between two sends, whatever the service asks for (D28).
const maxWait = 180 * time.Second

// RetryOptions are the settings of [Retry]. The zero value retries nothing.
type RetryOptions struct {
	Max     int           // how many sends may follow the first; 0: none
	Delay   time.Duration // the first wait, doubled for each further one, when the service names none
	Limit   time.Duration // what all waits of a call may add up to; 0: no limit
	Waiting func(Wait)    // told before each wait; nil: nobody is told
}

// Wait describes a wait before a further send.
type Wait struct {
	For        time.Duration
	Status     int  // of the answer that is being retried
	Attempt    int  // 1 for the first retry
	Max        int  // how many there may be
	RetryAfter bool // the service asked for this long
}

// Retry returns a step that repeats a request answered 429, 503 or 504 (retry.500-no-retry and
// siblings for what is not), POST included, with its body and `Retry-Attempt: n`. Transport errors
// are not retried (retry.then-close), nor is a body that cannot be had again. When all retries are
// used up, or the next wait would pass Limit (retry.time-limit), the last answer is the answer
// (D05). The end of the context ends a wait at once, with the context's error.
func Retry(o RetryOptions) Step {
	return func(req *http.Request, next Sender) (*http.Response, error) {
		if o.Max <= 0 || hasBody(req) && req.GetBody == nil {
			return next.Send(req)
		}
		// The library comes in when there is something to repeat: most calls end here.
		first, err := next.Send(req)
		if err != nil || !retried(first.StatusCode) {
			return first, err
		}
		call := &retryCall{options: o, next: next, first: first}
		out, err := call.request(req)
		if err != nil {
			discard(first)
			return nil, err
		}
		if _, err := call.client().Do(out); err != nil {
			return nil, call.failure(err)
		}
		return call.resp, nil
	}
}

// Attempts returns how many sends the call took that resp answers: 1 and one for each retry.
func Attempts(resp *http.Response) int {
	if resp == nil || resp.Request == nil {
		return 1
	}
	n, _ := resp.Request.Context().Value(attemptKey{}).(int)
	return 1 + n
}

// attemptKey finds the number of the retry in a request's context. The Retry-Attempt header would
// do but for a user who sends one of his own.
type attemptKey struct{}

// retryCall is the state of one call. The library's client shows its hooks neither the number of
// the attempt nor the time waited, so they are kept here.
type retryCall struct {
	options RetryOptions
	next    Sender

	first  *http.Response // answer of the send before the library came in, until it has seen it
	sent   int            // sends so far
	resp   *http.Response // answer of the last send
	err    error          // its error
	wait   Wait           // the wait that follows it
	waited time.Duration
}

// request wraps a copy of req. The library would read the whole body into memory unless it is
// given a function, and then forgets the length.
func (c *retryCall) request(req *http.Request) (*retryablehttp.Request, error) {
	out := &retryablehttp.Request{Request: req.WithContext(req.Context())}
	out.Body = nil
	if !hasBody(req) {
		return out, nil
	}
	if err := out.SetBody(retryablehttp.ReaderFunc(reader(req.GetBody))); err != nil {
		return nil, err
	}
	out.ContentLength, out.GetBody = req.ContentLength, req.GetBody
	return out, nil
}

func (c *retryCall) client() *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: RoundTripper(SenderFunc(c.send)), CheckRedirect: lastResponse},
		RetryMax:     c.options.Max,
		CheckRetry:   c.check,
		Backoff:      c.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler, // the last answer is kept
	}
}

func lastResponse(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// send is one attempt. The client above gets the answer's status and body only: given a Location
// it would try to make sense of it.
func (c *retryCall) send(req *http.Request) (*http.Response, error) {
	ctx, n := req.Context(), c.sent
	if c.resp, c.err = nil, ctx.Err(); c.err != nil {
		closeBody(req)
		return nil, c.err
	}
	c.sent++
	out := req
	if n == 0 {
		closeBody(req)
		c.resp, c.first = c.first, nil
	} else {
		out = copied(req.WithContext(context.WithValue(ctx, attemptKey{}, n)))
		out.Header.Set("Retry-Attempt", strconv.Itoa(n))
		if c.resp, c.err = c.next.Send(out); c.err != nil {
			return nil, c.err
		}
	}
	if c.resp.Body == nil {
		c.resp.Body = http.NoBody
	}
	if c.resp.Request == nil {
		c.resp.Request = out
	}
	bare := &http.Response{StatusCode: c.resp.StatusCode, Body: c.resp.Body, ContentLength: -1}
	return bare, nil
}

func (c *retryCall) check(ctx context.Context, _ *http.Response, _ error) (bool, error) {
	if c.err != nil || c.resp == nil || !retried(c.resp.StatusCode) {
		return false, nil
	}
	c.wait = Wait{Status: c.resp.StatusCode, Attempt: c.sent, Max: c.options.Max}
	c.wait.For, c.wait.RetryAfter = retryAfter(c.resp.Header, time.Now())
	if !c.wait.RetryAfter {
		c.wait.For = doubled(c.options.Delay, c.sent-1)
	}
	if call, ok := ctx.Value(callKey{}).(*call); ok && time.Now().Add(c.wait.For).After(call.ends) {
		return false, nil
	}
	return c.options.Limit <= 0 || c.waited+c.wait.For <= c.options.Limit, nil
}

// backoff is asked only before a wait that will happen.
func (c *retryCall) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
	c.waited += c.wait.For
	if c.options.Waiting != nil {
		c.options.Waiting(c.wait)
	}
	return c.wait.For
}

// failure prefers the error as the step below returned it.
func (c *retryCall) failure(err error) error {
	if c.err != nil {
		return c.err
	}
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // only the wrapping a client put around everything
		return u.Err
	}
	return err
}

func retried(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// doubled is delay × 2^n, at most maxWait: 3, 6, 12 s (retry.defaults).
func doubled(delay time.Duration, n int) time.Duration {
	for ; n > 0 && delay < maxWait; n-- {
		delay *= 2
	}
	return max(0, min(delay, maxWait))
}

// retryAfter reads the first Retry-After (retry.retry-after-two): whole seconds or an HTTP date
// that is still to come. It reports false for anything else, a fraction (retry.retry-after-float)
// and a negative number (D28) among it.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	values := h["Retry-After"]
	if len(values) == 0 {
		return 0, false
	}
	text := strings.TrimSpace(values[0])
	if text != "" && strings.Trim(text, "0123456789") == "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil { // too many digits
			return maxWait, true
		}
		return min(time.Duration(n)*time.Second, maxWait), true
	}
	date, err := http.ParseTime(text)
	if err != nil || !date.After(now) {
		return 0, false
	}
	return min(date.Sub(now), maxWait), true
}

func reader(getBody func() (io.ReadCloser, error)) func() (io.Reader, error) {
	return func() (io.Reader, error) { return getBody() }
}
