package params

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ParseLiteral reads a PowerShell data literal: @{…} or [ordered]@{…} of
// strings, numbers, $true, $false, $null, @(…) and nested literals. Whatever
// PowerShell would have to run (variables, expressions, casts, commands) is
// refused. Its error is a *SyntaxError.
func ParseLiteral(text string) (*Object, error) {
	p := literalParser{text: text}
	p.space(true)
	o, err := p.hashtable(0)
	if err != nil {
		return nil, err
	}
	p.space(true)
	if p.at < len(p.text) {
		return nil, p.fail("text after the closing brace")
	}
	return o, nil
}

// isLiteral reports whether a text begins as a data literal does.
func isLiteral(text string) bool {
	p := literalParser{text: text}
	p.space(true)
	return hasPrefixFold(p.rest(), "@{") || hasPrefixFold(p.rest(), "[ordered]")
}

type literalParser struct {
	text string
	at   int
}

func (p *literalParser) fail(format string, args ...any) error {
	line, column := place(p.text, p.at)
	return &SyntaxError{Offset: p.at, Line: line, Column: column, Reason: fmt.Sprintf(format, args...)}
}

func (p *literalParser) rest() string { return p.text[p.at:] }

func (p *literalParser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// take moves past a word in any case.
func (p *literalParser) take(word string) bool {
	if hasPrefixFold(p.rest(), word) {
		p.at += len(word)
		return true
	}
	return false
}

// space moves past blanks and comments, and past newlines if asked.
func (p *literalParser) space(newlines bool) {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '#':
			if end := strings.IndexByte(p.rest(), '\n'); end >= 0 {
				p.at += end
			} else {
				p.at = len(p.text)
			}
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' && newlines:
			p.at++
		default:
			return
		}
	}
}

func (p *literalParser) hashtable(depth int) (*Object, error) {
	if p.take("[ordered]") {
		p.space(false)
	}
	if depth > maxNesting {
		return nil, p.fail("nested deeper than %d levels", maxNesting)
	}
	if !p.take("@{") {
		return nil, p.fail("@{ should be here")
	}
	o, names := &Object{Literal: true}, nameSet{}
	for {
		p.separators()
		if p.take("}") {
			return o, nil
		}
		at := p.at
		name, err := p.key()
		if err != nil {
			return nil, err
		}
		if names.has(o, name) {
			p.at = at
			return nil, p.fail("the key '%s' stands twice", name)
		}
		p.space(true)
		if !p.take("=") {
			return nil, p.fail("= should follow the key")
		}
		p.space(true)
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.Members = append(o.Members, Entry{name, v})
		p.space(false)
		if c := p.peek(); c != ';' && c != '\n' && c != '}' {
			return nil, p.fail("a semicolon, a new line or } should end the entry; expressions are not evaluated")
		}
	}
}

// separators moves past what may stand between entries.
func (p *literalParser) separators() {
	for {
		p.space(true)
		if !p.take(";") {
			return
		}
	}
}

func (p *literalParser) key() (string, error) {
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		return p.quoted()
	case c >= '0' && c <= '9' || c == '-':
		n, err := p.number()
		return string(n), err
	case c == '_' || isLetter(c):
		start := p.at
		for c := p.peek(); c == '_' || c == '-' || isLetter(c) || c >= '0' && c <= '9'; c = p.peek() {
			p.at++
		}
		return p.text[start:p.at], nil
	case p.at == len(p.text):
		return "", p.fail("the literal does not end: } is missing")
	}
	return "", p.fail("a key should be here")
}

func (p *literalParser) value(depth int) (any, error) {
	rest := p.rest()
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		return p.quoted()
	case hasPrefixFold(rest, "@{") || hasPrefixFold(rest, "[ordered]"):
		return p.hashtable(depth)
	case strings.HasPrefix(rest, "@("):
		return p.array(depth)
	case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.':
		return p.number()
	case c == '$':
		return p.constant()
	case c == '[':
		return nil, p.fail("casts are not evaluated here: write the value itself")
	case p.at == len(p.text):
		return nil, p.fail("the literal ends where a value should be")
	}
	return nil, p.fail("a value should be here: texts stand in quotes, commands are not run")
}

// constant reads $true, $false and $null.
func (p *literalParser) constant() (any, error) {
	end := 1
	for end < len(p.rest()) && isNameByte(p.rest()[end]) {
		end++
	}
	var v any
	switch word := strings.ToLower(p.rest()[:end]); word {
	case "$true", "$false":
		v = word == "$true"
	case "$null":
	default:
		return nil, p.fail("variables are not expanded here: write the value itself, in quotes")
	}
	p.at += end
	return v, nil
}

func isNameByte(c byte) bool {
	return c == '_' || c == ':' || c >= '0' && c <= '9' || isLetter(c) || c >= utf8.RuneSelf
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func (p *literalParser) array(depth int) (any, error) {
	if depth > maxNesting {
		return nil, p.fail("nested deeper than %d levels", maxNesting)
	}
	p.at += len("@(")
	list := []any{}
	p.space(true)
	if p.take(")") {
		return list, nil
	}
	for {
		p.space(true)
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		p.space(true)
		if p.take(")") {
			return list, nil
		}
		if !p.take(",") {
			return nil, p.fail("a comma or ) should be here")
		}
	}
}

// The escapes of a double-quoted text, and what they stand for.
const backticks, backticked = "ntr0\"$`", "\n\t\r\x00\"$`"

func (p *literalParser) quoted() (string, error) {
	start, quote := p.at, rune(p.peek())
	p.at++
	var b strings.Builder
	for p.at < len(p.text) {
		c, n := utf8.DecodeRuneInString(p.rest())
		p.at += n
		switch {
		case c == quote && rune(p.peek()) == quote:
			p.at++
			b.WriteRune(quote)
		case c == quote:
			return b.String(), nil
		case quote == '"' && c == '$':
			p.at -= n
			return "", p.fail("variables are not expanded here: write `$ for a dollar sign, or use single quotes")
		case quote == '"' && c == '`':
			e, n := utf8.DecodeRuneInString(p.rest())
			i := strings.IndexRune(backticks, e)
			if i < 0 || n == 0 {
				return "", p.fail("this backtick escape is not known; `n `t `r `0 `\" `$ `` are")
			}
			p.at += n
			b.WriteByte(backticked[i])
		default:
			b.WriteRune(c)
		}
	}
	p.at = start
	return "", p.fail("the text that begins here does not end")
}

// number reads a decimal number, kept as typed, or 0x…, kept as its value.
func (p *literalParser) number() (Number, error) {
	start := p.at
	for c := p.peek(); c == '+' || c == '-' || c == '.' || isNameByte(c) && c != ':'; c = p.peek() {
		if (c == '+' || c == '-') && p.at > start && p.text[p.at-1]|0x20 != 'e' {
			break
		}
		p.at++
	}
	text := p.text[start:p.at]
	n, ok := literalNumber(text)
	if !ok {
		p.at = start
		return "", p.fail("this is not a number; a text stands in quotes") // not shown: it may be a secret
	}
	return n, nil
}
