package pipeline

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// claims returns the JSON of the first Bearer challenge that demands claims, "" if none does
// (httperror.cae-challenge).
func claims(h http.Header) string {
	for _, value := range h.Values("WWW-Authenticate") {
		for _, p := range challengeParams(value) {
			if !strings.EqualFold(p.scheme, "Bearer") || !strings.EqualFold(p.name, "claims") {
				continue
			}
			if text := decodeClaims(p.value); text != "" {
				return text
			}
		}
	}
	return ""
}

// decodeClaims undoes base64 of either alphabet, padded or not; anything but a JSON object is "".
func decodeClaims(s string) string {
	s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(s), "=")
	text, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil || !json.Valid(text) || len(text) == 0 || text[0] != '{' {
		return ""
	}
	return string(text)
}

type challengeParam struct{ scheme, name, value string }

// challengeParams reads the parameters of all challenges in one header line (RFC 9110, 11.6.1).
// It is lax: what it cannot place it skips.
func challengeParams(s string) []challengeParam {
	var params []challengeParam
	scheme := ""
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			return params
		}
		name, rest := token(s)
		if name == "" { // a stray character
			s = s[1:]
			continue
		}
		trimmed := strings.TrimLeft(rest, " \t")
		if !strings.HasPrefix(trimmed, "=") {
			scheme, s = name, rest
			continue
		}
		value, rest := paramValue(strings.TrimLeft(trimmed[1:], " \t"))
		params = append(params, challengeParam{scheme, name, value})
		s = rest
	}
}

// token splits s after its leading token, which is empty if s begins with a separator.
func token(s string) (head, rest string) {
	end := strings.IndexAny(s, " \t,=\"")
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:]
}

// paramValue reads a quoted string, or else everything up to a comma or blank.
func paramValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, " \t,")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
