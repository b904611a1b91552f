package pipeline_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

func TestRetryTimes(t *testing.T) {
	busy := status(503)
	for _, c := range []struct {
		name    string
		options RetryOptions
		answers []func() *http.Response
		at      []float64 // seconds of each send
		status  int
	}{
		{"retry.defaults", RetryOptions{Max: 3, Delay: 3 * time.Second}, list(busy, busy, busy, status(204)), []float64{0, 3, 9, 21}, 204},
		{"retry.429-then-ok", RetryOptions{Max: 2, Delay: time.Second}, list(status(429, "Retry-After", "1"), status(204)), []float64{0, 1}, 204},
		{"retry.504-exhausted", RetryOptions{Max: 2, Delay: time.Second}, list(status(504)), []float64{0, 1, 3}, 504},
		{"retry.mixed", RetryOptions{Max: 2, Delay: time.Second}, list(status(429, "Retry-After", "1"), busy, status(204)), []float64{0, 1, 3}, 204},
		{"retry.delay-0", RetryOptions{Max: 3}, list(busy), []float64{0, 0, 0, 0}, 503},
		{"retry.time-limit", RetryOptions{Max: 5, Delay: 2 * time.Second, Limit: 3 * time.Second}, list(busy), []float64{0, 2}, 503},
		{"limit met exactly", RetryOptions{Max: 5, Delay: 2 * time.Second, Limit: 6 * time.Second}, list(busy), []float64{0, 2, 6}, 503},
		{"retry.retry-after-0", RetryOptions{Max: 2, Delay: time.Second}, list(status(429, "Retry-After", "0"), status(204)), []float64{0, 0}, 204},
		{"retry.retry-after-garbage", RetryOptions{Max: 2, Delay: time.Second}, list(status(429, "Retry-After", "soon"), status(204)), []float64{0, 1}, 204},
		{"retry.retry-after-float", RetryOptions{Max: 2, Delay: time.Second}, list(status(429, "Retry-After", "1.5"), status(204)), []float64{0, 1}, 204},
		{"retry.retry-after-two", RetryOptions{Max: 2, Delay: 5 * time.Second}, list(status(429, "Retry-After", "1", "Retry-After", "2"), status(204)), []float64{0, 1}, 204},
		{"retry.retry-after-past-date", RetryOptions{Max: 2, Delay: time.Second}, list(status(429, "Retry-After", "Fri, 01 Jan 1999 00:00:00 GMT"), status(204)), []float64{0, 1}, 204},
		// A bubble's clock starts at 2000-01-01 00:00 UTC.
		{"D28 date", RetryOptions{Max: 2, Delay: time.Second}, list(status(503, "Retry-After", "Sat, 01 Jan 2000 00:01:30 GMT"), status(204)), []float64{0, 90}, 204},
		{"D28 date far away", RetryOptions{Max: 1, Delay: time.Second}, list(status(503, "Retry-After", "Wed, 24 Feb 2100 12:00:02 GMT"), status(204)), []float64{0, 180}, 204},
		{"D28 negative", RetryOptions{Max: 1, Delay: 7 * time.Second}, list(status(429, "Retry-After", "-1"), status(204)), []float64{0, 7}, 204},
		{"D28 cap", RetryOptions{Max: 1, Delay: time.Second}, list(status(429, "Retry-After", "100000"), status(204)), []float64{0, 180}, 204},
		{"delay capped", RetryOptions{Max: 2, Delay: 100 * time.Second}, list(busy), []float64{0, 100, 280}, 503},
		{"retry.500-no-retry", RetryOptions{Max: 2, Delay: time.Second}, list(status(500)), []float64{0}, 500},
		{"retry.502-no-retry", RetryOptions{Max: 2, Delay: time.Second}, list(status(502)), []float64{0}, 502},
		{"retry.408-no-retry", RetryOptions{Max: 2, Delay: time.Second}, list(status(408)), []float64{0}, 408},
		{"httperror.429-maxretry0", RetryOptions{Delay: time.Second}, list(status(429)), []float64{0}, 429},
		{"then 400", RetryOptions{Max: 2, Delay: time.Second}, list(busy, status(400)), []float64{0, 1}, 400},
		// The library's own client would trip over this one.
		{"redirect.bad-location", RetryOptions{Max: 2}, list(status(302, "Location", "http://[bad")), []float64{0}, 302},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(t, c.answers...)
				resp, err := call(t.Context(), Retry(c.options), s)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				var at []float64
				for i, r := range s.sent {
					at = append(at, r.At.Seconds())
					checkRetried(t, i, r)
				}
				if !slices.Equal(at, c.at) {
					t.Errorf("sent at %v s, want %v", at, c.at)
				}
				if resp.StatusCode != c.status || Attempts(resp) != len(c.at) {
					t.Errorf("status %d after %d attempts, want %d after %d", resp.StatusCode, Attempts(resp), c.status, len(c.at))
				}
			})
		})
	}
}

func list(answers ...func() *http.Response) []func() *http.Response { return answers }

func checkRetried(t *testing.T, n int, r sent) {
	t.Helper()
	want := ""
	if n > 0 {
		want = string(rune('0' + n))
	}
	if got := r.Header.Get("Retry-Attempt"); got != want {
		t.Errorf("send %d has Retry-Attempt %q, want %q", n+1, got, want)
	}
	if r.Method != "POST" || !strings.Contains(r.Body, "uploadUrl") || r.Header.Get("X-User") != "kept" {
		t.Errorf("send %d is %+v, want the whole request again", n+1, r)
	}
}

func TestRetryTellsOfWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []Wait
		step := Retry(RetryOptions{Max: 2, Delay: 4 * time.Second, Waiting: func(w Wait) { waits = append(waits, w) }})
		s := newScript(t, status(429, "Retry-After", "1"), status(503))
		resp, err := call(t.Context(), step, s)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		want := []Wait{
			{For: time.Second, Status: 429, Attempt: 1, Max: 2, RetryAfter: true},
			{For: 8 * time.Second, Status: 503, Attempt: 2, Max: 2},
		}
		if !slices.Equal(waits, want) {
			t.Errorf("waits %+v, want %+v", waits, want)
		}
	})
}

func TestRetryWaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		s := newScript(t, status(503, "Retry-After", "60"))
		_, err := call(ctx, Retry(RetryOptions{Max: 2}), s)
		if !errors.Is(err, context.Canceled) || time.Since(s.start) != 5*time.Second || len(s.sent) != 1 {
			t.Errorf("error %v after %s and %d sends, want a cancelled one after 5s and 1", err, time.Since(s.start), len(s.sent))
		}
	})
}

func TestRetryLeavesTransportErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut, sends := &TransportError{Host: "h", Phase: PhaseHeaders, Err: errors.New("cut")}, 0
		_, err := call(t.Context(), Retry(RetryOptions{Max: 3}), SenderFunc(func(req *http.Request) (*http.Response, error) {
			if sends++; sends == 1 {
				return pipelinetest.Answer(503, ""), nil
			}
			return nil, cut
		}))
		if err != error(cut) || sends != 2 { // retry.then-close
			t.Errorf("error %v after %d sends, want %v itself after 2", err, sends, cut)
		}
	})
}

func TestRetryNeedsBodyAgain(t *testing.T) {
	s := newScript(t, status(503))
	req := pipelinetest.Request(t.Context())
	req.GetBody = nil
	resp, err := Retry(RetryOptions{Max: 3, Delay: time.Hour})(req, s)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if len(s.sent) != 1 || s.sent[0].Body == "" {
		t.Errorf("sent %+v, want one send with its body", s.sent)
	}
}

func TestRetryKeepsLength(t *testing.T) {
	var lengths []int64
	resp, err := call(t.Context(), Retry(RetryOptions{Max: 1}), SenderFunc(func(req *http.Request) (*http.Response, error) {
		lengths = append(lengths, req.ContentLength)
		return pipelinetest.Answer(503, ""), nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if want := pipelinetest.Request(t.Context()).ContentLength; !slices.Equal(lengths, []int64{want, want}) {
		t.Errorf("lengths %v, want %d twice", lengths, want)
	}
}

func TestAttemptsIgnoresUsersHeader(t *testing.T) {
	req := pipelinetest.Request(t.Context())
	req.Header.Set("Retry-Attempt", "7")
	resp := &http.Response{Request: req}
	if got := Attempts(resp); got != 1 {
		t.Errorf("Attempts = %d, want 1", got)
	}
	if got := Attempts(nil); got != 1 {
		t.Errorf("Attempts(nil) = %d, want 1", got)
	}
}
