package pipeline

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
)

// RequestID returns a step that gives every send a client-request-id of its own, in place of any
// the request has (headers.client-request-id).
func RequestID(newID func() string) Step {
	return func(req *http.Request, next Sender) (*http.Response, error) {
		out := copied(req)
		out.Header.Set("client-request-id", newID())
		return next.Send(out)
	}
}

// NewID returns a random GUID (version 4).
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
