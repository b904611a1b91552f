package pipeline

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"syscall"
	"unicode"
)

// Phase is the part of an exchange in which it failed.
type Phase string

// The phases, in their order. PhaseProxy stands for all that happens before a proxy's tunnel is open.
const (
	PhaseResolve Phase = "resolve"
	PhaseConnect Phase = "connect"
	PhaseProxy   Phase = "proxy"
	PhaseTLS     Phase = "TLS handshake"
	PhaseWrite   Phase = "send request"
	PhaseHeaders Phase = "read headers"
	PhaseBody    Phase = "read body"
)

// TransportError is a failure below HTTP: no answer, or not a whole one.
// Its text holds host, phase and cause, and nothing of the URL but the host.
type TransportError struct {
	Host  string // as in the URL, with its port if that is written there
	Phase Phase
	Err   error // what net/http said; nil is not allowed
}

func (e *TransportError) Error() string {
	if e.Phase == PhaseProxy {
		return e.Host + ": " + proxyCause(e.Err)
	}
	text := e.Host + ": " + string(e.Phase) + ": " + cause(e.Err)
	if e.Phase == PhaseHeaders && !refused(e.Err) {
		text += "; the service may have acted on the request"
	}
	return text
}

// Unwrap returns what net/http said.
func (e *TransportError) Unwrap() error { return e.Err }

// Explain turns an error of net/http into a *[TransportError]. The errors of this package and
// those of a request whose context has ended come back as they are, without the *[url.Error]
// a client puts around them. Explain(nil, req) is nil.
func Explain(err error, req *http.Request) error { return explain(err, req, PhaseConnect) }

// explain places err at the given phase unless its type tells better.
func explain(err error, req *http.Request, at Phase) error {
	for {
		u, ok := err.(*url.Error) //nolint:errorlint // only the wrapping a client put around everything
		if !ok {
			break
		}
		err = u.Err
	}
	if err == nil || req.Context().Err() != nil || ours(err) {
		return err
	}
	return &TransportError{Host: req.URL.Host, Phase: phaseOf(err, at), Err: err}
}

// ours reports whether err has its final words already.
func ours(err error) bool {
	return is[*TransportError](err) || is[*TokenError](err) || is[*TimeoutError](err) ||
		is[*RedirectError](err) || errors.Is(err, context.Canceled)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func phaseOf(err error, at Phase) Phase {
	if is[*dialError](err) {
		return PhaseProxy
	}
	op, _ := errors.AsType[*net.OpError](err)
	switch {
	case is[*givenUpError](err):
		return PhaseHeaders
	case op != nil && op.Op == "proxyconnect":
		return PhaseProxy
	case is[*net.DNSError](err):
		return PhaseResolve
	case op != nil && op.Op == "dial":
		return PhaseConnect
	case op != nil && op.Op == "remote error": // an alert; TLS 1.3 has some arrive behind the handshake
		return PhaseTLS
	case is[*tls.CertificateVerificationError](err), is[tls.RecordHeaderError](err), errors.Is(err, http.ErrSchemeMismatch):
		return PhaseTLS
	}
	return at
}

// dialError marks what a dialer of the caller's said in its own words.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// cause is the shortest text that says what went wrong.
func cause(err error) string {
	if e, ok := errors.AsType[*dialError](err); ok {
		return printable(e.Error())
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return dnsCause(e)
	}
	if text := tlsCause(err); text != "" {
		return text
	}
	if e, ok := errors.AsType[streamError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[textproto.ProtocolError](err); ok {
		return "malformed header: " + printable(strings.TrimPrefix(string(e), "malformed MIME header: "))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed before the answer was complete"
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "timed out"
	}
	text := strings.TrimPrefix(innermost(err).Error(), "net/http: ")
	return printable(strings.TrimPrefix(text, "http2: "))
}

// streamError has the form by which net/http's own, which is not exported, gives itself away to
// [errors.As].
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

const refusedStream = 7

// codes are the error codes of RFC 9113, 7.
var codes = [...]string{"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
	"FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"}

func (e streamError) Error() string {
	name := fmt.Sprint("error ", e.Code)
	if e.Code < uint32(len(codes)) {
		name = codes[e.Code]
	}
	if e.Code == refusedStream {
		return "the service refused the request unprocessed (HTTP/2 " + name + ")"
	}
	return "the service reset the request (HTTP/2 " + name + ")"
}

// refused reports whether the service said that it has not acted on the request.
func refused(err error) bool {
	e, ok := errors.AsType[streamError](err)
	return ok && e.Code == refusedStream
}

// proxyCause names the proxy. A dialer of the caller's has done so itself; net/http leaves it to
// the address that was dialled, in which there is no password.
func proxyCause(err error) string {
	connect, _ := errors.AsType[*net.OpError](err)
	if connect == nil || connect.Op != "proxyconnect" {
		return cause(err)
	}
	if dial, ok := errors.AsType[*net.OpError](connect.Err); ok && dial.Addr != nil {
		return "proxy " + dial.Addr.String() + ": " + cause(err)
	}
	return "proxy: " + cause(err)
}

func dnsCause(e *net.DNSError) string {
	switch {
	case e.IsNotFound:
		return "no such host"
	case e.IsTimeout:
		return "the name servers did not answer in time"
	}
	return printable(e.Err)
}

// tlsCause is empty when err is not about TLS.
func tlsCause(err error) string {
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is not valid for " + e.Host
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if e.Reason == x509.Expired {
			return "the certificate has expired or is not yet valid; check the clock"
		}
		return "the certificate is not valid: " + printable(e.Error())
	}
	if is[x509.UnknownAuthorityError](err) {
		return "the certificate is signed by an unknown authority; add its CA to the trusted roots"
	}
	if is[*tls.CertificateVerificationError](err) {
		return "the certificate could not be verified: " + printable(innermost(err).Error())
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return "the server refused: " + printable(strings.TrimPrefix(op.Err.Error(), "tls: "))
	}
	if is[tls.RecordHeaderError](err) || errors.Is(err, http.ErrSchemeMismatch) {
		return "the server does not speak TLS on this port"
	}
	return ""
}

// innermost follows single wraps to the error that started it.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// printable makes words of another's fit for one line of a terminal: no control characters,
// at most 200 characters.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}

// TokenError says that no token could be had. It is never retried.
type TokenError struct{ Err error }

func (e *TokenError) Error() string { return fmt.Sprintf("no access token: %v", e.Err) }

// Unwrap returns the token source's error.
func (e *TokenError) Unwrap() error { return e.Err }
