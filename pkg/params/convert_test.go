package params_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"invoke-mgupload/pkg/params"
)

func TestIntegers(t *testing.T) {
	for text, want := range map[string]string{ // records convert.int64-*
		"1735689600": "1735689600", "-1": "-1", "+5": "5", " 5 ": "5", "5L": "5", "5l": "5", "0x10": "16", "0X1f": "31", "0b101": "5",
		"1kb": "1024", "2MB": "2097152", "1gb": "1073741824", "1tb": "1099511627776", "1pb": "1125899906842624", "1.5kb": "1536",
		"1e3": "1000", "1E+3": "1000", "15e-1": "2", "1,000": "1000", "1,0,0": "100", "1.5": "2", "2.5": "2", "3.5": "4", "-1.5": "-2", "-2.5": "-2", "-0.5": "0",
		".5": "0", "5.": "5", "007": "7",
		"9223372036854775807": "9223372036854775807", "-9223372036854775808": "-9223372036854775808",
	} {
		if got := show(bind(send(), "-ThingId", "a", "-Nbf", text)); got != "Expanded ThingId=a Nbf="+want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	const format, large = "was not in a correct format.", "Value was either too large or too small for an Int64."
	for text, cause := range map[string]string{
		"abc": format, "1_000": format, "2026-01-02": format, "0x": format, "0b2": format, "0xg": format, "1/3": format, "1.2.3": format, "--5": format,
		"-+5": format, "+": format, "kb": format, "l": format, ",5": format, "1e": format, "1e5e5": format, "0x1kb": format, "e5": format, ".": format,
		"1 000": format, "٣": format, "inf": format, "NaN": format, "1e999999999": format,
		"9223372036854775808": large, "-9223372036854775809": large, "1e19": large, "9999999pb": large, "0xffffffffffffffff": large,
	} {
		_, err := bind(send(), "-ThingId", "a", "-Nbf:"+text)
		if show(nil, err) != "!ParameterArgumentTransformationError" || !strings.HasSuffix(message(t, err), cause+`"`) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, empty := range []string{"", " "} { // D25
		if got := show(bind(send(), "-ThingId", "a", "-Nbf", empty)); got != "!MgUploadInvalidNumber" {
			t.Errorf("%q: %s", empty, got)
		}
	}
}

func TestOtherConversions(t *testing.T) {
	runLines(t, send, []line{
		{"-ThingId|a|-Proxy|not a uri", "Expanded ThingId=a Proxy=not a uri"},
		{"-ThingId|a|-Proxy|", "Expanded ThingId=a Proxy="},
		{"-ThingId|[1,2]", "!ParameterArgumentTransformationError"}, // governance.id.array
		{"-ThingId|[x", "Expanded ThingId=[x"},
		{"-ThingId|{}", "Expanded ThingId={}"},
		{"-ThingId|a|-HttpPipelineAppend|one,two", "Expanded ThingId=a HttpPipelineAppend=[one two]"},
		{"-ThingId|a|-OutBuffer|5", "Expanded ThingId=a OutBuffer=5"},
		{"-ThingId|a|-OutBuffer|-1", "!ParameterArgumentValidationError"},
		{"-ThingId|a|-OutBuffer|2147483648", "!CannotConvertArgumentNoMessage"},
		{"-ThingId|a|-OutBuffer|x", "!CannotConvertArgumentNoMessage"},
		{"-ThingId|a|-ErrorAction|stop", "Expanded ThingId=a ErrorAction=Stop"},
		{"-ThingId|a|-ErrorAction|ig", "Expanded ThingId=a ErrorAction=Ignore"},
		{"-ThingId|a|-ErrorAction|1", "Expanded ThingId=a ErrorAction=Stop"},
		{"-ThingId|a|-ErrorAction|s", "!CannotConvertArgumentNoMessage"},
		{"-ThingId|a|-ErrorAction|7", "!CannotConvertArgumentNoMessage"},
		{"-ThingId|a|-ErrorAction|", "!CannotConvertArgumentNoMessage"},
		{"-ThingId|a|-ErrorAction|Suspend", "!ParameterBindingFailed"},
	})
	runLines(t, connect, []line{
		{"-NoWelcome:x", "!CannotConvertArgument"},
		{"-SendCertificateChain:true", "User SendCertificateChain=true"},
		{"-SendCertificateChain|true", "!CannotConvertArgument"}, // a word of its own is text
		{"-Timeout|1.5", "User Timeout=1.5"},
		{"-Timeout|1e3", "User Timeout=1000"},
		{"-Timeout|x", "!CannotConvertArgumentNoMessage"},
		{"-ContextScope|current", "User ContextScope=CurrentUser"},
		{"-ContextScope| 1 ", "User ContextScope=CurrentUser"},
		{"-ContextScope|process, current", "User ContextScope=CurrentUser"}, // 0 and 1, bit by bit
		{"-ContextScope|9", "!CannotConvertArgumentNoMessage"},
		{"-ContextScope|-1", "!CannotConvertArgumentNoMessage"},
		{"-ContextScope|process,", "!CannotConvertArgumentNoMessage"},
		{"-Retry|10", "User Retry=10"},
		{"-Retry|11", "!ParameterArgumentValidationError"},
		{"-Retry|", "!ParameterArgumentValidationError"}, // 0
		{"-Secret|s", "!CannotConvertArgumentNoMessage"},
		{"-Certificate|c", "!CannotConvertArgumentNoMessage"},
		{"-Scopes|a,b", "User Scopes=[a,b]"},
	})
	_, err := bind(connect(), "-Secret", "geheim")
	if strings.Contains(message(t, err), "geheim") {
		t.Error(err)
	}
	var e *params.Error
	if errors.As(err, &e) && e.FullyQualifiedID() != "CannotConvertArgumentNoMessage,Things.Connect" {
		t.Error(e.FullyQualifiedID())
	}
}

func TestVariableNames(t *testing.T) { // D27
	for name, ok := range map[string]bool{
		"h": true, "_h1": true, "global:h": true, "Script:h": true, "LOCAL:h": true, "private:h": true, "errors": true,
		"":   true, // sets.rhv-empty: as if absent
		"1h": false, "h h": false, "h-h": false, "h.h": false, "$h": false, "hü": false, "global:": false, "env:h": false, "a:b:c": false, "global:script:h": false,
		"true": false, "NULL": false, "pid": false, "Error": false, "home": false, "Host": false, "global:PID": false,
		"+h": false, // appends only for the common variables
	} {
		got := show(bind(send(), "-ThingId", "a", "-ResponseHeadersVariable", name))
		if (got == "Expanded ThingId=a ResponseHeadersVariable="+name) != ok || !ok && got != "!MgUploadInvalidVariableName" {
			t.Errorf("%q: %s", name, got)
		}
	}
	for name, want := range map[string]string{
		"h": "Expanded ThingId=a OutVariable=h", "+h": "Expanded ThingId=a OutVariable=+h", "+global:h": "Expanded ThingId=a OutVariable=+global:h",
		"": "!MgUploadInvalidVariableName", "+": "!MgUploadInvalidVariableName", "++h": "!MgUploadInvalidVariableName", "+true": "!MgUploadInvalidVariableName",
		"env:h": "!ParameterArgumentValidationError", // binder.180
	} {
		if got := show(bind(send(), "-ThingId", "a", "-OutVariable", name)); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

func TestCredentials(t *testing.T) {
	words := []string{"-ThingId", "a", "-ProxyCredential", "u"}
	asked := ""
	o := params.Options{Password: func(_ context.Context, user string) (string, error) { asked = user; return "p", nil }}
	b, err := params.Parse(send(), nil, words).Bind(t.Context(), o)
	if err != nil || asked != "u" || b.Get("ProxyCredential") != (params.Login{User: "u", Password: "p"}) {
		t.Errorf("%v, asked for %q", err, asked)
	}
	o.Password = func(context.Context, string) (string, error) { return "", params.ErrNobodyToAsk }
	for _, o := range []params.Options{{}, o} { // convert.credential-text
		_, err = params.Parse(send(), nil, words).Bind(t.Context(), o)
		if show(nil, err) != "!ParameterArgumentTransformationError" || !strings.HasSuffix(message(t, err), params.ErrNobodyToAsk.Error()) {
			t.Error(err)
		}
	}
	gone := errors.New("interrupted")
	o.Password = func(context.Context, string) (string, error) { return "", gone }
	if _, err = params.Parse(send(), nil, words).Bind(t.Context(), o); !errors.Is(err, gone) {
		t.Error(err)
	}
}

func TestObjectsAsWords(t *testing.T) {
	files := map[string]string{
		"body.json": "\ufeff{\"url\": \"u\"}\n", "body.psd1": "# mine\n[ordered]@{\n  Url = 'u' # here\n  Nbf = 0x10\n}\n",
		"list.json": "[]", "text": "abc", "broken.json": `{"url":`, "empty": "", "{odd}": "{}", "-": "{}",
	}
	o := params.Options{
		ReadFile: func(name string) ([]byte, error) {
			if text, ok := files[name]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		},
		ReadStdin: func() ([]byte, error) { return []byte("\ufeff @{a=1}"), nil },
	}
	for _, c := range []struct{ name, value, want string }{
		{"BodyParameter", `{"url":"u","Password":null,"other":[1,{}]}`, "{url=u,Password=<nil>,other=[#1,{}]}"},
		{"BodyParameter", " \n{\"url\":\"u\"}\n ", "{url=u}"}, // convert.body-json-spaces
		{"BodyParameter", `{}`, "{}"},
		{"BodyParameter", `@{Url=5; Nbf='7'; x=$null}`, "@{Url=5,Nbf=#7,x=<nil>}"},
		{"BodyParameter", `@{Url=@(1)}`, "@{Url=System.Object[]}"}, // body.array-for-string
		{"BodyParameter", `@{Url=@{}}`, "@{Url=System.Collections.Hashtable}"},
		{"BodyParameter", `@{Url=$null; Nbf=$null}`, "@{Url=,Nbf=<nil>}"}, // body.null-value
		{"BodyParameter", "@body.json", "{url=u}"},
		{"BodyParameter", "@body.psd1", "@{Url=u,Nbf=#16}"},
		{"BodyParameter", "@{odd}", "!MgUploadInvalidLiteral"}, // @{ is always a literal, never a file
		{"BodyParameter", "@-", "@{a=#1}"},
		{"BodyParameter", "@missing", "!MgUploadUnreadableFile"},
		{"BodyParameter", "@", "!MgUploadUnreadableFile"},
		{"BodyParameter", "@list.json", "!MgUploadInvalidJson"},
		{"BodyParameter", "@text", "!MgUploadInvalidJson"},
		{"BodyParameter", "@empty", "!MgUploadInvalidJson"},
		{"BodyParameter", "@broken.json", "!MgUploadInvalidJson"},
		{"BodyParameter", `{"url":5}`, "!MgUploadInvalidMember"}, // D24
		{"BodyParameter", `{"URL":true}`, "!MgUploadInvalidMember"},
		{"BodyParameter", `{"nbf":"5"}`, "!MgUploadInvalidMember"},
		{"BodyParameter", `{"nbf":1.5}`, "!MgUploadInvalidMember"},
		{"BodyParameter", `{"nbf":1e3}`, "!MgUploadInvalidMember"},
		{"BodyParameter", `{"nbf":9223372036854775808}`, "!MgUploadInvalidMember"},
		{"BodyParameter", `{"nbf":-9223372036854775808}`, "{nbf=#-9223372036854775808}"},
		{"BodyParameter", `@{Nbf='x'}`, "!MgUploadInvalidMember"},
		{"BodyParameter", `@{Nbf=''}`, "!MgUploadInvalidMember"},
		{"BodyParameter", `@{Nbf=$true}`, "!MgUploadInvalidMember"},
		{"BodyParameter", `{url:'u'}`, "!MgUploadInvalidJson"},
		{"BodyParameter", `{"a":1}{"b":2}`, "!MgUploadInvalidJson"}, // extra.json-two-objects
		{"BodyParameter", "abc", "!ParameterArgumentTransformationError"},
		{"BodyParameter", "", "!ParameterArgumentTransformationError"},
		{"BodyParameter", "[]", "!ParameterArgumentTransformationError"},
		{"BodyParameter", "System.Collections.Hashtable", "!MgUploadInvalidJson"},
		{"BodyParameter", "System.Object[]", "!MgUploadInvalidJson"},
		{"Headers", `{"X":"a"}`, "{X=a}"}, // D23
		{"Headers", `@{'X-A'='a'}`, "@{X-A=a}"},
		{"Headers", `abc`, "!ParameterArgumentTransformationError"},
		{"AdditionalProperties", `{"x":{"y":null}}`, "{x={y=<nil>}}"},
		{"AdditionalProperties", `{"x":1,"X":2}`, "!MgUploadInvalidJson"},
	} {
		got := show(params.Parse(send(), nil, []string{"-ThingId", "a", "-" + c.name, c.value}).Bind(t.Context(), o))
		if _, value, ok := strings.Cut(got, c.name+"="); ok {
			got = value
		}
		if got != c.want {
			t.Errorf("-%s %s: %s, want %s", c.name, c.value, got, c.want)
		}
	}
}

func TestIdentitiesAsWords(t *testing.T) {
	runLines(t, send, []line{
		{`-InputObject|{"THING-id":"a","other":5}`, "ViaIdentityExpanded InputObject={THING-id=a,other=#5}"},
		{`-InputObject|@{ThingId=5}`, "ViaIdentityExpanded InputObject=@{ThingId=5}"}, // identity.int-value
		{`-InputObject|{"thing-id":5}`, "!MgUploadInvalidMember"},
		{`-InputObject|abc`, "!ParameterArgumentValidationErrorNullNotAllowed"}, // identity.text
		{`-InputObject|`, "!ParameterArgumentValidationErrorNullNotAllowed"},
		{`-InputObject|{"thing-id":"a"`, "!MgUploadInvalidJson"},
	})
	p := send().Param("INPUTOBJECT")
	for _, c := range []struct {
		text  string
		value any
	}{
		{`{"thing-id":"a"}`, "a"}, {`{"ThingId":"a"}`, "a"}, {`{"thing-id":null}`, nil}, {`{"id":"a"}`, nil}, {`{"thing-id":null,"thingid":"b"}`, "b"},
	} {
		v, err := params.ParseJSON(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := p.Key(v.(*params.Object), "ThingId"); got != c.value || ok != (c.value != nil) {
			t.Errorf("%s: %v, %t", c.text, got, ok)
		}
	}
	if _, ok := p.Key(&params.Object{}, "NoKey"); ok {
		t.Error("a key the identity does not have")
	}
}

// A text whose quotes a shell has eaten gets an error that says so.
func TestEatenQuotes(t *testing.T) {
	for value, want := range map[string]string{
		`{url:u}`:                      "@FILE",
		`{ url: u }`:                   "@FILE",
		`System.Collections.Hashtable`: "@FILE",
		`{}x`:                          "text after the value",
	} {
		_, err := bind(send(), "-ThingId", "a", "-BodyParameter", value)
		if !strings.Contains(message(t, err), want) {
			t.Errorf("%s: %v", value, err)
		}
	}
	if _, err := bind(send(), "-ThingId", "a", "-BodyParameter", `{"url":u}`); strings.Contains(message(t, err), "@FILE") {
		t.Errorf("the quotes are there: %v", err)
	}
}

func TestTextOfValues(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, ""}, {"a", "a"}, {true, "True"}, {false, "False"}, {params.Number("1.50"), "1.50"}, {[]any{}, "System.Object[]"}, {&params.Object{}, "System.Collections.Hashtable"},
	} {
		if got := params.Text(c.value); got != c.want {
			t.Errorf("%v: %q, want %q", c.value, got, c.want)
		}
	}
	if c := send(); !c.HasSecret() || routes().HasSecret() || c.Param("nothing") != nil || c.ErrorID() != "Send-Thing" || connect().ErrorID() != "Things.Connect" {
		t.Error("cmdlet's answers")
	}
}

// No error shows a secret: where it is a value, broken, torn or misplaced.
func TestErrorsShowNoSecret(t *testing.T) {
	const secret = "7geheim"
	o := params.Options{ReadFile: func(string) ([]byte, error) { return []byte(`{"password": ` + secret + `}`), nil }}
	for _, words := range []string{
		"-BodyParameter|{\"password\":" + secret + "}",
		"-BodyParameter|{\"password\":'" + secret + "'}",
		"-BodyParameter|{\"password\":\"" + secret,
		"-BodyParameter|{\"password\" \"" + secret + "\"}",
		"-BodyParameter|{\"password\":\"x\",\"" + secret + "\"}",
		"-BodyParameter|{\"password\":\"x\" " + secret,
		"-BodyParameter|{\"password\":\"\\q" + secret + "\"}",
		"-BodyParameter|{password:" + secret + "}",
		"-BodyParameter|{\"password\":[\"" + secret + "\"]}",
		"-BodyParameter|{\"nbf\":\"" + secret + "\"}",
		"-BodyParameter|password=" + secret,
		"-BodyParameter|" + secret,
		"-BodyParameter|@{password=" + secret + "}",
		"-BodyParameter|@{password='" + secret,
		"-BodyParameter|@{password='x' " + secret + "}",
		"-BodyParameter|@{password=\"x\"; " + secret + "\"}",
		"-BodyParameter|@{password=\"$" + secret + "\"}",
		"-BodyParameter|@{password=$" + secret + "}",
		"-BodyParameter|@{" + secret + "='x'",
		"-BodyParameter|@file",
		"-AdditionalProperties|{\"password\":" + secret + "}",
		"-AdditionalProperties|password=" + secret,
		"-AdditionalProperties|" + secret,
		"-Headers|Authorization: Bearer " + secret,
		"-Headers|Authorization=" + secret,
		"-Headers|Bearer " + secret,
		"-Headers|{\"Authorization\":" + secret + "}",
		"-Headers|@{Authorization=" + secret + "}",
		"-Password|the|" + secret,           // a missing quote tore it
		"-Password|the|long|" + secret,      //
		"--password|the|" + secret,          //
		"-Pass:the|" + secret + "|-Url|u",   //
		"--pasword=" + secret,               // a name nobody knows
		"-Pasword:" + secret,                //
		"-Password|-Confirm" + secret[:1],   // nearly -Confirm, but a secret
		"-Password|" + secret + "|-ThingId", // another word is wrong
		"-Password|" + secret + "|-Password|" + secret,
	} {
		all := append(split(words), "-ThingId", "a")
		_, err := params.Parse(send(), additions, all).Bind(t.Context(), o)
		if err == nil {
			t.Errorf("%s is taken", words)
			continue
		}
		if text := message(t, err); strings.Contains(text, secret) || strings.Contains(text, "-Confirm7") || strings.Contains(text, secret[1:]) {
			t.Errorf("%s: %s", words, text)
		}
	}
	b, err := params.Parse(send(), nil, []string{"-Url", "u"}).Bind(t.Context(), params.Options{Pipeline: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Accept(`{"password":` + secret + `}`); err == nil || strings.Contains(message(t, err), secret) {
		t.Error(err)
	}
}

func TestFilesAndSecretsThatWordsCannotGive(t *testing.T) {
	c := func() *params.Cmdlet {
		return &params.Cmdlet{Name: "Open-Thing", DefaultSet: "S", Sets: []string{"S"}, Params: []params.Param{
			{Name: "Path", Type: params.File, NotNull: true}, {Name: "Secret", Type: params.Secure}, {Name: "Name", NotEmpty: true},
		}}
	}
	files := params.Options{ReadFile: func(name string) ([]byte, error) {
		switch name {
		case "here":
			return nil, nil
		case "closed":
			return nil, fs.ErrPermission
		}
		return nil, fs.ErrNotExist
	}}
	for _, l := range []line{
		{"-Path|here", "S Path=here"}, {"-Path|closed", "!ParameterArgumentTransformationError"}, {"-Path|gone", "!ParameterArgumentTransformationError"},
		{"-Name|n", "S Name=n"}, {"-Name|", "!ParameterArgumentValidationError"}, {"-Secret|s", "!ParameterArgumentTransformationError"},
	} {
		if got := show(params.Parse(c(), nil, split(l.words)).Bind(t.Context(), files)); got != l.want {
			t.Errorf("%s: %s, want %s", l.words, got, l.want)
		}
	}
	if got := show(bind(c(), "-Path", "here")); got != "!ParameterArgumentTransformationError" {
		t.Errorf("nothing can be read, yet %s", got)
	}
	l := params.Parse(c(), nil, nil)
	if err := errors.Join(l.Add("Path", func() (string, error) { return "elsewhere", nil }), l.Add("Secret", func() (string, error) { return "s", nil })); err != nil {
		t.Fatal(err)
	}
	if got := show(l.Bind(t.Context(), params.Options{})); got != "S Path=elsewhere Secret=s" {
		t.Error(got)
	}
	if e := c().Setting("--wait", "'x' is no time."); e.FullyQualifiedID() != "CannotConvertArgumentNoMessage,Open-Thing" || e.Message != "Cannot bind parameter '--wait'. 'x' is no time." {
		t.Errorf("%+v", e)
	}
}
