package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
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

	"invoke-mgupload/internal/cli"
)

// play is what a server does with one connection, which is closed behind it.
type play func(s *faultServer, c net.Conn)

// faultServer gives every connection to its play and counts the requests that
// came whole: those it may have acted on.
type faultServer struct {
	net.Listener
	requests atomic.Int32
	seen     atomic.Int32  // with those that were refused unprocessed
	over     chan struct{} // closed at the end of the test

	mu    sync.Mutex
	conns []net.Conn
	wg    sync.WaitGroup
}

// maxConns is more connections than any fault is worth.
const maxConns = 50

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
			many := len(s.conns) > maxConns
			s.mu.Unlock()
			if many { // a client gone wild
				l.Close()
				return
			}
			s.wg.Go(func() {
				defer c.Close()
				select {
				case <-s.over: // stop has been through conns already, or is about to
				default:
					p(s, c)
				}
			})
		}
	})
	return s
}

// wild reports whether the client would not stop connecting.
func (s *faultServer) wild() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns) > maxConns
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
	dir     string // that relative file names start from; "" for a fresh one
	env     map[string]string
	more    map[string]string // of the environment, for walk
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

// ran is what came of a run of the program.
type ran struct {
	exit           int
	stdout, stderr string
}

// run runs the program on this network.
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
	if w.dir != "" {
		env.Dir = w.dir
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

// drip sends a beginning at once, then a part each second, then the end, or
// less when the client goes.
func drip(first, part string, parts int, last string) play {
	return then(func(s *faultServer, c net.Conn, _ int) bool {
		_, err := io.WriteString(c, first)
		for range parts {
			select {
			case <-time.After(time.Second):
			case <-s.over:
				return false
			}
			if err == nil {
				_, err = io.WriteString(c, part)
			}
			if err != nil {
				return false
			}
		}
		_, _ = io.WriteString(c, last)
		return false
	})
}

// cut sends a beginning and hangs up.
func cut(first string) play { return drip(first, "", 0, "") }

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

// proxying is a proxy: handshake sees each CONNECT and says what to answer it;
// after a 200 bytes go both ways until cut is true of what has come from the client.
func (w *faultNet) proxying(answer func(req *http.Request) string, dies bool) play {
	return func(s *faultServer, c net.Conn) {
		in := bufio.NewReader(c)
		for {
			if b, err := in.Peek(1); err != nil || b[0] < 'A' { // TLS or SOCKS
				return
			}
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			text := answer(req)
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
			if strings.HasPrefix(text, "HTTP/1.1 200 ") {
				w.tunnel(s, in, c, req.Host, dies)
				return
			}
			if !keeps(text) {
				return
			}
		}
	}
}

func (w *faultNet) tunnel(s *faultServer, in io.Reader, c net.Conn, target string, dies bool) {
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
		if dies { // the service has the request and answers; the answer finds no way back
			_, _ = far.Read(make([]byte, 1))
		} else {
			_, _ = io.Copy(c, far)
		}
		c.Close()
	})
	_, _ = io.Copy(far, in)
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
