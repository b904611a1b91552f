package cli_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"invoke-mgupload/internal/cli"
)

// moments counts what the program does to the outside, and ends the run's
// context at the chosen one.
type moments struct {
	mu     sync.Mutex
	passed int
	last   int // 0: never
	cancel context.CancelFunc
}

func (m *moments) pass() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.passed++; m.passed == m.last {
		m.cancel()
	}
}

// watchedConn passes a moment before and after each read and write.
type watchedConn struct {
	net.Conn
	m *moments
}

func (c watchedConn) Read(p []byte) (int, error) {
	c.m.pass()
	n, err := c.Conn.Read(p)
	c.m.pass()
	return n, err
}

func (c watchedConn) Write(p []byte) (int, error) {
	c.m.pass()
	n, err := c.Conn.Write(p)
	c.m.pass()
	return n, err
}

// watchedStream is standard input, piped slowly, or standard output.
type watchedStream struct {
	in  io.Reader
	out io.Writer
	m   *moments
}

func (s watchedStream) Read(p []byte) (int, error) {
	s.m.pass()
	n, err := s.in.Read(p[:min(len(p), 30)]) // less than an identity
	s.m.pass()
	return n, err
}

func (s watchedStream) Write(p []byte) (int, error) {
	s.m.pass()
	n, err := s.out.Write(p)
	s.m.pass()
	return n, err
}

// ledger is a service that writes down who came, and answers with that.
type ledger struct {
	mu  sync.Mutex
	ids []string
}

func (l *ledger) play(s *faultServer, c net.Conn) {
	in := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		id := strings.Split(req.URL.Path, "/")[4]
		l.mu.Lock()
		l.ids = append(l.ids, id)
		n := len(l.ids)
		l.mu.Unlock()
		text := reply("200 OK", fmt.Sprintf(`{"id":%q}`, id))
		if n == 2 {
			text = reply("503 Service Unavailable", "", "Retry-After: 1")
		}
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
	}
}

// TestInterruptAtEveryMoment pipes identities and interrupts the run at each of
// its moments in turn: what was printed is whole and in order, nobody came
// twice but for the one who was told to, and the bubble sees that no goroutine
// is left.
func TestInterruptAtEveryMoment(t *testing.T) {
	for _, limit := range []string{"1", "3"} {
		t.Run(limit, func(t *testing.T) {
			total := interrupted(t, limit, 0)
			for last := 1; last <= total; last++ {
				interrupted(t, limit, last)
			}
			if total < 20 {
				t.Errorf("only %d moments: the run did not do much", total)
			}
		})
	}
}

// interrupted runs until moment last and answers how many passed.
func interrupted(t *testing.T, limit string, last int) (passed int) {
	const items = 4
	synctest.Test(t, func(t *testing.T) {
		w := newFaultNet(t, false)
		defer w.stop()
		book := new(ledger)
		endpoint := "http://" + w.service(book.play)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		m := &moments{last: last, cancel: cancel}
		dial := w.dial
		w.dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return watchedConn{c, m}, nil
		}
		var stdin, stdout, stderr strings.Builder
		for i := range items {
			fmt.Fprintf(&stdin, "{\"identityApiConnectorId\":\"id-%d\"}\n", i)
		}
		env := w.environment(watchedStream{out: &stdout, m: m}, &stderr, []string{"api-connector", "-Pkcs12Value", "cGZ4", "-Password", "sesame", "--endpoint", endpoint,
			"--throttle-limit", limit})
		env.Stdin, env.StdinKind = watchedStream{in: strings.NewReader(stdin.String()), m: m}, cli.Stream
		exit := cli.Main(ctx, env)
		done := strings.Count(stdout.String(), "\n") == items // and the interrupt came behind it, perhaps
		if ctx.Err() != nil && exit != cli.Interrupted && !(done && exit == cli.Success) || ctx.Err() == nil && exit != cli.Success {
			t.Errorf("moment %d: exit status %d: %s", last, exit, stderr.String())
		}
		var whole strings.Builder
		for i := range strings.Count(stdout.String(), "\n") {
			fmt.Fprintf(&whole, "{\"id\":\"id-%d\"}\n", i)
		}
		if stdout.String() != whole.String() || last == 0 && strings.Count(whole.String(), "\n") != items {
			t.Errorf("moment %d: printed %q", last, stdout.String())
		}
		book.check(t, last)
		m.mu.Lock()
		passed = m.passed
		m.mu.Unlock()
	})
	return passed
}

// check wants each identity once, but for the second that came: it was told to
// come again.
func (l *ledger) check(t *testing.T, last int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	came := map[string]int{}
	for _, id := range l.ids {
		came[id]++
	}
	for id, n := range came {
		most := 1
		if len(l.ids) > 1 && id == l.ids[1] {
			most = 2
		}
		if n > most {
			t.Errorf("moment %d: %s came %d times", last, id, n)
		}
	}
}

var errClosedPipe = errors.New("broken pipe")

// closing takes a few lines, as `head` does.
type closing struct{ lines int }

func (c *closing) Write(p []byte) (int, error) {
	if c.lines--; c.lines < 0 {
		return 0, errClosedPipe
	}
	return len(p), nil
}

// TestClosedOutput stops sending when nobody reads what comes of it.
func TestClosedOutput(t *testing.T) {
	for _, limit := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			w := newFaultNet(t, false)
			defer w.stop()
			var stdin, stderr strings.Builder
			for i := range 100 {
				fmt.Fprintf(&stdin, "{\"certificateBasedAuthPki-id\":\"id-%d\"}\n", i)
			}
			w.stdin = stdin.String()
			endpoint := "http://" + w.service(answers(noContent))
			env := w.environment(&closing{2}, &stderr, []string{"-UploadUrl", "https://files.example/a", "-Sha256FileHash", "00", "-PassThru", "--endpoint", endpoint,
				"--throttle-limit", fmt.Sprint(limit)})
			if exit := cli.Main(t.Context(), env); exit != cli.Failed {
				t.Errorf("exit status %d: %s", exit, stderr.String())
			}
			// Two lines came through, the third did not; others were under way by then.
			if n := int(w.graph.requests.Load()); n > 3+2*(limit-1) {
				t.Errorf("%d requests were sent, %d at once", n, limit)
			}
			if !strings.Contains(stderr.String(), "Standard output cannot be written") {
				t.Errorf("standard error has %q", stderr.String())
			}
		})
	}
}
