package pipeline_test

import (
	"bufio"
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
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

// actsVariable holds what this test binary does when it runs as a step: one act a line.
const actsVariable = "PIPELINE_TEST_ACTS"

func TestMain(m *testing.M) {
	acts, ok := os.LookupEnv(actsVariable)
	if !ok {
		os.Exit(m.Run())
	}
	in := bufio.NewReader(os.Stdin)
	for act := range strings.Lines(acts) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(act, "\n"), " ")
		if err := perform(verb, rest, in); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(99)
		}
	}
	os.Exit(0)
}

// perform does one act of a step.
func perform(verb, rest string, in *bufio.Reader) error {
	switch verb {
	case "read": // a line, shown on stderr after the word given
		text, err := in.ReadString('\n')
		if rest != "" {
			fmt.Fprintf(os.Stderr, "%s %s\n", rest, strings.TrimSuffix(text, "\n"))
		}
		if err != io.EOF {
			return err
		}
	case "drain": // stdin to its end
		_, err := io.Copy(io.Discard, in)
		return err
	case "print":
		fmt.Println(rest)
	case "error":
		fmt.Fprintln(os.Stderr, rest)
	case "blanks", "noise": // so many bytes on stdout, stderr
		n, err := strconv.Atoi(rest)
		to := map[string]io.Writer{"blanks": os.Stdout, "noise": os.Stderr}[verb]
		_, _ = io.WriteString(to, strings.Repeat(" ", n))
		return err
	case "large": // a next whose body has so many bytes
		n, err := strconv.Atoi(rest)
		fmt.Printf(`{"next":{"body":%q}}`+"\n", strings.Repeat("y", n))
		return err
	case "env":
		fmt.Fprintln(os.Stderr, strings.Join(os.Environ(), "|"))
	case "where":
		dir, err := os.Getwd()
		fmt.Fprintln(os.Stderr, filepath.Base(dir))
		return err
	case "exit":
		code, err := strconv.Atoi(rest)
		if err == nil {
			os.Exit(code)
		}
		return err
	case "hang": // until the listener at this address goes away
		return hang(rest)
	case "child": // that hangs, with this process's stdout and stderr
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), actsVariable+"=hang "+rest)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		return cmd.Start()
	default:
		return errors.New("unknown act " + verb)
	}
	return nil
}

func hang(addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, conn)
	return nil
}

// acting returns options for a program that performs the acts.
func acting(t testing.TB, acts ...string) ProgramOptions {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{actsVariable + "=" + strings.Join(acts, "\n"), "GORACE=atexit_sleep_ms=0"} // else 1 s at the end
	return ProgramOptions{Path: path, Env: env}
}

// noneLeft reports goroutines that outlive the test. It lets those go on that have only to return.
func noneLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 1_000_000 {
			if runtime.NumGoroutine() <= before {
				return
			}
			runtime.Gosched()
		}
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
	})
}

func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func TestProgramContract(t *testing.T) {
	for _, c := range []struct {
		name string
		acts []string
	}{
		{"next", []string{"read", `print {"next":{}}`, "read"}},
		{"reads nothing", []string{`print {"next":{}}`}},
		{"changes a header", []string{`print {"next":{"headers":{"X":["y"]}}}`, "read", "read", `print {"response":{"headers":{"X":"y"}}}`}},
		{"answers", []string{`print {"response":{"status":204}}`}},
		{"fails", []string{"read", "exit 3"}},
		{"fails late", []string{`print {"next":{}}`, "drain", "exit 3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			step := outside(t, Program(acting(t, c.acts...)))
			pipelinetest.Run(t, func() Step { return step })
		})
	}
}

// outside runs step where synctest's clock does not see it: a process does not count as waiting,
// so the clock of a bubble would stand still for as long as one runs. What crosses the border goes
// over channels and contexts that are made outside.
func outside(t *testing.T, step Step) Step {
	calls := make(chan *crossing)
	go func() {
		for {
			c := &crossing{requests: make(chan *http.Request), answers: make(chan answer), sends: make(chan *http.Request), results: make(chan answer)}
			c.ctx, c.cancel = context.WithCancel(context.Background())
			select {
			case calls <- c:
				go c.run(step)
			case <-t.Context().Done():
				return
			}
		}
	}()
	return func(req *http.Request, next Sender) (*http.Response, error) {
		c := <-calls
		defer c.cancel()
		defer context.AfterFunc(req.Context(), c.cancel)()
		c.requests <- req.WithContext(c.ctx)
		for {
			select {
			case send := <-c.sends:
				resp, err := next.Send(send.WithContext(req.Context()))
				c.answers <- answer{resp, err}
			case a := <-c.results:
				return a.resp, a.err
			}
		}
	}
}

type answer struct {
	resp *http.Response
	err  error
}

type crossing struct {
	ctx             context.Context
	cancel          func()
	requests, sends chan *http.Request
	answers         chan answer // of sends
	results         chan answer // of the step
}

func (c *crossing) run(step Step) {
	resp, err := step(<-c.requests, SenderFunc(func(req *http.Request) (*http.Response, error) {
		c.sends <- req
		a := <-c.answers
		return a.resp, a.err
	}))
	c.results <- answer{resp, err}
}

// What the program is shown: the request as the real steps see it (steps.inspect-request), and no
// token wherever it stands.
func TestProgramSees(t *testing.T) {
	noneLeft(t)
	for _, c := range []struct {
		name, body, answer, request, response string
	}{
		{"text", "{\n  \"a\": \"<ü>\"\n}", "yes",
			`"body":"{\n  \"a\": \"<ü>\"\n}"}`, `{"status":200,"headers":{"X-A":["1","2"]},"body":"yes"}`},
		{"none", "", "", `}`, `{"status":200,"headers":{"X-A":["1","2"]}}`},
		{"no text", "\xff", "\xfe", `"bodyBase64":"/w=="}`, `{"status":200,"headers":{"X-A":["1","2"]},"bodyBase64":"/g=="}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), "POST", "https://graph.example/v1.0/a%20b?c=1&d=2", strings.NewReader(c.body))
			req.Header.Set("X-User", "u")
			req.Header.Set("Authorization", "Bearer secret")
			o := acting(t, "read >", `print {"next":{}}`, "read <")
			var shown bytes.Buffer
			o.Stderr = &shown
			s := newScript(t, func() *http.Response { return pipelinetest.Answer(200, c.answer, "X-A", "1", "X-A", "2") })
			resp, err := Program(o)(req, s)
			if err != nil {
				t.Fatal(err)
			}
			if got := readAll(t, resp); got != c.answer {
				t.Errorf("the answer is %q, want %q", got, c.answer)
			}
			comma := ","
			if c.body == "" {
				comma = ""
			}
			want := `> {"method":"POST","url":"https://graph.example/v1.0/a%20b?c=1&d=2","headers":{"X-User":["u"]}` + comma + c.request + "\n< " + c.response + "\n"
			if got := shown.String(); got != want {
				t.Errorf("the program read\n%swant\n%s", got, want)
			}
			if s.sent[0].Body != c.body || s.sent[0].Header.Get("Authorization") != "Bearer secret" {
				t.Errorf("sent %+v, want the request unchanged", s.sent[0])
			}
		})
	}
}

func TestProgramChangesRequest(t *testing.T) {
	const target = "https://graph.example/v1.0/things/1/upload?a=b"
	const payload = `{"password":"p","uploadUrl":"u"}`
	kept := http.Header{"Content-Type": {"application/json"}, "X-User": {"kept"}}
	for _, c := range []struct {
		name, next string
		want       sent
	}{
		{"nothing", `{}`, sent{Method: "POST", URL: target, Body: payload, Header: kept}},
		{"steps.change-method", `{"method":"PATCH"}`, sent{Method: "PATCH", URL: target, Body: payload, Header: kept}},
		{"steps.change-uri", `{"url":"https://graph.example/beta?x=%2F"}`, sent{Method: "POST", URL: "https://graph.example/beta?x=%2F", Body: payload, Header: kept}},
		{"steps.change-body", `{"body":"{\"x\":1}","headers":{"content-type":"text/plain"}}`,
			sent{Method: "POST", URL: target, Body: `{"x":1}`, Header: http.Header{"Content-Type": {"text/plain"}, "X-User": {"kept"}}}},
		{"base64", `{"bodyBase64":"/w=="}`, sent{Method: "POST", URL: target, Body: "\xff", Header: kept}},
		{"no body", `{"body":null}`, sent{Method: "POST", URL: target, Header: kept}},
		{"steps.add-header", `{"headers":{"X-Step":["v","w"],"x-one":"o","x-user":null,"Content-Type":[]}}`,
			sent{Method: "POST", URL: target, Body: payload, Header: http.Header{"X-Step": {"v", "w"}, "X-One": {"o"}}}},
		{"all said again", `{"method":"POST","url":"` + target + `","headers":{"X-User":["kept"]},"body":"{}"}`,
			sent{Method: "POST", URL: target, Body: "{}", Header: kept}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, status(503), status(200))
			// Retry behind the step: a changed body must be there for each send.
			chain := New(s, Named{"program", Program(acting(t, `print {"next":`+c.next+`}`))}, Named{"retry", Retry(RetryOptions{Max: 1})})
			resp, err := chain.Send(pipelinetest.Request(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if len(s.sent) != 2 {
				t.Fatalf("%d sends, want 2", len(s.sent))
			}
			s.sent[1].Header.Del("Retry-Attempt")
			for _, got := range s.sent {
				got.At = 0
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("sent %+v, want %+v", got, c.want)
				}
			}
		})
	}
}

func TestProgramAnswers(t *testing.T) {
	noneLeft(t)
	for _, c := range []struct {
		name  string
		acts  []string
		sends int
		want  string // status, headers, body
	}{
		{"steps.short-circuit-204", []string{`print {"response":{"status":204}}`}, 0, `204 map[] `},
		{"steps.short-circuit-typed", []string{"read", `print {"response":{"status":200,"headers":{"x-fake":"1"},"body":"b"}}`, "drain"}, 0, `200 map[X-Fake:[1]] b`},
		{"passes", []string{`print {"next":{}}`, "read", "drain", "blanks 9"}, 1, `200 map[Content-Length:[4] X:[y]] body`},
		{"changes", []string{`print {"next":{}}`, "drain", `print {"response":{"status":201,"headers":{"x":null,"z":"1"},"body":"longer"}}`}, 1, `201 map[Z:[1]] longer`},
		{"changes nothing", []string{`print {"next":{}}`, "drain", `print {"response":{}}`}, 1, `200 map[Content-Length:[4] X:[y]] body`},
		{"takes the body away", []string{`print {"next":{}}`, "drain", `print {"response":{"body":null}}`}, 1, `200 map[X:[y]] `},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, status(200, "X", "y", "Content-Length", "4"))
			resp, err := call(t.Context(), Program(acting(t, c.acts...)), s)
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%d %v %s", resp.StatusCode, resp.Header, readAll(t, resp))
			if got != c.want || len(s.sent) != c.sends {
				t.Errorf("%s after %d sends, want %s after %d", got, len(s.sent), c.want, c.sends)
			}
		})
	}
}

func TestProgramErrors(t *testing.T) {
	noneLeft(t)
	secret := strings.Repeat("x", 100) // stands for what a program may spill
	for _, c := range []struct {
		name  string
		acts  []string
		sends int
		code  int
		says  string
	}{
		{"steps.throw", []string{"read", "error cannot sign", "error no key", "exit 3"}, 0, 3, "failed: exit status 3: cannot sign\nno key"},
		{"status wins over output", []string{"print usage: x", "exit 2"}, 0, 2, "failed: exit status 2"},
		{"status after an answer of its own", []string{`print {"response":{"status":204}}`, "exit 4"}, 0, 4, "failed: exit status 4"},
		{"status after the send", []string{`print {"next":{}}`, "drain", "exit 5"}, 1, 5, "failed after the service had answered 200: exit status 5"},
		{"steps.return-null", []string{"read"}, 0, 0, "it printed nothing"},
		{"steps.return-string", []string{"print " + secret}, 0, 0, "not JSON at byte 1"},
		{"cut", []string{`print {"next":{"body":"` + secret + `"`}, 0, 0, "ends inside a JSON value"},
		{"scalar", []string{`print "` + secret + `"`}, 0, 0, "not understood"},
		{"neither", []string{`print {}`}, 0, 0, "members next and response"},
		{"null", []string{`print {"next":null}`}, 0, 0, "members next and response"},
		{"both", []string{`print {"next":{},"response":{"status":204}}`}, 0, 0, "members next and response"},
		{"misspelt", []string{`print {"next":{"haeders":{}}}`}, 0, 0, "haeders"},
		{"status in next", []string{`print {"next":{"status":204}}`}, 0, 0, "status"},
		{"two answers", []string{`print {"response":{"status":204}} {"response":{"status":204}}`}, 0, 0, "more after its answer"},
		{"text after an answer", []string{`print {"response":{"status":204}}`, "print " + secret}, 0, 0, "more after its answer"},
		{"steps.send-twice", []string{`print {"next":{}}`, "read", `print {"next":{}}`}, 1, 0, "a second time"},
		{"steps.write-output-extra", []string{`print {"next":{}}`, "read", "print done"}, 1, 0, "not JSON"},
		{"two changes", []string{`print {"next":{}}`, "drain", `print {"response":{}}{"response":{}}`}, 1, 0, "more after its answer"},
		{"no status", []string{`print {"response":{"body":"x"}}`}, 0, 0, "status"},
		{"bad status", []string{`print {"response":{"status":600}}`}, 0, 0, "status"},
		{"bad status later", []string{`print {"next":{}}`, "drain", `print {"response":{"status":100}}`}, 1, 0, "status"},
		{"bad method", []string{`print {"next":{"method":"A B"}}`}, 0, 0, "method"},
		{"bad URL", []string{`print {"next":{"url":"/v1.0"}}`}, 0, 0, "url"},
		{"other scheme", []string{`print {"next":{"url":"ftp://h/"}}`}, 0, 0, "url"},
		{"password in URL", []string{`print {"next":{"url":"https://u:` + secret + `@h/"}}`}, 0, 0, "url"},
		{"connection header", []string{`print {"next":{"headers":{"te":"x"}}}`}, 0, 0, "Te cannot be set"},
		{"header name", []string{`print {"next":{"headers":{"a b":"x"}}}`}, 0, 0, "header name"},
		{"header twice", []string{`print {"next":{"headers":{"a":"x","A":"y"}}}`}, 0, 0, "twice"},
		{"header value", []string{`print {"next":{"headers":{"a":"` + secret + `\r\nb: c"}}}`}, 0, 0, "control character"},
		{"header number", []string{`print {"next":{"headers":{"a":1}}}`}, 0, 0, "must be a string"},
		{"body is JSON", []string{`print {"next":{"body":{"a":1}}}`}, 0, 0, "not a string"},
		{"two bodies", []string{`print {"next":{"body":"","bodyBase64":""}}`}, 0, 0, "both body and bodyBase64"},
		{"bad base64", []string{`print {"next":{"bodyBase64":"` + secret + `!"}}`}, 0, 0, "not base64"},
		{"not UTF-8", []string{"print {\"next\":{\"body\":\"\xff\"}}"}, 0, 0, "not UTF-8"},
		{"too much", []string{"blanks 16777217", `print {"next":{}}`, "exit 0"}, 0, 0, "more than 16 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := acting(t, c.acts...)
			o.Grace = time.Minute // the programs end by themselves
			s := newScript(t, status(200))
			resp, err := call(t.Context(), Program(o), s)
			closing(t, resp)
			e, ok := errors.AsType[*ProgramError](err)
			if !ok || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret) {
				t.Fatalf("error %v, want one that says %q", err, c.says)
			}
			answered := c.sends * 200
			if e.ExitCode != c.code || e.Answered != answered || e.Path != o.Path || len(s.sent) != c.sends {
				t.Errorf("%+v after %d sends, want exit code %d, answered %d after %d", e, len(s.sent), c.code, answered, c.sends)
			}
		})
	}
}

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
	const size = 1 << 20
	big := strings.Repeat("z", size)
	for _, c := range []struct {
		name string
		acts []string
		body int // that is sent
	}{
		{"prints before it reads", []string{"noise 1000000", "large 1048576", "drain", `print {"response":{}}`, "blanks 1000000"}, size},
		{"reads before it prints", []string{"read", "large 1048576", "read"}, size},
		{"reads nothing", []string{`print {"next":{}}`}, size},
		{"reads no answer", []string{"read", "large 1048576"}, size},
		{"prints much at once", []string{`print {"next":{}}`, "blanks 3000000", "read", "read"}, size},
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
		sends int
	}{
		{"waits for the end of its input", []string{"drain", `print {"next":{}}`}, 0},
		{"hangs after the answer", []string{`print {"next":{}}`, "drain", "hang"}, 1},
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
			o.Limit = time.Second
			s := newScript(t, status(200))
			_, err := call(t.Context(), Program(o), s)
			e, ok := errors.AsType[*ProgramError](err)
			if !ok || e.ExitCode != -1 || !strings.Contains(err.Error(), "longer than 1 s") || len(s.sent) != c.sends {
				t.Errorf("error %v after %d sends, want one about 1 s after %d", err, len(s.sent), c.sends)
			}
		})
	}
}

// The limit is on the program: time the request takes does not count.
func TestProgramLimitStandsStillForTheRequest(t *testing.T) {
	o := acting(t, `print {"next":{}}`, "drain")
	o.Limit = time.Second
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
