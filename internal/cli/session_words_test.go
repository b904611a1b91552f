package cli

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"invoke-mgupload/internal/auth"
	"invoke-mgupload/internal/auth/authtest"
	"invoke-mgupload/internal/cmdlets"
)

// connected is a stage with an environment mock, an app and its secret.
func connected(t *testing.T) *stage {
	t.Helper()
	s := newStage(t, sessionRecord{Cmdlet: connectName})
	s.tokens.Apps[authtest.Client] = authtest.App{Secret: "s3cret"}
	if _, stderr, exit := s.do("Add-MgEnvironment", "mock", s.tokens.URL, "https://graph.gold.test"); exit != Success {
		t.Fatal(stderr)
	}
	check(t, os.WriteFile(filepath.Join(s.home, "app.pem"), appPair().pem, 0o600))
	check(t, os.WriteFile(filepath.Join(s.home, "app.pfx"), appPair().pfx, 0o600))
	check(t, os.WriteFile(filepath.Join(s.home, "open.pfx"), appPair().open, 0o600))
	s.variables["PASSWORD"] = "pfxpass"
	s.tokens.Apps["cert"] = authtest.App{Certs: appCerts(t)}
	return s
}

var bySecret = []string{connectName, "-ClientSecretCredential", authtest.Client, "-TenantId", authtest.Tenant, "-Environment", "mock", "--client-secret-from", "env:SECRET"}

// TestConnectWords has the words and variables of Connect-MgGraph that have no
// counterpart in PowerShell.
func TestConnectWords(t *testing.T) {
	certificate := []string{connectName, "-ClientId", "cert", "-TenantId", authtest.Tenant, "-Environment", "mock", "-NoWelcome"}
	with := func(words []string, more ...string) []string { return append(slices.Clone(words), more...) }
	for _, c := range []struct {
		name   string
		words  []string
		set    map[string]string
		exit   int
		method string // the credential in the context; "" for none
		says   string // on either stream
	}{
		{name: "secret", words: bySecret, method: "ClientSecret", says: "Connected via apponly access"},
		{name: "json", words: with(bySecret, "--output", "json"), method: "ClientSecret"},
		{name: "secret by a variable", words: bySecret[:7], set: map[string]string{"MGUPLOAD_CLIENT_SECRET_FROM": "env:SECRET"}, method: "ClientSecret"},
		{name: "secret asked for", words: bySecret[:7], exit: NotConnected, says: "AADSTS7000215"}, // what was typed is wrong
		{name: "secret without its app", words: []string{connectName, "-ClientId", "x", "--client-secret-from", "env:SECRET"}, exit: Usage, says: "-ClientSecretCredential CLIENTID"},
		{name: "secret in the place of its place", words: with(bySecret[:7], "--client-secret-from", "s3cret"), exit: Usage, says: "never the secret"},
		{name: "secret as a word", words: with(bySecret[:3], "s3cret"), exit: Usage, says: "accepts argument '***'"},
		{name: "secret in a wrong name", words: with(bySecret[:7], "--client-secret=s3cret"), exit: Usage, says: "client-secret=***"},
		{name: "secret not there", words: with(bySecret[:7], "--client-secret-from", "env:NOTHING"), exit: Failed, says: "NOTHING, which should hold the client secret, is not set"},
		{name: "debug", words: with(bySecret, "-Debug"), method: "ClientSecret", says: "DEBUG: [Authentication]: client-secret chosen: parameter set 'AppSecretCredentialParameterSet'."},

		{name: "PEM file", words: with(certificate, "--certificate-file", "app.pem"), method: "ClientCertificate"},
		{name: "PFX file", words: with(certificate, "--certificate-file", "app.pfx", "--certificate-password-from", "env:PASSWORD"), method: "ClientCertificate"},
		{name: "certificate as a place", words: with(certificate, "--certificate-file", "file:app.pem"), method: "ClientCertificate"},
		{name: "certificate in a variable", words: with(certificate, "--certificate-file", "env:CERTIFICATE"), method: "ClientCertificate"},
		{name: "certificate by a variable", words: certificate, set: map[string]string{"MGUPLOAD_CERTIFICATE_FILE": "app.pem"}, method: "ClientCertificate"},
		{name: "-Certificate with a file", words: with(certificate, "-Certificate", "open.pfx"), method: "ClientCertificate"},
		{name: "GNU names", words: []string{connectName, "--client-id=cert", "--tenant-id", authtest.Tenant, "--environment", "mock", "--no-welcome", "--send-certificate-chain=true", "--certificate-file=app.pem"}, method: "ClientCertificate"},
		{name: "GNU Boolean with its value behind it", words: with(certificate, "--send-certificate-chain", "true", "--certificate-file", "app.pem"), method: "ClientCertificate"},
		{name: "wrong password", words: with(certificate, "--certificate-file", "app.pfx", "--certificate-password-from", "env:SECRET"), exit: NotConnected, says: "password"},
		{name: "password without certificate", words: with(certificate, "--certificate-password-from", "env:PASSWORD"), exit: Usage, says: "needs a certificate"},
		{name: "two certificates", words: with(certificate, "--certificate-file", "app.pem", "-Certificate", "open.pfx"), exit: Usage, says: "both name a certificate"},
		{name: "no such certificate", words: with(certificate, "--certificate-file", "nothing.pem"), exit: Failed, says: "nothing.pem"},

		{name: "token", words: []string{connectName, "--access-token-from", "env:TOKEN"}, method: "UserProvidedAccessToken", says: "userprovidedaccesstoken"},
		{name: "token and scopes", words: []string{connectName, "User.Read", "--access-token-from", "env:TOKEN"}, exit: Usage, says: "positional parameter"},
		{name: "token and identity", words: []string{connectName, "-Identity", "--access-token-from", "env:TOKEN"}, exit: Usage, says: "Parameter set cannot be resolved"},
		{name: "token by a variable", words: []string{connectName}, set: map[string]string{"MGUPLOAD_ACCESS_TOKEN_FROM": "env:TOKEN"}, method: "UserProvidedAccessToken"},
		{name: "words beat a variable", words: bySecret, set: map[string]string{"MGUPLOAD_ACCESS_TOKEN_FROM": "env:TOKEN"}, method: "ClientSecret"},

		{name: "no such CA file", words: with(bySecret, "--ca-file", "nothing.pem"), exit: Failed, says: "Cannot read --ca-file"},
		{name: "bad proxy", words: with(bySecret, "--proxy", "gopher://x"), exit: Usage, says: "It must be http://host:port"},
		{name: "-Proxy is no parameter", words: with(bySecret, "-Proxy", "http://127.0.0.1:1"), exit: Usage, says: "parameter name 'Proxy'"},
		{name: "unreadable setting", words: bySecret, set: map[string]string{"MGUPLOAD_OUTPUT": "xml"}, exit: Usage, says: "MGUPLOAD_OUTPUT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := connected(t).onTerminal()
			s.variables["CERTIFICATE"] = string(appPair().pem)
			for name, value := range c.set {
				s.variables[name] = value
			}
			stdout, stderr, exit := s.do(c.words...)
			s.noSecrets(stdout, stderr)
			if exit != c.exit || !strings.Contains(stdout+stderr, c.says) {
				t.Fatalf("exit status %d, want %d; no %q in\n%s%s", exit, c.exit, c.says, stdout, stderr)
			}
			delete(s.variables, "MGUPLOAD_OUTPUT")
			if got, _ := s.contextNow()["TokenCredentialType"].(string); got != c.method {
				t.Errorf("connected by %q, want %q", got, c.method)
			}
			if strings.Contains(c.name, "json") && stdout != "" {
				t.Errorf("standard output is %q", stdout)
			}
		})
	}
}

// TestConnectThroughAProxy wants the token request to go through --proxy, with
// the password from its place.
func TestConnectThroughAProxy(t *testing.T) {
	s := connected(t)
	var got []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method+" "+r.Host+" "+r.Header.Get("Proxy-Authorization"))
		if r.Header.Get("Proxy-Authorization") == "" {
			w.Header().Set("Proxy-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		there, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(there, here); there.Close() }()
		go func() { _, _ = io.Copy(here, there); here.Close() }()
	}))
	t.Cleanup(proxy.Close)
	stdout, stderr, exit := s.do(append(slices.Clone(bySecret), "--proxy", proxy.URL, "--proxy-credential", "u", "--proxy-password-from", "env:PASSWORD")...)
	s.noSecrets(stdout, stderr)
	host := strings.TrimPrefix(s.tokens.URL, "https://")
	want := "CONNECT " + host + " Basic " + base64.StdEncoding.EncodeToString([]byte("u:pfxpass"))
	if exit != Success || !slices.Contains(got, want) {
		t.Errorf("exit status %d, the proxy got %q\n%s", exit, got, stderr)
	}
}

func (s *stage) onTerminal() *stage {
	s.on(80, "")
	return s
}

// TestSessionServesUploads signs in with one command and uploads with others.
func TestSessionServesUploads(t *testing.T) {
	s := connected(t)
	var seen []*http.Request
	s.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
		seen = append(seen, req)
		return response(req, http.StatusServiceUnavailable, ""), nil
	})
	upload := []string{"pki", "-CertificateBasedAuthPkiId", "1", "-UploadUrl", "u", "-Sha256FileHash", "h"}
	if _, stderr, exit := s.do(upload...); exit != NotConnected || !strings.Contains(stderr, "Authentication needed. Please call Connect-MgGraph.") {
		t.Fatalf("before signing in: %d, %s", exit, stderr)
	}
	for _, words := range [][]string{bySecret, {"Set-MgRequestContext", "-MaxRetry", "1", "-RetryDelay", "0"}} {
		if _, stderr, exit := s.do(words...); exit != Success {
			t.Fatal(stderr)
		}
	}
	for _, c := range []struct {
		words    []string
		variable string
		requests int
	}{
		{nil, "", 2}, // as Set-MgRequestContext says
		{[]string{"--max-retry", "0"}, "2", 1},
		{nil, "2", 3},
	} {
		seen = nil
		s.variables["MGUPLOAD_MAX_RETRY"] = c.variable
		_, stderr, exit := s.do(append(slices.Clone(upload), c.words...)...)
		s.noSecrets(stderr)
		if exit != Failed || len(seen) != c.requests {
			t.Fatalf("%v: %d requests, want %d; exit status %d: %s", c, len(seen), c.requests, exit, stderr)
		}
		if seen[0].URL.Host != "graph.gold.test" {
			t.Errorf("sent to %s, not to the session's environment", seen[0].URL.Host)
		}
		issued := s.tokens.Issued()
		if got := seen[0].Header.Get("Authorization"); got != "Bearer "+issued[len(issued)-1] {
			t.Errorf("Authorization: %s", got)
		}
	}
	if _, _, exit := s.do("Disconnect-MgGraph"); exit != Success {
		t.Error("not disconnected")
	}
	if _, _, exit := s.do(upload...); exit != NotConnected {
		t.Errorf("after signing out: exit status %d", exit)
	}
}

// TestDamagedContext: what was kept is not obeyed in silence, and does not
// stop a call that needs nothing of it.
func TestDamagedContext(t *testing.T) {
	s := newStage(t, sessionRecord{FilesBefore: map[string]string{".config/invoke-mgupload/context.json": "{"}})
	s.variables["MGUPLOAD_ACCESS_TOKEN"] = "opaque"
	_, stderr, exit := s.do("pki", "-CertificateBasedAuthPkiId", "1", "-UploadUrl", "u", "-Sha256FileHash", "h")
	if exit != Success || strings.Count(stderr, "is damaged") != 1 {
		t.Errorf("exit status %d: %s", exit, stderr)
	}
	if _, stderr, exit := s.do("Get-MgContext"); exit != Failed || !strings.Contains(stderr, "Recommendation: Run Connect-MgGraph") {
		t.Errorf("exit status %d: %s", exit, stderr)
	}
}

func TestEnvironmentQuestions(t *testing.T) {
	add := []string{"Add-MgEnvironment", "my", "https://a.test", "https://b.test"}
	for _, c := range []struct {
		name, typed, preference string
		words                   []string
		exit                    int
		added                   bool
		stdout, stderr          string
	}{
		{name: "yes", words: []string{"-Confirm"}, typed: "y\n", added: true, stdout: "User-defined", stderr: `Performing the operation "my" on target "adding environment".`},
		{name: "no", words: []string{"-Confirm"}, typed: "n\n", stderr: "[Y] Yes"},
		{name: "nobody", words: []string{"-Confirm", "--error-format", "json"}, exit: Failed, stderr: `"fullyQualifiedErrorId":"InvalidOperation,Microsoft.Graph.PowerShell.Authentication.Cmdlets.AddMgEnvironment"`},
		{name: "dry by preference", preference: "true", stdout: "What if: Performing the operation \"my\" on target \"adding environment\".\n"},
		{name: "words beat the preference", preference: "true", words: []string{"-WhatIf:$false"}, added: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, sessionRecord{})
			if c.typed != "" {
				s.on(80, c.typed)
			}
			s.variables["MGUPLOAD_WHATIF_PREFERENCE"] = c.preference
			stdout, stderr, exit := s.do(append(slices.Clone(add), c.words...)...)
			if exit != c.exit || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
				t.Errorf("exit status %d\n%s%s", exit, stdout, stderr)
			}
			if found, _, _ := s.do("Get-MgEnvironment", "my"); (found != "") != c.added {
				t.Errorf("there is %q", found)
			}
		})
	}
}

func TestSessionErrorAction(t *testing.T) {
	for action, says := range map[string]string{
		"Continue": "No application", "SilentlyContinue": "", "Ignore": "", "Stop": "No application", "Inquire": "NonInteractive mode",
	} {
		s := newStage(t, sessionRecord{})
		_, stderr, exit := s.do("Disconnect-MgGraph", "-ErrorAction", action)
		if exit != Failed || says == "" && stderr != "" || !strings.Contains(stderr, says) {
			t.Errorf("%s: exit status %d, %q", action, exit, stderr)
		}
	}
	s := newStage(t, sessionRecord{})
	if _, _, exit := s.do("Remove-MgEnvironment", "nope", "-ErrorVariable", "e", "-ErrorAction", "SilentlyContinue"); exit != Failed {
		t.Errorf("exit status %d", exit)
	}
	if !strings.Contains(s.stderr.String(), "Environment nope not found") { // terminating: the action has no say
		t.Errorf("standard error is %q", s.stderr.String())
	}
	data, err := os.ReadFile(filepath.Join(s.home, "e.mgvar.json"))
	if err != nil || !strings.Contains(string(data), "nope") {
		t.Errorf("%s, %v", data, err)
	}
}

func TestSessionVariables(t *testing.T) {
	s := newStage(t, sessionRecord{})
	if _, stderr, exit := s.do("Get-MgEnvironment", "Global", "-OutVariable", "e"); exit != Success {
		t.Fatal(stderr)
	}
	data, err := os.ReadFile(filepath.Join(s.home, "e.mgvar.json"))
	var list []auth.Environment
	if err != nil || json.Unmarshal(data, &list) != nil || len(list) != 1 || list[0].Name != "Global" {
		t.Errorf("%s, %v", data, err)
	}
}

func TestAuthStatuses(t *testing.T) {
	for kind, want := range map[auth.Kind]int{
		auth.KindArgument: Usage, auth.KindNoEnvironment: Usage, auth.KindUnreadableFile: Failed,
		auth.KindSignIn: NotConnected, auth.KindTimeout: NotConnected, auth.KindNotConnected: NotConnected,
		auth.KindBuiltin: Failed, auth.KindNotFound: Failed, auth.KindNoSession: Failed, auth.KindStore: Failed,
		auth.KindCanceled: Interrupted,
	} {
		if got := statusOf(kind); got != want {
			t.Errorf("kind %d: %d, want %d", kind, got, want)
		}
	}
}

func TestSessionSyntaxAsRecorded(t *testing.T) {
	data, err := os.ReadFile("../cmdlets/testdata/metadata-session.json")
	check(t, err)
	var rows []struct{ Name, Syntax string }
	check(t, json.Unmarshal(data, &rows))
	n := 0
	for _, r := range rows {
		row := cmdlets.FindSession(r.Name)
		if row == nil {
			continue
		}
		n++
		var lines []string
		spec := row.Spec()
		for _, set := range spec.Sets {
			lines = append(lines, syntax(spec, set))
		}
		if got, want := strings.Join(lines, "\n\n"), strings.TrimSpace(r.Syntax); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", r.Name, got, want)
		}
	}
	if n != 9 {
		t.Errorf("%d cmdlets", n)
	}
}

func TestSessionNames(t *testing.T) {
	for _, words := range [][]string{{"get-mgenvironment", "Global"}, {"--output", "list", "GET-MGENVIRONMENT", "-Name", "global"}, {"Get-MgEnvironment", "--name=Global"}} {
		s := newStage(t, sessionRecord{})
		if stdout, stderr, exit := s.do(words...); exit != Success || !strings.Contains(stdout, "https://graph.microsoft.com") {
			t.Errorf("%v: %d, %s%s", words, exit, stdout, stderr)
		}
	}
	s := newStage(t, sessionRecord{})
	s.Program = "/usr/bin/Get-MgEnvironment.exe"
	if stdout, _, _ := s.do("USGov"); !strings.Contains(stdout, "https://graph.microsoft.us") {
		t.Errorf("under its name: %s", stdout)
	}
	s.Program = "invoke-mgupload"
	if _, stderr, exit := s.do("Conect-MgGraph"); exit != Usage || !strings.Contains(stderr, "Near names: Connect-MgGraph") {
		t.Errorf("%d, %s", exit, stderr)
	}
	for _, words := range [][]string{{connectName, "-?"}, {"help", "connect-graph"}, {connectName, "-Nope", "--help"}} {
		if stdout, _, exit := s.do(words...); exit != Success || !strings.Contains(stdout, "--client-secret-from SOURCE") {
			t.Errorf("%v: %d, %s", words, exit, stdout)
		}
	}
}
