package cmdlets

import (
	"fmt"
	"strconv"
	"strings"

	"invoke-mgupload/pkg/params"
)

// maxDepth is how deep objects and arrays may be nested, the body included (more.depth-64).
const maxDepth = 64

// body is the request's body: unknown members first, in the order given, then
// the declared ones in the order of the API; null members are left out.
func (c *Cmdlet) body(b *params.Bound) ([]byte, error) {
	if len(c.Body) == 0 {
		return nil, nil
	}
	w := &bodyWriter{}
	var unknown, declared *params.Object
	if given := b.Object("BodyParameter"); given != nil {
		unknown, declared = c.divide(given)
	} else {
		unknown, declared = b.Object("AdditionalProperties"), c.expanded(b)
		if err := clash(unknown, declared); err != nil {
			return nil, err
		}
	}
	var members []params.Entry
	if unknown != nil {
		w.literal = unknown.Literal
		members = append(members, unknown.Members...)
	}
	for _, m := range c.Body {
		if v, ok := declared.Get(m.JSON); ok {
			members = append(members, params.Entry{Name: m.JSON, Value: v})
		}
	}
	if err := w.object(members, 1); err != nil {
		return nil, err
	}
	return w.out, nil
}

// divide splits a -BodyParameter into unknown members, as typed, and declared
// ones, in the API's spelling (body.lower).
func (c *Cmdlet) divide(o *params.Object) (unknown, declared *params.Object) {
	unknown, declared = &params.Object{Literal: o.Literal}, &params.Object{}
	for _, e := range o.Members {
		if m := c.member(e.Name); m != nil {
			declared.Members = append(declared.Members, params.Entry{Name: m.JSON, Value: e.Value})
		} else {
			unknown.Members = append(unknown.Members, e)
		}
	}
	return unknown, declared
}

func (c *Cmdlet) member(name string) *params.Member {
	for i := range c.Body {
		if strings.EqualFold(c.Body[i].JSON, name) {
			return &c.Body[i]
		}
	}
	return nil
}

// expanded are the members given as parameters of their own.
func (c *Cmdlet) expanded(b *params.Bound) *params.Object {
	o := &params.Object{}
	for _, m := range c.Body {
		switch v := b.Get(m.Name).(type) {
		case string:
			o.Members = append(o.Members, params.Entry{Name: m.JSON, Value: v})
		case int64:
			o.Members = append(o.Members, params.Entry{Name: m.JSON, Value: params.Number(strconv.FormatInt(v, 10))})
		}
	}
	return o
}

// clash refuses an additional property that a parameter gives too (addprops.declared-key-clash-case).
func clash(additional, declared *params.Object) error {
	for _, e := range declared.Members {
		if v, ok := additional.Get(e.Name); ok && v != nil {
			return refuse("An item with the same key has already been added. Key: %s", e.Name)
		}
	}
	return nil
}

// bodyWriter writes JSON with the real cmdlets' layout: two blanks of indent,
// one element per line, no final newline.
type bodyWriter struct {
	out     []byte
	literal bool     // the values came from a hashtable
	path    []string // to the value being written, as a .NET reader names it
}

func (w *bodyWriter) value(v any, depth int) error {
	switch v := v.(type) {
	case nil:
		if w.literal { // addprops.array-mixed; from JSON text it is sent (extra.json-null-in-array)
			return refuse("Object reference not set to an instance of an object.")
		}
		w.out = append(w.out, "null"...)
	case bool:
		w.out = strconv.AppendBool(w.out, v)
	case params.Number:
		w.out = append(w.out, v...)
	case string:
		w.out = appendString(w.out, v)
	case *params.Object:
		return w.object(v.Members, depth+1)
	case []any:
		return w.array(v, depth+1)
	}
	return nil
}

// enter opens an object or array, unless it lies too deep.
func (w *bodyWriter) enter(bracket byte, depth int) error {
	w.out = append(w.out, bracket)
	if depth <= maxDepth {
		return nil
	}
	line := 1 + strings.Count(string(w.out), "\n")
	column := len(w.out) - strings.LastIndexByte(string(w.out), '\n') - 1
	return refuse("The reader's MaxDepth of %d has been exceeded. Path '%s', line %d, position %d.", maxDepth, strings.Join(w.path, ""), line, column)
}

func (w *bodyWriter) object(members []params.Entry, depth int) error {
	if err := w.enter('{', depth); err != nil {
		return err
	}
	first := true
	for _, e := range members {
		if e.Value == nil {
			continue
		}
		w.newline(&first, depth)
		w.out = append(appendString(w.out, e.Name), ": "...)
		w.path = append(w.path, pathName(e.Name, len(w.path) == 0))
		if err := w.value(e.Value, depth); err != nil {
			return err
		}
		w.path = w.path[:len(w.path)-1]
	}
	w.leave('}', first, depth)
	return nil
}

func (w *bodyWriter) array(list []any, depth int) error {
	if err := w.enter('[', depth); err != nil {
		return err
	}
	first := true
	for i, v := range list {
		w.newline(&first, depth)
		w.path = append(w.path, "["+strconv.Itoa(i)+"]")
		if err := w.value(v, depth); err != nil {
			return err
		}
		w.path = w.path[:len(w.path)-1]
	}
	w.leave(']', first, depth)
	return nil
}

// pathName is a member's name in a path.
func pathName(name string, first bool) string {
	if strings.ContainsAny(name, " .'/\"[]()\t\n\r\f\b\\\u0085\u2028\u2029") {
		return "['" + strings.ReplaceAll(name, "'", `\'`) + "']"
	}
	if first {
		return name
	}
	return "." + name
}

func (w *bodyWriter) newline(first *bool, depth int) {
	if !*first {
		w.out = append(w.out, ',')
	}
	*first = false
	w.out = append(w.out, '\n')
	for range depth {
		w.out = append(w.out, "  "...)
	}
}

func (w *bodyWriter) leave(bracket byte, empty bool, depth int) {
	if !empty {
		w.out = append(w.out, '\n')
		for range depth - 1 {
			w.out = append(w.out, "  "...)
		}
	}
	w.out = append(w.out, bracket)
}

// appendString writes a JSON string with the fewest escapes, plus the three
// line separators that are not ASCII (text.expanded-nel, text.expanded-ls-ps).
func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			out = append(out, '\\', byte(r))
		case '\b':
			out = append(out, `\b`...)
		case '\t':
			out = append(out, `\t`...)
		case '\n':
			out = append(out, `\n`...)
		case '\f':
			out = append(out, `\f`...)
		case '\r':
			out = append(out, `\r`...)
		case 0x85, 0x2028, 0x2029:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			if r < 0x20 {
				out = fmt.Appendf(out, `\u%04x`, r)
			} else {
				out = append(out, string(r)...)
			}
		}
	}
	return append(out, '"')
}
