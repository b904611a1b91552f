package params

import (
	"maps"
	"slices"
	"strings"
)

// Addition is a word this program has beside PowerShell's: --name VALUE, or
// --name alone for a switch. Its name is matched exactly.
type Addition struct {
	Name   string // without the dashes
	Switch bool
}

// Line is a command line taken apart: items in order, and the additions.
type Line struct {
	cmdlet    *Cmdlet
	items     []item
	additions map[string]string
	err       *Error // the first error met while taking it apart
	dropped   *Error // a last word without its value, which PowerShell drops in silence (D08)
}

// item is a word, or a name with its value.
type item struct {
	typed    string // the name as typed, without its first dash
	param    *Param // nil: a name nobody knows, or a plain word
	named    bool
	hasValue bool
	attached bool // the value came with the name: -Name:value
	boolean  bool // an attached True or False, which PowerShell passes on as a Boolean
	value    string
	word     string                 // the whole word, for a name that turns out to be a value
	read     func() (string, error) // gets the value when the item is bound; nil: value is it
}

// Parse takes words apart for a cmdlet. It never fails: an error is kept for
// Bind, so that the additions among the words can be obeyed in reporting it.
func Parse(c *Cmdlet, additions []Addition, words []string) *Line {
	l := &Line{cmdlet: c, additions: map[string]string{}}
	s := splitter{cmdlet: c, additions: additions}
	l.items, l.err, l.dropped = s.split(words)
	l.pair(s)
	return l
}

// Addition is an addition's value and whether it was given; a switch that was
// given alone has the value "true".
func (l *Line) Addition(name string) (string, bool) {
	v, ok := l.additions[name]
	return v, ok
}

// Additions are the values of all additions given, in no order.
func (l *Line) Additions() []string { return slices.Collect(maps.Values(l.additions)) }

// Asks reports whether an addition is to be answered at a prompt.
func (l *Line) Asks() bool {
	for _, v := range l.additions {
		if v == "prompt" {
			return true
		}
	}
	return false
}

// Given reports whether a parameter is among the words, bound or not.
func (l *Line) Given(name string) bool {
	for i := range l.items {
		if p := l.items[i].param; p != nil && p.Name == name {
			return true
		}
	}
	return false
}

// Word is the text given for a parameter, as typed.
func (l *Line) Word(name string) (string, bool) {
	for i := range l.items {
		if p := l.items[i].param; p != nil && p.Name == name && l.items[i].hasValue {
			return l.items[i].value, true
		}
	}
	return "", false
}

// Fits reports whether every word is a parameter of the set, or of every set.
func (l *Line) Fits(set string) bool {
	for i := range l.items {
		p := l.items[i].param
		if p == nil {
			return false
		}
		if _, ok := p.in(set); !ok {
			return false
		}
	}
	return l.err == nil
}

// Add gives a parameter a value that is read when the parameter is bound, as if
// it were among the words. Given there too, it is a conflict.
func (l *Line) Add(name string, read func() (string, error)) error {
	if l.Given(name) {
		return l.cmdlet.Refuse("Conflict", name, "-%s and --%s-from both give a value: give one.", name, Kebab(name))
	}
	p := l.cmdlet.Param(name)
	l.items = append(l.items, item{typed: name, param: p, named: true, hasValue: true, read: read})
	return nil
}

// splitter knows the names of a command line.
type splitter struct {
	cmdlet    *Cmdlet
	additions []Addition
}

// gnuName is a word that is exactly an addition or a kebab name.
type gnuName struct {
	name     string // without the dashes
	value    string
	attached bool
	isSwitch bool
	param    *Param // a kebab name; nil for an addition
}

// gnu reads --name, --name=value and --name:value when name is exactly an
// addition or a kebab name.
func (s *splitter) gnu(word string) (gnuName, bool) {
	if !strings.HasPrefix(word, "--") || len(word) < 3 {
		return gnuName{}, false
	}
	g := gnuName{name: word[2:]}
	if i := strings.IndexAny(g.name, "=:"); i >= 0 {
		g.name, g.value, g.attached = g.name[:i], g.name[i+1:], true
	}
	for _, a := range s.additions {
		if a.Name == g.name {
			g.isSwitch = a.Switch
			return g, true
		}
	}
	for i := range s.cmdlet.Params {
		p := &s.cmdlet.Params[i]
		if Kebab(p.Name) == g.name || p.Name == "WhatIf" && g.name == "whatif" {
			g.param, g.isSwitch = p, p.Type == Switch
			return g, true
		}
	}
	return gnuName{}, false
}

// known reports whether a word names something, so that it can't be a value.
// An ambiguous prefix counts: PowerShell refuses it there (binder.090).
func (s *splitter) known(word string) bool {
	if _, ok := s.gnu(word); ok {
		return true
	}
	it := lexWord(word)
	if !it.named {
		return false
	}
	p, several := s.cmdlet.lookup(it.typed)
	return p != nil || several != nil
}

// lexWord reads one word by PowerShell's rules for a script's arguments.
func lexWord(word string) item {
	r := []rune(word)
	if len(r) < 2 || !isDash(r[0]) {
		return item{value: word}
	}
	name := string(r[1:])
	i := strings.IndexByte(name, ':')
	if i < 0 || i == len(name)-1 {
		return item{typed: strings.TrimSuffix(name, ":"), named: true, word: word}
	}
	it := item{typed: name[:i], value: name[i+1:], named: true, hasValue: true, attached: true, word: word}
	// -UploadUrl:true binds the text True: the Boolean is made before the
	// parameter is known (binder.020).
	if b, ok := parseBoolean(it.value); ok {
		it.boolean, it.value = true, b
	}
	return it
}

// parseBoolean reads true and false as bool.TryParse does, after one optional $.
func parseBoolean(text string) (string, bool) {
	t := strings.TrimSpace(strings.TrimPrefix(text, "$"))
	switch {
	case strings.EqualFold(t, "true"):
		return "True", true
	case strings.EqualFold(t, "false"):
		return "False", true
	}
	return "", false
}

// split turns words into items; names ending in a colon take the next word
// whatever it looks like, unless that is a known name (D08).
func (s *splitter) split(words []string) (items []item, first, dropped *Error) {
	keep := func(e *Error) {
		if first == nil {
			first = e
		}
	}
	for i := 0; i < len(words); i++ {
		word := words[i]
		if g, ok := s.gnu(word); ok {
			it, used, err := s.gnuItem(g, words[i+1:])
			if err != nil {
				keep(err)
				continue
			}
			items = append(items, it)
			i += used
			continue
		}
		it := lexWord(word)
		if it.named && !it.hasValue && strings.HasSuffix(word, ":") {
			if i+1 == len(words) {
				return items, first, s.emptyValue(it.typed, word)
			}
			if s.known(words[i+1]) {
				keep(s.emptyValue(it.typed, word))
				continue
			}
			i++
			if isTypo(words[i]) {
				keep(s.cmdlet.likelyTypo(it.typed, words[i]))
			}
			it.value, it.hasValue, it.attached = words[i], true, true
		}
		items = append(items, it)
	}
	return items, first, nil
}

func (s *splitter) emptyValue(name, word string) *Error {
	return s.cmdlet.Refuse("EmptyValueWord", name,
		"The word '%s' has no value: nothing, or another parameter, follows it. A shell may have emptied a variable such as $false: put the word in quotes, or leave it out.", word)
}

// gnuItem gives a GNU name its value: attached, or the next word.
func (s *splitter) gnuItem(g gnuName, rest []string) (item, int, *Error) {
	it := item{typed: "-" + g.name, param: g.param, named: true, hasValue: true, attached: g.attached, value: g.value}
	switch {
	case g.attached:
		if b, ok := parseBoolean(g.value); ok && (g.isSwitch || g.isBool()) {
			it.boolean, it.value = true, b
		}
		return it, 0, nil
	case g.isSwitch:
		it.boolean, it.value = true, "True"
		return it, 0, nil
	case len(rest) == 0 || rest[0] != "-" && s.known(rest[0]):
		if g.param != nil {
			return it, 0, s.cmdlet.missingArgument(g.param)
		}
		return it, 0, s.cmdlet.fail("MissingArgument", InvalidArgument, "--"+g.name,
			"Missing an argument for parameter '--%s'. Specify a value and try again.", g.name)
	}
	if isTypo(rest[0]) {
		return it, 0, s.cmdlet.likelyTypo("-"+g.name, rest[0])
	}
	it.value = rest[0]
	if b, ok := parseBoolean(it.value); ok && g.isBool() {
		it.boolean, it.value = true, b
	}
	return it, 1, nil
}

// isBool reports whether the name is a parameter's that needs true or false.
func (g *gnuName) isBool() bool { return g.param != nil && g.param.Type == Bool }

// pair gives each name without a value the word behind it, and moves the
// additions out of the items.
func (l *Line) pair(s splitter) {
	if l.err == nil {
		l.items, l.err = l.pairItems(s)
	}
	kept := l.items[:0]
	for _, it := range l.items {
		if !it.named || it.param != nil || !s.isAddition(it.typed) {
			kept = append(kept, it)
			continue
		}
		name := it.typed[1:]
		if _, twice := l.additions[name]; twice && l.err == nil {
			l.err = l.cmdlet.alreadyBound("--" + name)
		}
		if it.boolean {
			it.value = strings.ToLower(it.value)
		}
		l.additions[name] = it.value
	}
	l.items = kept
}

func (s *splitter) isAddition(typed string) bool {
	if !strings.HasPrefix(typed, "-") {
		return false
	}
	for _, a := range s.additions {
		if a.Name == typed[1:] {
			return true
		}
	}
	return false
}

func (l *Line) pairItems(s splitter) ([]item, *Error) {
	var out []item
	for i := 0; i < len(l.items); i++ {
		it := l.items[i]
		if !it.named || it.hasValue {
			// Who asks for stdin, or whether an id was given, needs to know -Name:value too.
			if it.named && it.param == nil && !s.isAddition(it.typed) {
				it.param, _ = l.cmdlet.lookup(it.typed)
			}
			out = append(out, it)
			continue
		}
		p, several := l.cmdlet.lookup(it.typed)
		switch {
		case several != nil:
			return l.items, l.cmdlet.ambiguousName(it.typed, several)
		case p == nil:
		case p.Type == Switch:
			it.param, it.hasValue, it.attached, it.boolean, it.value = p, true, true, true, "True"
		default:
			it.param = p
			if i+1 == len(l.items) {
				return l.items, l.cmdlet.missingArgument(p)
			}
			value, err := l.valueWord(p, l.items[i+1])
			if err != nil {
				return l.items, err
			}
			it.value, it.hasValue = value, true
			i++
		}
		out = append(out, it)
	}
	return out, nil
}

// valueWord is the text of the item behind a name, if it can be its value: a
// plain word, or a name that nobody knows (binder.025-unknown-dashed-word-as-a-value).
func (l *Line) valueWord(p *Param, next item) (string, *Error) {
	if !next.named {
		return next.value, nil
	}
	if next.hasValue {
		return "", l.cmdlet.missingArgument(p)
	}
	known, several := l.cmdlet.lookup(next.typed)
	switch {
	case several != nil:
		return "", l.cmdlet.ambiguousName(next.typed, several)
	case known != nil:
		return "", l.cmdlet.missingArgument(p)
	}
	if isTypo(next.word) {
		return "", l.cmdlet.likelyTypo(p.Name, next.word)
	}
	return next.word, nil
}
