package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"invoke-mgupload/internal/auth/authtest"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

func TestWrongWords(t *testing.T) {
	cert := func(s Settings) Request { return Request{Method: MethodCertificate, Settings: s} }
	zeros := strings.Repeat("0", 40)
	for _, c := range []struct {
		record string
		req    Request
		kind   Kind
		text   string
	}{
		{"connect.no-cert", cert(app(Settings{SendCertificateChain: true})), KindArgument, "Must specify 'CertificateThumbprint or CertificateSubjectName or Certificate'."},
		{"connect.no-tenant", cert(Settings{ClientID: "x", CertificateSubjectName: "CN=x"}), KindArgument, "Must specify 'TenantId'."},
		{"connect.thumb-bad-and-no-tenant", cert(Settings{ClientID: "x", CertificateThumbprint: "x"}), KindArgument,
			"'CertificateThumbprint' must have a length of 40. Ensure you have the right certificate thumbprint then try again."},
		{"connect.unknown-env-and-no-tenant", Request{Method: MethodCertificate, Environment: "Nowhere", Settings: Settings{ClientID: "x", CertificateThumbprint: zeros}},
			KindArgument, "Must specify 'TenantId'."},
		{"no client", cert(Settings{TenantID: "x", CertificateThumbprint: zeros}), KindArgument, "Must specify 'ClientId'."},
		{"no token", Request{Method: MethodAccessToken}, KindArgument, "Must specify 'AccessToken'."},
		{"no secret", Request{Method: MethodClientSecret, Settings: Settings{ClientID: "x"}}, KindArgument, "Must specify 'ClientSecretCredential'."},
		{"connect.germany", Request{Method: MethodEnvironment, Environment: "Germany"}, KindNoEnvironment,
			"Unable to find environment with name 'Germany'. Use Get-MgEnvironment to list available environments."},
		{"no method", Request{}, KindArgument, "there is no sign-in method ''"},
	} {
		t.Run(c.record, func(t *testing.T) {
			w := newWorld(t)
			w.vars["TOKEN"] = "opaque-1"
			if _, err := w.Connect(t.Context(), Request{Method: MethodAccessToken, Settings: Settings{AccessTokenFrom: "env:TOKEN"}}); err != nil {
				t.Fatal(err)
			}
			_, err := w.Connect(t.Context(), c.req)
			if e := kindOf(t, err, c.kind); e.Message != c.text {
				t.Errorf("%q", e.Message)
			}
			if _, ok, _ := w.Context(); !ok {
				t.Error("wrong words ended the session")
			}
		})
	}
}

func TestClientSecretSession(t *testing.T) {
	w := newWorld(t)
	w.register()
	w.vars["SECRET"] = secretText
	timeout := 7.0
	got, err := w.Connect(t.Context(), Request{Method: MethodClientSecret, Environment: "MOCK", ClientTimeout: &timeout,
		Settings: app(Settings{ClientSecretFrom: "env:SECRET"})})
	if err != nil {
		t.Fatal(err)
	}
	want := Context{ClientID: authtest.Client, TenantID: authtest.Tenant, Scopes: []string{"PublicKeyInfrastructure.ReadWrite.All", "User.Read.All"},
		AuthType: "AppOnly", TokenCredentialType: "ClientSecret", AppName: "gold app", ContextScope: "Process", Environment: "mock"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	next := w.again()
	if stored, ok, err := next.Context(); !ok || err != nil || !reflect.DeepEqual(stored, want) {
		t.Errorf("stored %+v, %v", stored, err)
	}
	if rc, err := next.RequestContext(); err != nil || rc.ClientTimeout != 7 {
		t.Errorf("%+v, %v", rc, err)
	}
	if token, err := next.token(Choice{}); err != nil || !slices.Contains(w.service.Issued(), token) {
		t.Errorf("next process: %v", err)
	}
	_, err = next.token(Choice{Environment: "Global"})
	kindOf(t, err, KindNotConnected, "the session is in environment 'mock', not in 'Global'", "Connect-MgGraph -Environment Global")
	if _, err := next.token(Choice{Environment: "Mock"}); err != nil {
		t.Error(err)
	}

	if gone, err := next.Disconnect(); err != nil || !reflect.DeepEqual(gone, want) {
		t.Errorf("disconnect: %+v, %v", gone, err)
	}
	_, err = next.Disconnect() // disconnect.none
	kindOf(t, err, KindNoSession, "No application to sign out from.")
	if rc, err := w.again().RequestContext(); err != nil || rc.ClientTimeout != 7 { // rc.after-disconnect
		t.Errorf("%+v, %v", rc, err)
	}
}

// A refused sign-in ends the session before it, and shows Entra's text.
func TestRefusedSignIn(t *testing.T) {
	w := newWorld(t)
	w.register()
	w.vars["GOOD"], w.vars["BAD"] = secretText, "wrong-secret-value"
	request := func(ref Ref) Request {
		return Request{Method: MethodClientSecret, Environment: "mock", Settings: app(Settings{ClientSecretFrom: ref})}
	}
	if _, err := w.Connect(t.Context(), request("env:GOOD")); err != nil {
		t.Fatal(err)
	}
	_, err := w.Connect(t.Context(), request("env:BAD")) // secret.refused-401
	e := kindOf(t, err, KindSignIn)
	if !strings.HasPrefix(e.Message, "ClientSecretCredential authentication failed: AADSTS7000215: Invalid client secret provided. ") ||
		e.Advice != "Use the secret's value, not its id." || !slices.Equal(e.Codes, []int{7000215}) {
		t.Errorf("%+v", e)
	}
	if _, ok, _ := w.Context(); ok {
		t.Error("still connected")
	}
}

func TestTenantTexts(t *testing.T) {
	w := newWorld(t)
	w.vars["SECRET"] = secretText
	for tenant, want := range map[string]string{
		"":            "Tenant id cannot be null. " + findTenant + " (Parameter 'tenantId')",   // secret.no-tenant
		"bad tenant!": "Invalid tenant id provided. " + findTenant + " (Parameter 'tenantId')", // secret.tenant-bad-chars
	} {
		_, err := w.Connect(t.Context(), Request{Method: MethodClientSecret, Environment: "mock",
			Settings: Settings{ClientID: "x", TenantID: tenant, ClientSecretFrom: "env:SECRET"}})
		if e := kindOf(t, err, KindSignIn); e.Message != want {
			t.Errorf("%q", e.Message)
		}
	}
	_, err := w.Connect(t.Context(), Request{Method: MethodDeviceCode, Environment: "mock", Settings: Settings{TenantID: "bad tenant!"}})
	if e := kindOf(t, err, KindSignIn); e.Message != "Invalid tenant id provided. "+findTenant { // device.tenant-bad-chars
		t.Errorf("%q", e.Message)
	}
}

func TestAccessTokenSession(t *testing.T) {
	end := time.Now().Add(time.Hour).Unix()
	token := jwtOf(fmt.Sprintf(`{"exp":%d,"appid":"00000000-0000-0000-0000-00000000a0a0","tid":"00000000-0000-0000-0000-0000000071d0",`+
		`"scp":"PublicKeyInfrastructure.ReadWrite.All User.Read","upn":"gold@gold.test","app_displayname":"gold app"}`, end))
	w := newWorld(t)
	w.vars["TOKEN"] = token
	got, err := w.Connect(t.Context(), Request{Method: MethodAccessToken, Environment: "usgov", ContextScope: ScopeCurrentUser,
		Settings: Settings{AccessTokenFrom: "env:TOKEN"}})
	want := Context{ClientID: "00000000-0000-0000-0000-00000000a0a0", TenantID: "00000000-0000-0000-0000-0000000071d0",
		Scopes: []string{"PublicKeyInfrastructure.ReadWrite.All", "User.Read"}, AuthType: "UserProvidedAccessToken",
		TokenCredentialType: "UserProvidedAccessToken", Account: "gold@gold.test", AppName: "gold app", ContextScope: "Process", Environment: "USGov"}
	if err != nil || !reflect.DeepEqual(got, want) { // token.usgov
		t.Errorf("%+v, %v", got, err)
	}
	if again, err := w.again().token(Choice{}); err != nil || again != token {
		t.Errorf("next process: %v", err)
	}
	w.vars["TOKEN"] = "opaque"
	if got, err := w.Connect(t.Context(), Request{Method: MethodAccessToken, Settings: Settings{AccessTokenFrom: "env:TOKEN"}}); err != nil || got.ClientID != DefaultClientID { // token.opaque
		t.Errorf("%+v, %v", got, err)
	}
	w.vars["TOKEN"] = jwtOf(`{"exp":1}`)
	_, err = w.Connect(t.Context(), Request{Method: MethodAccessToken, Settings: Settings{AccessTokenFrom: "env:TOKEN"}})
	if e := kindOf(t, err, KindSignIn); e.Error() != textExpired {
		t.Errorf("%v", e)
	}
}

// A token from standard input can't be had again by the next process.
func TestFleetingPlaces(t *testing.T) {
	w := newWorld(t, func(e *Env) { e.Stdin = strings.NewReader("opaque-1") })
	if _, err := w.Connect(t.Context(), Request{Method: MethodAccessToken, Settings: Settings{AccessTokenFrom: "-"}}); err != nil {
		t.Fatal(err)
	}
	if len(w.warnings) != 1 || !strings.Contains(w.warnings[0], "ends with this command") {
		t.Errorf("%q", w.warnings)
	}
	_, err := w.again().token(Choice{})
	kindOf(t, err, KindNotConnected, "the sign-in ended with the Connect-MgGraph command")
}

func TestWelcome(t *testing.T) {
	got := Context{AuthType: "AppOnly", ClientID: "00000000-0000-0000-0000-00000000a0a0"}.Welcome()
	if want := "Welcome to Microsoft Graph!\n\nConnected via apponly access using 00000000-0000-0000-0000-00000000a0a0\nReadme: https://aka.ms/graph/sdk/powershell\nSDK Docs: https://aka.ms/graph/sdk/powershell/docs\nAPI Docs: https://aka.ms/graph/docs\n\nNOTE: You can use the -NoWelcome parameter to suppress this message.\nNOTE: Sign in by Web Account Manager (WAM) is enabled by default on Windows systems and cannot be disabled when using the default ClientId.\nTo disable WAM run Set-MgGraphOption -DisableLoginByWAM $true and then use a custom ClientId.\n"; got != want {
		t.Errorf("%q", got)
	}
}

func TestFields(t *testing.T) {
	var names []string
	for _, f := range (Context{Scopes: []string{"A"}}).Fields() {
		names = append(names, f.Name)
		if _, err := json.Marshal(f.Value); err != nil {
			t.Error(err)
		}
	}
	if want := "ClientId TenantId Scopes AuthType TokenCredentialType CertificateThumbprint CertificateSubjectName SendCertificateChain Account LoginHint HomeAccountId AppName ContextScope Certificate PSHostVersion ManagedIdentityId ClientSecret Environment WamEnabled"; strings.Join(names, " ") != want { // envvar.context
		t.Errorf("%q", names)
	}
}

func TestMethodOfSet(t *testing.T) {
	for set, want := range map[string]string{
		"UserParameterSet": MethodBrowser, "AppCertificateParameterSet": MethodCertificate, "AppSecretCredentialParameterSet": MethodClientSecret,
		"AccessTokenParameterSet": MethodAccessToken, "IdentityParameterSet": MethodManagedIdentity, "EnvironmentVariableParameterSet": MethodEnvironment, "x": "",
	} {
		if got := MethodOfSet(set, false); got != want {
			t.Errorf("%s: %q", set, got)
		}
	}
	if got := MethodOfSet("UserParameterSet", true); got != MethodDeviceCode {
		t.Errorf("%q", got)
	}
}

// bubble runs a sign-in with a device code where waiting costs nothing.
func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		w.env.TokenClient = w.service.Direct()
		test(t, w)
	})
}

var pending = authtest.Refusal(400, "authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending.")

func TestDeviceCode(t *testing.T) {
	const prompt = "To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter the code GOLD12345 to authenticate.\n"
	device := Request{Method: MethodDeviceCode, Environment: "mock"}
	t.Run("device.default", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			slow := authtest.Refusal(400, "slow_down", 70016, "Slow down.")
			w.service.ScriptDevice(pending, slow, pending)
			got, err := w.Connect(t.Context(), device)
			if err != nil {
				t.Fatal(err)
			}
			if got.Account != authtest.Account || got.HomeAccountID != authtest.HomeID || got.AuthType != "Delegated" ||
				got.TokenCredentialType != "DeviceCode" || got.ContextScope != ScopeProcess || got.ClientID != DefaultClientID {
				t.Errorf("%+v", got)
			}
			if w.stderr.String() != prompt {
				t.Errorf("stderr %q", w.stderr.String())
			}
			// Without a safe store the next process can't go on, and says so.
			if len(w.warnings) != 1 {
				t.Errorf("%q", w.warnings)
			}
			_, err = w.again().token(Choice{})
			kindOf(t, err, KindNotConnected, "the sign-in ended with")
		})
	})
	for name, c := range map[string]struct {
		answer authtest.Answer
		text   string
	}{
		"declined": {authtest.Refusal(400, "authorization_declined", 65004, "User declined to consent to access the app."), "AADSTS65004"},
		"expired":  {authtest.Refusal(400, "expired_token", 70020, "The provided value for the input parameter 'device_code' is not valid."), "AADSTS70020"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.service.ScriptDevice(pending, c.answer)
				_, err := w.Connect(t.Context(), device)
				kindOf(t, err, KindSignIn, "DeviceCodeCredential authentication failed: "+c.text)
			})
		})
	}
	t.Run("nobody", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.service.ScriptDevice(slices.Repeat([]authtest.Answer{pending}, 200)...)
			began := time.Now()
			_, err := w.Connect(t.Context(), device)
			if e := kindOf(t, err, KindTimeout); e.Message != "Authentication timed out after 120 seconds due to inactivity. Please try again." {
				t.Errorf("%q", e.Message)
			}
			if d := time.Since(began); d != personLimit {
				t.Errorf("after %v", d)
			}
		})
	})
	t.Run("interrupted", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			w.service.ScriptDevice(slices.Repeat([]authtest.Answer{pending}, 200)...)
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, nil)
			defer cancel()
			time.AfterFunc(10*time.Second, cancel)
			_, err := w.Connect(ctx, device)
			kindOf(t, err, KindCanceled, "canceled")
		})
	})
}

func TestBrowser(t *testing.T) {
	w := newWorld(t)
	w.fakeBrowser("")
	got, err := w.Connect(t.Context(), Request{Method: MethodBrowser, Environment: "mock",
		Settings: Settings{Scopes: []string{"User.Read,PublicKeyInfrastructure.ReadWrite.All", "openid"}, LoginHint: "gold@gold.test"}})
	if err != nil {
		t.Fatal(err, w.stderr.String())
	}
	if got.TokenCredentialType != "InteractiveBrowser" || got.Account != authtest.Account || got.LoginHint != "gold@gold.test" {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(w.stderr.String(), "chatter of a browser") {
		t.Errorf("the browser's output went elsewhere: %q", w.stderr.String())
	}
	for _, r := range w.service.Requests() {
		if strings.HasSuffix(r.Path, "/authorize") && (r.Query.Get("login_hint") != "gold@gold.test" ||
			!strings.Contains(r.Query.Get("scope"), "PublicKeyInfrastructure.ReadWrite.All") || r.Query.Get("client_id") != DefaultClientID) {
			t.Errorf("%v", r.Query)
		}
	}
}

// Where no browser can be opened, a device code takes its place.
func TestBrowserFallsBack(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(w *world)
		why     string
	}{
		"no opener":  {func(w *world) {}, "there is no xdg-open"},
		"no display": {func(w *world) { w.fakeBrowser(""); delete(w.vars, "DISPLAY") }, "there is no display"},
		"it fails":   {func(w *world) { w.fakeBrowser("fail") }, "the browser sign-in did not work"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.prepare(w)
			got, err := w.Connect(t.Context(), Request{Method: MethodBrowser, Environment: "mock"})
			if err != nil || got.TokenCredentialType != "DeviceCode" {
				t.Errorf("%+v, %v", got, err)
			}
			if len(w.warnings) == 0 || !strings.HasPrefix(w.warnings[0], c.why) || !strings.Contains(w.stderr.String(), "GOLD12345") {
				t.Errorf("%q, %q", w.warnings, w.stderr.String())
			}
		})
	}
}

// The system's safe store: a person signs in once, the next process goes on
// without asking, and Disconnect forgets. Runs where the kernel has a key ring.
func TestSafeStore(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	if _, err := persistentCache("probe"); err != nil {
		t.Skipf("no safe store here: %v", err)
	}
	w := newWorld(t)
	w.vars["XDG_CACHE_HOME"] = os.Getenv("XDG_CACHE_HOME")
	w.openCache = persistentCache
	device := Request{Method: MethodDeviceCode, Environment: "mock"}
	got, err := w.Connect(t.Context(), device)
	if err != nil || got.ContextScope != ScopeCurrentUser || len(w.warnings) != 0 {
		t.Fatalf("%+v, %v, %q", got, err, w.warnings)
	}
	issued := len(w.service.Issued())
	next := w.again()
	if token, err := next.token(Choice{}); err != nil || token != w.service.Issued()[issued-1] {
		t.Errorf("next process: %v", err)
	}
	if len(w.service.Issued()) != issued {
		t.Error("a second token was taken")
	}
	lost := w.again() // the store's key is gone, as after a reboot
	lost.openCache = func(string) (azidentity.Cache, error) { return azidentity.Cache{}, os.ErrNotExist }
	_, err = lost.token(Choice{})
	kindOf(t, err, KindNotConnected, "can't be continued without asking", "Connect-MgGraph")
	if _, err := next.Connect(t.Context(), device); err != nil || next.stderr.Len() != 0 {
		t.Errorf("asked again: %q, %v", next.stderr.String(), err)
	}
	if _, err := next.Disconnect(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), ".IdentityService", cacheName+"*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}

	// An app's token is kept too, when that was asked for.
	w.register()
	w.vars["SECRET"] = secretText
	request := Request{Method: MethodClientSecret, Environment: "mock", ContextScope: ScopeCurrentUser, Settings: app(Settings{ClientSecretFrom: "env:SECRET"})}
	if got, err := w.Connect(t.Context(), request); err != nil || got.ContextScope != ScopeCurrentUser {
		t.Fatalf("%+v, %v", got, err)
	}
	issued = len(w.service.Issued())
	if _, err := w.again().token(Choice{}); err != nil || len(w.service.Issued()) != issued {
		t.Errorf("%d tokens, %v", len(w.service.Issued())-issued, err)
	}
}
