package parity

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"invoke-mgupload/parity-tests/golden"
)

func TestWholeHeaders(t *testing.T) {
	answers := []golden.Answer{{Headers: [][2]string{{"Date", "Tue GMT"}, {"X-Ü", "aü"}}}}
	for details, want := range map[string]string{
		"text\n\nHeaders:\nDate  : Tue GM\n\n":  "text\n\nHeaders:\nDate  : Tue GMT\n\n",
		"text\n\nHeaders:\nX-Ü : a\n\n":         "text\n\nHeaders:\nX-Ü : aü\n\n",
		"text\n\nHeaders:\nDate  : Tue GMT\n\n": "text\n\nHeaders:\nDate  : Tue GMT\n\n",
		"text\n\nHeaders:\nDate  : Mon GM\n\n":  "text\n\nHeaders:\nDate  : Mon GM\n\n",
		"text\n\nHeaders:\nDate  : Tue G\n\n":   "text\n\nHeaders:\nDate  : Tue G\n\n",
		"no headers\n\n":                        "no headers\n\n",
		"":                                      "",
	} {
		if got := wholeHeaders(details, answers); got != want {
			t.Errorf("%q: %q, want %q", details, got, want)
		}
	}
}

// Of several answers the failed one is meant.
func TestWholeHeadersOfTheFailure(t *testing.T) {
	answers := []golden.Answer{{Status: 204, Headers: [][2]string{{"X-N", "1"}}}, {Status: 400, Headers: [][2]string{{"X-N", "3"}}}}
	if got := wholeHeaders("Headers:\nX-N : \n\n", answers); got != "Headers:\nX-N : 3\n\n" {
		t.Errorf("%q", got)
	}
}

func TestSplitDetailsSortsHeadersOnly(t *testing.T) {
	got := splitDetails("B\nA\n\nHeaders:\nX-b   : Two: 2\nX-A: one\nConnection: close\nTransfer-Encoding : chunked\n\nAttempts: 3\n")
	if want := []string{"B\nA\n", "x-a: one", "x-b: two: 2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if slices.Equal(splitDetails("a\nb"), splitDetails("b\na")) {
		t.Error("text before the headers may change its order")
	}
}

func TestFlatHeaders(t *testing.T) {
	asIs := func(s string) string { return s }
	got := flatHeaders(map[string][]string{"X-A": {"a; b", "c"}, "Date": {"now"}, "vary": {"x, y"}, "Server": {"a/1 b/2"}}, asIs)
	if want := []string{"server: a/1,b/2", "vary: x,y", "x-a: a;b,c"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestMasked(t *testing.T) {
	if got := masked("Bearer " + token + " 11111111-2222-3333-4444-55555555555A x"); got != "Bearer {TOKEN} {GUID} x" {
		t.Error(got)
	}
}

func TestJSONValuesKeepOrderAndNumbers(t *testing.T) {
	got := jsonValues("What if: {\n{\"b\":1.0,\n \"a\": \"\\u00fc\"}\ntrue [ ]\n")
	if want := []string{`{"b": 1.0, "a": "ü"}`, "true", "[]"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := jsonValues("True\n"); len(got) != 1 || !strings.HasPrefix(got[0], "not JSON") {
		t.Errorf("%q", got)
	}
}

func TestSplitScreen(t *testing.T) {
	answers := []golden.Answer{{Headers: [][2]string{{"Date", "Tue GMT"}}}}
	recorded := "X: no\n\n\nHeaders:\nB: 1\nDate: Tue GM\n\n  Recommendation: read\n"
	printed := "X: no\n\nHeaders:\nDate : Tue GMT\nb : 1\n\n\n  Recommendation: read"
	if w, h := splitScreen(recorded, answers), splitScreen(printed, answers); !slices.Equal(w, h) {
		t.Errorf("%q and %q", w, h)
	}
	if slices.Equal(splitScreen(recorded, answers), splitScreen("X: no\n", answers)) {
		t.Error("a lost recommendation is not seen")
	}
}

func TestExits(t *testing.T) {
	no, one := false, 1
	failed := func(id, message string) golden.Record {
		return golden.Record{Cmdlet: "C", Success: &no, Errors: []golden.Error{{ID: id, Message: message}}}
	}
	post := []golden.Request{{Method: "POST"}}
	for _, c := range []struct {
		name     string
		record   golden.Record
		requests []golden.Request
		want     []int
	}{
		{"success", golden.Record{}, post, []int{0}},
		{"binding", failed("X,C", ""), nil, []int{2}},
		{"not connected", failed("X,C_Upload", notConnected+". Connect."), nil, []int{3}},
		{"service", failed("X,C_Upload", ""), post, []int{1, 2}},
		{"process, service", golden.Record{Mode: "process", Exit: &one, Stderr: "C_Upload: no\n"}, post, []int{1}},
		{"process, binding", golden.Record{Mode: "process", Exit: &one, Stderr: "C: no\n C_Upload"}, nil, []int{2}},
		{"process, not connected", golden.Record{Mode: "process", Exit: &one, Stderr: "C_Upload: " + notConnected}, nil, []int{3}},
	} {
		if got := exits(c.record, c.requests); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	m := newStages(t).take(t)
	proxy := "http://127.0.0.1:{PROXY}"
	env, err := environment(golden.Record{
		Mode:    "process",
		Connect: "none",
		Before:  "Set-MgRequestContext -RetryDelay 3 -Other 1 | Out-Null\n$global:WhatIfPreference = $true\n$global:DebugPreference = 'Continue'",
		Env:     map[string]*string{"https_proxy": &proxy, "LANG": &proxy, "no_proxy": nil},
	}, Stage{Mock: m, Dir: t.TempDir(), CAFile: "ca.pem"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"MGUPLOAD_RETRY_DELAY": "3", "MGUPLOAD_WHATIF_PREFERENCE": "true", "MGUPLOAD_DEBUG_PREFERENCE": "Continue",
		"https_proxy": m.Fill(proxy), "SSL_CERT_FILE": "ca.pem", "MGUPLOAD_ENDPOINT": m.Fill("https://127.0.0.1:{PORT}"),
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	for _, name := range []string{"MGUPLOAD_ACCESS_TOKEN", "MGUPLOAD_OUTPUT", "LANG", "no_proxy", "MGUPLOAD_OTHER"} {
		if value, ok := env[name]; ok {
			t.Errorf("%s is %q, want none; all: %v", name, value, slices.Sorted(maps.Keys(env)))
		}
	}
}
