package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

func TestProgramCannotStart(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "not-executable")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path, says string
	}{
		{"missing", filepath.Join(dir, "none"), "there is no such file"},
		{"with arguments", filepath.Join(dir, "none") + " -x", "without arguments"},
		{"not on the PATH", "no-such-program-on-any-path", "is written ./NAME"},
		{"not executable", file, "make it executable"},
		{"none", "", "could not be started"},
	} {
		if c.path == file && runtime.GOOS == "windows" {
			continue // files have no such right there
		}
		t.Run(c.name, func(t *testing.T) {
			noneLeft(t)
			s := newScript(t, status(200))
			resp, err := call(t.Context(), Program(ProgramOptions{Path: c.path}), s)
			closing(t, resp)
			if e, ok := errors.AsType[*ProgramError](err); !ok || e.ExitCode != 0 || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
			if len(s.sent) != 0 {
				t.Errorf("%d sends, want none", len(s.sent))
			}
		})
	}
}

// Pipes hold some 64 KiB: whoever waits for one to be emptied while the other fills is stuck.
func TestProgramLargeBodies(t *testing.T) {
	const size = 512 << 10
	big := strings.Repeat("z", size)
	for _, c := range []struct {
		name string
		acts []string
		body int // that is sent
	}{
		{"prints before it reads", []string{"noise 300000", "large 524288", "drain", `print {"response":{}}`, "blanks 300000"}, size},
		{"reads before it prints", []string{"read", "large 524288", "read"}, size},
		{"reads nothing", []string{`print {"next":{}}`}, size},
		{"reads no answer", []string{"read", "large 524288"}, size},
		{"prints much at once", []string{`print {"next":{}}`, "blanks 300000", "read", "read"}, size},
	} {
		t.Run(c.name, func(t *testing.T) {
			noneLeft(t)
			req, _ := http.NewRequestWithContext(t.Context(), "POST", "https://graph.example/", strings.NewReader(big))
			s := newScript(t, func() *http.Response { return pipelinetest.Answer(200, big) })
			resp, err := Program(acting(t, c.acts...))(req, s)
			if err != nil {
				t.Fatal(err)
			}
			if got := readAll(t, resp); got != big || len(s.sent[0].Body) != c.body {
				t.Errorf("%d bytes sent and %d received, want %d and %d", len(s.sent[0].Body), len(got), c.body, size)
			}
		})
	}
}

// zeros is a body without an end that knows whether it was closed.
type zeros struct{ closed bool }

func (z *zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
func (z *zeros) Close() error               { z.closed = true; return nil }

func TestProgramBoundsAnswer(t *testing.T) {
	noneLeft(t)
	body := new(zeros)
	s := newScript(t, func() *http.Response { return &http.Response{StatusCode: 200, Body: body} })
	_, err := call(t.Context(), Program(acting(t, `print {"next":{}}`, "drain")), s)
	if e, ok := errors.AsType[*ProgramError](err); !ok || e.Answered != 200 || !strings.Contains(err.Error(), "64 MiB") || !body.closed {
		t.Errorf("error %v, body closed: %v; want one about 64 MiB and a closed body", err, body.closed)
	}
}

// An answer that breaks off keeps its status and its error: the program is not asked.
func TestProgramUnreadableAnswer(t *testing.T) {
	noneLeft(t)
	broken := errors.New("cut")
	s := newScript(t, func() *http.Response {
		rest := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))
		return &http.Response{StatusCode: 400, Body: io.NopCloser(rest)}
	})
	resp, err := call(t.Context(), Program(acting(t, `print {"next":{}}`, "drain", "exit 3")), s)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); string(got) != "half" || err != broken || resp.StatusCode != 400 {
		t.Errorf("%d, %q and %v, want 400, half and %v", resp.StatusCode, got, err, broken)
	}
}

// A failed send is the call's error, whatever the program makes of the missing answer.
func TestProgramSendError(t *testing.T) {
	noneLeft(t)
	cut := errors.New("cut")
	var shown bytes.Buffer
	o := acting(t, `print {"next":{}}`, "read", "read <", "exit 3")
	o.Stderr = &shown
	_, err := call(t.Context(), Program(o), SenderFunc(func(*http.Request) (*http.Response, error) { return nil, cut }))
	if err != cut || shown.String() != "< \n" {
		t.Errorf("error %v, and the program read %q; want %v and the end", err, shown.String(), cut)
	}
}

// listener is where programs hang. gone waits until those that connected are dead.
type listener struct {
	net.Listener
	conns chan net.Conn
}

func listen(t *testing.T) *listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	out := &listener{l, make(chan net.Conn, 8)}
	go func() {
		defer close(out.conns)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			out.conns <- conn
		}
	}()
	return out
}

func (l *listener) addr() string { return l.Addr().String() }

// dead waits for the end of the process behind conn.
func dead(conn net.Conn) {
	_, _ = conn.Read(make([]byte, 1)) // nothing is ever written: an end, or a reset
	conn.Close()
}

// A program that never answers ends with the context, and its children with it.
func TestProgramEndsWithContext(t *testing.T) {
	for _, c := range []struct {
		name string
		acts func(addr string) []string
		sent bool
	}{
		{"before it answers", func(addr string) []string { return []string{"child " + addr, "hang " + addr} }, false},
		{"after the answer", func(addr string) []string {
			return []string{`print {"next":{}}`, "child " + addr, "drain", "hang " + addr}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := listen(t)
			noneLeft(t)
			ctx, cancel := context.WithCancel(t.Context())
			var conns [2]net.Conn
			go func() {
				conns[0], conns[1] = <-l.conns, <-l.conns
				cancel()
			}()
			s := newScript(t, status(200))
			resp, err := call(ctx, Program(acting(t, c.acts(l.addr())...)), s)
			closing(t, resp)
			if err != context.Canceled || len(s.sent) != map[bool]int{true: 1}[c.sent] {
				t.Errorf("error %v after %d sends, want the context's", err, len(s.sent))
			}
			dead(conns[0])
			dead(conns[1])
		})
	}
}

func TestProgramContextAlreadyEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := newScript(t, status(200))
	if _, err := call(ctx, Program(acting(t, `print {"next":{}}`)), s); err != context.Canceled || len(s.sent) != 0 {
		t.Errorf("error %v after %d sends, want the context's after none", err, len(s.sent))
	}
}

// The limits and graces of these tests pass in real time: a process knows no other.
func TestProgramLimit(t *testing.T) {
	for _, c := range []struct {
		name  string
		acts  []string
		limit time.Duration
		says  string
		sends int
	}{
		{"waits for the end of its input", []string{"drain", `print {"next":{}}`}, time.Second / 10, "longer than 0.1 s; it must read one line", 0},
		{"hangs after the answer", []string{`print {"next":{}}`, "drain", "hang"}, 2 * time.Second, "after the service had answered 200: it took longer than 2 s", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := listen(t)
			noneLeft(t)
			for i, act := range c.acts {
				if act == "hang" {
					c.acts[i] += " " + l.addr()
				}
			}
			o := acting(t, c.acts...)
			o.Limit = c.limit
			s := newScript(t, status(200))
			_, err := call(t.Context(), Program(o), s)
			e, ok := errors.AsType[*ProgramError](err)
			if !ok || e.ExitCode != -1 || !strings.Contains(err.Error(), c.says) || len(s.sent) != c.sends {
				t.Errorf("error %v after %d sends, want one that says %q after %d", err, len(s.sent), c.says, c.sends)
			}
		})
	}
}

// The limit is on the program: time the request takes does not count.
func TestProgramLimitStandsStillForTheRequest(t *testing.T) {
	o := acting(t, `print {"next":{}}`, "drain")
	o.Limit = 2 * time.Second
	over := time.After(o.Limit + o.Limit/10)
	resp, err := call(t.Context(), Program(o), SenderFunc(func(*http.Request) (*http.Response, error) {
		<-over
		return pipelinetest.Answer(204, ""), nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// Output that is wrong ends a program that would go on, and what it started.
func TestProgramGarbageIsKilled(t *testing.T) {
	l := listen(t)
	noneLeft(t)
	o := acting(t, "print garbage", "child "+l.addr(), "hang "+l.addr())
	o.Grace = 200 * time.Millisecond
	_, err := call(t.Context(), Program(o), newScript(t, status(200)))
	if e, ok := errors.AsType[*ProgramError](err); !ok || e.ExitCode != -1 || !strings.Contains(err.Error(), "not JSON") {
		t.Errorf("error %v, want one about JSON", err)
	}
	l.Close()
	for conn := range l.conns { // one may have been killed before it could connect
		dead(conn)
	}
}

// A child that keeps stdout delays the call by the grace and no longer. It goes on.
func TestProgramLeavesChild(t *testing.T) {
	l := listen(t)
	noneLeft(t)
	o := acting(t, `print {"response":{"status":204}}`, "child "+l.addr())
	o.Grace = 50 * time.Millisecond
	resp, err := call(t.Context(), Program(o), newScript(t, status(200)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	conn := <-l.conns
	conn.Close() // lets it end
}

func TestProgramEnvironment(t *testing.T) {
	t.Setenv("MGUPLOAD_ACCESS_TOKEN", "secret-token")
	var shown bytes.Buffer
	o := acting(t, "env", "where", `print {"next":{}}`)
	o.Env = append(o.Env, "TICKET=CHG-1")
	o.Dir = t.TempDir()
	o.Stderr = &shown
	resp, err := call(t.Context(), Program(o), newScript(t, status(200)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := shown.String(); strings.Contains(got, "secret-token") || !strings.Contains(got, "TICKET=CHG-1") || !strings.HasSuffix(got, "\n"+filepath.Base(o.Dir)+"\n") {
		t.Errorf("the program's environment and folder are %q", got)
	}
}

// Without Env a program's environment is empty, and not this process's own.
func TestProgramNoEnvironment(t *testing.T) {
	env, err := exec.LookPath("env")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no program env here")
	}
	t.Setenv("MGUPLOAD_ACCESS_TOKEN", "secret-token")
	_, err = call(t.Context(), Program(ProgramOptions{Path: env}), newScript(t, status(200)))
	if err == nil || !strings.Contains(err.Error(), "it printed nothing") { // env prints what there is
		t.Errorf("error %v, want one that says nothing was printed", err)
	}
}

// wholeLines collects writes; each must be whole lines.
type wholeLines struct {
	mu     sync.Mutex
	t      *testing.T
	writes []string
}

func (s *wholeLines) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !bytes.HasSuffix(b, []byte("\n")) {
		s.t.Errorf("wrote %q, want whole lines", b)
	}
	s.writes = append(s.writes, strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")...)
	return len(b), nil
}

func TestProgramStderr(t *testing.T) {
	shown := &wholeLines{t: t}
	acts := []string{}
	for n := range 1000 {
		acts = append(acts, fmt.Sprintf("error line %03d", n))
	}
	o := acting(t, append(acts, "noise 3", "exit 1")...)
	o.Stderr = shown
	step := Program(o)
	var calls sync.WaitGroup
	for range 2 {
		calls.Go(func() {
			_, err := call(t.Context(), step, newScript(t, status(200)))
			e, ok := errors.AsType[*ProgramError](err)
			if !ok || len(e.Stderr) > 4<<10 || !strings.HasPrefix(e.Stderr, "line ") || !strings.HasSuffix(e.Stderr, "line 999") {
				t.Errorf("the error is %v, want its last lines in 4 KiB", err)
			}
		})
	}
	calls.Wait()
	if len(shown.writes) != 2*1001 {
		t.Errorf("%d lines shown, want %d", len(shown.writes), 2*1001)
	}
}

// What a program says is shown when it says it, not when it ends.
func TestProgramStderrComesAtOnce(t *testing.T) {
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	o := acting(t, "error ready", "hang "+l.addr())
	o.Stderr = writer(func(b []byte) { cancel() }) // else the call would never end
	if _, err := call(ctx, Program(o), newScript(t, status(200))); err != context.Canceled {
		t.Errorf("error %v, want the context's", err)
	}
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

// A message from a program must not reach a terminal as commands to it.
func TestProgramErrorIsPlainText(t *testing.T) {
	e := &ProgramError{Path: "./a", Stderr: "one\r\n\x1b[2Jtwo", Err: errors.New("exit status 1")}
	if got, want := e.Error(), "the step ./a failed: exit status 1: one\n [2Jtwo"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func BenchmarkProgram(b *testing.B) {
	sh, err := exec.LookPath("true")
	if err != nil {
		b.Skip("there is no program true here")
	}
	step := Program(ProgramOptions{Path: sh})
	for b.Loop() {
		_, _ = step(pipelinetest.Request(b.Context()), done)
	}
}
