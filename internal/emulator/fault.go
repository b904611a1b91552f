package emulator

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const slowLimit = 10 * time.Minute

// plan is a parsed Emulator-Fault header.
type plan struct {
	status     int // 0: no error answer
	retryAfter string
	times      int // 0: always
	slow       time.Duration
	reset      bool
}

// fault does what the Emulator-Fault header asks for. It returns nil if the request is to go on.
func (c *call) fault() *refusal {
	text := c.r.Header.Get("Emulator-Fault")
	if text == "" {
		return nil
	}
	p, ok := parseFault(text)
	if !ok {
		return &refusal{http.StatusBadRequest, "BadRequest", "The Emulator-Fault header can't be read. Write it like 429;retry-after=2, 503;times=1, slow=2s or reset."}
	}
	// Retry-Attempt is absent at first, then 1, 2, … (retry.429-then-ok), which saves the emulator from
	// keeping count
	attempt, _ := strconv.Atoi(c.r.Header.Get("Retry-Attempt"))
	if p.times > 0 && attempt >= p.times {
		return nil
	}
	c.wait(p.slow)
	if p.reset {
		panic(http.ErrAbortHandler)
	}
	if p.status == 0 {
		return nil
	}
	if p.retryAfter != "" {
		c.w.Header().Set("Retry-After", p.retryAfter)
	}
	return &refusal{p.status, faultCode(p.status), "The Emulator-Fault header asked for this answer."}
}

// wait returns early if the client goes away.
func (c *call) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.r.Context().Done():
	}
}

func parseFault(text string) (p plan, ok bool) {
	for part := range strings.SplitSeq(text, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		var err error
		switch key {
		case "reset":
			p.reset, ok = true, value == ""
		case "retry-after":
			p.retryAfter, ok = value, value != ""
		case "times":
			p.times, err = strconv.Atoi(value)
			ok = err == nil && p.times > 0
		case "slow":
			p.slow, err = time.ParseDuration(value)
			ok = err == nil && p.slow >= 0 && p.slow <= slowLimit
		default:
			p.status, err = strconv.Atoi(key)
			ok = err == nil && value == "" && p.status >= 400 && p.status <= 599
		}
		if !ok {
			return plan{}, false
		}
	}
	return p, true
}

// faultCode is the status's name as Graph uses it for errors without a code of their own.
func faultCode(status int) string {
	if name := http.StatusText(status); name != "" {
		return strings.ReplaceAll(name, " ", "")
	}
	return "UnknownError"
}
