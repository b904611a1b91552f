package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

var (
	errOverdue   = errors.New("overdue")
	errDismissed = errors.New("dismissed")
)

// program is one run of a program. All goroutines it starts have ended when end returns.
type program struct {
	options ProgramOptions
	call    context.Context // the caller's
	ctx     context.Context // its end kills the program and what it started
	kill    context.CancelCauseFunc
	cmd     *exec.Cmd
	tree    *processTree
	lines   chan []byte // for its stdin; closed, and then nil, after the last
	stdin   io.Closer
	writer  sync.WaitGroup
	stdout  *output
	decoder *json.Decoder // of stdout
	stderr  *stderrLines
	turn    *time.Timer // kills it when its turn takes too long; nil without a limit

	exited   chan struct{}
	exit     error // of Wait, once exited is closed
	killed   bool  // whether it was told to end, once exited is closed
	answered int
}

// startProgram starts the program. Nothing is read from it or written to it by the caller's
// goroutine: pipes hold little, and a program may fill one while it does not read the other.
func startProgram(call context.Context, o ProgramOptions, shown *sync.Mutex) (*program, error) {
	ctx, kill := context.WithCancelCause(call)
	p := &program{
		options: o, call: call, ctx: ctx, kill: kill,
		lines:  make(chan []byte, 2), // there are two lines, so sending one never blocks
		stdout: newOutput(maxProgramOutput),
		stderr: &stderrLines{to: o.Stderr, shown: shown},
		exited: make(chan struct{}),
	}
	p.decoder = json.NewDecoder(p.stdout)
	p.cmd = exec.CommandContext(ctx, o.Path)
	p.cmd.Dir = o.Dir
	p.cmd.Env = append([]string{}, o.Env...) // nil would hand over this process's own
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	p.cmd.WaitDelay = o.Grace
	if err := p.start(); err != nil {
		kill(nil)
		if call.Err() != nil {
			return nil, call.Err()
		}
		return nil, &ProgramError{Path: o.Path, Err: startError(o.Path, err)}
	}
	return p, nil
}

func (p *program) start() error {
	tree, err := newProcessTree(p.cmd)
	if err != nil {
		return err
	}
	stdin, err := p.cmd.StdinPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		tree.close()
		return err
	}
	tree.adopt(p.cmd.Process)
	p.tree, p.stdin = tree, stdin
	lines := p.lines
	p.writer.Go(func() {
		for line := range lines {
			_, _ = stdin.Write(line) // a program need not read: its output and status tell
		}
		_ = stdin.Close()
	})
	go p.wait()
	if p.options.Limit > 0 {
		p.turn = time.AfterFunc(p.options.Limit, func() { p.kill(errOverdue) })
	}
	return nil
}

func (p *program) wait() {
	defer close(p.exited)
	p.exit = p.cmd.Wait()
	p.killed = p.ctx.Err() != nil
	p.stderr.flush()
	p.stdout.end()
}

// startError says what to do about a program that cannot be started.
func startError(path string, err error) error {
	hint := ""
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, exec.ErrDot):
		hint = "; a program in this folder is written ./NAME"
	case errors.Is(err, fs.ErrNotExist):
		hint = "; there is no such file, or its first line names a program that is missing"
	case errors.Is(err, fs.ErrPermission):
		hint = "; make it executable"
	case errors.Is(err, syscall.ENOEXEC):
		hint = "; a script's first line must name its interpreter, as #!/bin/sh does"
	}
	if hint != "" && strings.ContainsAny(path, " \t") {
		hint += "; a step is a path without arguments"
	}
	return fmt.Errorf("it could not be started: %w%s", innermost(err), hint)
}

// pause stops the clock while the request is under way. It reports false when it was too late.
func (p *program) pause() bool { return p.turn == nil || p.turn.Stop() }

func (p *program) resume() {
	if p.turn != nil {
		p.turn.Reset(p.options.Limit)
	}
}

// said waits for the next value the program prints; errNothing when it ended without one.
func (p *program) said() (message, error) { return readMessage(p.decoder) }

// silent waits for the end of the program's output and is errMore if there is any yet.
func (p *program) silent() error {
	var more json.RawMessage
	if err := notJSON(p.decoder.Decode(&more)); errors.Is(err, errNothing) {
		return nil
	} else if errors.Is(err, errLargeOutput) {
		return err
	}
	return errMore
}

// lastLine lets stdin end after the lines that are already on their way.
func (p *program) lastLine() {
	if p.lines != nil {
		close(p.lines)
		p.lines = nil
	}
}

// hangUp ends stdin at once: a program that has answered need not read the rest.
func (p *program) hangUp() {
	p.lastLine()
	_ = p.stdin.Close()
}

// dismiss waits until the program has ended, and kills it if that takes longer than the grace.
func (p *program) dismiss() {
	p.hangUp()
	late := time.AfterFunc(p.options.Grace, func() { p.kill(errDismissed) })
	<-p.exited
	late.Stop()
}

// outcome judges a run when all that could be had of the program's output was read; err is what
// was wrong with it. A status of its own says more than an output that stopped short.
func (p *program) outcome(err error) error {
	if err == nil {
		<-p.exited
	} else {
		p.dismiss()
	}
	failed := p.exit != nil && !errors.Is(p.exit, exec.ErrWaitDelay) // a child that kept stdout is no failure
	if err == nil && !failed {
		return nil
	}
	if p.call.Err() != nil {
		return p.call.Err()
	}
	code := p.cmd.ProcessState.ExitCode()
	if p.killed {
		code = -1
	}
	switch {
	case errors.Is(context.Cause(p.ctx), errOverdue):
		err = p.overdue()
	case err == nil || failed && !p.killed:
		err = p.exit
	}
	return &ProgramError{
		Path: p.options.Path, ExitCode: code, Stderr: p.stderr.last(), Answered: p.answered, Err: err,
	}
}

// overdue names the commonest cause: the end of stdin comes only after the answer.
func (p *program) overdue() error {
	hint := "; it must read one line, not all of its input"
	if p.answered != 0 {
		hint = ""
	}
	return fmt.Errorf("it took longer than %s%s", seconds(p.options.Limit), hint)
}

// end waits for the program, after a call that left it early too, and lets go of all it held.
func (p *program) end() {
	if p.turn != nil {
		p.turn.Stop()
	}
	p.dismiss()
	if p.ctx.Err() != nil {
		p.tree.kill() // what ignored the first, kinder signal
	}
	p.tree.close()
	p.kill(nil)
	p.writer.Wait()
}
