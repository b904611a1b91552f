package params

import (
	"slices"
	"strings"
	"unicode"
)

// lookup finds the parameter a typed name means. An exact name or alias wins;
// else a unique prefix; else, among several, the only declared one
// (binder.044-in-is-inputobject-declared-beats-informationaction).
// It answers nil, nil for an unknown name and all matches for an ambiguous one.
func (c *Cmdlet) lookup(typed string) (*Param, []*Param) {
	name := typed
	if r := []rune(name); len(r) > 0 && isDash(r[0]) { // --Name: the lexer has cut one dash, the lookup cuts another
		name = string(r[1:])
	}
	var matches, byAlias []*Param
	for i := range c.Params {
		p := &c.Params[i]
		if strings.EqualFold(p.Name, name) {
			return p, nil
		}
	}
	for i := range c.Params {
		p := &c.Params[i]
		if slices.ContainsFunc(p.Aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
			return p, nil
		}
		if hasPrefixFold(p.Name, name) {
			matches = append(matches, p)
		} else if slices.ContainsFunc(p.Aliases, func(a string) bool { return hasPrefixFold(a, name) }) {
			byAlias = append(byAlias, p)
		}
	}
	matches = append(matches, byAlias...) // session.refuse.prefix-a-ambiguous
	if len(matches) == 1 {
		return matches[0], nil
	}
	var declared *Param
	for _, p := range matches {
		if p.Common {
			continue
		}
		if declared != nil {
			return nil, matches
		}
		declared = p
	}
	if declared != nil {
		return declared, nil
	}
	return nil, matches
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// isDash knows the dashes with which PowerShell lets a name begin.
func isDash(r rune) bool { return r == '-' || r == '–' || r == '—' || r == '―' }

// Kebab is a parameter's GNU name: a dash before each capital that starts a
// word, digits staying with the letters before them (Sha256FileHash →
// sha256-file-hash, B2XIdentityUserFlowId → b2x-identity-user-flow-id).
func Kebab(name string) string {
	var b strings.Builder
	r := []rune(name)
	for i, c := range r {
		if i > 0 && unicode.IsUpper(c) &&
			(i+1 < len(r) && unicode.IsLower(r[i+1]) || i+1 == len(r) && unicode.IsLower(r[i-1])) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// isTypo reports whether a word is one edit away from -WhatIf or -Confirm.
// Taken as a value it would turn a dry run into a real one (D08).
func isTypo(word string) bool {
	if r := []rune(word); len(r) == 0 || !isDash(r[0]) {
		return false
	}
	if i := strings.IndexAny(word, ":="); i >= 0 { // -WhtIf:$true
		word = word[:i]
	}
	letters := strings.ToLower(strings.TrimLeftFunc(word, isDash))
	letters = strings.ReplaceAll(letters, "-", "")
	return within1(letters, "whatif") || within1(letters, "confirm")
}

// within1 reports whether a becomes b by at most one insertion, deletion,
// substitution or swap of neighbours.
func within1(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if i == len(a) {
		return true
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
