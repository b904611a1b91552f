package proxy

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

const password = "s3cret-pw"

// reply is a fake proxy's answer to one CONNECT. After a 2xx the connection
// echoes what it receives.
type reply struct {
	raw   string
	close bool
}

func ask(challenges ...string) reply {
	h := ""
	for _, c := range challenges {
		h += "Proxy-Authenticate: " + c + "\r\n"
	}
	return reply{raw: "HTTP/1.1 407 Proxy Authentication Required\r\n" + h + "Content-Length: 5\r\n\r\nsorry"}
}

var opened = reply{raw: "HTTP/1.1 200 Connection established\r\n\r\n"}

// fakeProxy answers CONNECT as decide says; state is kept for one connection.
type fakeProxy struct {
	addr   string
	mu     sync.Mutex
	seen   []string // Proxy-Authorization, "-" for none, "|" before a new connection
	header []http.Header
	conns  []net.Conn
	wg     sync.WaitGroup
}

type decideFunc func(state map[string]any, req *http.Request) reply

func newFakeProxy(t *testing.T, decide decideFunc) *fakeProxy {
	return serveFake(t, decide, func(l net.Listener) net.Listener { return l })
}

func serveFake(t *testing.T, decide decideFunc, wrap func(net.Listener) net.Listener) *fakeProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = wrap(l)
	f := &fakeProxy{addr: l.Addr().String()}
	f.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns = append(f.conns, c)
			f.mu.Unlock()
			f.wg.Go(func() { f.serve(c, decide) })
		}
	})
	t.Cleanup(func() { l.Close(); f.hangUp(); f.wg.Wait() })
	return f
}

// hangUp closes what a failed test left open.
func (f *fakeProxy) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.Close()
	}
}

func (f *fakeProxy) serve(c net.Conn, decide decideFunc) {
	defer c.Close()
	f.note("|")
	state := map[string]any{}
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		auth := req.Header.Get("Proxy-Authorization")
		if auth == "" {
			auth = "-"
		}
		f.note(auth)
		f.mu.Lock()
		f.header = append(f.header, req.Header)
		a := decide(state, req)
		f.mu.Unlock()
		if _, err := io.WriteString(c, a.raw); err != nil || a.close {
			return
		}
		if strings.Contains(strings.SplitN(a.raw, "\r\n", 2)[0], " 20") {
			io.Copy(c, r)
			return
		}
	}
}

func (f *fakeProxy) note(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, s)
}

// schemes returns the schemes seen, with the marks.
func (f *fakeProxy) schemes() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var s []string
	for _, a := range f.seen {
		word, _, _ := strings.Cut(a, " ")
		s = append(s, word)
	}
	return strings.Join(s, " ")
}

// tracker is a base dialer that knows which connections are still open.
type tracker struct {
	mu   sync.Mutex
	open []net.Conn
}

type trackedConn struct {
	net.Conn
	t *tracker
}

func (c *trackedConn) Close() error {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	c.t.open = slices.DeleteFunc(c.t.open, func(o net.Conn) bool { return o == c })
	return c.Conn.Close()
}

func (t *tracker) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return t.track(conn), nil
}

func (t *tracker) track(conn net.Conn) net.Conn {
	c := &trackedConn{conn, t}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = append(t.open, c)
	return c
}

func (t *tracker) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}

func proxyURL(scheme, addr string) *url.URL { return &url.URL{Scheme: scheme, Host: addr} }

func alice() *Credential { return &Credential{User: `CORP\alice`, Password: password} }

// dialOK opens a tunnel and sends something through it.
func dialOK(t *testing.T, c *Config) {
	t.Helper()
	if c.Dial == nil {
		c.Dial = new(tracker).dial
	}
	conn, err := c.DialContext(t.Context(), "tcp", "graph.test:443")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	checkEcho(t, conn, "ping")
}

func checkEcho(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
		t.Fatalf("through the tunnel came %q, %v; want %q", got, err, text)
	}
}

// dialFails expects an *Error, no secret in it and no connection left open.
func dialFails(t *testing.T, c *Config) *Error {
	t.Helper()
	track := new(tracker)
	if c.Dial == nil {
		c.Dial = track.dial
	}
	conn, err := c.DialContext(t.Context(), "tcp", "graph.test:443")
	return checkFailure(t, track, conn, err)
}

func checkFailure(t *testing.T, track *tracker, conn net.Conn, err error) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || conn != nil {
		t.Fatalf("got connection %v and error %v, want an *Error alone", conn, err)
	}
	if n := track.count(); n != 0 {
		t.Errorf("%d connections left open after %v", n, err)
	}
	checkSecret(t, err)
	return e
}

// checkSecret looks through the whole chain of an error.
func checkSecret(t *testing.T, err error) {
	t.Helper()
	secrets := []string{password, "alice", "Proxy-Authorization",
		base64.StdEncoding.EncodeToString([]byte(`CORP\alice:` + password))}
	for ; err != nil; err = errors.Unwrap(err) {
		for _, s := range secrets {
			if strings.Contains(err.Error(), s) {
				t.Errorf("the error tells %q: %v", s, err)
			}
		}
	}
}
