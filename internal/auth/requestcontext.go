package auth

import (
	"fmt"
	"math"
)

// RequestContext is what Set-MgRequestContext keeps. It outlives the session
// (rc.after-disconnect).
type RequestContext struct {
	ClientTimeout    int // seconds; may be 0 or negative, as recorded
	RetryDelay       int // seconds, 0 to 180
	MaxRetry         int // 0 to 10
	RetriesTimeLimit int // seconds; 0 means no limit
}

// The ranges Set-MgRequestContext accepts; binding refuses the rest
// (rc.set-maxretry-11).
const (
	MaxRetryDelay = 180
	MaxMaxRetry   = 10
)

const maxTimeSpan = 922337203685 // seconds; what .NET can count

// DefaultRequestContext returns what is in force when nothing was set.
func DefaultRequestContext() RequestContext {
	return RequestContext{ClientTimeout: 300, RetryDelay: 3, MaxRetry: 3}
}

// RequestContext returns the stored settings or the defaults.
func (a *Auth) RequestContext() (RequestContext, error) {
	f, err := a.load()
	if f.Request == nil {
		return DefaultRequestContext(), err
	}
	return *f.Request, err
}

// SetRequestContext changes the stored settings and returns them. The values
// are in range: binding saw to that.
func (a *Auth) SetRequestContext(change func(*RequestContext)) (RequestContext, error) {
	var now RequestContext
	err := a.update(func(f *file) error {
		now = DefaultRequestContext()
		if f.Request != nil {
			now = *f.Request
		}
		change(&now)
		f.Request = &now
		return nil
	})
	return now, err
}

// TimeSpan writes seconds as .NET writes a TimeSpan: 00:05:00, 1.03:46:40,
// -00:00:01.
func TimeSpan(seconds int) string {
	sign := ""
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	s := fmt.Sprintf("%02d:%02d:%02d", seconds/3600%24, seconds/60%60, seconds%60)
	if days := seconds / 86400; days > 0 {
		s = fmt.Sprintf("%d.%s", days, s)
	}
	return sign + s
}

// clientTimeout turns -ClientTimeout into whole seconds, never a fraction of
// one to 0, which would mean no time at all (connect.timeout-huge for the text).
func clientTimeout(seconds float64) (int, error) {
	if math.IsNaN(seconds) || math.Abs(seconds) > maxTimeSpan {
		return 0, fail(KindSignIn, "", "TimeSpan overflowed because the duration is too long.")
	}
	if seconds > 0 {
		return int(math.Ceil(seconds)), nil
	}
	return int(math.Floor(seconds)), nil
}
