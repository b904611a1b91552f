package cli

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"
)

// StreamKind says what a standard stream is connected to.
type StreamKind int

// The kinds of streams.
const (
	Nothing  StreamKind = iota // closed, or a device such as /dev/null
	Stream                     // a pipe, a socket or a file
	Terminal                   // a person
)

// Env is all that the program has of the world.
type Env struct {
	Program string   // the name it was started under
	Args    []string // without the name
	Dir     string   // the folder relative file names start from; empty: the process's

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	StdinKind      StreamKind
	StdoutKind     StreamKind
	StderrKind     StreamKind

	Getenv  func(string) string
	Environ func() []string // all variables, for step programs; nil: none
	Now     func() time.Time
	// OpenTerminal opens the controlling terminal, for prompts; an error where there is none.
	OpenTerminal func() (Console, error)
	// OpenFD opens an inherited file descriptor.
	OpenFD func(fd uintptr) (io.ReadCloser, error)
	// Notify gives a context that ends at an interrupt.
	Notify func(context.Context) (context.Context, context.CancelFunc)
	// OneByOne tunes the process for sending one request at a time; nil: it is left alone.
	OneByOne func()
	// DialContext opens connections; nil: the system's.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Transport carries requests in the place of one made from the settings; nil: made so.
	Transport http.RoundTripper
}

// Console is a terminal to ask on.
type Console interface {
	io.ReadCloser
	// ReadPassword reads a line without showing it.
	ReadPassword() (string, error)
	// Width is the number of columns.
	Width() int
}

// System is the process's own environment.
func System() Env {
	return Env{
		Program: filepath.Base(os.Args[0]), Args: os.Args[1:],
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		StdinKind: kindOf(os.Stdin), StdoutKind: kindOf(os.Stdout), StderrKind: kindOf(os.Stderr),
		Getenv: os.Getenv, Environ: os.Environ, Now: time.Now,
		OpenTerminal: openTerminal,
		OneByOne:     tuneForOne,
		OpenFD: func(fd uintptr) (io.ReadCloser, error) {
			f := os.NewFile(fd, "fd")
			if f == nil {
				return nil, os.ErrInvalid
			}
			return f, nil
		},
		Notify: func(ctx context.Context) (context.Context, context.CancelFunc) {
			// A closed standard output is then an error of a write, not the end of the process.
			signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
			ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
			context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
			return ctx, stop
		},
	}
}

// tuneForOne gives up the second processor, since handing goroutines over between
// two costs a third of the throughput, and lets the heap, which is small, grow to
// three times what is live before it is collected.
func tuneForOne() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(200)
}

func kindOf(f *os.File) StreamKind {
	info, err := f.Stat()
	switch {
	case err != nil:
		return Nothing
	case term.IsTerminal(int(f.Fd())):
		return Terminal
	case info.Mode()&os.ModeCharDevice != 0:
		return Nothing
	}
	return Stream
}

// console is the controlling terminal.
type console struct{ *os.File }

func (c console) ReadPassword() (string, error) {
	b, err := term.ReadPassword(int(c.Fd()))
	return string(b), err
}

func (c console) Width() int {
	if w, _, err := term.GetSize(int(c.Fd())); err == nil && w > 0 {
		return w
	}
	return 80
}

// path is a file name as given, seen from Dir.
func (e *Env) path(name string) string {
	if e.Dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(e.Dir, name)
}
