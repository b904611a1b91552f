package params_test

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"invoke-mgupload/parity-tests/golden"
	"invoke-mgupload/pkg/params"
)

// loadGoldens reads the golden records, once.
var loadGoldens = sync.OnceValues(func() ([]golden.Record, error) { return golden.Load("../../parity-tests/testdata/goldens") })

// seeds gives f what pick finds in the words of each record, once, and fails if
// that is next to nothing.
func seeds(f *testing.F, least int, pick func(r golden.Record) []string) {
	f.Helper()
	records, err := loadGoldens()
	if err != nil {
		f.Fatal(err)
	}
	found := map[string]bool{}
	for _, r := range records {
		for _, s := range pick(r) {
			if len(s) < 2000 {
				found[s] = true
			}
		}
	}
	for _, s := range slices.Sorted(maps.Keys(found)) {
		f.Add(s)
	}
	if len(found) < least {
		f.Fatalf("only %d seeds among the records", len(found))
	}
}

func wordsThat(holds func(string) bool) func(golden.Record) []string {
	return func(r golden.Record) []string {
		var out []string
		for _, w := range r.Words() {
			if holds(w) {
				out = append(out, w)
			}
		}
		return out
	}
}

// like says words of the recorded cmdlets as words of send.
var like = strings.NewReplacer("-CertificateBasedAuthPkiId", "-ThingId", "-certificatebasedauthpkiid", "-thingid", "-UploadUrl", "-Url", "certificateBasedAuthPki-id", "thing-id", "uploadUrl", "url")

// FuzzLine: any words bind, or give a typed error with an id and a text that
// does not hold a secret's value.
func FuzzLine(f *testing.F) {
	seeds(f, 300, func(r golden.Record) []string {
		if r.Group == "session" {
			return nil
		}
		return []string{like.Replace(strings.Join(r.Words(), "\x00"))}
	})
	f.Add("--endpoint=x\x00--show-request\x00--thing-id\x00a")
	f.Fuzz(func(t *testing.T, text string) {
		const secret = "S3CR-et"
		words := strings.Split(text, "\x00")
		for _, c := range []*params.Cmdlet{send(), routes(), connect()} {
			l := params.Parse(c, additions, words)
			l.StdinTaken()
			b, err := l.Bind(t.Context(), params.Options{})
			checkLine(t, b, err)
			again, err2 := params.Parse(c, additions, words).Bind(t.Context(), params.Options{})
			if show(b, err) != show(again, err2) {
				t.Fatalf("%q: %s, then %s", words, show(b, err), show(again, err2))
			}
		}
		b, err := params.Parse(send(), additions, append(words, "-Password", secret)).Bind(t.Context(), params.Options{})
		checkLine(t, b, err)
		if err != nil && !strings.Contains(text, secret) && strings.Contains(err.Error(), secret) {
			t.Fatalf("%q: %v", words, err)
		}
	})
}

func checkLine(t *testing.T, b *params.Bound, err error) {
	t.Helper()
	if err == nil {
		if b.Set == "" || !slices.Contains(b.Cmdlet.Sets, b.Set) {
			t.Fatalf("bound without a set: %s", show(b, nil))
		}
		return
	}
	var e *params.Error
	if !errors.As(err, &e) || e.ID == "" || e.Message == "" || e.Category == "" || e.Cmdlet == "" || e.NonTerm {
		t.Fatalf("%#v", err)
	}
}

// FuzzNamedParameters: neither the order nor the case of names matters to what
// is bound, nor whether the value is attached.
func FuzzNamedParameters(f *testing.F) {
	n := 0
	records, err := loadGoldens()
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range records {
		if words := r.Words(); r.Group == "binder" && len(words) >= 4 {
			f.Add(words[1], words[3], uint8(n), uint8(n/2))
			n++
		}
	}
	if n < 50 {
		f.Fatalf("only %d seeds among the records", n)
	}
	f.Fuzz(func(t *testing.T, one, two string, which, rotate uint8) {
		if strings.ContainsRune(one+two, 0) {
			return
		}
		pairs := [][2]string{{"ThingId", one}}
		for i, name := range []string{"Url", "Password", "Nbf", "Headers", "Proxy", "ErrorAction", "OutVariable"} {
			if which&(1<<i) != 0 {
				pairs = append(pairs, [2]string{name, two})
			}
		}
		bound := func(write func(i int, name, value string) []string, order [][2]string) string {
			var words []string
			for i, p := range order {
				words = append(words, write(i, p[0], p[1])...)
			}
			b, err := params.Parse(send(), nil, words).Bind(t.Context(), params.Options{})
			if err != nil { // of several errors the first counts, so the order may choose
				return show(nil, err)[:1]
			}
			return b.Set + " " + sorted(b)
		}
		attached := func(_ int, name, value string) []string { return []string{"-" + name + ":" + value} }
		odd := func(i int, name, value string) []string {
			if i%2 == 0 {
				return []string{"--" + strings.ToUpper(name) + ":" + value}
			}
			return []string{"–" + strings.ToLower(name) + ":" + value}
		}
		turned := slices.Concat(pairs[int(rotate)%len(pairs):], pairs[:int(rotate)%len(pairs)])
		slices.Reverse(turned)
		if one == "" || two == "" { // -Name: takes the next word
			return
		}
		if a, b := bound(attached, pairs), bound(odd, turned); a != b {
			t.Fatalf("%v: %s\n%v: %s", pairs, a, turned, b)
		}
		apart := func(_ int, name, value string) []string { return []string{"-" + name + ":", value} }
		if a, b := bound(apart, pairs), bound(apart, turned); a != b {
			t.Fatalf("%v: %s\n%v: %s", pairs, a, turned, b)
		}
	})
}

func sorted(b *params.Bound) string {
	var out []string
	for _, v := range b.Values() {
		out = append(out, v.Param.Name+"="+render(v.Value))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// FuzzAccept: an object binds, or gives an error that concerns it alone.
func FuzzAccept(f *testing.F) {
	seeds(f, 5, func(r golden.Record) []string {
		if r.Stdin == nil {
			return nil
		}
		return strings.Split(like.Replace(*r.Stdin), "\n")
	})
	b, err := params.Parse(send(), nil, []string{"-Url", "u"}).Bind(f.Context(), params.Options{Pipeline: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := b.Accept(text)
		var e *params.Error
		switch {
		case err == nil && (got.Set != "ViaIdentityExpanded" || got.Object("InputObject") == nil):
			t.Fatalf("%q: %s", text, show(got, nil))
		case err != nil && (!errors.As(err, &e) || !e.NonTerm || e.ID == ""):
			t.Fatalf("%q: %#v", text, err)
		}
		if show(b, nil) != "ViaIdentityExpanded Url=u" {
			t.Fatalf("%q changed what the words bound: %s", text, show(b, nil))
		}
	})
}

// FuzzJSON: ParseJSON takes what encoding/json takes, but for repeated names
// and depth, and reads the same from it.
func FuzzJSON(f *testing.F) {
	seeds(f, 100, wordsThat(func(w string) bool { return strings.ContainsAny(w, `{["`) && !strings.HasPrefix(w, "@") }))
	f.Fuzz(func(t *testing.T, text string) {
		v, err := params.ParseJSON(text)
		valid := json.Valid([]byte(text))
		if err != nil {
			var e *params.SyntaxError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text) || e.Line < 1 || e.Column < 1 {
				t.Fatalf("%q: %#v", text, err)
			}
			if valid && !strings.Contains(e.Reason, "stands twice") && !strings.Contains(e.Reason, "nested deeper") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if !valid {
			t.Fatalf("%q is no JSON", text)
		}
		if !utf8.ValidString(text) {
			return
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if have := decoded(v); !reflect.DeepEqual(have, want) {
			t.Fatalf("%q: %v, want %v", text, have, want)
		}
	})
}

// decoded is a value as encoding/json has it.
func decoded(v any) any {
	switch v := v.(type) {
	case params.Number:
		return json.Number(v)
	case *params.Object:
		out := map[string]any{}
		for _, e := range v.Members {
			out[e.Name] = decoded(e.Value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = decoded(v[i])
		}
		return out
	}
	return v
}

// FuzzLiteral: a literal that is read can be written and read again as the
// same; numbers are numbers of JSON; no key stands twice.
func FuzzLiteral(f *testing.F) {
	seeds(f, 100, wordsThat(func(w string) bool { return strings.HasPrefix(w, "@{") }))
	f.Fuzz(func(t *testing.T, text string) {
		o, err := params.ParseLiteral(text)
		if err != nil {
			var e *params.SyntaxError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text) || e.Line < 1 || e.Column < 1 {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		written := literal(t, o)
		again, err := params.ParseLiteral(written)
		if err != nil || !reflect.DeepEqual(again, o) {
			t.Fatalf("%q, written as %q: %v", text, written, err)
		}
	})
}

func literal(t *testing.T, v any) string {
	switch v := v.(type) {
	case nil:
		return "$null"
	case bool:
		return map[bool]string{true: "$true", false: "$false"}[v]
	case params.Number:
		if !json.Valid([]byte(v)) {
			t.Fatalf("%q is no number of JSON", v)
		}
		return string(v)
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = literal(t, v[i])
		}
		return "@(" + strings.Join(items, ",") + ")"
	case *params.Object:
		if !v.Literal {
			t.Fatal("a nested literal does not know that it is one")
		}
		var entries []string
		names := map[string]bool{}
		for _, e := range v.Members {
			if low := strings.ToLower(e.Name); names[low] {
				t.Fatalf("the key %q stands twice", e.Name)
			} else {
				names[low] = true
			}
			entries = append(entries, quoted(e.Name)+"="+literal(t, e.Value))
		}
		return "@{" + strings.Join(entries, ";") + "}"
	}
	return quoted(v.(string))
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
