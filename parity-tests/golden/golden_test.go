package golden

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestLoadReadsEveryGroup(t *testing.T) {
	records, err := Load("../testdata/goldens")
	if err != nil {
		t.Fatal(err)
	}
	groups, ids := map[string]bool{}, map[string]bool{}
	for _, r := range records {
		groups[r.Group] = true
		if ids[r.ID] {
			t.Errorf("%s is there twice", r.ID)
		}
		ids[r.ID] = true
		if r.ID == "" || r.Mode == "" || len(r.Raw) == 0 {
			t.Errorf("%s/%s lacks a field", r.Group, r.ID)
		}
		for _, a := range r.Answers {
			if a.Status == 0 && a.Raw == nil && !a.Close && !a.Reset {
				t.Errorf("%s: answer %q says nothing", r.ID, a.Name)
			}
		}
	}
	if len(groups) != 31 || len(records) != 2520 {
		t.Errorf("%d groups, %d records", len(groups), len(records))
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		name   string
		record Record
		want   []string
	}{
		{"none", Record{}, nil},
		{"argv wins", Record{Argv: []string{"-a"}, ArgvJSON: []string{"-b"}}, []string{"-a"}},
		{"hashtable to a body", Record{ArgvJSON: []string{"-BodyParameter", `{"a": "it's", "n": 1.50}`}}, []string{"-BodyParameter", "@{'a'='it''s'; 'n'=1.50}"}},
		{"hashtable to headers", Record{ArgvJSON: []string{"-Headers", `{"a": "b"}`}}, []string{"-Headers", `{"a": "b"}`}},
		{"not JSON", Record{ArgvJSON: []string{"-InputObject", `{a`}}, []string{"-InputObject", `{a`}},
	} {
		if got := c.record.Words(); !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLiteral(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "@{}", `[]`: "@()", `null`: "$null", `[true,false,[1]]`: "@($true,$false,@(1))",
		`{"a":{"b":null},"c":1e5}`: "@{'a'=@{'b'=$null}; 'c'=1e5}",
		`{"a":1,"b":2,"a":3}`:      "@{'a'=3; 'b'=2}",
	} {
		if got, err := Literal(text); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "{", `{"a":}`, "[1", "{} {}", "nul"} {
		if got, err := Literal(text); err == nil {
			t.Errorf("%q: %q, want an error", text, got)
		}
	}
}

// FuzzLiteral: what is no JSON is refused, and no text breaks out of its quotes.
func FuzzLiteral(f *testing.F) {
	for _, text := range []string{`{"a":"it's"}`, `[1,{"b":null}]`, `{"a":`, `"'"`, `{"a":1]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out, err := Literal(text)
		if err == nil && !json.Valid([]byte(text)) {
			t.Errorf("%q became %q", text, out)
		}
		if strings.Count(out, "'")%2 != 0 {
			t.Errorf("%q became %q, which has an open quote", text, out)
		}
	})
}
