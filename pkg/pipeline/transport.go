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
func Transport(o TransportOptions) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(!o.ForceHTTP1)
	return &http.Transport{
		Proxy:       o.Proxy,
		DialContext: dialer(o.DialContext),
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
