package pipeline_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	. "invoke-mgupload/pkg/pipeline"
)

func TestRedactJSON(t *testing.T) {
	r := NewRedactor(nil, []string{"uploadUrl", "ID", "error", "nbf"})
	const secret = "<hidden: 6 characters, SHA-256 2bb80d53>" // of "secret"
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{" \n", ""},
		{"{}", "{}"},
		{"[]", "[]"},
		{`{"a":{},"b":[]}`, "{\n  \"a\": {},\n  \"b\": []\n}"},
		{`{"uploadUrl":"u","password":"secret"}`, "{\n  \"uploadUrl\": \"u\",\n  \"password\": \"" + secret + "\"\n}"},
		{`{"Id":"x","error":{"inner":["secret",{"id":7}]}}`, "{\n  \"Id\": \"x\",\n  \"error\": {\n    \"inner\": [\n      \"" + secret + "\",\n      {\n        \"id\": 7\n      }\n    ]\n  }\n}"},
		{`{"nbf":1.50,"b":true,"c":null}`, "{\n  \"nbf\": 1.50,\n  \"b\": true,\n  \"c\": null\n}"},
		{`"secret"`, `"` + secret + `"`},
		{`{"uploadUrl":"https://h/p?sv=1&sig=abc"}`, "{\n  \"uploadUrl\": \"https://h/p?***\"\n}"},
		{`{"error":"see https://u:p@h/x or \"https://h/?k=1\", <b>"}`, "{\n  \"error\": \"see https://h/x or \\\"https://h/?***\\\", <b>\"\n}"},
		{`{"id":"a","id":"b"}`, "{\n  \"id\": \"a\",\n  \"id\": \"b\"\n}"},
		{`secret`, secret},
		{`{"password":"secret"`, "<hidden: 20 characters, SHA-256 fc5f129f>"},
	} {
		if got := string(r.JSON([]byte(c.in))); got != c.want {
			t.Errorf("JSON(%s) =\n%s\nwant\n%s", c.in, got, c.want)
		}
	}
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	if got := r.JSON([]byte(deep)); !bytes.HasPrefix(got, []byte("<hidden: ")) {
		t.Errorf("a deep value is shown in %d bytes", len(got))
	}
}

func TestRedactDefaults(t *testing.T) {
	r := NewRedactor(DefaultHeaders(), DefaultMembers())
	for _, name := range []string{"Date", "request-id", "CLIENT-REQUEST-ID", "x-ms-ags-diagnostic", "Retry-After", "Warning"} {
		if got := r.Header(name, "v"); got != "v" {
			t.Errorf("header %s is shown as %s", name, got)
		}
	}
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "WWW-Authenticate", "X-Secret", "Ocp-Apim-Subscription-Key"} {
		if got := r.Header(name, "hunter2"); strings.Contains(got, "hunter2") || !strings.HasPrefix(got, "<hidden: 7 characters, SHA-256 ") {
			t.Errorf("header %s is shown as %s", name, got)
		}
	}
	if got := r.Header("Location", "/x?sig=1"); got != "/x?***" {
		t.Errorf("a Location is shown as %s", got)
	}
	for _, name := range []string{"password", "pkcs12Value", "key", "k", "depToken", "access_token", "d", "p", "q"} {
		body, _ := json.Marshal(map[string]string{name: "hunter2"})
		if got := r.JSON(body); bytes.Contains(got, []byte("hunter2")) {
			t.Errorf("member %s is shown: %s", name, got)
		}
	}
}

func TestRedactURL(t *testing.T) {
	for in, want := range map[string]string{
		"http://user:pw@proxy:3128":   "http://proxy:3128",
		"https://h/a%2Fb?token=1#f":   "https://h/a%2Fb?***",
		"https://h/v1.0/x/id-1/$ref":  "https://h/v1.0/x/id-1/$ref",
		"//user@h/":                   "//h/",
		"https://token@h:1/?":         "https://h:1/?",
		"https://h/p#access_token=ab": "https://h/p",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := (Redactor{}).URL(u); got != want {
			t.Errorf("URL(%s) = %s, want %s", in, got, want)
		}
	}
	if got := (Redactor{}).URL(nil); got != "" {
		t.Errorf("URL(nil) = %s", got)
	}
}

func TestRedactText(t *testing.T) {
	for _, c := range []struct {
		text    string
		secrets []string
		want    string
	}{
		{"nothing", nil, "nothing"},
		{"nothing", []string{""}, "nothing"},
		{"the pw is pw", []string{"pw"}, "the *** is ***"},
		{"abcdefg", []string{"ab", "bcdefg"}, "***"},
		{"aaaa!", []string{"aa"}, "***!"},
		{`said "a\"b"`, []string{`a"b`}, `said "***"`},
		{"grün", []string{"ü"}, "gr***n"},
	} {
		if got := (Redactor{}).Text(c.text, c.secrets...); got != c.want {
			t.Errorf("Text(%q, %q) = %q, want %q", c.text, c.secrets, got, c.want)
		}
	}
}

func FuzzRedactText(f *testing.F) {
	f.Add("the password hunter2 is wrong", "hunter2")
	f.Add(`{"a":"x\"y"}`, `x"y`)
	f.Fuzz(func(t *testing.T, text, secret string) {
		if secret == "" || strings.Contains(secret, "*") {
			t.Skip("asterisks are what a secret is replaced by")
		}
		if got := (Redactor{}).Text(text, secret); strings.Contains(got, secret) {
			t.Errorf("Text(%q, %q) = %q", text, secret, got)
		}
	})
}

// FuzzRedactJSON plants a secret as the value of a member that is not allowed, anywhere in a body.
func FuzzRedactJSON(f *testing.F) {
	f.Add(`{"a":`, `,"id":"x"}`, "hunter2hunter2")
	f.Add(`{"id":[{"password":`, `}]}`, "0123456789abcdef")
	f.Add(``, ``, "hunter2hunter2")
	f.Add(`{"a":[1,2,`, `,3]`, "not whole JSON text")
	r := NewRedactor(DefaultHeaders(), []string{"allowed"})
	f.Fuzz(func(t *testing.T, before, after, secret string) {
		value, _ := json.Marshal(secret)
		core := string(value[1 : len(value)-1])
		switch {
		case len(secret) < 12 || strings.Contains(before+after, core):
			t.Skip("too short to be told from what is shown, or there already")
		case strings.Contains("<hidden: characters, SHA-256 0123456789abcdef>", secret):
			t.Skip("part of what is shown")
		case strings.Contains(strings.ToLower(before), "allowed") || strings.Contains(before, `\`) || strings.Count(before, `"`)%2 != 0:
			t.Skip("the secret may be the value of an allowed member, or no value")
		case strings.HasPrefix(strings.TrimSpace(after), ":"):
			t.Skip("the secret is a member's name")
		}
		got := r.JSON([]byte(before + string(value) + after))
		if bytes.Contains(got, []byte(core)) || bytes.Contains(got, []byte(secret)) {
			t.Errorf("the secret %q is shown in %s", secret, got)
		}
	})
}
