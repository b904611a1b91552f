package params_test

import (
	"errors"
	"strings"
	"testing"

	"invoke-mgupload/pkg/params"
)

func TestLiterals(t *testing.T) {
	for text, want := range map[string]string{
		`@{}`: "@{}", "  @{ }\n": "@{}", `@{;;}`: "@{}", "@{\n}": "@{}", `[ordered]@{b=1;a=2}`: "@{b=#1,a=#2}", `[ORDERED]@{}`: "@{}", `[ordered] @{}`: "@{}",
		`@{a='x'}`: "@{a=x}", `@{ a = 'x' ; }`: "@{a=x}", "@{a='x'\nb='y'}": "@{a=x,b=y}", "@{a='x'\r\nb='y';\n\n c='z'}": "@{a=x,b=y,c=z}", "@{a\n=\n1}": "@{a=#1}",
		`@{a-b_1='x'}`: "@{a-b_1=x}", `@{_='x'}`: "@{_=x}", `@{'a b'='x'; "c"='y'; 5='z'; ''='e'}`: "@{a b=x,c=y,5=z,=e}", `@{0x10='v'}`: "@{16=v}",
		`@{a='it''s'}`: "@{a=it's}", `@{a='$x ` + "`n" + `'}`: "@{a=$x `n}", "@{a='x\ny'}": "@{a=x\ny}", `@{a=''}`: "@{a=}", `@{a="it's ""x"""}`: `@{a=it's "x"}`,
		"@{a=\"`n`t`r`0`\"`$``\"}": "@{a=\n\t\r\x00\"$`}", `@{a="ä😀"}`: "@{a=ä😀}",
		`@{a=1}`: "@{a=#1}", `@{a=-1.50}`: "@{a=#-1.50}", `@{a=+5}`: "@{a=#5}", `@{a=1e3}`: "@{a=#1e3}", `@{a=1E-5}`: "@{a=#1E-5}", `@{a=1e+5}`: "@{a=#1e+5}",
		`@{a=0x10}`: "@{a=#16}", `@{a=0XfF}`: "@{a=#255}", `@{a=-0x10}`: "@{a=#-16}", `@{a=0xffffffffffffffffff}`: "@{a=#4722366482869645213695}",
		`@{a=12345678901234567890}`: "@{a=#12345678901234567890}", `@{a=1.0}`: "@{a=#1.0}",
		`@{a=$true;b=$FALSE;c=$Null}`: "@{a=true,b=false,c=<nil>}",
		`@{a=@()}`:                    "@{a=[]}", `@{a=@( 1 , 'x' , $null )}`: "@{a=[#1,x,<nil>]}", "@{a=@(\n1,\n2\n)}": "@{a=[#1,#2]}", `@{a=@(@(1),@{b=2})}`: "@{a=[[#1],@{b=#2}]}",
		`@{a=@{b=@{c=1}}}`: "@{a=@{b=@{c=#1}}}", `@{a=[ordered]@{b=1}}`: "@{a=@{b=#1}}",
		"# first\n@{ # second\na='x' # third\n# fourth\nb='#'\n} # last": "@{a=x,b=#}",
	} {
		o, err := params.ParseLiteral(text)
		if err != nil || render(o) != want {
			t.Errorf("%s: %v, want %s", text, err, want)
			if err == nil {
				t.Logf("have %s", render(o))
			}
		}
	}
}

func TestLiteralsThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{ // line:column reason…
		``: "1:1 @{", `{}`: "1:1 @{", `@{`: "1:3 the literal does not end", `@{a='x'`: "1:8 a semicolon", `@{a`: "1:4 = should", `@{a=`: "1:5 the literal ends", `@{}x`: "1:4 text after", `@{} @{}`: "1:5",
		`[ordered]`: "1:10 @{", `[ordered]{}`: "1:10", `[hashtable]@{}`: "1:1",
		`@{a='x' b='y'}`: "1:9 a semicolon", `@{a='x',b='y'}`: "1:8", `@{a=1,2}`: "1:6", `@{a=1 + 2}`: "1:7 a semicolon", `@{a='x'+'y'}`: "1:8", `@{a='x'.Length}`: "1:8",
		`@{a=$x}`: "1:5 variables", `@{a=$env:X}`: "1:5 variables", `@{a=$trueish}`: "1:5 variables", `@{a=$}`: "1:5", `@{a="$x"}`: "1:6 variables", `@{a="x$(1)"}`: "1:7 variables", "@{\n a='x'\n b=$x}": "3:4",
		`@{a=[int]1}`: "1:5 casts", `@{a=(Get-Date)}`: "1:5 a value should", `@{a=Get-Date}`: "1:5 a value should", `@{a=x}`: "1:5", `@{a={1}}`: "1:5", `@{a=&x}`: "1:5", `@{a=true}`: "1:5", `@{a=;}`: "1:5",
		`@{a='x';A='y'}`: "1:9 the key 'A' stands twice", `@{'a'=1;a=2}`: "1:9", `@{5=1;'5'=2}`: "1:7", "@{a=1\nb=2\na=3}": "3:1",
		`@{a='x}`: "1:5 the text that begins", `@{a="x}`: "1:5", `@{'a=1}`: "1:3", "@{a=\"`x\"}": "1:7 this backtick", "@{a=\"`": "1:7", `@{a='x'';b=1}`: "1:5",
		`@{a=5kb}`: "1:5 this is not a number", `@{a=5L}`: "1:5", `@{a=1_0}`: "1:5", `@{a=01}`: "1:5", `@{a=.5}`: "1:5", `@{a=1.}`: "1:5", `@{a=0x}`: "1:5", `@{a=0xg}`: "1:5", `@{a=-}`: "1:5", `@{a=+-5}`: "1:5", `@{a=1e}`: "1:5", `@{a=1..3}`: "1:5",
		`@{$k=1}`: "1:3 a key", `@{=1}`: "1:3 a key", `@{a.b=1}`: "1:4 = should", `@{ä=1}`: "1:3 a key", `@{a b=1}`: "1:5", `@{a:1}`: "1:4", `@{-=1}`: "1:3", `@{(1)=1}`: "1:3",
		`@{a=@(1 2)}`: "1:9 a comma", `@{a=@(1,)}`: "1:9 a value", `@{a=@(}`: "1:7", `@{a=@(1`: "1:8 a comma", `@{a=@(1;2)}`: "1:8",
		"@{ä='x'}": "1:3", "@{'ä'='ö' x}": "1:11", "@{a='x' #c": "1:11", "@{a=\u00a01}": "1:5",
	} {
		_, err := params.ParseLiteral(text)
		var e *params.SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		place, reason, _ := strings.Cut(want, " ")
		if have := "line " + strings.Replace(place, ":", ", column ", 1) + ": " + reason; !strings.HasPrefix(err.Error(), have) {
			t.Errorf("%q: %v, want %s…", text, err, have)
		}
	}
}

func TestLiteralDepthIsBounded(t *testing.T) {
	for _, text := range []string{strings.Repeat("@{a=", 1_000_000), "@{a=" + strings.Repeat("@(", 1_000_000)} {
		if _, err := params.ParseLiteral(text); err == nil || !strings.Contains(err.Error(), "deeper than 1000") {
			t.Errorf("%.10s…: %v", text, err)
		}
	}
}

func TestLiteralErrorsNameParameterAndPlace(t *testing.T) {
	_, err := bind(send(), "-ThingId", "a", "-BodyParameter", "@{Url='u'\nNbf=$n}")
	if want := "-BodyParameter: the data literal is not valid: line 2, column 5: variables"; !strings.HasPrefix(message(t, err), want) {
		t.Errorf("%v, want %s…", err, want)
	}
	_, err = bind(send(), "-ThingId", "a", "-Headers", "{\"X\":\n}")
	if want := "-Headers: the JSON text is not valid: line 2, column 1: a value"; !strings.HasPrefix(message(t, err), want) {
		t.Errorf("%v, want %s…", err, want)
	}
}
