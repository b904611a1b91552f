package pipeline

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"unicode"
)

// output holds what a program printed until it is read. Writes never wait for a reader, so a
// program cannot be stuck on a full pipe; what goes beyond the limit is dropped and makes an error.
type output struct {
	mu    sync.Mutex
	more  sync.Cond
	data  []byte // not yet read
	room  int
	state error // io.EOF at the end; nil: more may come
}

func newOutput(limit int) *output {
	o := &output{room: limit}
	o.more.L = &o.mu
	return o
}

// Write takes all of b and never fails: a failure would reach the program as a broken pipe.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(b) > o.room {
		o.set(errLargeOutput)
	}
	if o.state == nil {
		o.room -= len(b)
		o.data = append(o.data, b...)
		o.more.Broadcast()
	}
	return len(b), nil
}

func (o *output) Read(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.data) == 0 && o.state == nil {
		o.more.Wait()
	}
	if len(o.data) == 0 {
		return 0, o.state
	}
	n := copy(b, o.data)
	o.data = o.data[n:]
	return n, nil
}

// end says that no more will come.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.set(io.EOF)
}

func (o *output) set(err error) {
	if o.state == nil {
		o.state = err
		o.more.Broadcast()
	}
}

const (
	maxTail = 4 << 10  // of a program's stderr, for its error
	maxLine = 64 << 10 // of a line without an end, before it is shown all the same
)

// stderrLines passes a program's stderr on line by line and keeps the last of it.
type stderrLines struct {
	to    io.Writer   // nil: nobody
	shown *sync.Mutex // held while to is written
	line  []byte      // without its end yet
	tail  []byte
	cut   bool // tail lacks its beginning
}

// Write never fails: that nobody can be shown anything is no reason to end the program.
func (s *stderrLines) Write(b []byte) (int, error) {
	s.keep(b)
	whole := bytes.LastIndexByte(b, '\n') + 1
	if whole > 0 {
		s.show(append(s.line, b[:whole]...))
		s.line = s.line[:0]
	}
	s.line = append(s.line, b[whole:]...)
	if len(s.line) > maxLine {
		s.show(s.line)
		s.line = s.line[:0]
	}
	return len(b), nil
}

// flush shows a last line that has no end.
func (s *stderrLines) flush() {
	if len(s.line) > 0 {
		s.show(append(s.line, '\n'))
		s.line = nil
	}
}

func (s *stderrLines) show(b []byte) {
	if s.to == nil {
		return
	}
	s.shown.Lock()
	defer s.shown.Unlock()
	_, _ = s.to.Write(b)
}

func (s *stderrLines) keep(b []byte) {
	s.tail = append(s.tail, b...)
	if over := len(s.tail) - maxTail; over > 0 {
		s.tail = append(s.tail[:0], s.tail[over:]...)
		s.cut = true
	}
}

// last returns the last lines, whole ones if any is.
func (s *stderrLines) last() string {
	tail := s.tail
	if at := bytes.IndexByte(tail, '\n'); s.cut && at >= 0 && at+1 < len(tail) {
		tail = tail[at+1:]
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(tail), "\uFFFD"))
}

// terminalSafe takes control characters out of text, but for the ends of lines.
func terminalSafe(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			return r
		case r == '\r':
			return -1
		}
		return ' '
	}, text)
}
