package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"invoke-mgupload/internal/auth"
)

// span is a number of seconds that is shown as a TimeSpan, and is a number in JSON.
type span int

// list prints an object as PowerShell does one with many properties: a line each.
func (s *session) list(fields []auth.Field) error {
	return s.print([][]auth.Field{fields}, func() string { return listOf(fields) })
}

// table prints objects as PowerShell does those with few properties. No object
// prints nothing.
func (s *session) table(rows [][]auth.Field) error {
	return s.print(rows, func() string {
		if s.set.output != "list" {
			return tableOf(rows)
		}
		var b strings.Builder
		for _, fields := range rows {
			b.WriteString(listOf(fields))
		}
		return b.String()
	})
}

// print prints objects as JSON if asked for, else as the text they make, and
// keeps them for -OutVariable.
func (s *session) print(objects [][]auth.Field, text func() string) error {
	for _, fields := range objects {
		value, err := objectOf(fields)
		if err != nil {
			return err
		}
		s.vars.out.add(value)
		if s.set.output != "json" {
			continue
		}
		line, err := s.out.object(value)
		if err != nil {
			return err
		}
		s.out.write(line)
	}
	if s.set.output != "json" && len(objects) > 0 {
		s.out.write([]byte(text() + "\n"))
	}
	return nil
}

// objectOf is a JSON object with its members in order.
func objectOf(fields []auth.Field) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i, f := range fields {
		b.WriteByte("{,"[min(i, 1)])
		if err := enc.Encode(f.Name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(f.Value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	var out bytes.Buffer
	err := json.Compact(&out, b.Bytes())
	return out.Bytes(), err
}

// listOf is Format-List's text: an empty line, the properties, an empty line.
func listOf(fields []auth.Field) string {
	width := 0
	for _, f := range fields {
		width = max(width, len(f.Name))
	}
	var b strings.Builder
	b.WriteString("\n")
	for _, f := range fields {
		fmt.Fprintf(&b, "%-*s : %s\n", width, f.Name, shown(f.Value))
	}
	return b.String()
}

// tableOf is Format-Table's text, columns as wide as they need to be: numbers to
// the right, the last column without blanks behind it unless it is a number's.
func tableOf(rows [][]auth.Field) string {
	widths := make([]int, len(rows[0]))
	for i, f := range rows[0] {
		widths[i] = len(f.Name)
		for _, row := range rows {
			widths[i] = max(widths[i], len([]rune(shown(row[i].Value))))
		}
	}
	var b strings.Builder
	line := func(cell func(i int) string) {
		for i, f := range rows[0] {
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell(i))))
			_, number := f.Value.(int)
			switch {
			case number:
				b.WriteString(pad + cell(i))
			case i == len(widths)-1:
				b.WriteString(cell(i))
			default:
				b.WriteString(cell(i) + pad)
			}
			if i < len(widths)-1 {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	line(func(i int) string { return rows[0][i].Name })
	line(func(i int) string { return strings.Repeat("-", len(rows[0][i].Name)) })
	for _, row := range rows {
		line(func(i int) string { return shown(row[i].Value) })
	}
	return b.String()
}

// shown is a property's value as PowerShell shows it.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int:
		return strconv.Itoa(v)
	case span:
		return auth.TimeSpan(int(v))
	case []string:
		return "{" + strings.Join(v, ", ") + "}"
	}
	return ""
}
