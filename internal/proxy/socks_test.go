package proxy

import (
	"io"
	"net"
	"strings"
	"testing"
)

// newSocks is a SOCKS5 server (RFC 1928, 1929) that echoes. With a user it
// wants that user and password.
func newSocks(t *testing.T, user string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); serveSocks(c, user) }()
		}
	}()
	return l.Addr().String()
}

func serveSocks(c net.Conn, user string) {
	read := func(n int) []byte { b := make([]byte, n); io.ReadFull(c, b); return b }
	methods := read(int(read(2)[1]))
	if user == "" {
		c.Write([]byte{5, 0})
	} else {
		if !strings.Contains(string(methods), "\x02") {
			c.Write([]byte{5, 0xff})
			return
		}
		c.Write([]byte{5, 2})
		gotUser := string(read(int(read(2)[1])))
		gotPassword := string(read(int(read(1)[0])))
		if gotUser != user || gotPassword != password {
			c.Write([]byte{1, 1})
			return
		}
		c.Write([]byte{1, 0})
	}
	head := read(4)
	if host := string(read(int(read(1)[0]))); head[3] != 3 || host != "graph.test" {
		c.Write([]byte{5, 4, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	read(2)
	c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	io.Copy(c, c)
}

func TestSOCKS5(t *testing.T) {
	open, closed := newSocks(t, ""), newSocks(t, "alice")
	for _, scheme := range []string{"socks5", "socks5h"} {
		dialOK(t, &Config{URL: proxyURL(scheme, open)})
		dialOK(t, &Config{URL: proxyURL(scheme, open), Credential: alice()})
		dialOK(t, &Config{URL: proxyURL(scheme, closed), Credential: &Credential{"alice", password}})
	}
	const ask = "it wants user and password; give -ProxyCredential: no acceptable authentication methods"
	for _, c := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no credential", Config{}, ask},
		{"wrong", Config{Credential: &Credential{"alice", "no"}}, "username/password authentication failed"},
		{"default", Config{Credential: alice(), UseDefaultCredentials: true}, ask},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.URL = proxyURL("socks5", closed)
			if e, want := dialFails(t, &c.cfg), "proxy "+closed+": socks5: "+c.want; e.Phase != PhaseSOCKS || e.Error() != want {
				t.Errorf("got %v, want %s", e, want)
			}
		})
	}
}
