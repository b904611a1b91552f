package params

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// SyntaxError is a text that is not what it should be, with the place.
type SyntaxError struct {
	Offset, Line, Column int // Offset counts bytes from 0, Line and Column from 1
	Reason               string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// ParseJSON reads one JSON value by RFC 8259. Names that are equal but for case
// are duplicates, as the real cmdlets have it; text behind the value is refused
// (D24). Its error is a *SyntaxError.
func ParseJSON(text string) (any, error) {
	p := jsonParser{text: text}
	v, err := p.value(0)
	if err == nil {
		p.space()
		if p.at < len(text) {
			err = p.fail("text after the value")
		}
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

type jsonParser struct {
	text string
	at   int
}

func (p *jsonParser) fail(format string, args ...any) error {
	line, column := place(p.text, p.at)
	return &SyntaxError{Offset: p.at, Line: line, Column: column, Reason: fmt.Sprintf(format, args...)}
}

func (p *jsonParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *jsonParser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *jsonParser) value(depth int) (any, error) {
	p.space()
	if p.at >= len(p.text) {
		return nil, p.fail("the text ends where a value should be")
	}
	if depth > maxNesting {
		return nil, p.fail("nested deeper than %d levels", maxNesting)
	}
	switch c := p.text[p.at]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.string()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	switch rest := p.text[p.at:]; {
	case strings.HasPrefix(rest, "true"):
		p.at += len("true")
		return true, nil
	case strings.HasPrefix(rest, "false"):
		p.at += len("false")
		return false, nil
	case strings.HasPrefix(rest, "null"):
		p.at += len("null")
		return nil, nil
	}
	return nil, p.fail("a value should be here; a text stands in double quotes")
}

func (p *jsonParser) object(depth int) (any, error) {
	o, names := &Object{}, nameSet{}
	p.at++
	p.space()
	if p.peek() == '}' {
		p.at++
		return o, nil
	}
	for {
		p.space()
		if p.peek() != '"' {
			return nil, p.fail("a member's name in double quotes should be here")
		}
		start := p.at
		name, err := p.string()
		if err != nil {
			return nil, err
		}
		if names.has(o, name) {
			p.at = start
			return nil, p.fail("the name %q stands twice", name)
		}
		p.space()
		if p.peek() != ':' {
			return nil, p.fail("a colon should follow the name")
		}
		p.at++
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.Members = append(o.Members, Entry{name, v})
		if done, err := p.next('}'); done || err != nil {
			return o, err
		}
	}
}

// next reads the comma before a further element, or the closing bracket.
func (p *jsonParser) next(closing byte) (done bool, err error) {
	p.space()
	switch p.peek() {
	case ',':
		p.at++
		return false, nil
	case closing:
		p.at++
		return true, nil
	}
	return false, p.fail("a comma or %q should be here", string(closing))
}

func (p *jsonParser) array(depth int) (any, error) {
	list := []any{}
	p.at++
	p.space()
	if p.peek() == ']' {
		p.at++
		return list, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if done, err := p.next(']'); done || err != nil {
			return list, err
		}
	}
}

func (p *jsonParser) string() (string, error) {
	start := p.at
	p.at++
	if end := strings.IndexAny(p.text[p.at:], "\"\\"); end >= 0 && p.text[p.at+end] == '"' && plain(p.text[p.at:p.at+end]) {
		s := p.text[p.at : p.at+end]
		p.at += end + 1
		return s, nil
	}
	var b strings.Builder
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return strings.ToValidUTF8(b.String(), "\uFFFD"), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
		case c < 0x20:
			return "", p.fail("a control character stands in a string; write it as an escape")
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	p.at = start
	return "", p.fail("the string that begins here does not end")
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 {
			return false
		}
	}
	return utf8.ValidString(s)
}

const escapes, escaped = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

func (p *jsonParser) escape() (rune, error) {
	if p.at+1 < len(p.text) {
		if i := strings.IndexByte(escapes, p.text[p.at+1]); i >= 0 {
			p.at += 2
			return rune(escaped[i]), nil
		}
	}
	r, ok := p.unicode()
	if !ok {
		return 0, p.fail("this escape is not one of JSON's")
	}
	if utf16.IsSurrogate(r) {
		at := p.at
		low, ok := p.unicode()
		if both := utf16.DecodeRune(r, low); ok && both != utf8.RuneError {
			return both, nil
		}
		p.at = at
		return utf8.RuneError, nil // text.lone-surrogate
	}
	return r, nil
}

func (p *jsonParser) unicode() (rune, bool) {
	if p.at+6 > len(p.text) || p.text[p.at:p.at+2] != `\u` {
		return 0, false
	}
	var r rune
	for _, c := range p.text[p.at+2 : p.at+6] {
		d := strings.IndexRune("0123456789abcdef", c|0x20)
		if c < 0x40 {
			d = strings.IndexRune("0123456789", c)
		}
		if d < 0 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	p.at += 6
	return r, true
}

func (p *jsonParser) digits() int {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at - start
}

func (p *jsonParser) number() (any, error) {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	if p.peek() == '0' {
		p.at++
	} else if p.digits() == 0 {
		return nil, p.fail("a digit should be here")
	}
	if p.peek() == '.' {
		p.at++
		if p.digits() == 0 {
			return nil, p.fail("a digit should follow the decimal point")
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		if p.digits() == 0 {
			return nil, p.fail("a digit should follow the exponent")
		}
	}
	if c := p.peek(); c >= '0' && c <= '9' {
		return nil, p.fail("a number has no leading zero")
	}
	return Number(p.text[start:p.at]), nil
}
