package cli

import (
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The secrets that every run of TestSecretsStayHidden is given.
const (
	secretToken    = "tok3n-of-gr4ph-0123456789"
	secretPassword = "h0rse-battery-st4ple"
	secretKey      = "MIIKsecretKeyMaterial0123456789=="
	secretProxy    = "pr0xy-passw0rd-xyz"
	secretHeader   = "crumbs-of-a-c00kie"
)

// However a call goes, what it prints and writes has no secret in it; only the
// request has. Results aside: they are the user's data.
func TestSecretsStayHidden(t *testing.T) {
	upload := []string{"api-connector", "-IdentityApiConnectorId", "a", "-Password", secretPassword, "-Pkcs12Value", secretKey}
	headers := []string{"-Headers", `{"Cookie":"` + secretHeader + `","X-Api-Key":"` + secretHeader + `"}`}
	body := `{"pkcs12Value":"` + secretKey + `","password":"` + secretPassword + `"}`
	proxy := []string{"-Proxy", "http://user:" + secretProxy + "@127.0.0.1:1"}
	failing := roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") })
	for _, c := range []struct {
		name      string
		args      []string
		transport http.RoundTripper
	}{
		{"a dry run", join(upload, headers, []string{"-WhatIf", "-Debug", "-Verbose"}), nil},
		{"the request shown", join(upload, headers, []string{"--show-request"}), nil},
		{"the request shown as JSON", join(upload, headers, []string{"--show-request", "--output", "json"}), nil},
		{"dumps", join(upload, headers, []string{"-Debug", "-Verbose"}), answering(204, "")},
		{"dumps of a failure", join(upload, headers, []string{"-Debug", "-ErrorVariable", "e", "-ResponseHeadersVariable", "h"}), answering(400, gone)},
		{"no connection", join(upload, headers, []string{"-Debug", "-ErrorVariable", "e"}), failing},
		{"a body as JSON", join([]string{"api-connector", "-IdentityApiConnectorId", "a", "-BodyParameter", body, "-Debug"}, headers), answering(400, gone)},
		{"a body that is cut", []string{"api-connector", "-IdentityApiConnectorId", "a", "-BodyParameter", body[:len(body)-1]}, nil},
		{"a body with a wrong type", []string{"api-connector", "-IdentityApiConnectorId", "a", "-BodyParameter", `{"password":["` + secretPassword + `"]}`}, nil},
		{"a body as literal, cut", []string{"api-connector", "-IdentityApiConnectorId", "a", "-BodyParameter", "@{ password = '" + secretPassword}, nil},
		{"a member that stands twice", join(upload, []string{"-Password", secretPassword}), nil},
		{"both kinds of body", join(upload, []string{"-BodyParameter", body}), nil},
		{"a value torn apart", []string{"api-connector", "-IdentityApiConnectorId", "a", "-Password", "x", secretPassword}, nil},
		{"a secret where a name should be", []string{"api-connector", "-IdentityApiConnectorId", "a", "--password-from", secretPassword}, nil},
		{"a token where a place should be", join(upload, []string{"--access-token-from", secretToken}), nil},
		{"a bad header", join(upload, []string{"-Headers", `{"Cookie":"` + secretHeader + `\n"}`}), nil},
		{"a header that is refused", join(upload, []string{"-Headers", `{"Host":"` + secretHeader + `"}`}), nil},
		{"a proxy that is not there", join(upload, proxy, []string{"-Debug"}), dialed{}},
		{"a proxy that is none", join(upload, []string{"-Proxy", "gopher://user:" + secretProxy + "@127.0.0.1:1"}), dialed{}},
		{"a key", []string{"keyset-secret-beta", "-TrustFrameworkKeySetId", "a", "-K", secretKey, "-Use", "sig", "-Debug"}, answering(400, gone)},
		{"a DEP token", []string{"dep-token-beta", "-DepOnboardingSettingId", "a", "-DepToken", secretKey, "-AppleId", "me", "-Debug", "-WhatIf", "--show-request"}, nil},
		{"a redirect elsewhere", upload, roundTrip(func(req *http.Request) (*http.Response, error) {
			resp := response(req, http.StatusTemporaryRedirect, "")
			resp.Header.Set("Location", "https://elsewhere.example/")
			return resp, nil
		})},
		{"a cookie in the answer", join(upload, []string{"-Debug"}), roundTrip(func(req *http.Request) (*http.Response, error) {
			resp := response(req, http.StatusBadRequest, gone)
			resp.Header.Set("Set-Cookie", secretHeader)
			resp.Header.Set("Authorization", req.Header.Get("Authorization"))
			return resp, nil
		})},
		{"the token refused", join(upload, []string{"-Debug"}), answering(401, "")},
	} {
		for _, format := range []string{"text", "json"} {
			t.Run(c.name+"/"+format, func(t *testing.T) {
				w := newWorld(t, c.args...)
				w.variables["MGUPLOAD_ACCESS_TOKEN"] = secretToken
				w.variables["MGUPLOAD_ERROR_FORMAT"] = format
				w.variables["MGUPLOAD_MAX_RETRY"] = "0"
				w.Transport = c.transport
				if c.transport == (dialed{}) {
					w.Transport, w.variables["MGUPLOAD_ENDPOINT"] = nil, "https://graph.example"
				}
				w.run(t)
				if w.stdout.Len()+w.stderr.Len() == 0 {
					t.Fatal("nothing was printed: the case shows nothing")
				}
				searchSecrets(t, "standard output", w.stdout.String())
				searchSecrets(t, "standard error", w.stderr.String())
				searchFiles(t, w.Dir)
			})
		}
	}
}

// dialed stands for the real transport.
type dialed struct{ http.RoundTripper }

func join(parts ...[]string) []string {
	var all []string
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// searchSecrets looks for a secret, plain or in base64.
func searchSecrets(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{secretToken, secretPassword, secretKey, secretProxy, secretHeader} {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
			if strings.Contains(text, form) {
				t.Errorf("%s has %s: %s", where, form, text)
			}
		}
	}
}

func searchFiles(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		text, err := io.ReadAll(f)
		searchSecrets(t, path, string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
