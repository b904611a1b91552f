package proxy

import (
	"net/http"
	"slices"
	"strings"
)

// challenge is one scheme of a Proxy-Authenticate field, with what follows the
// scheme: a token, a list of parameters or nothing.
type challenge struct{ scheme, params string }

// maxChallenges bounds what is read of an answer; no proxy offers as many.
const maxChallenges = 32

// parseChallenges reads all Proxy-Authenticate fields. A field may hold several
// challenges with commas between them and between their parameters (RFC 9110,
// 11.6.1). What cannot be read is skipped.
func parseChallenges(h http.Header) []challenge {
	var all []challenge
	for _, field := range h.Values("Proxy-Authenticate") {
		inField := len(all)
		for _, part := range splitQuoted(field) {
			scheme, rest, ok := cutScheme(part)
			switch {
			case ok && len(all) == maxChallenges:
				return all
			case ok:
				all = append(all, challenge{scheme, rest})
			case len(all) > inField:
				all[len(all)-1].params += ", " + part
			}
		}
	}
	return all
}

// splitQuoted splits at commas outside quoted strings and drops empty parts.
func splitQuoted(s string) []string {
	var parts []string
	start, quoted := 0, false
	add := func(end int) {
		if p := strings.Trim(s[start:end], " \t"); p != "" {
			parts = append(parts, p)
		}
		start = end + 1
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			add(i)
		}
	}
	if start < len(s) {
		add(len(s))
	}
	return parts
}

// cutScheme separates a scheme from what follows. ok is false for a parameter,
// whose name is followed by an equals sign.
func cutScheme(part string) (scheme, rest string, ok bool) {
	end := strings.IndexFunc(part, func(r rune) bool { return !isTokenRune(r) })
	if end < 0 {
		return part, "", true
	}
	rest = strings.TrimLeft(part[end:], " \t")
	if end == 0 || rest == part[end:] || rest[0] == '=' {
		return "", "", false
	}
	return part[:end], rest, true
}

func isTokenRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		r != 0 && r < 0x80 && strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// offered returns the names of the schemes, each once, in the proxy's order.
// Known schemes get their usual spelling.
func offered(all []challenge) []string {
	var names []string
	for _, c := range all {
		name := c.scheme
		for _, s := range preference {
			if strings.EqualFold(s, name) {
				name = s
			}
		}
		if !slices.Contains(names, name) && len(name) <= 32 {
			names = append(names, name)
		}
	}
	return names
}

// paramsOf returns what follows the scheme in each of its challenges.
func paramsOf(all []challenge, scheme string) []string {
	var params []string
	for _, c := range all {
		if strings.EqualFold(c.scheme, scheme) {
			params = append(params, c.params)
		}
	}
	return params
}

func has(names []string, name string) bool { return slices.Contains(names, name) }

// speaks reports whether one of the names is a scheme of this package.
func speaks(names []string) bool {
	return slices.ContainsFunc(preference[:], func(s string) bool { return has(names, s) })
}
