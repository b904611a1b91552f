package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A proxy that falls silent holds nothing past the end of the context, or past
// setupLimit when it has no end.
func TestSilentProxy(t *testing.T) {
	after407 := func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			io.WriteString(c, ask("Basic realm=x").raw)
		}
	}
	inBody := func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			io.WriteString(c, "HTTP/1.1 407 No\r\nContent-Length: 99\r\n\r\nabc")
		}
	}
	cases := []struct {
		name, scheme string
		serve        func(net.Conn)
		phase        Phase
	}{
		{"at once", "http", func(net.Conn) {}, PhaseConnect},
		{"after 407", "http", after407, PhaseConnect},
		{"in the body", "http", inBody, PhaseConnect},
		{"TLS", "https", func(net.Conn) {}, PhaseTLS},
		{"socks5", "socks5", func(net.Conn) {}, PhaseSOCKS},
	}
	for _, c := range cases {
		for _, limit := range []time.Duration{0, 5 * time.Second} {
			t.Run(c.name+" "+limit.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { silent(t, c.scheme, c.serve, c.phase, limit) })
			})
		}
	}
}

func silent(t *testing.T, scheme string, serve func(net.Conn), phase Phase, limit time.Duration) {
	ctx, want := t.Context(), setupLimit
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
		want = limit
	}
	track := new(tracker)
	cfg := &Config{URL: proxyURL(scheme, "p:1"), Credential: alice()}
	cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			serve(far)
			io.Copy(io.Discard, far)
		}()
		return track.track(near), nil
	}
	start := time.Now()
	conn, err := cfg.DialContext(ctx, "tcp", "graph.test:443")
	if took := time.Since(start); took != want {
		t.Errorf("gave up after %v, want %v", took, want)
	}
	e := checkFailure(t, track, conn, err)
	if e.Phase != phase || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v in phase %s", err, e.Phase)
	}
}

func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		track := new(tracker)
		cfg := &Config{URL: proxyURL("http", "p:1"), Dial: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() { io.Copy(io.Discard, far); far.Close() }()
			return track.track(near), nil
		}}
		time.AfterFunc(time.Second, cancel)
		conn, err := cfg.DialContext(ctx, "tcp", "x:1")
		if checkFailure(t, track, conn, err); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// The end of the context after the tunnel is open does not touch it.
func TestTunnelOutlivesItsContext(t *testing.T) {
	f := newFakeProxy(t, wantsBasic)
	ctx, cancel := context.WithCancel(t.Context())
	conn, err := (&Config{URL: proxyURL("http", f.addr), Credential: alice()}).DialContext(ctx, "tcp", "x:1")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	checkEcho(t, conn, "still here")
}
