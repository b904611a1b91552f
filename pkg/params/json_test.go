package params_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"invoke-mgupload/pkg/params"
)

func TestJSONThatIsValid(t *testing.T) { // RFC 8259
	for text, want := range map[string]string{
		`null`: "<nil>", `true`: "true", ` false `: "false", "\t\r\n 1 \n": "#1", `""`: "", `[]`: "[]", `{}`: "{}", `[[],{}]`: "[[],{}]",
		`0`: "#0", `-0`: "#-0", `-1.50e+10`: "#-1.50e+10", `1E400`: "#1E400", `0.1e-1`: "#0.1e-1", `12345678901234567890`: "#12345678901234567890",
		`"a\"\\\/\b\f\n\r\t"`: "a\"\\/\b\f\n\r\t", `"\u00e4\u20AC\ud83d\ude00"`: "ä€😀", `"ä€😀"`: "ä€😀", "\"\x7f\u2028\"": "\x7f\u2028",
		`"\ud800"`: "\ufffd", `"\ud800\u0041"`: "\ufffdA", `"\udc00\ud800"`: "\ufffd\ufffd", `"\ud800x"`: "\ufffdx", // text.lone-surrogate
		`{"":1}`: "{=#1}", `{"a":1,"b":{"a":2}}`: "{a=#1,b={a=#2}}", `[1,"a",null,true]`: "[#1,a,<nil>,true]", `{"b":1,"a":2}`: "{b=#1,a=#2}",
		"\"a\xffb\"": "a\ufffdb",
	} {
		v, err := params.ParseJSON(text)
		if err != nil || render(v) != want {
			t.Errorf("%s: %s, %v; want %s", text, render(v), err, want)
		}
	}
}

func TestJSONThatIsNot(t *testing.T) {
	for text, want := range map[string]string{ // line:column reason…
		``: "1:1", ` `: "1:2", `nul`: "1:1", `True`: "1:1", `truex`: "1:5 text after", `undefined`: "1:1", `NaN`: "1:1", `Infinity`: "1:1",
		`+1`: "1:1", `01`: "1:2 a number has no leading zero", `-`: "1:2 a digit", `1.`: "1:3 a digit", `.5`: "1:1", `1e`: "1:3 a digit", `1e+`: "1:4 a digit", `0x10`: "1:2 text after", `1_0`: "1:2", `--1`: "1:2",
		`"`: "1:1 the string that begins here", `"a`: "1:1", `"\`: "1:2 this escape", `"\x"`: "1:2", `"\u12"`: "1:2", `"\u12g4"`: "1:2", `"\U0041"`: "1:2", `"\'"`: "1:2",
		"\"a\nb\"": "1:3 a control", "\"a\tb\"": "1:3", "\"\x00\"": "1:2", "\"\x1f\"": "1:2 a control", `'a'`: "1:1",
		`[`: "1:2", `[1`: "1:3 a comma or", `[1,`: "1:4", `[1,]`: "1:4", `[,1]`: "1:2", `[1 2]`: "1:4", `[1}`: "1:3", `]`: "1:1",
		`{`: "1:2 a member's name", `{"a"`: "1:5 a colon", `{"a":`: "1:6", `{"a":1`: "1:7", `{"a":1,`: "1:8", `{"a":1,}`: "1:8", `{,}`: "1:2", `{a:1}`: "1:2", `{1:1}`: "1:2", `{"a" 1}`: "1:6",
		`{"a":1 "b":2}`: "1:8", `{"a":1}}`: "1:8 text after", `{} {}`: "1:4 text after", `1 2`: "1:3", `{"a":1]`: "1:7",
		`{"a":1,"a":2}`: "1:8 the name \"a\" stands twice", `{"a":1,"A":2}`: "1:8 the name \"A\"", "{\"a\":1,\n \"a\":2}": "2:2",
		`[1] // x`: "1:5", `/* x */ 1`: "1:1", "\ufeff{}": "1:1", "\u00a01": "1:1", "1\v": "1:2", "{\"ü\":\n\"ä\" x}": "2:5",
	} {
		_, err := params.ParseJSON(text)
		var e *params.SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		place, reason, _ := strings.Cut(want, " ")
		if have := "line " + strings.Replace(place, ":", ", column ", 1) + ": " + reason; !strings.HasPrefix(err.Error(), have) {
			t.Errorf("%q: %v, want %s…", text, err, have)
		}
		if e.Offset < 0 || e.Offset > len(text) {
			t.Errorf("%q: offset %d", text, e.Offset)
		}
	}
}

// Whether a name stands twice is found among many members as among few, and
// without comparing each with each.
func TestManyMembers(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, `"a long name %d":1,`, i)
	}
	for last, twice := range map[string]bool{
		`"other"`: false, `"a long name 20000"`: false, `"a long name 5"`: true, `"a long name 19999"`: true, `"A LONG NAME 14000"`: true, `"a \u006cong name 15"`: true, `"a long name 16"`: true,
	} {
		if _, err := params.ParseJSON("{" + b.String() + last + ":2}"); (err != nil) != twice {
			t.Errorf("%s: %v", last, err)
		}
	}
	list := strings.NewReplacer(`":1,`, `'=1;`, `"`, `'`).Replace(b.String())
	for last, twice := range map[string]bool{"'other'": false, "'A long name 7'": true, "'A long name 19000'": true} {
		if _, err := params.ParseLiteral("@{" + list + last + "=2}"); (err != nil) != twice {
			t.Errorf("%s: %v", last, err)
		}
	}
}

func TestJSONDepthIsBounded(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	if _, err := params.ParseJSON(deep(1000)); err != nil {
		t.Error(err)
	}
	for _, text := range []string{deep(1002), strings.Repeat(`{"a":`, 1_000_000), strings.Repeat("[", 1_000_000)} {
		if _, err := params.ParseJSON(text); err == nil || !strings.Contains(err.Error(), "deeper than 1000") {
			t.Errorf("%.10s…: %v", text, err)
		}
	}
}
