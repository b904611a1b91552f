package emulator

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"
)

// SeededID is the id that exists at every id segment of every route; no other id does.
const SeededID = "11111111-2222-3333-4444-555555555555"

const bodyLimit = 4 << 20

// Route is one upload action of the service.
type Route struct {
	Version  string // "v1.0" or "beta"
	Template string // "/…/{some-id}/microsoft.graph.upload…", starting with a slash
}

// Options configures an [Emulator]. Its functions are called from many goroutines at once.
type Options struct {
	// Routes are the paths that exist. The last segment of each must be one of the family's actions.
	Routes []Route
	// Token is the one bearer token that is accepted. If it is empty, or has the form of a JWT, every
	// request gets 401.
	Token string
	// Now is the clock of all answers and of the job. Default: time.Now.
	Now func() time.Time
	// NewID makes request ids and the ids of secrets. Default: random UUIDs.
	NewID func() string
	// JobLength is how long a PKI job shows "running". 0: the job is over with the 204, so that uploads
	// one after another never meet a running one.
	JobLength time.Duration
	// Fetch opens uploadUrl. The emulator reads at most 2 MiB and closes it. Default: the file isn't
	// fetched and the job succeeds.
	Fetch func(ctx context.Context, url string) (io.ReadCloser, error)
}

// Emulator is Graph's upload family in memory. It is safe for concurrent use and keeps nothing per
// request. The zero value isn't usable, see [New].
type Emulator struct {
	token     []byte
	now       func() time.Time
	newID     func() string
	jobLength time.Duration
	fetch     func(ctx context.Context, url string) (io.ReadCloser, error)
	root      *node
	pki       pki
}

// New returns an emulator of the given routes. It panics if a route ends in an action that isn't of
// the upload family, since the caller's table is wrong then.
func New(o Options) *Emulator {
	e := &Emulator{
		token:     []byte(o.Token),
		now:       o.Now,
		newID:     o.NewID,
		jobLength: o.JobLength,
		fetch:     o.Fetch,
		root:      &node{},
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.newID == nil {
		e.newID = newUUID
	}
	e.pki.shown = outcome{status: statusSucceeded}
	e.pki.modified = e.now()
	for _, r := range o.Routes {
		if err := e.root.add(r); err != nil {
			panic(err)
		}
	}
	return e
}

// ServeHTTP answers one request as the service would.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := e.newCall(w, r)
	answer, no := e.handle(c)
	if no != nil {
		c.refuse(no)
		return
	}
	c.answer(answer)
}

// handle goes from the cheapest check to the body, which is read last.
func (e *Emulator) handle(c *call) (any, *refusal) {
	if no := e.authorize(c); no != nil {
		return nil, no
	}
	if no := c.fault(); no != nil {
		return nil, no
	}
	found, ids, no := e.root.find(c.r.URL.EscapedPath())
	if no != nil {
		return nil, no
	}
	op, no := found.operation(c)
	if no != nil {
		return nil, no
	}
	c.op = op
	c.version, _, _ = strings.Cut(strings.TrimPrefix(c.r.URL.Path, "/"), "/")
	for _, id := range ids {
		if id != SeededID {
			return nil, c.notFound(id)
		}
	}
	if c.r.ContentLength > bodyLimit {
		return nil, tooLarge()
	}
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, bodyLimit)
	return op.run(e, c)
}

// authorize refuses every token but the emulator's own. The texts never repeat what was sent.
func (e *Emulator) authorize(c *call) *refusal {
	scheme, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	message := ""
	switch {
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		message = "Access token is empty."
	case looksLikeJWT(token):
		message = "This is an emulator, it never takes real tokens. Send the token that it was started with."
	case subtle.ConstantTimeCompare([]byte(token), e.token) != 1:
		message = "Access token validation failure. Send the token that the emulator was started with."
	default:
		return nil
	}
	c.w.Header().Set("Www-Authenticate", `Bearer realm="emulator", error="invalid_token"`)
	return &refusal{status: http.StatusUnauthorized, code: "InvalidAuthenticationToken", message: message}
}

// looksLikeJWT reports whether token has the form of a signed or encrypted JWT: dotted base64url parts
// of which the first is a JSON object.
func looksLikeJWT(token string) bool {
	return strings.HasPrefix(token, "eyJ") && strings.Count(token, ".") >= 2
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
