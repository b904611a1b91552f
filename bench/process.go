package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"
)

// program is a built program to measure.
type program struct {
	path string
	env  []string // all it sees, so that neither proxies nor settings of the caller count
}

// job is one run of a program. Its streams are the null device where nil.
type job struct {
	args   []string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	status int // the exit status it must have
}

// cost is what one run cost.
type cost struct {
	wall, cpu time.Duration
	rss       int64 // bytes; only runWeighed knows it, and 0 where it can't be known
}

// run runs a job. Another exit status than the job's is an error that quotes
// standard error.
func (p program) run(ctx context.Context, j job) (cost, error) {
	cmd := exec.CommandContext(ctx, p.path, j.args...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.env, j.stdin, j.stdout, j.stderr
	var said bytes.Buffer
	if cmd.Stderr == nil {
		cmd.Stderr = &said
	}
	begin := time.Now()
	err := cmd.Run()
	wall := time.Since(begin)
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return cost{}, err
	}
	if got := cmd.ProcessState.ExitCode(); got != j.status {
		return cost{}, fmt.Errorf("%s ended with %d, not %d: %s", p.path, got, j.status, said.Bytes())
	}
	return cost{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}

// runWeighed is run with the memory; it starts p from a small process.
func (p program) runWeighed(ctx context.Context, scale program, j job) (cost, error) {
	file := scale.path + ".out"
	j.args = append([]string{file, p.path}, j.args...)
	scale.env = p.env
	c, err := scale.run(ctx, j)
	if err != nil {
		return c, err
	}
	text, err := os.ReadFile(file)
	if err == nil {
		c.rss, err = strconv.ParseInt(string(text), 10, 64)
	}
	return c, err
}

// duel is what two programs cost that ran in turn, so that a machine that slows
// down slows both.
type duel struct{ ours, theirs []cost }

// newDuel runs both n times, after once each for nothing: the first run reads
// the program from disk.
func newDuel(n int, ours, theirs func() (cost, error)) (d duel, err error) {
	for i := range n + 1 {
		o, err := ours()
		if err != nil {
			return d, err
		}
		t, err := theirs()
		if err != nil {
			return d, err
		}
		if i > 0 {
			d.ours, d.theirs = append(d.ours, o), append(d.theirs, t)
		}
	}
	return d, nil
}

func wall(u cost) time.Duration { return u.wall }
func cpu(u cost) time.Duration  { return u.cpu }

// medians are the medians of one figure of both, and ours divided by theirs.
func (d duel) medians(of func(cost) time.Duration) (ours, theirs time.Duration, ratio float64) {
	ours, theirs = median(d.ours, of), median(d.theirs, of)
	if theirs > 0 {
		ratio = float64(ours) / float64(theirs)
	}
	return ours, theirs, ratio
}

func median(runs []cost, of func(cost) time.Duration) time.Duration {
	values := make([]time.Duration, len(runs))
	for i, u := range runs {
		values[i] = of(u)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
