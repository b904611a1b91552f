package pipeline

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"time"
)

// maxHeaderBytes is what the real one takes of response headers (network.huge-header).
const maxHeaderBytes = 64 << 10

// TransportOptions are the settings of [Transport]. The zero value connects directly and trusts
// the system's roots.
type TransportOptions struct {
	// RootCAs are the trusted roots; nil means the system's.
	RootCAs *x509.CertPool
	// DialContext opens connections, through a proxy if there is one; nil means a plain dialer.
	// Its errors are shown in their own words.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Proxy picks a proxy as net/http does; nil means none. It is not needed with a DialContext
	// that knows the proxy.
	Proxy func(*http.Request) (*url.URL, error)
	// ForceHTTP1 leaves HTTP/2 out.
	ForceHTTP1 bool
}

// Transport returns a transport for [Wire]: HTTP/2 where the server has it, TLS 1.2 or later,
// connections kept open, no compression of its own, no cookies. It has no time limits but one of
// 30 s for a connection; [Timeout] has the others. CloseIdleConnections ends the kept connections.
//
// A request that an HTTP/2 server refused with REFUSED_STREAM goes out again on the same
// connection, up to six times. One whose HTTP/2 connection went away does not.
func Transport(o TransportOptions) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(!o.ForceHTTP1)
	return &http.Transport{
		Proxy:       o.Proxy,
		DialContext: unsent(dialer(o.DialContext)),
		Protocols:   &protocols,
		// A fresh one: a transport writes its protocols into it.
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
		DisableCompression:     true, // Gzip does it
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

func dialer(dial dialFunc) dialFunc {
	if dial == nil {
		return (&net.Dialer{Timeout: 30 * time.Second}).DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
		if _, plain := err.(*net.OpError); plain { //nolint:errorlint // a wrapped one has words of its own
			return nil, err
		}
		return nil, &dialError{err}
	}
}

// errGivenUp is why a request was not sent once more.
var errGivenUp = &givenUpError{}

type givenUpError struct{}

func (*givenUpError) Error() string {
	return "the service gave the HTTP/2 connection up in place of an answer"
}

// unsent refuses a dial for a request that an HTTP/2 connection has had already. net/http would
// send it again after a GOAWAY, which is harmless, and also after a reset with PROTOCOL_ERROR,
// when nothing says that the server has not acted on it; as long as new connections end so too it
// would go on for ever, without a pause. Both cost the connection, and which of the two it was
// cannot be told from here.
func unsent(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if p, ok := ctx.Value(progressKey{}).(*progress); ok && p.sent.Load() {
			return nil, errGivenUp
		}
		return dial(ctx, network, addr)
	}
}
