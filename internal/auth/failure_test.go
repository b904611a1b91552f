package auth

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"invoke-mgupload/internal/auth/authtest"
)

func secretChoice(w *world) Choice {
	w.register()
	w.vars["SECRET"] = secretText
	return Choice{Method: MethodClientSecret, Environment: "mock", Settings: app(Settings{ClientSecretFrom: "env:SECRET"})}
}

func TestServiceAnswers(t *testing.T) {
	html := map[string]string{"Content-Type": "text/html"}
	for name, c := range map[string]struct {
		answer authtest.Answer
		want   []string
	}{
		"secret.refused-400":    {authtest.Refusal(400, "unauthorized_client", 700016, "Application with identifier was not found in the directory."), []string{"AADSTS700016", "Check -ClientId and -TenantId"}},
		"secret.tenant-unknown": {authtest.Refusal(400, "invalid_request", 90002, "Tenant not found."), []string{"AADSTS90002", "Check -TenantId"}},
		"unknown number":        {authtest.Refusal(400, "invalid_request", 12345, "Something new."), []string{"AADSTS12345: Something new."}},
		"several lines":         {authtest.Answer{Status: 400, Body: `{"error":"x","error_description":"AADSTS1: first\r\nTrace ID: 2\r\n"}`}, []string{"AADSTS1: first Trace ID: 2"}},
		"code alone":            {authtest.Answer{Status: 400, Body: `{"error":"invalid_client"}`}, []string{"authentication failed: invalid_client"}},
		"graph's shape":         {authtest.Answer{Status: 400, Body: `{"error":{"code":"x","message":"y"}}`}, []string{"400 Bad Request"}},
		"secret.html-502":       {authtest.Answer{Status: 502, Header: html, Body: "<html>bad gateway</html>"}, []string{"502", "proxy"}},
		"secret.html-200":       {authtest.Answer{Status: 200, Header: html, Body: "<html>portal</html>"}, []string{"200 (text/html)", "proxy"}},
		"empty":                 {authtest.Answer{Status: 500}, []string{"500"}},
		"redirect":              {authtest.Answer{Status: 307, Header: map[string]string{"Location": "https://elsewhere.test/"}}, []string{"307"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			synctest.Test(t, func(t *testing.T) {
				w.env.TokenClient = w.service.Direct()
				w.service.Script(c.answer, c.answer, c.answer)
				_, err := w.token(secretChoice(w))
				e := kindOf(t, err, KindSignIn, c.want...)
				if !strings.HasPrefix(e.Message, "ClientSecretCredential authentication failed: ") || strings.Contains(e.Error(), "<html>") {
					t.Errorf("%q", e)
				}
			})
		})
	}
}

// Throttling: a Retry-After of seconds is waited out, and that many tries are
// made and no more.
func TestThrottled(t *testing.T) {
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		w.env.TokenClient = w.service.Direct()
		c := secretChoice(w)
		later := authtest.Answer{Status: 429, Header: map[string]string{"Retry-After": "7"}, Body: `{"error":"temporarily_unavailable"}`}
		w.service.Script(later)
		began := time.Now()
		if _, err := w.token(c); err != nil || time.Since(began) != 7*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		w.service.Script(later, later, later, later)
		_, err := w.token(c)
		kindOf(t, err, KindSignIn, "temporarily_unavailable")
		if n := len(w.service.TokenRequests()); n != 5 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestUnreachable(t *testing.T) {
	w := newWorld(t)
	c := secretChoice(w)
	t.Run("secret.closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w.env.TokenClient = &http.Client{Transport: roundTripper(refuse)}
			began := time.Now()
			_, err := w.token(c)
			kindOf(t, err, KindSignIn, "can't be reached: dial tcp: connect: connection refused", "Check the network")
			if d := time.Since(began); d > 4*time.Second {
				t.Errorf("it took %v", d)
			}
		})
	})
	t.Run("identity.nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w.env.LocalClient = &http.Client{Transport: roundTripper(refuse)}
			began := time.Now()
			_, err := w.token(Choice{Method: MethodManagedIdentity, Environment: "BleuCloud"})
			e := kindOf(t, err, KindSignIn, "169.254.169.254 can't be reached")
			if e.Message != "ManagedIdentityCredential authentication unavailable. Multiple attempts failed to obtain a token from the managed identity endpoint." {
				t.Errorf("%q", e.Message)
			}
			if d := time.Since(began); d > 8*time.Second {
				t.Errorf("it took %v", d)
			}
		})
	})
	t.Run("silent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w.env.TokenClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			})}
			_, err := w.token(c)
			kindOf(t, err, KindSignIn, "no answer in time")
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			source, err := w.Source(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			_, err = source.Token(ctx, TokenRequest{})
			kindOf(t, err, KindTimeout, "took too long")
		})
	})
	t.Run("untrusted", func(t *testing.T) {
		quiet := httptest.NewUnstartedServer(http.NotFoundHandler())
		quiet.Config.ErrorLog = log.New(io.Discard, "", 0)
		quiet.StartTLS()
		defer quiet.Close()
		if _, err := w.AddEnvironment("untrusted", quiet.URL, graph); err != nil {
			t.Fatal(err)
		}
		tries := 0
		w.env.TokenClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			tries++
			return http.DefaultTransport.RoundTrip(r)
		})}
		other := c
		other.Environment = "untrusted"
		_, err := w.token(other)
		kindOf(t, err, KindSignIn, "its TLS certificate is not trusted", "--ca-file")
		if tries != 1 {
			t.Errorf("%d tries", tries)
		}
	})
	t.Run("proxy", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			proxy, err := url.Parse("http://user:proxy-password@127.0.0.1:1")
			must(err)
			w.env.TokenClient = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy),
				DialContext: func(context.Context, string, string) (net.Conn, error) {
					_, err := refuse(nil)
					return nil, err
				}}}
			_, err = w.token(c)
			if e := kindOf(t, err, KindSignIn, "proxyconnect", "connection refused"); strings.Contains(e.Error(), "proxy-password") {
				t.Errorf("%v", e)
			}
		})
	})
	t.Run("plain http", func(t *testing.T) {
		if _, err := w.AddEnvironment("plain", "http://aad.gold.test", graph); err != nil {
			t.Fatal(err)
		}
		plain := c
		plain.Environment = "plain"
		_, err := w.token(plain)
		kindOf(t, err, KindSignIn, "not an https URL")
	})
}

func TestClockSkew(t *testing.T) {
	w := newWorld(t, func(e *Env) { e.Now = func() time.Time { return time.Now().Add(20 * time.Minute) } })
	w.service.Script(authtest.Refusal(401, "invalid_client", 700024, "Client assertion is not within its valid time range."))
	_, err := w.token(secretChoice(w))
	kindOf(t, err, KindSignIn, "AADSTS700024", "check this machine's clock", "20m0s off")
}

// Seeded secrets appear in no file, error, warning, debug line or output,
// whatever goes wrong, even when the other side echoes them.
func TestSecretsStaySecret(t *testing.T) {
	const seeded = "SEEDED"
	echo := func(what string) authtest.Answer {
		return authtest.Answer{Status: 401, Body: `{"error":"invalid_client","error_description":"AADSTS7000215: '` + what + `' is wrong"}`}
	}
	sent := map[string]string{
		MethodClientSecret: seeded + "-secret", MethodEnvironment: seeded + "-secret",
		MethodGitHub: seeded + "-bearer", MethodAzurePipelines: seeded + "-bearer",
	}
	for _, m := range Methods() {
		for _, fails := range []bool{false, true} {
			t.Run(m.Name, func(t *testing.T) {
				w := newWorld(t)
				w.service.Apps[authtest.Client] = authtest.App{Secret: seeded + "-secret", Certs: w.certs()}
				c := rows[m.Name](w)
				for name, v := range map[string]string{"SECRET": seeded + "-secret", "AZURE_CLIENT_SECRET": seeded + "-secret", "PW": "pw"} {
					if w.vars[name] != "" && name != "PW" {
						w.set(name, v)
					}
				}
				if m.Name == MethodAccessToken {
					w.vars[AccessTokenVariable] = seeded + "-token"
				}
				if m.Name == MethodGitHub || m.Name == MethodAzurePipelines {
					w.set(gitHubToken, seeded+"-bearer")
					w.set(pipelinesToken, seeded+"-bearer")
				}
				if fails {
					answer := echo(sent[m.Name])
					w.service.Script(answer, answer, answer, answer)
				}
				c.Environment = "mock"
				token, errToken := w.token(c)
				_, errConnect := w.Connect(t.Context(), Request{Method: m.Name, Environment: "mock", Settings: c.Settings})
				texts := append(append(w.warnings, w.debugs...), w.stderr.String())
				for _, err := range []error{errToken, errConnect} {
					if err != nil {
						texts = append(texts, err.Error())
					}
				}
				texts = append(texts, w.files()...)
				for _, text := range texts {
					for _, secret := range append(w.service.Issued(), token, seeded+"-", authtest.JobToken, "refresh-") {
						if secret != "" && strings.Contains(text, secret) {
							t.Errorf("%q is in %q", secret, text)
						}
					}
				}
			})
		}
	}
}

// files returns the text of every file below the home folder.
func (w *world) files() []string {
	var all []string
	must(filepath.WalkDir(w.env.Home, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			all = append(all, string(data))
			return err
		}
		return err
	}))
	return all
}

// Each kind is shown as the records show it.
func TestKinds(t *testing.T) {
	for kind, want := range map[Kind]Record{
		KindArgument:       {"{GUID}", "InvalidArgument", true},                        // connect.no-tenant
		KindBuiltin:        {"System.InvalidOperationException", "NotSpecified", true}, // env.add-builtin
		KindNoEnvironment:  {"InvalidOperation", "InvalidOperation", true},             // connect.germany
		KindSignIn:         {"", "NotSpecified", false},                                // token.expired
		KindNoSession:      {"", "CloseError", false},                                  // disconnect.none
		KindUnreadableFile: {"MgUploadUnreadableFile", "InvalidArgument", true},        // only here
		KindNotFound:       {"System.ArgumentException", "NotSpecified", true},         // process.env
	} {
		if got := kind.Record(); got != want {
			t.Errorf("%d: %+v", kind, got)
		}
	}
}

func TestOneLine(t *testing.T) {
	if got := oneLine(" a\r\n b\t c "); got != "a b c" {
		t.Errorf("%q", got)
	}
	if got := oneLine(strings.Repeat("ü", 700)); got != strings.Repeat("ü", 600)+"…" {
		t.Errorf("%d bytes", len(got))
	}
}
