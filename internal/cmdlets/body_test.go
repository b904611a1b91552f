package cmdlets_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"invoke-mgupload/internal/cmdlets"
)

// built is the body of words that bind, or the refusal.
func built(t testing.TB, name string, words ...string) (body, err string) {
	t.Helper()
	row, b := mustBind(t, name, words...)
	r, e := row.Build(b)
	if e != nil {
		return "", refusal(t, e)
	}
	return string(r.Body), ""
}

func TestBodyLayout(t *testing.T) {
	pki := func(words ...string) []string { return append([]string{"-CertificateBasedAuthPkiId", "i"}, words...) }
	secret := func(words ...string) []string { return append([]string{"-TrustFrameworkKeySetId", "i"}, words...) }
	for _, c := range []struct {
		record string
		name   string
		words  []string
		want   string
	}{
		{"body.empty", "pki", pki(), `{}`},
		{"body.both", "pki", pki("-Sha256FileHash", "h", "-UploadUrl", "u"), "{\n  \"uploadUrl\": \"u\",\n  \"sha256FileHash\": \"h\"\n}"},
		{"body.reverse-order", "pki", pki("-BodyParameter", `{"sha256FileHash":"h","uploadUrl":"u"}`), "{\n  \"uploadUrl\": \"u\",\n  \"sha256FileHash\": \"h\"\n}"},
		{"body.unknown-key", "pki", pki("-BodyParameter", `{"uploadUrl":"u","z":1,"a":2}`), "{\n  \"z\": 1,\n  \"a\": 2,\n  \"uploadUrl\": \"u\"\n}"},
		{"body.lower", "pki", pki("-BodyParameter", `{"UPLOADURL":"u","Extra":"x"}`), "{\n  \"Extra\": \"x\",\n  \"uploadUrl\": \"u\"\n}"},
		{"addprops.array-strings", "pki", pki("-AdditionalProperties", `{"a":["x","y"]}`), "{\n  \"a\": [\n    \"x\",\n    \"y\"\n  ]\n}"},
		{"addprops.array-empty", "pki", pki("-AdditionalProperties", `@{a=@()}`), "{\n  \"a\": []\n}"},
		{"addprops.hash-empty", "pki", pki("-AdditionalProperties", `@{a=@{}}`), "{\n  \"a\": {}\n}"},
		{"addprops.hash-null-inside", "pki", pki("-AdditionalProperties", `@{a=@{b=$null}}`), "{\n  \"a\": {}\n}"},
		{"addprops.array-nested", "pki", pki("-AdditionalProperties", `@{a=@(@(1,2),@(3))}`), "{\n  \"a\": [\n    [\n      1,\n      2\n    ],\n    [\n      3\n    ]\n  ]\n}"},
		{"addprops.null-value", "pki", pki("-AdditionalProperties", `{"a":null,"b":1}`), "{\n  \"b\": 1\n}"},
		{"addprops.key-empty", "pki", pki("-AdditionalProperties", `@{''='v'}`), "{\n  \"\": \"v\"\n}"},
		{"addprops.key-odata", "pki", pki("-AdditionalProperties", `{"@odata.type":"#x"}`), "{\n  \"@odata.type\": \"#x\"\n}"},
		{"addprops.declared-key-other-case", "pki", pki("-AdditionalProperties", `{"UploadURL":"u"}`), "{\n  \"UploadURL\": \"u\"\n}"},
		{"addprops.secret", "keyset-secret-beta", secret("-AdditionalProperties", `{"extra":"e"}`, "-Nbf", "5"), "{\n  \"extra\": \"e\",\n  \"nbf\": 5\n}"},
		{"extra.json-null-in-array", "pki", pki("-BodyParameter", `{"a":[null]}`), "{\n  \"a\": [\n    null\n  ]\n}"},
		{"text.expanded-empty", "pki", pki("-UploadUrl", ""), "{\n  \"uploadUrl\": \"\"\n}"},
		{"convert.int64-zero-both", "keyset-secret-beta", secret("-Nbf", "0", "-Exp", "0x10"), "{\n  \"nbf\": 0,\n  \"exp\": 16\n}"},
		{"body.null-value", "pki", pki("-BodyParameter", `@{UploadUrl=$null}`), "{\n  \"uploadUrl\": \"\"\n}"},
		{"body.number-for-string", "pki", pki("-BodyParameter", `@{UploadUrl=5; Sha256FileHash=$true}`), "{\n  \"uploadUrl\": \"5\",\n  \"sha256FileHash\": \"True\"\n}"},
		{"convert.secret-body-hash-text-number", "keyset-secret-beta", secret("-BodyParameter", `@{Nbf='5'}`), "{\n  \"nbf\": 5\n}"},
		// D21: data goes out as given.
		{"D21 the word null", "pki", pki("-UploadUrl", "null"), "{\n  \"uploadUrl\": \"null\"\n}"},
		{"D21 a date", "pki", pki("-UploadUrl", "2026-01-02T03:04:05+02:00"), "{\n  \"uploadUrl\": \"2026-01-02T03:04:05+02:00\"\n}"},
		{"D21 big Int64", "keyset-secret-beta", secret("-Exp", "9223372036854775807"), "{\n  \"exp\": 9223372036854775807\n}"},
		{"D21 digits", "pki", pki("-BodyParameter", `{"a":0.30000000000000004,"b":1e400,"c":-0,"d":12345678901234567890}`), "{\n  \"a\": 0.30000000000000004,\n  \"b\": 1e400,\n  \"c\": -0,\n  \"d\": 12345678901234567890\n}"},
	} {
		if got, err := built(t, c.name, c.words...); err != "" || got != c.want {
			t.Errorf("%s %q: %s\nhave %s\nwant %s", c.record, c.words, err, got, c.want)
		}
	}
}

func TestBodyStrings(t *testing.T) {
	for _, c := range []struct{ record, text, want string }{
		{"text.api-dquote", `say "hi"`, `"say \"hi\""`},
		{"text.expanded-backslash", `a\b`, `"a\\b"`},
		{"text.expanded-slash", "https://a/b?c=d&e=f", `"https://a/b?c=d&e=f"`},
		{"text.expanded-script", "</script><b>&", `"</script><b>&"`},
		{"text.expanded-newline", "a\nb\r\nc", `"a\nb\r\nc"`},
		{"text.expanded-controls", "\x01\x07\b\t\n\v\f\r\x1f", `"\u0001\u0007\b\t\n\u000b\f\r\u001f"`},
		{"text.expanded-nul", "a\x00b", `"a\u0000b"`},
		{"text.expanded-nel", "a\u0085b", `"a\u0085b"`},
		{"text.expanded-ls-ps", "a\u2028b\u2029c", `"a\u2028b\u2029c"`},
		{"text.expanded-unicode", "Grüße 證明 😀 \x7f \ufeff", "\"Grüße 證明 😀 \x7f \ufeff\""},
		{"text.lone-surrogate", "a\xffb", "\"a\ufffdb\""},
	} {
		if got, err := built(t, "pki", "-CertificateBasedAuthPkiId", "i", "-UploadUrl", c.text); err != "" || got != "{\n  \"uploadUrl\": "+c.want+"\n}" {
			t.Errorf("%s: %s\nhave %s\nwant %s", c.record, err, got, c.want)
		}
	}
}

func TestBodyRefusals(t *testing.T) {
	for _, c := range []struct {
		record string
		words  []string
		want   string
	}{
		{"addprops.declared-key-clash", []string{"-UploadUrl", "u", "-AdditionalProperties", `{"uploadUrl":"v"}`}, "An item with the same key has already been added. Key: uploadUrl"},
		{"addprops.declared-key-clash-case", []string{"-UploadUrl", "u", "-AdditionalProperties", `{"UPLOADURL":"v"}`}, "An item with the same key has already been added. Key: uploadUrl"},
		{"a null clashes with nothing", []string{"-UploadUrl", "u", "-AdditionalProperties", `{"uploadUrl":null}`}, ""},
		{"another member clashes with nothing", []string{"-UploadUrl", "u", "-AdditionalProperties", `{"sha256FileHash":"v"}`}, ""},
		{"addprops.array-mixed", []string{"-AdditionalProperties", `@{a=@(1,$null)}`}, "Object reference not set to an instance of an object."},
	} {
		if _, err := built(t, "pki", append([]string{"-CertificateBasedAuthPkiId", "i"}, c.words...)...); err != c.want {
			t.Errorf("%s: %q, want %q", c.record, err, c.want)
		}
	}
}

func TestBodyDepth(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	if body, err := built(t, "pki", "-CertificateBasedAuthPkiId", "i", "-BodyParameter", nested(64)); err != "" || strings.Count(body, "{") != 64 {
		t.Errorf("more.depth-64: %s", err)
	}
	recorded := ""
	for _, r := range loadGoldens(t) {
		if r.ID == "more.depth-65" {
			recorded = r.Errors[0].Message
		}
	}
	if _, err := built(t, "pki", "-CertificateBasedAuthPkiId", "i", "-BodyParameter", nested(65)); err != recorded || recorded == "" {
		t.Errorf("more.depth-65:\nhave %s\nwant %s", err, recorded)
	}
	// A name with a dot, an array's index: the path as a .NET reader writes it.
	odd := `{"b.c":[1,` + strings.Repeat(`{"a":`, 63) + "1" + strings.Repeat("}", 63) + "]}"
	want := "The reader's MaxDepth of 64 has been exceeded. Path '['b.c'][1]." + strings.Repeat("a.", 61) + "a'"
	if _, err := built(t, "pki", "-CertificateBasedAuthPkiId", "i", "-BodyParameter", odd); !strings.HasPrefix(err, want) {
		t.Errorf("have %s\nwant %s…", err, want)
	}
}

// FuzzBody: what is sent for a JSON body is JSON with the same members, null
// ones left out, in the layout of the real cmdlets.
func FuzzBody(f *testing.F) {
	n := 0
	for _, r := range loadGoldens(f) {
		for _, w := range r.Words() {
			if (strings.HasPrefix(w, "{") || strings.HasPrefix(w, "@{")) && (r.Group == "body" || r.Group == "addprops" || r.Group == "extra" || r.Group == "convert" || r.Group == "text") {
				f.Add(w)
				n++
			}
		}
	}
	if n < 50 {
		f.Fatalf("only %d seeds among the records", n)
	}
	row := cmdlets.Find("pki")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := bindWords("pki", []string{"-CertificateBasedAuthPkiId", "i", "-BodyParameter", text})
		if err != nil {
			return
		}
		r, err := row.Build(b)
		if b.Object("BodyParameter").Literal {
			if err == nil && !json.Valid(r.Body) {
				t.Fatalf("%s: %s", text, r.Body)
			}
			return
		}
		if err != nil {
			if !strings.Contains(refusal(t, err), "MaxDepth of 64") {
				t.Fatal(err)
			}
			return
		}
		var sent, given map[string]any
		if err := decode(r.Body, &sent); err != nil {
			t.Fatalf("%s: %v", r.Body, err)
		}
		if err := decode([]byte(strings.ToValidUTF8(text, "\ufffd")), &given); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		want := map[string]any{}
		for name, v := range withoutNull(given).(map[string]any) {
			for _, declared := range []string{"uploadUrl", "sha256FileHash"} {
				if strings.EqualFold(name, declared) {
					name = declared
				}
			}
			want[name] = v
		}
		if !reflect.DeepEqual(sent, want) {
			t.Fatalf("sent %v\ngiven %v", sent, want)
		}
		if len(want) > 0 && !bytes.HasPrefix(r.Body, []byte("{\n  \"")) || bytes.HasSuffix(r.Body, []byte("\n")) {
			t.Fatalf("layout: %q", r.Body)
		}
	})
}

func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}

// withoutNull leaves members that are null out, at any depth, but not elements of arrays.
func withoutNull(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if member == nil {
				delete(v, name)
			} else {
				v[name] = withoutNull(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutNull(v[i])
		}
	}
	return v
}

func BenchmarkBind(b *testing.B) {
	for b.Loop() {
		if _, err := bindWords("pki", []string{"-CertificateBasedAuthPkiId", "i", "-UploadUrl", "https://h/f", "-Sha256FileHash", "D7F9", "-WhatIf"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			row, bound := mustBind(b, "api-connector", "-IdentityApiConnectorId", "i", "-Pkcs12Value", strings.Repeat("A", size), "-Password", "p")
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := row.Build(bound); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
