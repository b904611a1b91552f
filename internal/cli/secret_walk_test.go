package cli_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"invoke-mgupload/internal/cli"
)

// The secrets of the walk. What can hold any character has some that JSON, URLs
// and shells write in another way.
const (
	walkToken    = "tok.8rKq2LxZ-wv93_token"
	walkPassword = `Pw"7\hQz/ü&<9+pass word`
	walkKey      = "a2V5LW1hdGVyaWFsLTg4MQ+/key=="
	walkProxy    = "Prx/5@d?#proxy"
	walkCookie   = "sid=Ck9s81ba;cookie"
	walkClient   = "cl1~Sec.ret_Zz8client"
)

var walkSecrets = []string{walkToken, walkPassword, walkKey, walkProxy, walkCookie, walkClient}

// formsOf are a secret and the ways it may be written.
func formsOf(secret string) []string {
	quoted, _ := json.Marshal(secret)
	forms := []string{secret, string(quoted[1 : len(quoted)-1]), url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword("u", secret).String()[2:],
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="), strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(secret)), "="),
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte("user:"+secret)), "="), strings.ReplaceAll(secret, `"`, `\"`)}
	if runes := []rune(secret); len(runes) > 16 { // a part gives it away too
		forms = append(forms, string(runes[:8]), string(runes[len(runes)-8:]))
	}
	return forms
}

// leaks looks for secrets in a text.
func leaks(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range walkSecrets {
		for _, form := range formsOf(secret) {
			if at := strings.Index(text, form); at >= 0 {
				t.Errorf("%s has %q of %q: …%s…", where, form, secret, text[max(0, at-60):min(len(text), at+len(form)+20)])
				break
			}
		}
	}
}

// walkCommands are the cmdlets that carry secrets in their bodies.
var walkCommands = map[string][]string{
	"password":  {"api-connector", "-IdentityApiConnectorId", "c1", "-Pkcs12Value", walkKey, "-Password", walkPassword},
	"body":      {"api-connector", "-IdentityApiConnectorId", "c1", "-BodyParameter", `{"pkcs12Value":"` + walkKey + `","password":` + quote(walkPassword) + `}`},
	"key":       {"keyset-pkcs12-beta", "-TrustFrameworkKeySetId", "k1", "-Key", walkKey, "-Password", walkPassword},
	"k":         {"keyset-secret-beta", "-TrustFrameworkKeySetId", "k1", "-K", walkKey, "-Use", "sig"},
	"depToken":  {"dep-token-beta", "-DepOnboardingSettingId", "d1", "-AppleId", "me@example.com", "-DepToken", walkKey},
	"elsewhere": {"api-connector", "-IdentityApiConnectorId", "c1", "--password-from", "env:PFX_PASSWORD", "--pkcs12-value-from", "env:PFX"},
	"extra":     {"pki", "-CertificateBasedAuthPkiId", "p1", "-UploadUrl", "https://files.example/a", "-Sha256FileHash", "00", "-AdditionalProperties", `{"clientSecret":` + quote(walkPassword) + `}`},
}

func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

// Modes of a run: those in which an answer may show, and those before one.
var (
	answerModes = [][]string{
		{"-Verbose", "-Debug", "--error-format", "json"},
		{"-ErrorVariable", "errs", "-WarningVariable", "warns", "-OutVariable", "outs"},
	}
	otherModes = [][]string{
		nil, {"-Debug"}, {"--show-request"}, {"--show-request", "--output", "json", "-Debug"}, {"-WhatIf"}, {"-ErrorAction", "SilentlyContinue", "-ErrorVariable", "errs"},
		{"-ErrorAction", "Stop"}, {"-Confirm"}, {"-Verbose", "--output", "list"},
	}
)

// echoing answers as answers does, with the secrets of the request in the place
// of {ECHO}, {JSON} (in a JSON string), {FORM} (in a URL) and {TOKEN}.
func echoing(texts ...string) play {
	return func(s *faultServer, c net.Conn) {
		in := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			body, err := io.ReadAll(req.Body)
			if err != nil {
				return
			}
			n := int(s.requests.Add(1))
			text := texts[min(n, len(texts))-1]
			head, rest, _ := strings.Cut(text, "\r\n\r\n")
			got := carried(req, body)
			rest = fill(rest, got)
			text = strings.Replace(fill(head, got), "{LENGTH}", fmt.Sprint(len(rest)), 1) + "\r\n\r\n" + rest
			whole := !strings.Contains(text, "Content-Length: 9000")
			if _, err := io.WriteString(c, text); err != nil || !whole || !keeps(text) {
				return
			}
		}
	}
}

// carried are the secrets in a request.
func carried(req *http.Request, body []byte) []string {
	var members map[string]any
	_ = json.Unmarshal(body, &members)
	text := fmt.Sprint(req.Header, members)
	return slices.DeleteFunc(slices.Clone(walkSecrets), func(secret string) bool { return !strings.Contains(text, secret) })
}

func fill(text string, secrets []string) string {
	echo := strings.Join(secrets, " and ")
	quoted := quote(echo)
	return strings.NewReplacer("{ECHO}", echo, "{JSON}", quoted[1:len(quoted)-1], "{FORM}", url.QueryEscape(echo), "{TOKEN}", walkToken).Replace(text)
}

// echo is an answer with a length, filled in by echoing.
func echo(status, body string, header ...string) string {
	return "HTTP/1.1 " + status + "\r\n" + headLines(header) + "Content-Length: {LENGTH}\r\n\r\n" + body
}

// walkAnswers are services, and worse, that echo what they were sent.
func walkAnswers() map[string]play {
	const message = `{"error":{"code":"Bad {TOKEN}","message":"You sent {JSON}","innerError":{"date":"{JSON}"}}}`
	pad := strings.Repeat("x", 190)
	cookie := "Set-Cookie: " + walkCookie
	return map[string]play{
		"accepted":                      answers(noContent),
		"accepted with a cookie":        answers(reply("204 No Content", "", cookie)),
		"model":                         answers(reply("200 OK", `{"id":"1"}`, cookie)),
		"echo in an error":              echoing(echo("400 Bad Request", message)),
		"echo in an error, gone on":     echoing(echo("200 OK", message)),
		"echo in HTML":                  echoing(echo("500 Internal Server Error", "<html>{ECHO}</html>")),
		"echo where the snippet is cut": echoing(echo("500 Internal Server Error", pad+"{ECHO}")),
		"echo in text for a model":      echoing(echo("200 OK", pad+"{ECHO}")),
		"echo in a form":                echoing(echo("400 Bad Request", "p={FORM}")),
		"echo in headers":               echoing(echo("403 Forbidden", "", "X-Echo: {ECHO}", "request-id: {ECHO}", "Authorization: Bearer {TOKEN}", cookie)),
		"echo in a warning":             echoing(echo("400 Bad Request", message, `Warning: 299 - "you sent {FORM}"`, `Warning: 299 - "{TOKEN}"`)),
		"echo in a status line":         echoing("HTTP/1.1 4{TOKEN} Bad\r\n\r\n"),
		"echo in a bad header":          echoing("HTTP/1.1 200 OK\r\n{TOKEN}\r\n\r\n"),
		"echo of a body that is cut":    echoing("HTTP/1.1 400 Bad Request\r\nContent-Length: 9000\r\n\r\n{\"error\":{ECHO}"),
		"asked to wait":                 echoing(echo("503 Service Unavailable", message), echo("429 Too Many Requests", message, "Retry-After: 1"), echo("504 Gateway Timeout", message)),
		"token refused":                 echoing(echo("401 Unauthorized", message, `WWW-Authenticate: Bearer error="{TOKEN}"`)),
		"sent elsewhere":                echoing(echo("307 Temporary Redirect", "", "Location: https://u:{TOKEN}@elsewhere.example/?token={FORM}")),
		"sent elsewhere, in the path":   echoing(echo("307 Temporary Redirect", "", "Location: https://elsewhere.example/{TOKEN}")),
		"sent on":                       echoing(echo("307 Temporary Redirect", "", "Location: /again?k={FORM}"), echo("400 Bad Request", message)),
		"hung up":                       answers(""),
	}
}

// TestSecretsEchoed sends secrets to services that echo them.
func TestSecretsEchoed(t *testing.T) {
	for name, words := range walkCommands {
		words = slices.Concat(words, []string{"-Headers", `{"Cookie":"` + walkCookie + `"}`})
		for answer, p := range walkAnswers() {
			modes := answerModes
			if answer == "echo in an error" {
				modes = slices.Concat(answerModes, otherModes)
			}
			for _, mode := range modes {
				t.Run(fmt.Sprintf("%s/%s/%s", name, answer, strings.Join(mode, " ")), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newFaultNet(t, false)
						defer w.stop()
						w.walk(t, "--endpoint", "http://"+w.service(p), words, mode)
					})
				})
			}
		}
	}
}

// walk runs the program with all secrets at hand and searches what it left.
func (w *faultNet) walk(t *testing.T, name, value string, words, mode []string) ran {
	t.Helper()
	dir := t.TempDir()
	w.env = map[string]string{"MGUPLOAD_ACCESS_TOKEN": walkToken, "PFX_PASSWORD": walkPassword, "PFX": walkKey, "AZURE_CLIENT_SECRET": walkClient,
		"PROXY_PASSWORD": walkProxy, "HOME": dir, "MGUPLOAD_VARIABLES": dir, "MGUPLOAD_RETRY_DELAY": "0"}
	for k, v := range w.more {
		w.env[k] = v
	}
	args := slices.Concat(words, []string{name, value}, mode)
	if words[0] == "pki" || words[0] == "api-connector" {
		args = append(args, "-ResponseHeadersVariable", "answered")
	}
	got := w.run(t.Context(), args...)
	leaks(t, "standard output", got.stdout)
	leaks(t, "standard error", got.stderr)
	names, contents := filesIn(t, dir)
	for _, file := range names {
		if filepath.Base(file) == "answered.mgvar.json" { // the answer's headers are a result, the user's own
			if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("%s can be read by others: %v, %v", file, info.Mode(), err)
			}
			continue
		}
		leaks(t, filepath.Base(file), contents[file])
	}
	return got
}

// TestSecretsInProxies goes through proxies that refuse, echo and fail.
func TestSecretsInProxies(t *testing.T) {
	wants := func(scheme string) func(*http.Request) string {
		return func(req *http.Request) string {
			return reply("407 Proxy Authentication Required", "got "+req.Header.Get("Proxy-Authorization")+walkProxy,
				"Proxy-Authenticate: "+scheme+` realm="`+walkProxy+`", nonce="n", qop="auth"`, "X-Echo: "+walkProxy)
		}
	}
	say := func(text string) func(*http.Request) string { return func(*http.Request) string { return text } }
	plays := map[string]func(*http.Request) string{
		"Basic": wants("Basic"), "Digest": wants("Digest"), "NTLM": say(reply("407 Proxy Authentication Required", "", "Proxy-Authenticate: NTLM")),
		"Negotiate": say(reply("407 Proxy Authentication Required", "", "Proxy-Authenticate: Negotiate")), "unknown": wants(walkProxy),
		"502": say(reply("502 "+walkProxy, walkProxy)), "garbage": say(walkProxy + "\r\n\r\n"), "hung up": say(""),
		"open": say("HTTP/1.1 200 Connection established\r\n\r\n"),
	}
	for name, answer := range plays {
		for _, mode := range [][]string{nil, {"-Debug", "-Verbose"}, {"--error-format", "json", "-ErrorVariable", "errs"}} {
			t.Run(name+"/"+strings.Join(mode, " "), func(t *testing.T) {
				ways := map[string]func(proxy string) []string{
					"in the URL": func(proxy string) []string {
						return []string{"-Proxy", "http://" + url.UserPassword("user", walkProxy).String() + "@" + proxy}
					},
					"in an https URL": func(proxy string) []string {
						return []string{"-Proxy", "https://user:" + url.QueryEscape(walkProxy) + "@" + proxy}
					},
					"in a socks URL": func(proxy string) []string {
						return []string{"-Proxy", "socks5://user:" + url.QueryEscape(walkProxy) + "@" + proxy}
					},
					"in a URL that is none": func(proxy string) []string { return []string{"-Proxy", "http://user:" + walkProxy + "@" + proxy} },
					"of another scheme": func(proxy string) []string {
						return []string{"-Proxy", "ftp://user:" + url.QueryEscape(walkProxy) + "@" + proxy}
					},
					"as a credential": func(proxy string) []string {
						return []string{"-Proxy", "http://" + proxy, "-ProxyCredential", "user", "--proxy-password-from", "env:PROXY_PASSWORD"}
					},
					"in place of its source": func(proxy string) []string {
						return []string{"-Proxy", "http://" + proxy, "-ProxyCredential", "user", "--proxy-password-from", walkProxy}
					},
				}
				for way, words := range ways {
					w := newFaultNet(t, true) // Kerberos may ask the system's resolver, which no bubble may
					w.more = map[string]string{"KRB5_CONFIG": filepath.Join(t.TempDir(), "none")}
					service := "http://" + w.service(answers(reply("400 Bad Request", "")))
					got := w.walk(t, "--endpoint", service, walkCommands["password"], append(words(w.serve(w.proxying(answer, false))), mode...))
					if got.exit == cli.Success {
						t.Errorf("%s: the run succeeded", way)
					}
					w.stop()
				}
			})
		}
	}
	for _, value := range []string{"http://user:" + url.QueryEscape(walkProxy) + "@127.0.0.1:9", "http://user:" + walkProxy + "@%%:x", "user:" + walkProxy} {
		t.Run("environment", func(t *testing.T) {
			w := newFaultNet(t, false)
			w.more = map[string]string{"HTTPS_PROXY": value}
			for _, mode := range [][]string{nil, {"-Debug"}, {"--error-format", "json"}} {
				w.walk(t, "--endpoint", "https://graph.example", walkCommands["password"], mode)
			}
		})
	}
}

// TestSecretsInWords gives words that cannot be bound, with secrets in them.
func TestSecretsInWords(t *testing.T) {
	connector := []string{"api-connector", "-IdentityApiConnectorId", "c1"}
	pki := []string{"pki", "-CertificateBasedAuthPkiId", "p1"}
	object := `{"password":` + quote(walkPassword)
	for name, words := range map[string][]string{
		"torn apart":                     slices.Concat(connector, []string{"-Password"}, strings.Fields(walkPassword)),
		"more behind":                    slices.Concat(connector, []string{"-Password", "x", walkPassword, walkKey}),
		"an unknown name":                slices.Concat(connector, []string{"-Passwrd:" + walkPassword}),
		"an unknown name with =":         slices.Concat(connector, []string{"--pasword=" + walkPassword}),
		"a token as a word":              slices.Concat(pki, []string{"--access-token=" + walkToken}),
		"a token as a word, colon":       slices.Concat(pki, []string{"--access-token:" + walkToken}),
		"a token as a parameter":         slices.Concat(pki, []string{"-AccessToken", walkToken}),
		"a token in place of its source": slices.Concat(pki, []string{"--access-token-from", walkToken}),
		"a missing place":                slices.Concat(connector, []string{"--password-from", "file:/nowhere/at/all"}),
		"a password as its own source":   slices.Concat(connector, []string{"--password-from", walkPassword}),
		"twice":                          slices.Concat(connector, []string{"-Password", walkPassword, "-Password", walkPassword}),
		"two sources":                    slices.Concat(connector, []string{"-Password", walkPassword, "--password-from", "env:PFX_PASSWORD"}),
		"nearly a dry run":               slices.Concat(connector, []string{"-WhatIf:" + walkPassword}),
		"broken JSON":                    slices.Concat(connector, []string{"-BodyParameter", object}),
		"JSON and more":                  slices.Concat(connector, []string{"-BodyParameter", object + "} " + walkKey}),
		"a list in a member":             slices.Concat(connector, []string{"-BodyParameter", `{"password":[` + quote(walkPassword) + `]}`}),
		"an object in a member":          slices.Concat(connector, []string{"-BodyParameter", `{"password":{"v":` + quote(walkPassword) + `}}`}),
		"a member twice":                 slices.Concat(connector, []string{"-BodyParameter", object + `,"password":` + quote(walkKey) + `}`}),
		"no JSON at all":                 slices.Concat(connector, []string{"-BodyParameter", walkKey}),
		"quotes eaten":                   slices.Concat(connector, []string{"-BodyParameter", "{password:" + walkKey + "}"}),
		"a literal that breaks off":      slices.Concat(connector, []string{"-BodyParameter", "@{password='" + walkKey}),
		"a bare value":                   slices.Concat(connector, []string{"-BodyParameter", "@{password=" + walkToken + "}"}),
		"a literal with a tail":          slices.Concat(connector, []string{"-BodyParameter", "@{password='" + walkKey + "'} " + walkToken}),
		"a key twice":                    slices.Concat(connector, []string{"-BodyParameter", "@{password='" + walkKey + "'; password='" + walkToken + "'}"}),
		"a dollar":                       slices.Concat(connector, []string{"-BodyParameter", `@{password="` + walkKey + `$x"}`}),
		"a wrong type":                   slices.Concat([]string{"keyset-secret-beta", "-TrustFrameworkKeySetId", "k"}, []string{"-BodyParameter", `{"k":"` + walkKey + `","nbf":"` + walkToken + `"}`}),
		"extra that is no object":        slices.Concat(connector, []string{"-AdditionalProperties", walkKey}),
		"extra that breaks off":          slices.Concat(pki, []string{"-AdditionalProperties", `{"secret":"` + walkKey}),
		"headers as a line":              slices.Concat(pki, []string{"-Headers", "Authorization: Bearer " + walkToken}),
		"headers that break off":         slices.Concat(pki, []string{"-Headers", `{"Authorization":"Bearer ` + walkToken}),
		"a nested header":                slices.Concat(pki, []string{"-Headers", `{"Cookie":["` + walkCookie + `",{"a":"` + walkToken + `"}]}`}),
		"a header of two lines":          slices.Concat(pki, []string{"-Headers", `{"Cookie":"` + walkCookie + `\n` + walkToken + `"}`}),
		"a header that is refused":       slices.Concat(pki, []string{"-Headers", `{"Transfer-Encoding":"` + walkToken + `"}`}),
		"an endpoint with a login":       slices.Concat(pki, []string{"--endpoint", "ftp://user:" + walkToken + "@graph.example"}),
		"a missing file":                 slices.Concat(connector, []string{"-BodyParameter", "@missing.json"}),
		"a broken file":                  slices.Concat(connector, []string{"-BodyParameter", "@broken.json"}),
		"a broken CA file":               slices.Concat(connector, []string{"-Password", walkPassword, "--ca-file", "broken.json"}),
		"a folder that is none":          slices.Concat(connector, []string{"-Password", walkPassword, "-ErrorVariable", "e", "--variables", "missing"}),
	} {
		t.Run(name, func(t *testing.T) {
			w := newFaultNet(t, false)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "broken.json"), []byte(object), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, mode := range [][]string{nil, {"-Debug", "-Verbose"}, {"--error-format", "json"}, {"--show-request"}} {
				w.env["MGUPLOAD_ACCESS_TOKEN"], w.env["PFX_PASSWORD"], w.dir = walkToken, walkPassword, dir
				got := w.run(t.Context(), append(slices.Clone(words), mode...)...)
				leaks(t, "standard output", got.stdout)
				leaks(t, "standard error", got.stderr)
				if got.exit == cli.Success && !slices.Contains(mode, "--show-request") {
					t.Errorf("%v: exit status 0", mode)
				}
			}
		})
	}
}

// TestSecretsOfSignIn signs in with a client secret at an authority that echoes it.
func TestSecretsOfSignIn(t *testing.T) {
	refusal := reply("401 Unauthorized", fmt.Sprintf(`{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret %s","trace_id":"t","correlation_id":"c"}`, walkClient),
		"Content-Type: application/json")
	for name, text := range map[string]string{"refused": refusal, "hung up": "", "garbage": walkClient + "\r\n\r\n", "HTML": reply("502 Bad Gateway", "<html>"+walkClient)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { signIn(t, text) }) // the library repeats, with pauses
		})
	}
}

func signIn(t *testing.T, answer string) {
	w := newFaultNet(t, false)
	defer w.stop()
	a := newCertificates(t)
	authority, dial := w.service(secure(a.config(t, time.Hour, "login.microsoftonline.com"), answers(answer))), w.dial
	w.dial = func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, authority) }
	w.more = map[string]string{"MGUPLOAD_ACCESS_TOKEN": "", "AZURE_TENANT_ID": "11111111-2222-3333-4444-555555555555",
		"AZURE_CLIENT_ID": "66666666-7777-8888-9999-000000000000", "MGUPLOAD_AUTH": "environment"}
	for _, mode := range [][]string{nil, {"-Debug", "-Verbose"}, {"--error-format", "json", "-ErrorVariable", "errs"}} {
		got := w.walk(t, "--ca-file", a.file, walkCommands["password"], mode)
		if got.exit != cli.NotConnected {
			t.Errorf("exit status %d, want %d: %s", got.exit, cli.NotConnected, got.stderr)
		}
	}
}

// TestSecretsKeptFromSteps gives a program a request to look at: its arguments
// and variables hold no secret, and the request no token.
func TestSecretsKeptFromSteps(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the step is a shell script")
	}
	dir := t.TempDir()
	step := filepath.Join(dir, "step.sh")
	script := "#!/bin/sh\nread -r request\nprintf '%s' \"$request\" >" + dir + "/request\n{ env; echo \"$0\" \"$@\"; } >" + dir + "/around\necho '{\"next\":{}}'\n"
	if err := os.WriteFile(step, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	w := newFaultNet(t, true)
	defer w.stop()
	var sent string
	service := "http://" + w.service(func(_ *faultServer, c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			sent = req.Header.Get("Authorization")
			_, _ = io.WriteString(c, noContent)
		}
	})
	w.more = map[string]string{"PATH": os.Getenv("PATH")}
	got := w.walk(t, "--endpoint", service, walkCommands["elsewhere"], []string{"-HttpPipelinePrepend", step})
	request, err := os.ReadFile(filepath.Join(dir, "request"))
	around, err2 := os.ReadFile(filepath.Join(dir, "around"))
	if err != nil || err2 != nil || sent != "Bearer "+walkToken {
		t.Fatalf("the step or the service got nothing: %v, %v, %q, %s", err, err2, sent, got.stderr)
	}
	leaks(t, "what surrounds the step", string(around))
	if strings.Contains(string(request), walkToken) {
		t.Error("the step saw the token")
	}
}
