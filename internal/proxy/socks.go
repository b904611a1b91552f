package proxy

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"

	"golang.org/x/net/proxy"
)

// socks opens a connection through the SOCKS5 proxy at u, which resolves the
// target's name. Of the credentials only user and password can be used.
func (c *Config) socks(ctx context.Context, u *url.URL, network, addr string) (net.Conn, error) {
	host := hostPort(u)
	var auth *proxy.Auth
	if cred := c.credential(u); cred != nil {
		auth = &proxy.Auth{User: cred.User, Password: cred.Password}
	}
	first := &firstHop{dial: c.base}
	d, err := proxy.SOCKS5("tcp", host, auth, first)
	if err != nil {
		return nil, &Error{Proxy: host, Phase: PhaseSOCKS, Err: err}
	}
	conn, err := d.(proxy.ContextDialer).DialContext(ctx, network, addr)
	switch {
	case err == nil:
		return conn, nil
	case first.err != nil:
		return nil, &Error{Proxy: host, Phase: PhaseDial, Err: first.err}
	case errors.Is(err, os.ErrDeadlineExceeded): // may come before ctx knows
		return nil, &Error{Proxy: host, Phase: PhaseSOCKS, Err: context.DeadlineExceeded}
	case ctx.Err() != nil:
		return nil, &Error{Proxy: host, Phase: PhaseSOCKS, Err: ctx.Err()}
	case first.method == noMethod && auth == nil:
		return nil, &Error{Proxy: host, Phase: PhaseSOCKS, Reason: "it wants user and password; give -ProxyCredential", Err: err}
	}
	return nil, &Error{Proxy: host, Phase: PhaseSOCKS, Err: err}
}

// noMethod is a SOCKS5 proxy's answer when it wants another login (RFC 1928, 3).
const noMethod = 0xff

// firstHop remembers what the library does not tell apart: whether the way to
// the proxy failed, and which login method the proxy chose.
type firstHop struct {
	dial   DialFunc
	err    error
	method byte
}

var errNoContext = errors.New("dial without a context")

// Dial only completes proxy.Dialer; the library calls DialContext.
func (f *firstHop) Dial(string, string) (net.Conn, error) { return nil, errNoContext }

func (f *firstHop) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := f.dial(ctx, network, addr)
	f.err = err
	if err != nil {
		return nil, err
	}
	return &methodConn{Conn: conn, hop: f}, nil
}

// methodConn notes the second byte that is read, the method.
type methodConn struct {
	net.Conn
	hop  *firstHop
	read int
}

func (c *methodConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.read < 2 {
		if n > 1-c.read {
			c.hop.method = p[1-c.read]
		}
		c.read += n
	}
	return n, err
}
