package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// After two seconds of silence, once, a line says what is waited for.
func TestWaitingIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "-WhatIf")
		r, feed := io.Pipe()
		stderr := &shared{}
		w.Stdin, w.StdinKind, w.Stderr = r, Stream, stderr
		status := make(chan int)
		go func() { status <- w.run(t) }()
		time.Sleep(1900 * time.Millisecond)
		synctest.Wait()
		if got := stderr.text(); got != "" {
			t.Errorf("told before its time: %q", got)
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		fmt.Fprintln(feed, `{"certificateBasedAuthPki-id":"a"}`)
		time.Sleep(time.Minute)
		_ = feed.Close()
		if got := <-status; got != Success {
			t.Errorf("exit status %d", got)
		}
		if got := stderr.text(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "certificateBasedAuthPki-id") && !strings.Contains(got, "CertificateBasedAuthPkiId") {
			t.Errorf("told %q", got)
		}
	})
}

// shared is a stream that is read while it is written.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shared) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Each identity is handled as it arrives, not when the input ends.
func TestItemsAreHandledAsTheyArrive(t *testing.T) {
	w := newWorld(t, "-PassThru")
	r, feed := io.Pipe()
	out, results := io.Pipe()
	w.Stdin, w.StdinKind, w.Stdout = r, Stream, results
	status := make(chan int)
	go func() {
		status <- w.run(t)
		_ = results.Close()
	}()
	line := make([]byte, len("True\n"))
	for _, id := range []string{"a", "b", "c"} {
		fmt.Fprintf(feed, `{"certificateBasedAuthPki-id":%q}`, id)
		if _, err := io.ReadFull(out, line); err != nil || string(line) != "True\n" {
			t.Fatalf("%s: got %q and %v", id, line, err)
		}
	}
	_ = feed.Close()
	if got := <-status; got != Success {
		t.Errorf("exit status %d", got)
	}
}

// Several requests at once: results and errors keep the order of the input.
func TestThrottleLimitKeepsOrder(t *testing.T) {
	const limit = 4
	var in strings.Builder
	for i := range limit {
		fmt.Fprintf(&in, `{"trustFrameworkKeySet-id":"%d"}`, i)
	}
	w := newWorld(t, "keyset-certificate-beta", "--throttle-limit", fmt.Sprint(limit)).pipe(in.String())
	w.variables["MGUPLOAD_ERROR_FORMAT"] = "json"
	behind := make([]chan struct{}, limit+1) // each answer waits for the one behind it
	for i := range behind {
		behind[i] = make(chan struct{})
	}
	close(behind[limit])
	w.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		var n int
		if _, err := fmt.Sscanf(req.URL.Path, "/beta/trustFramework/keySets/%d/", &n); err != nil {
			return nil, err
		}
		<-behind[n+1]
		close(behind[n])
		if n == 1 {
			return response(req, http.StatusNotFound, gone), nil
		}
		return response(req, http.StatusOK, fmt.Sprintf(`{"n":%d}`, n)), nil
	})
	if got := w.run(t); got != Failed {
		t.Errorf("exit status %d: %s", got, w.stderr.String())
	}
	if got, want := w.stdout.String(), "{\"n\":0}\n{\"n\":2}\n{\"n\":3}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := w.stderr.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"item":1`) {
		t.Errorf("got errors %q", got)
	}
}

// Results that nobody takes end a list: nothing more is uploaded.
func TestUnwritableOutputEndsTheList(t *testing.T) {
	w := newWorld(t, "-PassThru").pipe(strings.Repeat(`{"certificateBasedAuthPki-id":"a"}`, 5))
	sent := 0
	w.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		sent++
		return response(req, http.StatusNoContent, ""), nil
	})
	w.Stdout = unwritable{}
	if got := w.run(t); got != Failed || sent != 1 {
		t.Errorf("exit status %d after %d requests", got, sent)
	}
}

// A pipe that nobody reads ends a list with an error, not with a signal: what was
// uploaded must still be told.
func TestClosedPipe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no SIGPIPE")
	}
	r, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	defer out.Close()
	var stderr bytes.Buffer
	cmd := exec.Command("invoke-mgupload", "-WhatIf") // TestMain puts it into PATH
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(`{"certificateBasedAuthPki-id":"a"}`), out, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != Failed || !strings.Contains(stderr.String(), "Standard output cannot be written") {
		t.Errorf("got %v and %q", err, stderr.String())
	}
}

// Memory stays flat however many identities come.
func TestPipelineMemoryIsFlat(t *testing.T) {
	const items, allowed = 200_000, 16 << 20
	w := newWorld(t, "-UploadUrl", "u", "-WhatIf")
	r, feed := io.Pipe()
	go func() {
		for i := range items {
			fmt.Fprintf(feed, "{\"certificateBasedAuthPki-id\":\"%036d\"}\n", i)
		}
		_ = feed.Close()
	}()
	runtime.GC()
	m := &meter{}
	m.base = m.heap()
	w.Stdin, w.StdinKind, w.Stdout = r, Stream, m
	if got := w.run(t); got != Success || m.lines != items {
		t.Fatalf("exit status %d, %d lines: %s", got, m.lines, w.stderr.String())
	}
	if m.most > m.base+allowed {
		t.Errorf("the heap grew from %d to %d bytes", m.base, m.most)
	}
}

// meter counts lines and looks at the heap now and then.
type meter struct {
	lines      int
	base, most uint64
}

func (m *meter) heap() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func (m *meter) Write(p []byte) (int, error) {
	m.lines += bytes.Count(p, []byte("\n"))
	if m.lines%5_000 == 0 {
		m.most = max(m.most, m.heap())
	}
	return len(p), nil
}

// A dry run has nothing to do at once, whatever --throttle-limit says; under
// -race this also shows that nothing is shared by accident.
func TestThrottledDryRun(t *testing.T) {
	w := newWorld(t, "-UploadUrl", "u", "-WhatIf", "--throttle-limit", "8")
	w.pipe(strings.Repeat(`{"certificateBasedAuthPkiId":"a"}`+"\n", 200))
	if status := w.run(t); status != Success || strings.Count(w.stdout.String(), "What if: ") != 200 {
		t.Errorf("status %d, %d lines", status, strings.Count(w.stdout.String(), "What if: "))
	}
}
