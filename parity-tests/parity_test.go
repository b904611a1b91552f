package parity

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"invoke-mgupload/parity-tests/golden"
	"invoke-mgupload/parity-tests/mock"
)

// tooLong is the time a record may take; the slowest waits about six seconds.
const tooLong = 90 * time.Second

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", "16") // retries and slow answers only wait
	}
	os.Exit(m.Run())
}

// TestParity replays every record that can be replayed: go test -run 'TestParity/retry/429-then-ok'.
func TestParity(t *testing.T) {
	run := runner(t)
	replayAll(t, func(golden.Record, *mock.Mock) Runner { return run })
}

// replayAll runs each record as a subtest named group/rest of its id and tells the figures at the end.
func replayAll(t *testing.T, run func(golden.Record, *mock.Mock) Runner) {
	s := newStages(t)
	count := tally{left: map[string]int{}}
	t.Cleanup(func() { t.Log(count.String()) })
	groups := map[string][]golden.Record{}
	for _, r := range load(t) {
		groups[r.Group] = append(groups[r.Group], r)
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			for _, r := range groups[group] {
				if v := Judge(r); !v.Replayed() {
					count.leave(v)
					continue
				}
				t.Run(strings.TrimPrefix(r.ID, group+"."), func(t *testing.T) {
					t.Parallel()
					m := s.take(t)
					on := Stage{Mock: m, Dir: t.TempDir(), CAFile: s.caFile}
					ctx, cancel := context.WithTimeout(t.Context(), tooLong)
					defer cancel()
					different, err := Replay(ctx, run(r, m), r, on)
					if err != nil {
						t.Fatal(err)
					}
					count.done(len(different) == 0)
					for _, d := range different {
						t.Errorf("%s\n  want %s\n  have %s", d.Aspect, d.Want, d.Have)
					}
					if len(different) > 0 {
						t.Logf("words %q", r.Words())
					}
				})
			}
		})
	}
}

// tally counts what became of the records.
type tally struct {
	mu           sync.Mutex
	equal, total int
	left         map[string]int
}

func (c *tally) done(equal bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total++
	if equal {
		c.equal++
	}
}

func (c *tally) leave(v Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left[strings.TrimSpace(v.Deviation+" "+v.Reason)]++
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "parity %d/%d; not replayed:", c.equal, c.total)
	for _, reason := range slices.Sorted(maps.Keys(c.left)) {
		fmt.Fprintf(&b, "\n%6d %s", c.left[reason], reason)
	}
	return b.String()
}

// stages lends mocks: as many as there are records under way.
type stages struct {
	authority *mock.Authority
	caFile    string
	mu        sync.Mutex
	free      []*mock.Mock
}

func newStages(t *testing.T) *stages {
	t.Helper()
	a, err := mock.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := &stages{authority: a, caFile: filepath.Join(t.TempDir(), "ca.pem")}
	if err := os.WriteFile(s.caFile, a.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, m := range s.free {
			m.Close()
		}
	})
	return s
}

func (s *stages) take(t *testing.T) *mock.Mock {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var m *mock.Mock
	if n := len(s.free); n > 0 {
		m, s.free = s.free[n-1], s.free[:n-1]
	} else {
		fresh, err := mock.New(s.authority)
		if err != nil {
			t.Fatal(err)
		}
		m = fresh
	}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.free = append(s.free, m)
	})
	return m
}

// program runs a tool as a process of its own.
func program(path string) Runner {
	return func(ctx context.Context, in Invocation) Outcome {
		c := exec.CommandContext(ctx, path, in.Args...)
		c.Dir = in.Dir
		for name, value := range in.Env {
			c.Env = append(c.Env, name+"="+value)
		}
		if in.Stdin != nil {
			c.Stdin = strings.NewReader(*in.Stdin)
		}
		var stdout, stderr bytes.Buffer
		c.Stdout, c.Stderr = &stdout, &stderr
		err := c.Run()
		out := Outcome{Exit: c.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
		if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
			out.Exit, out.Stderr = -1, err.Error()
		}
		return out
	}
}
