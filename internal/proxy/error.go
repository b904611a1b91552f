package proxy

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// Phase says how far a connection through the proxy came.
type Phase string

// The phases, in their order.
const (
	PhaseAddress Phase = "address" // finding out which proxy to use
	PhaseDial    Phase = "dial"    // connecting to the proxy
	PhaseTLS     Phase = "tls"     // TLS with an https proxy
	PhaseSOCKS   Phase = "socks5"  // the SOCKS5 conversation
	PhaseConnect Phase = "connect" // asking for the tunnel
	PhaseAuth    Phase = "auth"    // answering 407
)

// Error is a failure at or before the proxy. Its text holds no secret: neither
// user nor password nor anything the proxy wrote except scheme names.
type Error struct {
	Proxy   string   // host:port, empty when it is not known
	Phase   Phase    // where it failed
	Status  int      // the proxy's HTTP status, 0 without an answer
	Offered []string // the schemes the proxy offered with a 407
	Reason  string   // what is wrong and what to do, empty when Err says it
	Err     error    // the cause, or nil
}

// Error returns one line without a full stop.
func (e *Error) Error() string {
	head := strings.TrimSuffix("proxy "+e.Proxy, " ")
	if e.Phase == PhaseAuth {
		return head + " " + e.Reason
	}
	if e.Phase == PhaseTLS || e.Phase == PhaseSOCKS {
		head += ": " + string(e.Phase)
	}
	if e.Reason != "" {
		head += ": " + e.Reason
	}
	if e.Err != nil {
		head += ": " + causeText(e.Err)
	}
	return head
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// causeText leaves out the addresses that net.OpError repeats.
func causeText(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		return op.Err.Error()
	}
	return err.Error()
}

// statusText is a status without the proxy's own words.
func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// or joins names as a sentence does: "Negotiate, NTLM or Basic".
func or(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// noScheme is the error for a 407 that nothing here can answer. notes says for
// each scheme in order why not.
func noScheme(proxy string, c *Config, hasCredential bool, offered, notes []string) *Error {
	e := &Error{Proxy: proxy, Phase: PhaseAuth, Status: http.StatusProxyAuthRequired, Offered: offered}
	if len(offered) == 0 {
		e.Reason = "wants credentials (407) but names no scheme"
		return e
	}
	e.Reason = "wants " + or(offered)
	switch {
	case !hasCredential && !c.UseDefaultCredentials && !speaks(offered):
		e.Reason += ", which is not supported"
	case !hasCredential && !c.UseDefaultCredentials:
		e.Reason += "; give -ProxyCredential"
		if has(offered, negotiateScheme) || has(offered, ntlmScheme) {
			e.Reason += " or -ProxyUseDefaultCredentials"
		}
	case len(notes) == 0:
		e.Reason += ", which is not supported"
	default:
		e.Reason += "; " + strings.Join(notes, "; ")
	}
	return e
}
