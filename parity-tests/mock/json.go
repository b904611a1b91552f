package mock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Spaced writes a JSON text on one line with a space after each colon and comma and no needless
// escapes: the bytes the recorded service sent, which Content-Length in error details counts.
func Spaced(text []byte) ([]byte, error) {
	var flat bytes.Buffer
	if err := json.Compact(&flat, text); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for rest := flat.Bytes(); len(rest) > 0; {
		if rest[0] != '"' {
			out.WriteByte(rest[0])
			if rest[0] == ',' || rest[0] == ':' {
				out.WriteByte(' ')
			}
			rest = rest[1:]
			continue
		}
		end := 1
		for rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		var s string
		if err := json.Unmarshal(rest[:end+1], &s); err != nil {
			return nil, err
		}
		out.WriteString(quote(s))
		rest = rest[end+1:]
	}
	return out.Bytes(), nil
}

var escapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch short, ok := escapes[r]; {
		case ok:
			b.WriteString(short)
		case r < 0x20:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
