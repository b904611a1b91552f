package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"invoke-mgupload/internal/cli"
)

// play is what a server does with one connection, which is closed behind it.
type play func(s *faultServer, c net.Conn)

// faultServer gives every connection to its play and counts the requests that
// came whole: those it may have acted on.
type faultServer struct {
	net.Listener
	requests atomic.Int32
	over     chan struct{} // closed at the end of the test

	mu    sync.Mutex
	conns []net.Conn
	wg    sync.WaitGroup
}

func newFaultServer(l net.Listener, p play) *faultServer {
	s := &faultServer{Listener: l, over: make(chan struct{})}
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			s.wg.Go(func() {
				defer c.Close()
				p(s, c)
			})
		}
	})
	return s
}

// stop ends the server and waits for its plays.
func (s *faultServer) stop() {
	close(s.over)
	s.Close()
	s.mu.Lock()
	for _, c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// faultNet is the network of one run: in memory, so that a bubble's clock rules
// it, or real where the kernel has a part in the fault.
type faultNet struct {
	t       *testing.T
	real    bool
	servers []*faultServer
	memory  map[string]*memoryListener
	graph   *faultServer // whose requests count
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	stdin   string
	env     map[string]string
}

func newFaultNet(t *testing.T, real bool) *faultNet {
	w := &faultNet{t: t, real: real, memory: map[string]*memoryListener{}, env: map[string]string{"MGUPLOAD_ACCESS_TOKEN": "opaque-token"}}
	if !real {
		w.dial = w.dialMemory
	}
	return w
}

// serve starts a server and answers its address, host:port.
func (w *faultNet) serve(p play) string {
	s := newFaultServer(w.listen(), p)
	w.servers = append(w.servers, s)
	return s.Addr().String()
}

// service starts the server that plays Graph.
func (w *faultNet) service(p play) string {
	addr := w.serve(p)
	w.graph = w.servers[len(w.servers)-1]
	return addr
}

func (w *faultNet) listen() net.Listener {
	if w.real {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			w.t.Fatal(err)
		}
		return l
	}
	l := &memoryListener{addr: fmt.Sprintf("127.0.0.1:%d", 20001+len(w.memory)), conns: make(chan net.Conn), closed: make(chan struct{})}
	w.memory[l.addr] = l
	return l
}

// closedPort is an address that refuses connections for as long as the test runs.
func (w *faultNet) closedPort() string {
	held, err := net.Dial("tcp4", w.serve(silent)) // bound, and not listening
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { held.Close() })
	return held.LocalAddr().String()
}

func (w *faultNet) dialMemory(ctx context.Context, _, addr string) (net.Conn, error) {
	l := w.memory[addr]
	if l == nil {
		return nil, fmt.Errorf("nobody listens on %s", addr)
	}
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w *faultNet) stop() {
	for _, s := range w.servers {
		s.stop()
	}
}

// outcome of a run of the program.
type ran struct {
	exit           int
	stdout, stderr string
}

// run runs the program in this world.
func (w *faultNet) run(ctx context.Context, args ...string) ran {
	var stdout, stderr bytes.Buffer
	exit := cli.Main(ctx, w.environment(&stdout, &stderr, args))
	return ran{exit, stdout.String(), stderr.String()}
}

func (w *faultNet) environment(stdout, stderr io.Writer, args []string) cli.Env {
	env := cli.Env{
		Program: "invoke-mgupload", Args: args, Dir: w.t.TempDir(),
		Stdin: strings.NewReader(w.stdin), Stdout: stdout, Stderr: stderr,
		StdoutKind: cli.Stream, StderrKind: cli.Stream,
		Getenv: func(name string) string { return w.env[name] },
		Now:    time.Now, Notify: context.WithCancel, DialContext: w.dial,
		OpenTerminal: func() (cli.Console, error) { return nil, errors.New("there is no terminal") },
		OpenFD:       func(uintptr) (io.ReadCloser, error) { return nil, os.ErrInvalid },
	}
	if w.stdin != "" {
		env.StdinKind = cli.Stream
	}
	return env
}

// memoryListener takes the connections of dialMemory.
type memoryListener struct {
	addr   string
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return memoryAddr(l.addr) }

type memoryAddr string

func (memoryAddr) Network() string  { return "tcp" }
func (a memoryAddr) String() string { return string(a) }

// take reads one request whole and counts it.
func (s *faultServer) take(in *bufio.Reader) (*http.Request, bool) {
	req, err := http.ReadRequest(in)
	if err != nil {
		return nil, false
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil, false
	}
	s.requests.Add(1)
	return req, true
}

// answers gives the texts to the requests in order, the last again and again. A
// text that says its length keeps the connection open; "" closes it at once.
func answers(texts ...string) play {
	return then(func(s *faultServer, c net.Conn, n int) bool {
		text := texts[min(n, len(texts))-1]
		_, err := io.WriteString(c, text)
		return err == nil && keeps(text)
	})
}

// then plays one request after another; n counts those of the server from 1.
func then(f func(s *faultServer, c net.Conn, n int) (more bool)) play {
	return func(s *faultServer, c net.Conn) {
		in := bufio.NewReader(c)
		for {
			if _, ok := s.take(in); !ok || !f(s, c, int(s.requests.Load())) {
				return
			}
		}
	}
}

var ownLength = regexp.MustCompile(`(?i)^HTTP/1\.1 (204 |\d+ [^\n]*\n(.*\n)*content-length:)`)

func keeps(text string) bool { return ownLength.MatchString(text) }

// reply is an answer with a length: reply("400 Bad Request", "{}", "Name: value").
func reply(status, body string, header ...string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, headLines(header), len(body), body)
}

func headLines(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

// silent takes what comes and says nothing.
func silent(s *faultServer, c net.Conn) {
	s.take(bufio.NewReader(c))
	<-s.over
}

// reset ends the connection with a TCP reset.
func reset(s *faultServer, c net.Conn) {
	s.take(bufio.NewReader(c))
	_ = c.(*net.TCPConn).SetLinger(0)
}

// drip sends a beginning at once and the rest in parts, a pause before each,
// until the client is gone.
func drip(first, part string, parts int, pause time.Duration) play {
	return then(func(s *faultServer, c net.Conn, _ int) bool {
		_, err := io.WriteString(c, first)
		for ; parts > 0 && err == nil; parts-- {
			select {
			case <-time.After(pause):
				_, err = io.WriteString(c, part)
			case <-s.over:
				return false
			}
		}
		return false
	})
}

// stuck sends a beginning and then nothing more.
func stuck(first string) play {
	return then(func(s *faultServer, c net.Conn, _ int) bool {
		_, _ = io.WriteString(c, first)
		<-s.over
		return false
	})
}

// flood sends a head and then size bytes of a text over and over.
func flood(head, text string, size int) play {
	block := []byte(strings.Repeat(text, 64<<10/len(text)))
	return then(func(_ *faultServer, c net.Conn, _ int) bool {
		_, err := io.WriteString(c, head)
		for sent := 0; err == nil && sent < size; sent += len(block) {
			_, err = c.Write(block)
		}
		return false
	})
}

// babbling answers every byte stream with a text of another protocol.
func babbling(text string) play {
	return func(s *faultServer, c net.Conn) {
		_, _ = c.Read(make([]byte, 16<<10))
		_, _ = io.WriteString(c, text)
	}
}

// secure puts TLS before a play; a handshake that fails ends the connection.
func secure(config *tls.Config, p play) play {
	return func(s *faultServer, c net.Conn) {
		t := tls.Server(c, config)
		defer t.Close()
		if t.Handshake() == nil {
			p(s, t)
		}
	}
}

// webServer is net/http's server with TLS, as most of the world's it answers
// plain http on its port in plain http.
func webServer(config *tls.Config) play {
	return func(s *faultServer, c net.Conn) {
		handler := func(w http.ResponseWriter, _ *http.Request) { s.requests.Add(1); w.WriteHeader(http.StatusNoContent) }
		server := &http.Server{Handler: http.HandlerFunc(handler), TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0)}
		gone := make(chan struct{})
		one := &memoryListener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
		one.conns <- c
		server.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				close(gone)
			}
		}
		go func() { _ = server.ServeTLS(one, "", "") }()
		select {
		case <-gone:
		case <-s.over:
		}
		server.Close()
	}
}

// h2Event is a request that came whole on an HTTP/2 connection.
type h2Act func(s *faultServer, f *http2.Framer, stream uint32) (more bool)

// speaking2 speaks as much HTTP/2 as it takes to get a request whole, and does
// with the nth request of the server what the nth act says, the last again and again.
func speaking2(acts ...h2Act) play {
	return func(s *faultServer, c net.Conn) {
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(c, preface); err != nil {
			return
		}
		f := http2.NewFramer(c, c)
		streams := make(chan uint32, 8) // reading never waits for writing
		s.wg.Go(func() {
			defer close(streams)
			for {
				frame, err := f.ReadFrame()
				if err != nil {
					return
				}
				h := frame.Header()
				if (h.Type == http2.FrameHeaders || h.Type == http2.FrameData) && h.Flags.Has(http2.FlagDataEndStream) {
					streams <- h.StreamID
				}
			}
		})
		if f.WriteSettings() != nil || f.WriteSettingsAck() != nil {
			return
		}
		for id := range streams {
			n := int(s.requests.Add(1))
			if !acts[min(n, len(acts))-1](s, f, id) {
				return
			}
		}
	}
}

// h2NoContent answers 204: index 9 of HPACK's static table.
func h2NoContent(_ *faultServer, f *http2.Framer, id uint32) bool {
	return f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x89}, EndStream: true, EndHeaders: true}) == nil
}

// h2Refuse takes a request back out of the count: the protocol says that it was
// not looked at.
func h2Refuse(act h2Act) h2Act {
	return func(s *faultServer, f *http2.Framer, id uint32) bool {
		s.requests.Add(-1)
		return act(s, f, id)
	}
}

func h2Reset(code http2.ErrCode) h2Act {
	return func(_ *faultServer, f *http2.Framer, id uint32) bool { return f.WriteRSTStream(id, code) == nil }
}

// h2GoAway says that streams above last were not looked at, and hangs up.
func h2GoAway(last func(id uint32) uint32) h2Act {
	return func(_ *faultServer, f *http2.Framer, id uint32) bool {
		_ = f.WriteGoAway(last(id), http2.ErrCodeNo, nil)
		return false
	}
}

// proxying is a proxy: handshake sees each CONNECT and says what to answer it;
// after a 200 bytes go both ways until cut is true of what has come from the client.
func (w *faultNet) proxying(answer func(req *http.Request) string, cut func(fromClient []byte) bool) play {
	return func(s *faultServer, c net.Conn) {
		in := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			text := answer(req)
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
			if strings.HasPrefix(text, "HTTP/1.1 200 ") {
				w.tunnel(s, in, c, req.Host, cut)
				return
			}
			if !keeps(text) {
				return
			}
		}
	}
}

func (w *faultNet) tunnel(s *faultServer, in io.Reader, c net.Conn, target string, cut func([]byte) bool) {
	dial := w.dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	far, err := dial(context.Background(), "tcp", target)
	if err != nil {
		return
	}
	defer far.Close()
	s.wg.Go(func() {
		_, _ = io.Copy(c, far)
		c.Close()
	})
	var seen []byte
	block := make([]byte, 4096)
	for {
		n, err := in.Read(block)
		if err != nil {
			return
		}
		if seen = append(seen, block[:n]...); cut != nil && cut(seen) {
			// The service gets the request, and the answer finds no way back.
			c.Close()
		}
		if _, err := far.Write(block[:n]); err != nil {
			return
		}
	}
}

// certificates is an authority in a file and the leaf certificates it issued.
type certificates struct {
	file string // PEM, for --ca-file
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCertificates(t *testing.T) *certificates {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Fault Test Authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &certificates{file, cert, key}
}

// config is a server's side with a fresh certificate for the names, good from
// an hour before until the given time from now.
func (a *certificates) config(t *testing.T, until time.Duration, names ...string) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Fault Test"}, DNSNames: names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(until)}
	if len(names) > 0 {
		template.IPAddresses = nil
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"http/1.1"}}
}

// http2 is a config that offers HTTP/2.
func (a *certificates) http2(t *testing.T) *tls.Config {
	config := a.config(t, time.Hour)
	config.NextProtos = []string{"h2"}
	return config
}

// filesIn are a folder's files, name and content, in order.
func filesIn(t *testing.T, dir string) (names []string, contents map[string]string) {
	contents = map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		contents[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(contents)), contents
}
