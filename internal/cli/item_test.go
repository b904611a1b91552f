package cli

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// split reads all items of an input.
func split(in io.Reader) ([]string, error) {
	s := newItems(in)
	var texts []string
	for {
		_, text, err := s.next()
		if errors.Is(err, io.EOF) {
			return texts, nil
		}
		if err != nil {
			return texts, err
		}
		texts = append(texts, text)
	}
}

func TestItems(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
		line     int // of the syntax error; 0: there is none
		offset   int64
	}{
		{"nothing", "", nil, 0, 0},
		{"white space", " \r\n\t", nil, 0, 0},
		{"only a mark", "\ufeff", nil, 0, 0},
		{"lines", "{\"a\":1}\n{\"a\":2}\n", []string{`{"a":1}`, `{"a":2}`}, 0, 0},
		{"side by side", `{"a":1}{"a":2}`, []string{`{"a":1}`, `{"a":2}`}, 0, 0},
		{"over lines", "{\n \"a\": [1,\n 2] }", []string{"{\n \"a\": [1,\n 2] }"}, 0, 0},
		{"brackets in a string", `{"a":"}]\"{"}`, []string{`{"a":"}]\"{"}`}, 0, 0},
		{"a mark before", "\ufeff{}", []string{`{}`}, 0, 0},
		{"array", `[{"a":1} , {"a":2}]`, []string{`{"a":1}`, `{"a":2}`}, 0, 0},
		{"empty array", ` [ ] `, nil, 0, 0},
		{"array of arrays", `[[1],[2]]`, []string{`[1]`, `[2]`}, 0, 0},
		{"scalars", `1 "x" true null -2.5e3`, []string{"1", `"x"`, "true", "null", "-2.5e3"}, 0, 0},
		{"a scalar before an object", `1{"a":2}`, []string{"1", `{"a":2}`}, 0, 0},
		{"a second array is an item", `{"a":1}[1,2]`, []string{`{"a":1}`, `[1,2]`}, 0, 0},

		{"no JSON", "{\"a\":1}\nx", []string{`{"a":1}`}, 2, 8},
		{"unquoted name", "{}\n{\n  a:1}", []string{`{}`}, 3, 7},
		{"ends in a value", `{"a":1}{"a"`, []string{`{"a":1}`}, 1, 11},
		{"ends in a string", `{"a`, nil, 1, 3},
		{"ends in the array", `[{"a":1}`, []string{`{"a":1}`}, 1, 8},
		{"ends behind a comma", `[{"a":1},`, []string{`{"a":1}`}, 1, 9},
		{"no comma", `[{"a":1} {"a":2}]`, []string{`{"a":1}`}, 1, 9},
		{"comma before the end", `[{"a":1},]`, []string{`{"a":1}`}, 1, 9},
		{"text behind the array", "[1]\n2", []string{"1"}, 2, 4},
		{"a stray comma", `{},{}`, []string{`{}`}, 1, 2},
		{"a name twice", `{"a":1,"A":2}`, nil, 1, 7},
		{"a mark inside", "{}\ufeff{}", []string{`{}`}, 1, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in))} {
				got, err := split(in)
				if !slices.Equal(got, c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
				var syntax *inputError
				switch {
				case c.line == 0 && err != nil:
					t.Errorf("got error %v, want none", err)
				case c.line > 0 && !errors.As(err, &syntax):
					t.Errorf("got error %v, want a syntax error", err)
				case c.line > 0 && (syntax.Line != c.line || syntax.Offset != c.offset):
					t.Errorf("got line %d, byte %d, want %d, %d: %v", syntax.Line, syntax.Offset, c.line, c.offset, err)
				}
			}
		})
	}
}

// Behind an error nothing is read: a half object must not become a whole one.
func TestItemsEndAtTheirError(t *testing.T) {
	s := newItems(strings.NewReader(`x {"a":1}`))
	if _, _, err := s.next(); err == nil {
		t.Fatal("got no error")
	}
	if _, text, err := s.next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %q and %v, want the end", text, err)
	}
}

func TestItemsPassOnReadErrors(t *testing.T) {
	broken := errors.New("broken")
	_, err := split(io.MultiReader(strings.NewReader(`{"a":`), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's error", err)
	}
}

func TestItemsAreBounded(t *testing.T) {
	_, err := split(io.MultiReader(strings.NewReader(`{"a":"`), endless{}))
	var syntax *inputError
	if !errors.As(err, &syntax) {
		t.Errorf("got %v, want a syntax error", err)
	}
}

// endless is a text without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// What json.Decoder reads, items read the same, unless names stand twice or
// values are nested deeper than the real cmdlets take; and nothing else is read.
func FuzzItems(f *testing.F) {
	for _, seed := range []string{
		"", "\ufeff", "[]", "[1,2]", `{"a":1}{"b":2}`, "{}\n{}\n", `[{"a":[1,{"b":null}]}, "x"]`,
		`1 2 3`, `tru`, `"\u00e9\ud800"`, `{"a":"}"}`, `[1,]`, `[1 2]`, `[1]2`, "nul l", "\x00", `-`, `{"a":1`, `"a`, "[[[[",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := split(strings.NewReader(in))
		for _, text := range got {
			if !json.Valid([]byte(text)) {
				t.Fatalf("item %q of %q is not JSON", text, in)
			}
		}
		var syntax *inputError
		if err != nil && !errors.As(err, &syntax) {
			t.Fatalf("got error %v of type %T", err, err)
		}
		if syntax != nil && (syntax.Offset < 0 || syntax.Offset > int64(len(in)) || syntax.Line < 1 || syntax.Line > 1+strings.Count(in, "\n")) {
			t.Fatalf("line %d, byte %d lie outside %q", syntax.Line, syntax.Offset, in)
		}
		want, ok := decode(in)
		if err == nil && ok && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q was split into %q, want %q", in, got, want)
		}
		if err == nil && !ok {
			t.Fatalf("%q was split into %q; json.Decoder refuses it", in, got)
		}
	})
}

// decode splits an input with the standard library.
func decode(in string) (texts []string, ok bool) {
	in = strings.TrimPrefix(in, "\ufeff")
	dec := json.NewDecoder(strings.NewReader(in))
	if strings.HasPrefix(strings.TrimLeft(in, " \t\r\n"), "[") {
		if !json.Valid([]byte(in)) {
			return nil, false
		}
		if _, err := dec.Token(); err != nil {
			return nil, false
		}
	}
	for dec.More() {
		var text json.RawMessage
		if err := dec.Decode(&text); err != nil {
			return nil, false
		}
		texts = append(texts, string(text))
	}
	if rest, err := io.ReadAll(dec.Buffered()); err == nil && strings.Trim(string(rest), " \t\r\n]") != "" {
		return nil, false
	}
	return texts, true
}
