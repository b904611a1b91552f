package main

import (
	"bytes"
	"fmt"
	"io"
)

// id is the identity of item i; a server reads i back from it.
func id(i int64) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

// identities is a pipeline of n identities, made while it is read.
type identities struct {
	n, next int64
	rest    []byte
	buf     []byte
}

func newIdentities(n int64) io.Reader { return &identities{n: n} }

func (s *identities) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		if s.next == s.n {
			return 0, io.EOF
		}
		s.buf = s.buf[:0]
		for ; s.next < s.n && len(s.buf) < 32<<10; s.next++ {
			s.buf = fmt.Appendf(s.buf, "{\"CertificateBasedAuthPkiId\":\"%s\"}\n", id(s.next))
		}
		s.rest = s.buf
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// lines hands each whole line to a function, without its end. It remembers the
// function's first error and the number of lines.
type lines struct {
	each func(line []byte) error
	n    int64
	err  error
	part []byte
}

func (l *lines) Write(p []byte) (int, error) {
	for rest := p; ; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		if !ended {
			l.part = append(l.part, rest...)
			return len(p), nil
		}
		if len(l.part) > 0 {
			line = append(l.part, line...)
			l.part = l.part[:0]
		}
		if err := l.each(line); err != nil && l.err == nil {
			l.err = fmt.Errorf("line %d: %w", l.n+1, err)
		}
		l.n++
		rest = after
	}
}

// equal is a line function that wants a text on each line.
func equal(want string) func([]byte) error {
	return func(line []byte) error {
		if string(line) != want {
			return fmt.Errorf("%q is not %q", line, want)
		}
		return nil
	}
}

// wrong is an error unless there were n lines, all as wanted, the last one ended.
func (l *lines) wrong(n int64) error {
	switch {
	case l.err != nil:
		return l.err
	case len(l.part) > 0:
		return fmt.Errorf("the last line is torn: %.200q", l.part)
	case l.n != n:
		return fmt.Errorf("%d lines, not %d", l.n, n)
	}
	return nil
}
