package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"invoke-mgupload/pkg/params"
)

// maxItem bounds one identity, so that memory stays flat whatever comes in.
const maxItem = 1 << 20

// items reads JSON values one after another, or the elements of one array, as
// they arrive. Its memory is one value's.
type items struct {
	in      *bufio.Reader
	line    int   // of the next byte, from 1
	offset  int64 // of the next byte, from 0
	started bool
	array   bool
	ended   bool
	buf     []byte
}

func newItems(r io.Reader) *items { return &items{in: bufio.NewReaderSize(r, 64<<10), line: 1} }

// inputError is a syntax error of the input; nothing behind it can be read.
type inputError struct {
	Line   int
	Offset int64
	Reason string
}

func (e *inputError) Error() string {
	return fmt.Sprintf("the input is not JSON at line %d, byte %d: %s", e.Line, e.Offset, e.Reason)
}

func (s *items) fail(format string, args ...any) error {
	s.ended = true
	return &inputError{s.line, s.offset, fmt.Sprintf(format, args...)}
}

// next is the next value and its text. It answers io.EOF at the end of the
// input, an *inputError where that is not JSON, and the reader's own errors.
func (s *items) next() (value any, text string, err error) {
	if s.ended {
		return nil, "", io.EOF
	}
	c, err := s.first()
	if err != nil {
		return nil, "", err
	}
	line, offset := s.line, s.offset
	if text, err = s.value(c); err != nil {
		return nil, "", err
	}
	value, err = params.ParseJSON(text)
	var e *params.SyntaxError
	if errors.As(err, &e) {
		s.ended = true
		err = &inputError{line + e.Line - 1, offset + int64(e.Offset), e.Reason}
	}
	return value, text, err
}

// first moves to the first byte of the next value.
func (s *items) first() (byte, error) {
	if !s.started {
		s.started = true
		if bom, _ := s.in.Peek(3); string(bom) == "\ufeff" {
			_, _ = s.in.Discard(3)
			s.offset += 3
		}
		c, err := s.solid()
		if err != nil || c != '[' {
			return c, err
		}
		s.array = true
		s.skip()
		if c, err = s.solid(); err == nil && c == ']' {
			return 0, s.close()
		}
		return c, s.unended(err)
	}
	c, err := s.solid()
	if !s.array {
		return c, err
	}
	switch {
	case err != nil:
		return 0, s.unended(err)
	case c == ']':
		return 0, s.close()
	case c != ',':
		return 0, s.fail("a comma or ] should be here")
	}
	s.skip()
	c, err = s.solid()
	return c, s.unended(err)
}

func (s *items) unended(err error) error {
	if errors.Is(err, io.EOF) {
		return s.fail("the input ends inside the array")
	}
	return err
}

// close reads past the array; only white space may follow.
func (s *items) close() error {
	s.skip()
	switch _, err := s.solid(); err {
	case nil:
		return s.fail("text after the array")
	default:
		s.ended = true
		return err
	}
}

// solid is the next byte that is not white space, left in the input.
func (s *items) solid() (byte, error) {
	for {
		b, err := s.in.Peek(1)
		if err != nil {
			s.ended = true
			return 0, err
		}
		switch b[0] {
		case ' ', '\t', '\r', '\n':
			s.skip()
		default:
			return b[0], nil
		}
	}
}

// skip moves past one byte.
func (s *items) skip() byte {
	c, _ := s.in.ReadByte()
	s.offset++
	if c == '\n' {
		s.line++
	}
	return c
}

// value reads the text of a value that begins with c, up to where it must end;
// whether it is JSON is for the parser to say.
func (s *items) value(c byte) (string, error) {
	s.buf = s.buf[:0]
	depth, quoted, escaped := 0, false, false
	container := c == '{' || c == '['
	for {
		b, err := s.in.Peek(1)
		if err == io.EOF && len(s.buf) > 0 && !container && !quoted {
			return string(s.buf), nil
		}
		if err == io.EOF {
			return "", s.fail("the input ends inside a value")
		}
		if err != nil {
			s.ended = true
			return "", err
		}
		c := b[0]
		if !container && !quoted && len(s.buf) > 0 && delimits(c) {
			return string(s.buf), nil
		}
		if len(s.buf) == maxItem {
			return "", s.fail("an item is larger than %d bytes", maxItem)
		}
		s.buf = append(s.buf, s.skip())
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
			if !quoted && !container {
				return string(s.buf), nil
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth <= 0 {
				return string(s.buf), nil
			}
		}
	}
}

// delimits reports whether a byte ends a number or a word.
func delimits(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', ']', '}', '{', '[', '"':
		return true
	}
	return false
}
