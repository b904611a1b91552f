package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/http/httpproxy"
)

func wantsBasic(state map[string]any, req *http.Request) reply {
	if req.Header.Get("Proxy-Authorization") == "Basic "+base64.StdEncoding.EncodeToString([]byte(`CORP\alice:`+password)) {
		return opened
	}
	return ask(`Basic realm="x, NTLM"`)
}

func TestBasicIsSentOnlyWhenAsked(t *testing.T) {
	f := newFakeProxy(t, wantsBasic)
	dialOK(t, &Config{URL: proxyURL("http", f.addr), Credential: alice(), UserAgent: "tool/1"})
	if got, want := f.schemes(), "| - Basic"; got != want {
		t.Errorf("the proxy saw %q, want %q", got, want)
	}
	if got := f.header[0].Get("User-Agent"); got != "tool/1" {
		t.Errorf("User-Agent %q", got)
	}

	open := newFakeProxy(t, func(map[string]any, *http.Request) reply { return opened })
	dialOK(t, &Config{URL: proxyURL("http", open.addr), Credential: alice()})
	if got, want := open.schemes(), "| -"; got != want {
		t.Errorf("a proxy that does not ask saw %q, want %q", got, want)
	}
	if len(open.header[0]) != 0 {
		t.Errorf("CONNECT carries %v", open.header[0])
	}
}

func TestCredentialsOfTheURL(t *testing.T) {
	f := newFakeProxy(t, wantsBasic)
	u := proxyURL("http", f.addr)
	u.User = url.UserPassword(`CORP\alice`, password)
	dialOK(t, &Config{URL: u})
	if e := dialFails(t, &Config{URL: u, Credential: &Credential{User: "bob", Password: password}}); e.Status != 407 {
		t.Errorf("the Credential did not win over the URL: %v", e)
	}
}

func TestAnswersOfTheProxy(t *testing.T) {
	const head = "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n"
	big := strings.Repeat("x", 3*maxAnswer)
	cases := []struct {
		name, refusal string
		close         bool
		want          string // what the proxy sees
	}{
		{"length", head + "Content-Length: 3\r\n\r\nabc", false, "| - Basic"},
		{"empty", head + "Content-Length: 0\r\n\r\n", false, "| - Basic"},
		{"chunked", head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false, "| - Basic"},
		{"interim", "HTTP/1.1 103 Early\r\n\r\n" + head + "Content-Length: 0\r\n\r\n", false, "| - Basic"},
		{"close", head + "Connection: close\r\nContent-Length: 3\r\n\r\nabc", true, "| - | Basic"},
		{"proxy-connection close", head + "Proxy-Connection: Close\r\nContent-Length: 3\r\n\r\nabc", true, "| - | Basic"},
		{"no length", head + "\r\nabc", true, "| - | Basic"},
		{"http 1.0", strings.Replace(head, "1.1", "1.0", 1) + "Content-Length: 0\r\n\r\n", true, "| - | Basic"},
		{"http 1.0 kept", strings.Replace(head, "1.1", "1.0", 1) + "Proxy-Connection: keep-alive\r\nContent-Length: 0\r\n\r\n", false, "| - Basic"},
		{"silent close", head + "Content-Length: 0\r\n\r\n", true, "| - | Basic"},
		{"huge", head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(big)) + big, false, "| - | Basic"},
		{"huge chunked", head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", len(big)) + big + "\r\n0\r\n\r\n", false, "| - | Basic"},
		{"cut body", head + "Content-Length: 30\r\n\r\nabc", true, "| - | Basic"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeProxy(t, func(_ map[string]any, req *http.Request) reply {
				if req.Header.Get("Proxy-Authorization") != "" {
					return opened
				}
				return reply{c.refusal, c.close}
			})
			dialOK(t, &Config{URL: proxyURL("http", f.addr), Credential: alice()})
			if got := f.schemes(); got != c.want {
				t.Errorf("the proxy saw %q, want %q", got, c.want)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	always := func(r reply) decideFunc { return func(map[string]any, *http.Request) reply { return r } }
	echo := func(_ map[string]any, req *http.Request) reply {
		if auth := req.Header.Get("Proxy-Authorization"); auth != "" {
			return reply{raw: "HTTP/1.1 200x " + auth + "\r\n\r\n", close: true}
		}
		return ask("Basic realm=x")
	}
	cases := []struct {
		name   string
		decide decideFunc
		cfg    Config
		phase  Phase
		status int
		want   string // after "proxy HOST:PORT"
	}{
		{"no credential", always(ask("Negotiate", "NTLM")), Config{}, PhaseAuth, 407,
			" wants Negotiate or NTLM; give -ProxyCredential or -ProxyUseDefaultCredentials"},
		{"no credential, Basic", always(ask(`Digest realm="x", nonce="n", basic realm="y"`)), Config{}, PhaseAuth, 407,
			" wants Digest or Basic; give -ProxyCredential"},
		{"unknown scheme", always(ask("Bearer", "HOBA x=1")), Config{Credential: alice()}, PhaseAuth, 407,
			" wants Bearer or HOBA, which is not supported"},
		{"no scheme", always(ask()), Config{Credential: alice()}, PhaseAuth, 407,
			" wants credentials (407) but names no scheme"},
		{"default credentials for Basic", always(ask("Basic")), Config{UseDefaultCredentials: true, Credential: alice()}, PhaseAuth, 407,
			" wants Basic; Basic: -ProxyUseDefaultCredentials serves only Negotiate and NTLM; give -ProxyCredential"},
		{"wrong password", always(ask("Basic")), Config{Credential: alice()}, PhaseAuth, 407,
			" refused the credentials (407, Basic)"},
		{"401 for a wrong password", func(_ map[string]any, req *http.Request) reply {
			if req.Header.Get("Proxy-Authorization") == "" {
				return ask("Basic")
			}
			return reply{"HTTP/1.0 401 No\r\n\r\n", true}
		}, Config{Credential: alice()}, PhaseAuth, 401, " refused the credentials (401, Basic)"},
		{"scheme gone", func(_ map[string]any, req *http.Request) reply {
			if req.Header.Get("Proxy-Authorization") == "" {
				return ask("Basic")
			}
			return ask("NTLM")
		}, Config{Credential: alice()}, PhaseAuth, 407, " refused the credentials (407, Basic)"},
		{"unknown digest", always(ask(`Digest realm="x", nonce="n", algorithm=FOO`)), Config{Credential: alice()}, PhaseAuth, 407,
			" wants Digest; Digest: no algorithm and quality of protection that is supported"},
		{"colon", always(ask("Basic")), Config{Credential: &Credential{"a:b", password}}, PhaseAuth, 407,
			" wants Basic; Basic: a user name with a colon cannot be sent"},
		{"forbidden", always(reply{"HTTP/1.1 403 alice " + password + "\r\nContent-Length: 0\r\n\r\n", false}), Config{}, PhaseConnect, 403,
			": CONNECT graph.test:443: 403 Forbidden"},
		{"redirect", always(reply{"HTTP/1.1 302 Found\r\nLocation: http://alice/\r\nContent-Length: 0\r\n\r\n", false}), Config{}, PhaseConnect, 302,
			": CONNECT graph.test:443: 302 Found"},
		{"forbidden after the login", func(_ map[string]any, req *http.Request) reply {
			if req.Header.Get("Proxy-Authorization") == "" {
				return ask("Basic")
			}
			return reply{"HTTP/1.1 502 Bad\r\n\r\n", true}
		}, Config{Credential: alice()}, PhaseConnect, 502, ": CONNECT graph.test:443: 502 Bad Gateway"},
		{"garbage", always(reply{"SSH-2.0-alice\r\n\r\n", true}), Config{}, PhaseConnect, 0,
			": its answer to CONNECT is not HTTP"},
		{"TLS on an http proxy", always(reply{"\x15\x03\x01\x00\x02\x02\x16", true}), Config{}, PhaseConnect, 0,
			": its answer to CONNECT is not HTTP"},
		{"our header sent back", echo, Config{Credential: alice()}, PhaseConnect, 0,
			": its answer to CONNECT is not HTTP"},
		{"nothing", always(reply{"", true}), Config{}, PhaseConnect, 0,
			": it closed the connection without an answer to CONNECT: unexpected EOF"},
		{"endless header", always(reply{"HTTP/1.1 407 No\r\nX: " + strings.Repeat("x", 2*maxAnswer), true}), Config{}, PhaseConnect, 0,
			": its answer to CONNECT is too long"},
		{"endless interim", always(reply{strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 99), true}), Config{}, PhaseConnect, 0,
			": its answer to CONNECT is not HTTP"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeProxy(t, c.decide)
			c.cfg.URL = proxyURL("http", f.addr)
			e := dialFails(t, &c.cfg)
			if got, want := e.Error(), "proxy "+f.addr+c.want; got != want {
				t.Errorf("error\n got %s\nwant %s", got, want)
			}
			if e.Phase != c.phase || e.Status != c.status || e.Proxy != f.addr {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestOfferedSchemesAreNamed(t *testing.T) {
	f := newFakeProxy(t, func(map[string]any, *http.Request) reply { return ask("negotiate, Foo x=1", "BASIC realm=x") })
	e := dialFails(t, &Config{URL: proxyURL("http", f.addr)})
	if got, want := fmt.Sprint(e.Offered), "[Negotiate Foo Basic]"; got != want {
		t.Errorf("offered %v, want %v", got, want)
	}
}

func TestDeadProxyMeansNoConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	for _, scheme := range []string{"http", "https", "socks5"} {
		var dialled []string
		u := proxyURL(scheme, addr)
		u.User = url.UserPassword("alice", password)
		c := &Config{URL: u}
		c.Dial = func(ctx context.Context, network, a string) (net.Conn, error) {
			dialled = append(dialled, a)
			return new(net.Dialer).DialContext(ctx, network, a)
		}
		e := dialFails(t, c)
		if e.Phase != PhaseDial || !strings.HasPrefix(e.Error(), "proxy "+addr+": ") || strings.Contains(e.Error(), "dial tcp") {
			t.Errorf("%s: got %v", scheme, e)
		}
		if _, ok := errors.AsType[*net.OpError](e); !ok {
			t.Errorf("%s: the cause is lost in %#v", scheme, e)
		}
		if len(dialled) != 1 || dialled[0] != addr {
			t.Errorf("%s: dialled %v", scheme, dialled)
		}
	}
}

func TestBadAddresses(t *testing.T) {
	env := func(u *url.URL, err error) func(*url.URL) (*url.URL, error) {
		return func(*url.URL) (*url.URL, error) { return u, err }
	}
	cases := []struct {
		name string
		cfg  Config
		want string
	}{
		{"scheme", Config{URL: proxyURL("ftp", "p:1")}, "proxy p:1: its scheme is not supported; use http, https, socks5 or socks5h"},
		{"no host", Config{URL: &url.URL{Path: "p"}}, "proxy: the proxy's address has no host; give http://host:port"},
		{"variable", Config{FromEnvironment: env(nil, errors.New("bad http://alice:"+password+"@x"))},
			"proxy: the proxy variable of the environment holds no address; set it to http://host:port or unset it"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if e := dialFails(t, &c.cfg); e.Error() != c.want || e.Phase != PhaseAddress {
				t.Errorf("got %v, want %s", e, c.want)
			}
		})
	}
}

func TestTargetIsChecked(t *testing.T) {
	f := newFakeProxy(t, func(map[string]any, *http.Request) reply { return opened })
	c := &Config{URL: proxyURL("http", f.addr)}
	for _, target := range []string{"a:1\r\nX: y", "a b:1", "http://a/"} {
		if conn, err := c.DialContext(t.Context(), "tcp", target); conn != nil || !errors.Is(err, errTarget) {
			t.Errorf("%q: %v, %v", target, conn, err)
		}
	}
}

func TestDefaultPorts(t *testing.T) {
	for in, want := range map[string]string{
		"http://p": "p:80", "https://p": "p:443", "socks5://p": "p:1080", "socks5h://p": "p:1080",
		"http://p:3128": "p:3128", "http://[::1]": "[::1]:80",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := hostPort(u); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestBytesAfter200AreKept(t *testing.T) {
	f := newFakeProxy(t, func(map[string]any, *http.Request) reply {
		return reply{raw: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello"}
	})
	conn, err := (&Config{URL: proxyURL("http", f.addr)}).DialContext(t.Context(), "tcp", "x:1")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got := make([]byte, 5)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	checkEcho(t, conn, "more")
}

func TestHTTPSProxy(t *testing.T) {
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	f := serveFake(t, wantsBasic, func(l net.Listener) net.Listener {
		return tls.NewListener(l, &tls.Config{Certificates: srv.TLS.Certificates})
	})
	dialOK(t, &Config{URL: proxyURL("https", f.addr), Credential: alice(), RootCAs: roots})
	e := dialFails(t, &Config{URL: proxyURL("https", f.addr), Credential: alice(), RootCAs: x509.NewCertPool()})
	if _, ok := errors.AsType[x509.UnknownAuthorityError](e); !ok || e.Phase != PhaseTLS {
		t.Errorf("got %v", e)
	}
	plain := newFakeProxy(t, wantsBasic)
	if e := dialFails(t, &Config{URL: proxyURL("https", plain.addr), RootCAs: roots}); e.Phase != PhaseTLS {
		t.Errorf("an http proxy taken for https: %v", e)
	}
}

func TestEnvironment(t *testing.T) {
	env := httpproxy.Config{HTTPSProxy: "http://secure:1", HTTPProxy: "http://plain:1", NoProxy: "skip.test,port.test:8443"}
	c := &Config{FromEnvironment: env.ProxyFunc()}
	cases := []struct{ scheme, addr, want string }{
		{"https", "graph.test:443", "secure:1"},
		{"http", "graph.test:80", "plain:1"},
		{"https", "skip.test:443", ""},
		{"https", "sub.skip.test:443", ""},
		{"https", "port.test:443", "secure:1"},
		{"https", "port.test:8443", ""},
		{"https", "127.0.0.1:443", ""},
		{"https", "localhost:443", ""},
	}
	for _, x := range cases {
		u, err := c.proxyFor(x.scheme, x.addr)
		got := ""
		if u != nil {
			got = u.Host
		}
		if err != nil || got != x.want {
			t.Errorf("%s %s: %q, %v, want %q", x.scheme, x.addr, got, err, x.want)
		}
	}
	c.URL = proxyURL("http", "explicit:1")
	for _, x := range cases {
		if u, _ := c.proxyFor(x.scheme, x.addr); u.Host != "explicit:1" {
			t.Errorf("%s: the explicit proxy was bypassed", x.addr)
		}
	}
}

func TestDirectWithoutProxy(t *testing.T) {
	want := errors.New("dialled directly")
	c := &Config{Dial: func(_ context.Context, _, addr string) (net.Conn, error) {
		return nil, fmt.Errorf("%s: %w", addr, want)
	}}
	if _, err := c.ForScheme("http")(t.Context(), "tcp", "x:1"); !errors.Is(err, want) || err.Error() != "x:1: dialled directly" {
		t.Errorf("got %v", err)
	}
}

// TestTransport sends requests of both schemes, HTTP/2 for https, and checks
// that the environment was asked with the right scheme.
func TestTransport(t *testing.T) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %q", r.Proto, r.Header.Get("Proxy-Authorization"))
	})
	plain := httptest.NewServer(hello)
	defer plain.Close()
	secure := httptest.NewUnstartedServer(hello)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	p := newSplicingProxy(t)

	var asked []string
	c := &Config{FromEnvironment: func(u *url.URL) (*url.URL, error) {
		asked = append(asked, u.String())
		return url.Parse("http://" + p.addr)
	}}
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.TLSClientConfig = secure.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	base.TLSClientConfig.NextProtos = nil
	base.ForceAttemptHTTP2 = false
	tr := c.Transport(base)
	defer tr.CloseIdleConnections()
	for _, x := range []struct{ url, want string }{{plain.URL, `HTTP/1.1 ""`}, {secure.URL, `HTTP/2.0 ""`}} {
		res, err := (&http.Client{Transport: tr}).Get(x.url)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(body) != x.want {
			t.Errorf("%s: %s, want %s", x.url, body, x.want)
		}
	}
	if len(asked) != 2 || asked[0] != plain.URL || asked[1] != secure.URL {
		t.Errorf("the environment was asked for %q", asked)
	}
}

// newSplicingProxy is a CONNECT proxy without a login.
func newSplicingProxy(t *testing.T) *httptestProxy {
	p := &httptestProxy{}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	p.addr = srv.Listener.Addr().String()
	return p
}

type httptestProxy struct{ addr string }

func (p *httptestProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to, err := net.Dial("tcp", r.Host)
	if r.Method != http.MethodConnect || err != nil {
		http.Error(w, "only CONNECT", http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	io.WriteString(from, opened.raw)
	go func() { io.Copy(to, from); to.Close() }()
	io.Copy(from, to)
}

func TestCredentialHidesItsPassword(t *testing.T) {
	c := alice()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, v := range []any{c, *c} {
			if got := fmt.Sprintf(format, v); strings.Contains(got, password) {
				t.Errorf("%s prints %s", format, got)
			}
		}
	}
}
