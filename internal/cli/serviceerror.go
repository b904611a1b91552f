package cli

import (
	"bytes"
	"encoding/json"
	"strings"
)

// serviceError is what an error body says.
type serviceError struct {
	json                bool // the body is a JSON object or array
	nested              bool // it has an error object
	code, message       string
	hasCode, hasMessage bool
	date, action        string
}

// membersOf are an object's members; nil if the text is no object.
func membersOf(text []byte) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(text, &m) != nil {
		return nil
	}
	return m
}

// text is a member's string, by its name in any case; other types count as absent.
func text(m map[string]json.RawMessage, name string) (string, bool) {
	raw, ok := member(m, name)
	var s *string
	if !ok || json.Unmarshal(raw, &s) != nil || s == nil {
		return "", false
	}
	return *s, true
}

func member(m map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	if v, ok := m[name]; ok {
		return v, true
	}
	for have, v := range m {
		if strings.EqualFold(have, name) {
			return v, true
		}
	}
	return nil, false
}

// parseServiceError looks for code and message in `error`, else at the top,
// else in properties.statusMessage (httperror.top-level, httperror.statusmessage).
func parseServiceError(body []byte) serviceError {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	if len(body) == 0 || body[0] != '{' && body[0] != '[' || !json.Valid(body) {
		return serviceError{}
	}
	e := serviceError{json: true}
	top := membersOf(body)
	raw, _ := member(top, "error")
	in := membersOf(raw)
	e.nested = in != nil
	if in == nil {
		in = top
	}
	e.code, e.hasCode = text(in, "code")
	e.message, e.hasMessage = text(in, "message")
	e.action, _ = text(in, "action")
	if !e.hasMessage {
		raw, _ := member(top, "properties")
		e.message, e.hasMessage = text(membersOf(raw), "statusMessage")
	}
	raw, _ = member(in, "innerError")
	e.date, _ = text(membersOf(raw), "date")
	return e
}

// isErrorObject reports whether a text is an object with an error object in it.
func isErrorObject(body []byte) bool {
	e := parseServiceError(body)
	return e.nested && (e.hasCode || e.hasMessage)
}
