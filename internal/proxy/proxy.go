// Package proxy opens connections through an HTTP, HTTPS or SOCKS5 proxy,
// answering Basic, Digest, NTLM and Negotiate challenges on the way (D01).
//
// It works below net/http, as a dialer: the schemes that take several legs on
// one connection cannot be spoken through http.Transport.Proxy, which gives up
// at the first 407. Every target is therefore reached through a tunnel: CONNECT
// for plain http targets too, so the proxy must allow CONNECT to their port.
package proxy

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// setupLimit bounds opening one tunnel, dialling and logging in included. It
// matters when the context has no deadline: net/http detaches the context it
// dials with from the deadline of the request.
const setupLimit = time.Minute

// Config says which proxy to use and who the user is. The zero value connects
// directly. A Config must not be changed once in use; it may then be used by
// several goroutines.
type Config struct {
	// URL is the proxy: http, https, socks5 or socks5h (both resolve names at
	// the proxy). User and password in it are a Credential. It is used for every
	// target, loopback included, and nothing bypasses it.
	URL *url.URL
	// FromEnvironment picks the proxy for a target when URL is nil; the target
	// has a scheme and a host with port. It returns nil for a direct connection.
	// Nil means direct connections.
	FromEnvironment func(target *url.URL) (*url.URL, error)
	// Credential is sent to the proxy once it asks, whether the proxy comes from
	// URL or from FromEnvironment. It wins over user and password in the
	// proxy's URL.
	Credential *Credential
	// UseDefaultCredentials logs in as the current user, with Negotiate or NTLM
	// through SSPI on Windows, with Kerberos elsewhere. It wins over every
	// Credential and never leads to Basic or Digest.
	UseDefaultCredentials bool
	// Getenv reads KRB5_CONFIG, KRB5CCNAME and KRB5_CLIENT_KTNAME. Nil means
	// that none is set.
	Getenv func(string) string
	// RootCAs verifies an https proxy. Nil means the system's roots.
	RootCAs *x509.CertPool
	// Dial opens the connection to the proxy, or to the target when no
	// proxy applies. Nil means a net.Dialer.
	Dial DialFunc
	// Now is the clock for the life of Kerberos tickets. Nil means time.Now.
	Now func() time.Time
	// UserAgent is sent with CONNECT unless empty.
	UserAgent string

	// negotiate replaces the platform's Negotiate in tests.
	negotiate func(proxyHost string, cred *Credential) (*mechanism, error)
}

// Credential is a user name, perhaps as DOMAIN\user or user@realm, and a
// password.
type Credential struct{ User, Password string }

// String hides the password.
func (c Credential) String() string { return c.User + ":***" }

// GoString hides the password.
func (c Credential) GoString() string { return c.String() }

// split separates DOMAIN\user; domain is empty without a backslash.
func (c Credential) split() (domain, user string) {
	if domain, user, ok := strings.Cut(c.User, `\`); ok {
		return domain, user
	}
	return "", c.User
}

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

type schemeKey struct{}

// DialContext connects to addr through the proxy that applies to it. The
// target's scheme, which only matters to FromEnvironment, is the one a
// Transport noted in ctx, else https. Errors of the proxy are *Error; there is
// no direct connection in place of a proxy that fails.
func (c *Config) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	scheme, ok := ctx.Value(schemeKey{}).(string)
	if !ok {
		scheme = "https"
	}
	return c.dial(ctx, scheme, network, addr)
}

// ForScheme returns a DialContext for targets of one scheme, http or https,
// for callers that dial without a Transport.
func (c *Config) ForScheme(scheme string) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return c.dial(ctx, scheme, network, addr)
	}
}

// Transport sends requests over connections that a Config opened.
type Transport struct{ wire *http.Transport }

// Transport returns a copy of base that dials through c. It tells c the scheme
// of each request, which net/http does not tell a dialer. The Proxy function
// of base is dropped, its DialContext is replaced (set c.Dial instead).
func (c *Config) Transport(base *http.Transport) *Transport {
	t := base.Clone()
	t.Proxy = nil
	t.DialContext = c.DialContext
	t.ForceAttemptHTTP2 = true // net/http drops HTTP/2 when it sees a custom dialer
	return &Transport{wire: t}
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := context.WithValue(req.Context(), schemeKey{}, req.URL.Scheme)
	return t.wire.RoundTrip(req.WithContext(ctx))
}

// CloseIdleConnections closes the connections no request uses.
func (t *Transport) CloseIdleConnections() { t.wire.CloseIdleConnections() }

func (c *Config) dial(ctx context.Context, scheme, network, addr string) (net.Conn, error) {
	u, err := c.proxyFor(scheme, addr)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return c.base(ctx, network, addr)
	}
	ctx, cancel := context.WithTimeout(ctx, setupLimit)
	defer cancel()
	switch u.Scheme {
	case "http", "https":
		return c.connect(ctx, u, addr)
	case "socks5", "socks5h":
		return c.socks(ctx, u, network, addr)
	}
	return nil, &Error{Proxy: u.Host, Phase: PhaseAddress,
		Reason: "its scheme is not supported; use http, https, socks5 or socks5h"}
}

// proxyFor returns the proxy's address for a target, or nil for none.
func (c *Config) proxyFor(scheme, addr string) (*url.URL, error) {
	u := c.URL
	if u == nil && c.FromEnvironment != nil {
		var err error
		u, err = c.FromEnvironment(&url.URL{Scheme: scheme, Host: addr})
		if err != nil {
			// The cause is dropped: httpproxy quotes the variable, password and all.
			return nil, &Error{Phase: PhaseAddress,
				Reason: "the proxy variable of the environment holds no address; set it to http://host:port or unset it"}
		}
	}
	if u != nil && u.Hostname() == "" {
		return nil, &Error{Phase: PhaseAddress, Reason: "the proxy's address has no host; give http://host:port"}
	}
	return u, nil
}

func (c *Config) base(ctx context.Context, network, addr string) (net.Conn, error) {
	if c.Dial != nil {
		return c.Dial(ctx, network, addr)
	}
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// credential returns the user and password for the proxy at u, or nil.
func (c *Config) credential(u *url.URL) *Credential {
	switch {
	case c.UseDefaultCredentials:
		return nil
	case c.Credential != nil:
		return c.Credential
	case u.User != nil:
		password, _ := u.User.Password()
		return &Credential{User: u.User.Username(), Password: password}
	}
	return nil
}

func (c *Config) getenv(name string) string {
	if c.Getenv == nil {
		return ""
	}
	return c.Getenv(name)
}

func (c *Config) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// hostPort returns host:port of the proxy, with the port its scheme implies.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// errRefused means that a mechanism has said all it can and is asked again.
var errRefused = errors.New("the credentials were refused")
