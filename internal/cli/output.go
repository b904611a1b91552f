package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// results writes standard output. Each result is one write, so that an
// interrupt leaves none half printed.
type results struct {
	w      io.Writer
	format string // json, list or ""
	indent bool
	err    error // the first failed write; nothing is written after it
}

func (o *results) write(lines []byte) {
	if o.err == nil {
		_, o.err = o.w.Write(lines)
	}
}

// boolean is -PassThru's True.
func (o *results) boolean() []byte {
	if o.format == "json" {
		return []byte("true\n")
	}
	return []byte("True\n")
}

// object is a JSON object as the service sent it: only white space changes.
func (o *results) object(text []byte) ([]byte, error) {
	var b bytes.Buffer
	var err error
	switch {
	case o.format == "list":
		err = list(&b, text)
	case o.indent:
		err = json.Indent(&b, text, "", "  ")
	default:
		err = json.Compact(&b, text)
	}
	b.WriteByte('\n')
	return b.Bytes(), err
}

// list writes an object as Name : value lines, names padded to the longest.
func list(b *bytes.Buffer, text []byte) error {
	names, values, err := objectMembers(text)
	if err != nil {
		return err
	}
	width := 0
	for _, name := range names {
		width = max(width, len([]rune(name)))
	}
	for i, name := range names {
		var value bytes.Buffer
		if err := json.Compact(&value, values[i]); err != nil {
			return err
		}
		shown := value.String()
		var s string
		if json.Unmarshal(values[i], &s) == nil {
			shown = s
		}
		fmt.Fprintf(b, "%-*s : %s\n", width, name, shown)
	}
	return nil
}

// objectMembers are an object's members in order, values as sent.
func objectMembers(text []byte) (names []string, values []json.RawMessage, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, fmt.Errorf("not a JSON object")
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, nil, err
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, nil, err
		}
		names, values = append(names, fmt.Sprint(t)), append(values, v)
	}
	return names, values, nil
}
