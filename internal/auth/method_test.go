package auth

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"invoke-mgupload/internal/auth/authtest"

	"software.sslmate.com/src/go-pkcs12"
)

const secretText = "s3cret-0123456789"

// register makes the service know the app by secret, certificate and
// federation.
func (w *world) register() {
	w.service.Apps[authtest.Client] = authtest.App{
		Secret: secretText,
		Certs:  w.certs(),
		Federated: []authtest.Federated{
			{Issuer: w.service.Issuer(), Subject: authtest.Subject, Audience: authtest.Audience},
		},
	}
}

func (w *world) ids() {
	w.set("AZURE_TENANT_ID", authtest.Tenant)
	w.set("AZURE_CLIENT_ID", authtest.Client)
}

func (w *world) gitHubJob() {
	w.set(gitHubURL, w.service.URL+"/github/token?api-version=2.0")
	w.set(gitHubToken, authtest.JobToken)
}

func (w *world) pipelinesJob() {
	w.set(pipelinesURI, w.service.URL+"/pipelines/token")
	w.set(pipelinesToken, authtest.JobToken)
	w.set(pipelinesConnection, authtest.Connection)
	w.set("AZURESUBSCRIPTION_CLIENT_ID", authtest.Client)
	w.set("AZURESUBSCRIPTION_TENANT_ID", authtest.Tenant)
}

func (w *world) pfx(password string, p pair) string {
	return w.writeFile("app.pfx", encode(pkcs12.Modern, p, nil, password), 0o600)
}

func app(settings Settings) Settings {
	settings.TenantID, settings.ClientID = authtest.Tenant, authtest.Client
	return settings
}

// fakeAz puts an az on the path that answers as the real one does.
func (w *world) fakeAz(script string) {
	unix(w.t)
	dir := w.t.TempDir()
	must(os.WriteFile(filepath.Join(dir, "az"), []byte("#!/bin/sh\n"+script), 0o755))
	w.t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	w.env.LookPath = func(string) (string, error) { return filepath.Join(dir, "az"), nil }
}

// rows holds one sign-in per row of the table of methods.
var rows = map[string]func(w *world) Choice{
	MethodAccessToken: func(w *world) Choice {
		w.vars[AccessTokenVariable] = "opaque-1"
		return Choice{}
	},
	MethodGitHub: func(w *world) Choice {
		w.ids()
		w.gitHubJob()
		return Choice{}
	},
	MethodAzurePipelines: func(w *world) Choice {
		w.pipelinesJob()
		return Choice{}
	},
	MethodWorkloadIdentity: func(w *world) Choice {
		w.ids()
		w.set(federatedFile, w.writeFile("token", []byte(w.service.JobAssertion(authtest.Audience)+"\n"), 0o600))
		return Choice{}
	},
	MethodEnvironment: func(w *world) Choice {
		w.ids()
		w.set("AZURE_CLIENT_SECRET", secretText)
		return Choice{}
	},
	MethodManagedIdentity: func(w *world) Choice { return Choice{} },
	MethodAzureCLI: func(w *world) Choice {
		w.machineGone()
		w.vars["CI"] = "true"
		w.fakeAz(`echo '{"accessToken":"opaque-1","expires_on":1900000000}'`)
		return Choice{}
	},
	MethodCertificate: func(w *world) Choice {
		w.vars["PW"] = "pw"
		return Choice{Method: MethodCertificate, Settings: app(Settings{
			CertificateFrom: Ref("file:" + w.pfx("pw", makePair())), CertificatePasswordFrom: "env:PW"})}
	},
	MethodClientSecret: func(w *world) Choice {
		w.vars["SECRET"] = secretText
		return Choice{Method: MethodClientSecret, Settings: app(Settings{ClientSecretFrom: "env:SECRET"})}
	},
	MethodDeviceCode: func(w *world) Choice { return Choice{Method: MethodDeviceCode} },
	MethodBrowser: func(w *world) Choice {
		w.fakeBrowser("")
		return Choice{Method: MethodBrowser}
	},
}

// machineGone is a machine without identity endpoints.
func (w *world) machineGone() {
	w.env.LocalClient = authtest.NewMachine(w.t).Client()
	w.env.LocalClient.Transport = roundTripper(refuse)
}

// fakeBrowser puts an xdg-open on the path that is this test's binary.
func (w *world) fakeBrowser(mode string) {
	unix(w.t)
	self, err := os.Executable()
	must(err)
	dir := w.t.TempDir()
	if mode == "" {
		mode = w.writeFile("ca.pem", w.service.CA(), 0o600)
	}
	script := "#!/bin/sh\n" + browserURL + "='" + mode + "' exec '" + self + "' \"$1\"\n"
	must(os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o755))
	w.t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	w.vars["DISPLAY"] = ":0"
	w.env.LookPath = func(string) (string, error) { return filepath.Join(dir, "xdg-open"), nil }
}

func TestEveryMethod(t *testing.T) {
	if len(rows) != len(Methods()) {
		t.Fatalf("%d rows are tested, the table has %d", len(rows), len(Methods()))
	}
	for _, m := range Methods() {
		t.Run(m.Name, func(t *testing.T) {
			w := newWorld(t)
			w.register()
			c := rows[m.Name](w)
			c.Environment = "mock"
			source, err := w.Source(t.Context(), c)
			if err != nil {
				t.Fatal(err, w.debugs)
			}
			if source.Environment().Name != "mock" || source.AuthType() != m.AuthType {
				t.Errorf("%v, %s", source.Environment(), source.AuthType())
			}
			if source.Method() != m.Name {
				t.Fatalf("%s was chosen: %v", source.Method(), w.debugs)
			}
			token, err := source.Token(t.Context(), TokenRequest{})
			if err != nil || token == "" {
				t.Fatalf("%q, %v", token, err)
			}
			if again, err := source.Token(t.Context(), TokenRequest{}); err != nil || again != token {
				t.Errorf("the token is not kept: %v", err)
			}
			for _, form := range w.service.TokenRequests() {
				want := "https://graph.gold.test/.default"
				if m.AuthType == "Delegated" {
					want = "User.Read"
				}
				if scopes := strings.Fields(form.Get("scope")); !slices.Contains(scopes, want) {
					t.Errorf("scopes %q", scopes)
				}
				if claims := form.Get("claims"); !strings.Contains(claims, "CP1") && form.Get("grant_type") != "device_code" {
					t.Errorf("%s without CAE: %q", form.Get("grant_type"), claims)
				}
			}
			if strings.Contains(w.stderr.String(), token) {
				t.Error("the token is on stderr")
			}
		})
	}
}

func TestMethodTable(t *testing.T) {
	names := map[string]bool{}
	for _, m := range methods() {
		if names[m.Name] || m.Name != strings.ToLower(m.Name) || m.Needs == "" || m.label == "" || m.open == nil {
			t.Errorf("row %q", m.Name)
		}
		names[m.Name] = true
		if m.Asks && m.offered != nil {
			t.Errorf("%s would ask unasked", m.Name)
		}
	}
	_, err := methodNamed("nope")
	kindOf(t, err, KindArgument, "there is no sign-in method 'nope'", MethodGitHub)
	if m, err := methodNamed("GitHub"); err != nil || m.Name != MethodGitHub {
		t.Errorf("%v, %v", m.Name, err)
	}
}

// Every envvar record that ends in an error.
func TestEnvironmentVariables(t *testing.T) {
	ids := map[string]string{"AZURE_TENANT_ID": authtest.Tenant, "AZURE_CLIENT_ID": authtest.Client}
	with := func(extra map[string]string) map[string]string {
		all := map[string]string{}
		for _, m := range []map[string]string{ids, extra} {
			for k, v := range m {
				all[k] = v
			}
		}
		return all
	}
	pfx := newWorld(t).pfx("pw", makePair())
	pem := filepath.Join(t.TempDir(), "both.pem")
	must(os.WriteFile(pem, join(pemOf("CERTIFICATE", makePair().cert.Raw), pkcs8(makePair().key)), 0o600))
	for record, c := range map[string]struct {
		vars map[string]string
		want string // "" means it works
	}{
		"envvar.none":                     {nil, textIncomplete},
		"envvar.user-password":            {map[string]string{"AZURE_USERNAME": "u", "AZURE_PASSWORD": "p"}, textUserPassword},
		"envvar.user-password-full":       {with(map[string]string{"AZURE_USERNAME": "u", "AZURE_PASSWORD": "p"}), textUserPassword},
		"envvar.user-only":                {with(map[string]string{"AZURE_USERNAME": "u"}), textIncomplete},
		"envvar.no-secret":                {ids, textIncomplete},
		"envvar.no-tenant":                {map[string]string{"AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s"}, textIncomplete},
		"envvar.secret":                   {with(map[string]string{"AZURE_CLIENT_SECRET": secretText}), ""},
		"envvar.secret-and-user-password": {with(map[string]string{"AZURE_CLIENT_SECRET": secretText, "AZURE_USERNAME": "u", "AZURE_PASSWORD": "p"}), ""},
		"envvar.tenant-bad-chars":         {with(map[string]string{"AZURE_TENANT_ID": "bad tenant!", "AZURE_CLIENT_SECRET": "s"}), "Invalid tenant id provided. " + findTenant + " (Parameter 'tenantId')"},
		"envvar.cert-pem-chain":           {with(map[string]string{"AZURE_CLIENT_CERTIFICATE_PATH": pem, "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": "true"}), ""},
		"envvar.cert-pfx":                 {with(map[string]string{"AZURE_CLIENT_CERTIFICATE_PATH": pfx, "AZURE_CLIENT_CERTIFICATE_PASSWORD": "pw"}), ""},
		"envvar.cert-pfx-wrong-password":  {with(map[string]string{"AZURE_CLIENT_CERTIFICATE_PATH": pfx, "AZURE_CLIENT_CERTIFICATE_PASSWORD": "nope"}), "Could not load certificate file: the certificate can't be used: the password of the PFX file is wrong"},
		"envvar.cert-missing-file":        {with(map[string]string{"AZURE_CLIENT_CERTIFICATE_PATH": "/nowhere.pem"}), "Could not load certificate file: the certificate can't be read: open /nowhere.pem: no such file or directory"},
		"envvar.cert-unknown-suffix":      {with(map[string]string{"AZURE_CLIENT_CERTIFICATE_PATH": "/etc/hosts"}), "Only .pfx and .pem files are supported."},
	} {
		t.Run(record, func(t *testing.T) {
			w := newWorld(t)
			w.register()
			w.vars = c.vars
			got, err := w.Connect(t.Context(), Request{Method: MethodEnvironment, Environment: "mock"})
			if c.want != "" {
				if e := kindOf(t, err, KindSignIn); e.Message != c.want {
					t.Errorf("message %q\nwant    %q", e.Message, c.want)
				}
				if _, ok, _ := w.Context(); ok {
					t.Error("connected all the same")
				}
				return
			}
			if err != nil || got.AuthType != "EnvironmentVariable" || got.SendCertificateChain {
				t.Errorf("%+v, %v", got, err)
			}
			if _, err := w.again().token(Choice{}); err != nil {
				t.Errorf("next process: %v", err)
			}
		})
	}
}

// Each case has an environment or identity of its own: the library keeps
// tokens for the whole process.
func TestManagedIdentity(t *testing.T) {
	t.Run("identity.imds", func(t *testing.T) {
		w := newWorld(t)
		got, err := w.Connect(t.Context(), Request{Method: MethodManagedIdentity})
		if err != nil || got.ManagedIdentityID != "MSI@50342" || got.AuthType != "ManagedIdentity" {
			t.Fatalf("%+v, %v", got, err)
		}
		if q := w.machine.Requests()[0].Query; q.Get("resource") != "https://graph.microsoft.com" {
			t.Errorf("query %v", q)
		}
		if len(w.service.Requests()) != 0 {
			t.Error("the token client was used")
		}
	})
	t.Run("identity.appservice-clientid", func(t *testing.T) {
		w := newWorld(t)
		w.set("IDENTITY_ENDPOINT", w.machine.URL+"/msi/token")
		w.set("IDENTITY_HEADER", w.machine.Header)
		got, err := w.Connect(t.Context(), Request{Method: MethodManagedIdentity, Environment: "USGov", Settings: Settings{ClientID: authtest.Client}})
		if err != nil || got.ManagedIdentityID != authtest.Client {
			t.Fatalf("%+v, %v", got, err)
		}
		if q := w.machine.Requests()[0].Query; q.Get("resource") != "https://graph.microsoft.us" || q.Get("client_id") != authtest.Client {
			t.Errorf("query %v", q)
		}
	})
	t.Run("identity.appservice-400", func(t *testing.T) {
		w := newWorld(t)
		w.set("IDENTITY_ENDPOINT", w.machine.URL+"/msi/token")
		w.set("IDENTITY_HEADER", w.machine.Header)
		w.machine.Script(authtest.Answer{Status: 400, Body: `{"statusCode":400,"message":"No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."}`})
		_, err := w.Connect(t.Context(), Request{Method: MethodManagedIdentity, Environment: "USGovDoD"})
		kindOf(t, err, KindSignIn, "ManagedIdentityCredential authentication failed: No User Assigned")
	})
	t.Run("identity.imds-notfound", func(t *testing.T) {
		w := newWorld(t)
		w.machine.Script(authtest.Answer{Status: 400, Body: `{"error":"invalid_request","error_description":"Identity not found"}`})
		_, err := w.Connect(t.Context(), Request{Method: MethodManagedIdentity, Settings: Settings{ClientID: authtest.Client}})
		kindOf(t, err, KindSignIn, "ManagedIdentityCredential authentication failed: Identity not found")
	})
	t.Run("arc", func(t *testing.T) {
		w := newWorld(t)
		w.set("IDENTITY_ENDPOINT", w.machine.URL+"/arc/token")
		w.set("IMDS_ENDPOINT", w.machine.URL)
		_, err := w.Connect(t.Context(), Request{Method: MethodManagedIdentity, Environment: "China"})
		kindOf(t, err, KindSignIn, "ManagedIdentityCredential authentication failed")
		if len(w.machine.Requests()) != 1 {
			t.Errorf("%d requests", len(w.machine.Requests()))
		}
	})
}

func TestFederationRefused(t *testing.T) {
	w := newWorld(t)
	w.register()
	w.ids()
	w.gitHubJob()
	registered := w.service.Apps[authtest.Client]
	registered.Federated[0].Subject = "repo:gold/gold:environment:prod"
	_, err := w.token(Choice{Environment: "mock"})
	e := kindOf(t, err, KindSignIn, "AADSTS700213", "subject "+authtest.Subject, "issuer "+w.service.Issuer(), "audience "+authtest.Audience)
	if !slices.Equal(e.Codes, []int{700213}) {
		t.Errorf("codes %v", e.Codes)
	}
	w.vars[gitHubToken] = "another"
	_, err = w.token(Choice{Environment: "mock"})
	kindOf(t, err, KindSignIn, "GitHub gave no token for the job: 403", "id-token: write")
}

func TestPipelinesRefused(t *testing.T) {
	w := newWorld(t)
	w.register()
	w.pipelinesJob()
	w.set(pipelinesToken, "another-bearer")
	_, err := w.token(Choice{Environment: "mock"})
	if e := kindOf(t, err, KindSignIn, "AzurePipelinesCredential authentication failed"); strings.Contains(e.Error(), "another-bearer") {
		t.Error("the bearer is in the message")
	}
}

func TestAzureCLI(t *testing.T) {
	w := newWorld(t)
	_, err := w.token(Choice{Method: MethodAzureCLI})
	kindOf(t, err, KindSignIn, "az is not installed")
	w.fakeAz("echo 'ERROR: Please run az login' >&2; exit 1\n")
	_, err = w.token(Choice{Method: MethodAzureCLI})
	kindOf(t, err, KindSignIn, "AzureCliCredential", "az login")
}

func TestChoice(t *testing.T) {
	w := newWorld(t)
	w.machineGone()
	_, err := w.Source(t.Context(), Choice{})
	if e := kindOf(t, err, KindNotConnected); e.Error() != textNotConnected {
		t.Errorf("%q", e)
	}
	offered := 0
	for _, m := range methods() {
		if m.offered != nil {
			offered++
		}
	}
	if len(w.debugs) != offered {
		t.Errorf("reasons: %q", w.debugs)
	}
	_, err = w.Source(t.Context(), Choice{AccessTokenFrom: "env:X", Method: MethodGitHub})
	kindOf(t, err, KindArgument, "exclude each other")
	_, err = w.Source(t.Context(), Choice{AccessTokenFrom: "env:X", Environment: "nowhere"})
	kindOf(t, err, KindNoEnvironment, "nowhere")

	// A gateway that catches IMDS's address is no machine identity.
	w.env.LocalClient = authtest.NewMachine(t).Client()
	w.env.LocalClient.Transport = roundTripper(forbid)
	_, err = w.Source(t.Context(), Choice{})
	kindOf(t, err, KindNotConnected)
}

func (w *world) certs() []*x509.Certificate { return []*x509.Certificate{makePair().cert} }

// What a method lacks is named, whether it is chosen by word or not.
func TestMissingVariables(t *testing.T) {
	for _, c := range []struct {
		method, missing string
		vars            []string
	}{
		{MethodGitHub, gitHubURL, nil},
		{MethodGitHub, gitHubToken, []string{gitHubURL}},
		{MethodGitHub, "AZURE_CLIENT_ID", []string{gitHubURL, gitHubToken}},
		{MethodGitHub, "AZURE_TENANT_ID", []string{gitHubURL, gitHubToken, "AZURE_CLIENT_ID"}},
		{MethodAzurePipelines, pipelinesURI, nil},
		{MethodAzurePipelines, pipelinesToken, []string{pipelinesURI}},
		{MethodAzurePipelines, pipelinesConnection, []string{pipelinesURI, pipelinesToken}},
		{MethodAzurePipelines, "AZURE_CLIENT_ID", []string{pipelinesURI, pipelinesToken, pipelinesConnection}},
		{MethodWorkloadIdentity, federatedFile, nil},
		{MethodWorkloadIdentity, "AZURE_CLIENT_ID", []string{federatedFile}},
		{MethodWorkloadIdentity, "AZURE_TENANT_ID", []string{federatedFile, "AZURE_CLIENT_ID"}},
	} {
		w := newWorld(t)
		w.machineGone()
		for _, name := range c.vars {
			w.vars[name] = "x"
		}
		_, err := w.Source(t.Context(), Choice{Method: c.method})
		kindOf(t, err, KindSignIn, "the environment variable "+c.missing+" is not set")
		_, err = w.Source(t.Context(), Choice{})
		kindOf(t, err, KindNotConnected)
		if !slices.ContainsFunc(w.debugs, func(line string) bool {
			return strings.HasPrefix(line, "[Authentication]: "+c.method+" not chosen: "+c.missing+" is not set")
		}) {
			t.Errorf("%s without %s: %q", c.method, c.missing, w.debugs)
		}
	}
}

func TestOtherAuthority(t *testing.T) {
	w := newWorld(t)
	w.register()
	c := rows[MethodWorkloadIdentity](w)
	c.Environment = "mock"
	for host, warned := range map[string]bool{w.service.URL + "/": false, "https://login.microsoftonline.us/": true} {
		w.warnings = nil
		w.set("AZURE_AUTHORITY_HOST", host)
		if _, err := w.token(c); err != nil || (len(w.warnings) > 0) != warned {
			t.Errorf("%s: %q, %v", host, w.warnings, err)
		}
	}
}
