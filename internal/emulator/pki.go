package emulator

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"sync"
	"time"
)

const (
	statusRunning   = "running"
	statusSucceeded = "succeeded"
	// guess: the documentation shows no job that went wrong
	statusFailed = "failed"
)

// outcome is how a job ended.
type outcome struct {
	status  string
	details string // "": null
}

// pki is the one PKI object. v1.0 and beta show the same.
type pki struct {
	mu          sync.Mutex
	fetching    bool
	ends        time.Time // of the current job; zero: none
	next        outcome   // what is shown from then on
	shown       outcome
	modified    time.Time
	authorities map[[sha256.Size]byte]struct{} // at most maxAuthorities
}

type pkiAnswer struct {
	Context              string  `json:"@odata.context"`
	ID                   string  `json:"id"`
	DeletedDateTime      *string `json:"deletedDateTime"`
	DisplayName          string  `json:"displayName"`
	LastModifiedDateTime string  `json:"lastModifiedDateTime"`
	Status               string  `json:"status"`
	StatusDetails        *string `json:"statusDetails"`
}

func (e *Emulator) uploadPKI(c *call) (any, *refusal) {
	f, no := c.readFields(member{name: "uploadUrl"}, member{name: "sha256FileHash"})
	if no != nil {
		return nil, no
	}
	if no := c.require(f, "uploadUrl", "sha256FileHash"); no != nil {
		return nil, no
	}
	u, err := url.Parse(f["uploadUrl"])
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, c.invalid("uploadUrl", "an absolute http or https URL is needed")
	}
	// both cases pass: whether the service takes lower case isn't known
	want, err := hex.DecodeString(f["sha256FileHash"])
	if err != nil || len(want) != sha256.Size {
		return nil, c.invalid("sha256FileHash", "64 hexadecimal digits are needed")
	}
	if e.fetch == nil {
		if !e.pki.start(c.now, e.jobLength) {
			return nil, c.busy()
		}
		return nil, nil
	}
	if !e.pki.begin(c.now) {
		return nil, c.busy()
	}
	result, no := e.collect(c, u.String(), want)
	if no != nil {
		e.pki.cancel()
		return nil, no
	}
	e.pki.finish(c.now, e.jobLength, result)
	return nil, nil
}

// busy is a guess: the status is documented, code and text aren't.
func (c *call) busy() *refusal {
	return c.bad("Another upload is in progress. Wait until the status isn't running any more.")
}

func (e *Emulator) getPKI(c *call) (any, *refusal) {
	now, modified := e.pki.look(c.now)
	a := pkiAnswer{
		Context:              c.context("directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/$entity"),
		ID:                   SeededID,
		DisplayName:          "Emulated PKI",
		LastModifiedDateTime: timestamp(modified),
		Status:               now.status,
	}
	if now.details != "" {
		a.StatusDetails = &now.details
	}
	return a, nil
}

// start begins a job that succeeds. It returns false while another is running.
func (p *pki) start(now time.Time, length time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy(now) {
		return false
	}
	p.schedule(now, length, outcome{status: statusSucceeded})
	return true
}

// begin reserves the object for a job whose file is to be fetched; finish or cancel must follow. It
// returns false while another is running.
func (p *pki) begin(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy(now) {
		return false
	}
	p.fetching = true
	return true
}

// cancel gives back what begin reserved.
func (p *pki) cancel() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetching = false
}

// finish ends the fetching of the job that began at now.
func (p *pki) finish(now time.Time, length time.Duration, result outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetching = false
	p.schedule(now, length, result)
}

// look returns what the object shows at a time.
func (p *pki) look(now time.Time) (outcome, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy(now) {
		return outcome{status: statusRunning}, p.modified
	}
	return p.shown, p.modified
}

// schedule settles a job without length at once, so that a request which read the clock a moment
// earlier doesn't meet it.
func (p *pki) schedule(now time.Time, length time.Duration, result outcome) {
	p.ends, p.next = now.Add(length), result
	p.busy(now)
}

// busy ends a job whose time is up and reports whether one is left. There is no timer: only a look
// can tell.
func (p *pki) busy(now time.Time) bool {
	if !p.ends.IsZero() && !now.Before(p.ends) {
		p.shown, p.modified = p.next, p.ends
		p.ends = time.Time{}
	}
	return p.fetching || !p.ends.IsZero()
}
