package params

import (
	"strconv"
	"strings"
	"unicode"
)

// Object is a JSON object or a data literal, its members in the order given.
// A member's value is nil, bool, string, Number, *Object or []any.
type Object struct {
	Members []Entry
	// Literal says that it was written as @{…}: it then has the rules of a
	// hashtable where the real cmdlets tell one from JSON text.
	Literal bool
}

// Entry is a member of an Object.
type Entry struct {
	Name  string
	Value any
}

// Number is a number with its digits as typed.
type Number string

// Get finds a member by its name in any case.
func (o *Object) Get(name string) (any, bool) {
	if o == nil {
		return nil, false
	}
	for _, m := range o.Members {
		if strings.EqualFold(m.Name, name) {
			return m.Value, true
		}
	}
	return nil, false
}

// nameSet tells whether an object that is being read has a name already. Few
// names are compared one by one; many must not cost the time of their square.
type nameSet struct{ folded map[string]bool }

// has is asked for each name once, before its member is added.
func (s *nameSet) has(o *Object, name string) bool {
	const few = 16
	if len(o.Members) < few {
		_, ok := o.Get(name)
		return ok
	}
	if s.folded == nil {
		s.folded = map[string]bool{}
		for _, m := range o.Members {
			s.folded[fold(m.Name)] = true
		}
	}
	key := fold(name)
	met := s.folded[key]
	s.folded[key] = true
	return met
}

// fold makes one text of those that strings.EqualFold calls equal.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}

// Text is a value as .NET's ToString shows it: what a string member of a
// hashtable body, an identity's key or a header becomes.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	case Number:
		return string(v)
	case []any:
		return "System.Object[]"
	}
	return "System.Collections.Hashtable"
}

// Int64 is a number that an Int64 holds without loss.
func (n Number) Int64() (int64, bool) {
	i, err := strconv.ParseInt(string(n), 10, 64)
	return i, err == nil
}

// maxNesting bounds how deep values may be nested, so that hostile input cannot
// exhaust the stack. The service's own limit, 64 objects, is checked where the
// body is made.
const maxNesting = 1000

// place is a position in a text, for messages.
func place(text string, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	line = 1 + strings.Count(before, "\n")
	column = 1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
	return line, column
}
