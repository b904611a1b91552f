package pipeline_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

// rawServer answers each request, read whole, with what answer returns; "" closes the connection.
// It counts the requests.
func rawServer(t *testing.T, answer func(n int) string) (base string, requests *atomic.Int64) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	requests = new(atomic.Int64)
	serve := func(conn net.Conn) {
		defer conn.Close()
		in := bufio.NewReader(conn)
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			text := answer(int(requests.Add(1)))
			if _, err := io.WriteString(conn, text); err != nil || !strings.Contains(text, "Content-Length: 0\r\n") {
				return
			}
		}
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return "http://" + l.Addr().String(), requests
}

const empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

func newWire(t *testing.T, o TransportOptions) Sender {
	rt := Transport(o)
	t.Cleanup(rt.CloseIdleConnections)
	return Wire(rt)
}

// post sends a POST, without a body if body is "", and reads the answer.
func post(t *testing.T, s Sender, u, body string, headers ...string) (*http.Response, error) {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u, r)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.Send(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return resp, err
}

// A connection kept open that dies after the request was written must not make net/http send it
// again, even with a header net/http takes for leave to do so (network.close-once-then-ok).
func TestWireNeverReplays(t *testing.T) {
	for _, body := range []string{"", "{}"} {
		for _, header := range []string{"X-None", "Idempotency-Key", "X-Idempotency-Key"} {
			t.Run(header+body, func(t *testing.T) {
				base, requests := rawServer(t, func(n int) string {
					if n == 2 {
						return ""
					}
					return empty
				})
				s := newWire(t, TransportOptions{})
				if _, err := post(t, s, base, body, header, "k"); err != nil {
					t.Fatal(err)
				}
				_, err := post(t, s, base, body, header, "k")
				if e, ok := errors.AsType[*TransportError](err); !ok || e.Phase != PhaseHeaders {
					t.Errorf("error %v, want one about reading headers", err)
				}
				if n := requests.Load(); n != 2 {
					t.Errorf("%d requests arrived, want 2", n)
				}
			})
		}
	}
}

func TestWireSendsIdempotencyKey(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Got", r.Header.Get("Idempotency-Key"))
	}))
	defer server.Close()
	resp, err := post(t, newWire(t, TransportOptions{}), server.URL, "{}", "Idempotency-Key", "k")
	if err != nil || resp.Header.Get("X-Got") != "k" {
		t.Errorf("%v, %v: the user's header did not arrive", resp, err)
	}
}

// deadConn fails every write once it is dead, before a byte is out.
type deadConn struct {
	net.Conn
	dead *atomic.Bool
}

func (c deadConn) Write(p []byte) (int, error) {
	if c.dead.Load() {
		return 0, errors.New("dead")
	}
	return c.Conn.Write(p)
}

// A kept connection found dead before a byte was written is no reason to fail.
func TestWireReplacesDeadConnection(t *testing.T) {
	base, requests := rawServer(t, func(int) string { return empty })
	var dead []*atomic.Bool
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		dead = append(dead, new(atomic.Bool))
		return deadConn{conn, dead[len(dead)-1]}, err
	}
	s := newWire(t, TransportOptions{DialContext: dial})
	for n := range 2 {
		if _, err := post(t, s, base, `{"n":1}`); err != nil {
			t.Fatalf("request %d: %v", n+1, err)
		}
		dead[0].Store(true)
	}
	if n := requests.Load(); n != 2 || len(dead) != 2 {
		t.Errorf("%d requests on %d connections, want 2 on 2", n, len(dead))
	}
}

func TestWireHTTP2(t *testing.T) {
	for _, c := range []struct {
		http1 bool
		proto string
	}{{false, "HTTP/2.0"}, {true, "HTTP/1.1"}} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.Proto)
		}))
		server.EnableHTTP2 = true
		server.StartTLS()
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		dial := new(net.Dialer).DialContext
		resp, err := post(t, newWire(t, TransportOptions{RootCAs: roots, ForceHTTP1: c.http1, DialContext: dial}), server.URL, "{}")
		if err != nil || resp.Proto != c.proto {
			t.Errorf("ForceHTTP1 %v: %v, %v, want %s", c.http1, resp, err, c.proto)
		}
		server.Close()
	}
}

func TestWireExplains(t *testing.T) {
	long := "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("a", 70_000) + "\r\n\r\n"
	for _, c := range []struct {
		name, answer string
		phase        Phase
		text         string
	}{
		{"network.close-before", "", PhaseHeaders, "closed before the answer was complete"},
		{"network.cut-headers", "HTTP/1.1 200 OK\r\nContent-Le", PhaseHeaders, "malformed header: missing colon"},
		{"network.garbage", "hello this is not http\r\n\r\n", PhaseHeaders, "malformed HTTP"},
		{"network.bad-status", "HTTP/1.1 abc Bad\r\n\r\n", PhaseHeaders, "malformed HTTP status code"},
		{"network.bad-header", "HTTP/1.1 204 No Content\r\nNoColonHere\r\n\r\n", PhaseHeaders, "malformed header: missing colon"},
		{"network.huge-header", long, PhaseHeaders, "headers exceeded 65536 bytes"},
		{"network.cut-model", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", PhaseBody, "closed before the answer was complete"},
		{"network.bad-chunk", "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", PhaseBody, "chunk"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, requests := rawServer(t, func(int) string { return c.answer })
			_, err := post(t, newWire(t, TransportOptions{}), base+"/v1.0?secret=s", "{}")
			checkExplained(t, err, strings.TrimPrefix(base, "http://"), c.phase, c.text)
			if n := requests.Load(); n != 1 {
				t.Errorf("%d requests arrived, want 1", n)
			}
		})
	}
}

func checkExplained(t *testing.T, err error, host string, phase Phase, text string) {
	t.Helper()
	e, ok := errors.AsType[*TransportError](err)
	if !ok || e.Phase != phase || e.Host != host || !strings.Contains(err.Error(), text) {
		t.Fatalf("error %#v: %v; want %s, %s and %q", err, err, host, phase, text)
	}
	if strings.ContainsAny(err.Error(), "\r\n") || strings.Contains(err.Error(), "secret") || len(err.Error()) > 300 {
		t.Errorf("error %q is not one short line without the URL", err)
	}
}

func TestWireExplainsConnecting(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshakes are the point
	secure.StartTLS()
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	closed, _ := net.Listen("tcp", "127.0.0.1:0")
	closed.Close()
	port := secure.URL[strings.LastIndex(secure.URL, ":"):]
	failing := func(err error) TransportOptions {
		return TransportOptions{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}
	}
	for _, c := range []struct {
		name, url string
		options   TransportOptions
		phase     Phase
		text      string
	}{
		{"network.refused", "http://" + closed.Addr().String(), TransportOptions{}, PhaseConnect, ": connect: "},
		{"network.tls-untrusted", secure.URL, TransportOptions{RootCAs: x509.NewCertPool()}, PhaseTLS, "unknown authority"},
		{"network.tls-name", "https://localhost" + port, TransportOptions{RootCAs: roots}, PhaseTLS, "not valid for localhost"},
		{"TLS to a plain port", strings.Replace(plain.URL, "http", "https", 1), TransportOptions{}, PhaseTLS, "does not speak TLS"},
		{"network.dns", "https://no-such.invalid", failing(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "x", IsNotFound: true}}), PhaseResolve, "no-such.invalid: resolve: no such host"},
		{"proxy", "https://graph.example", failing(fmt.Errorf("proxy 10.0.0.1:3128: %w", &net.OpError{Op: "dial", Err: io.EOF})), PhaseProxy, "graph.example: proxy 10.0.0.1:3128: "},
		{"net/http's proxy", "https://graph.example", TransportOptions{Proxy: func(*http.Request) (*url.URL, error) {
			return url.Parse("http://user:passw0rd@" + closed.Addr().String())
		}}, PhaseProxy, "graph.example: proxy " + closed.Addr().String() + ": "},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := post(t, newWire(t, c.options), c.url, "{}")
			u, _ := url.Parse(c.url)
			checkExplained(t, err, u.Host, c.phase, c.text)
			if strings.Contains(err.Error(), "passw0rd") {
				t.Errorf("error %q shows the proxy's password", err)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	req := pipelinetest.Request(t.Context())
	for _, c := range []struct {
		err  error
		text string
	}{
		{&url.Error{Op: "Post", URL: "https://u:p@h/?s=1", Err: io.ErrUnexpectedEOF}, "graph.example: connect: the connection was closed before the answer was complete"},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "graph.example: connect: " + syscall.ECONNREFUSED.Error()},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "graph.example: connect: timed out"},
		{x509.CertificateInvalidError{Reason: x509.Expired}, "graph.example: connect: the certificate has expired or is not yet valid; check the clock"},
		{errors.New("odd\r\n\x1b[31mthing"), "graph.example: connect: odd   [31mthing"},
		{&url.Error{Err: &TokenError{Err: errors.New("x")}}, "no access token: x"},
	} {
		if got := Explain(c.err, req); got == nil || got.Error() != c.text {
			t.Errorf("Explain(%#v) = %v, want %s", c.err, got, c.text)
		}
	}
	if err := Explain(nil, req); err != nil {
		t.Errorf("Explain(nil) = %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Explain(&url.Error{Err: context.Canceled}, pipelinetest.Request(ended)); err != context.Canceled {
		t.Errorf("the end of the context became %v", err)
	}
}

func TestRoundTripper(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	client := http.Client{Transport: RoundTripper(chain(newWire(t, TransportOptions{})))}
	resp, err := client.Post(server.URL, "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(got, []byte("hello")) {
		t.Errorf("read %q, %v, want hello", got, err)
	}
}
