package emulator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

const pfxPassword = "pfx-Passwörd"

// fixture is a certificate with its PFX files, all in DER.
type fixture struct {
	certificate []byte
	rc2, des    []byte // what the service takes
	aes         []byte
	noPassword  []byte
}

func newCertificate(t testing.TB, extra []pkix.Extension, public, private any) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber:    big.NewInt(7),
		Subject:         pkix.Name{CommonName: "emulator test"},
		NotBefore:       time.Unix(1508670522, 0),
		NotAfter:        time.Unix(1666350522, 0),
		ExtraExtensions: extra,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func newFixture(t testing.TB) fixture {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024) // short is fast
	if err != nil {
		t.Fatal(err)
	}
	certificate := newCertificate(t, nil, &key.PublicKey, key)
	encode := func(enc *pkcs12.Encoder, password string) []byte {
		data, err := enc.Encode(key, certificate, nil, password)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	return fixture{
		certificate: certificate.Raw,
		rc2:         encode(pkcs12.LegacyRC2, pfxPassword),
		des:         encode(pkcs12.LegacyDES, pfxPassword),
		aes:         encode(pkcs12.Modern2023, pfxPassword),
		noPassword:  encode(pkcs12.LegacyDES, ""),
	}
}

func newECCertificate(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newCertificate(t, nil, &key.PublicKey, key).Raw
}

func newBigCertificate(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long := pkix.Extension{Id: []int{1, 2, 3, 4}, Value: make([]byte, maxAuthority)}
	return newCertificate(t, []pkix.Extension{long}, &key.PublicKey, key).Raw
}

func b64(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

type goodBody struct {
	body, contentType string
	status            int
}

// goodBodies has a body that is taken for each action.
func goodBodies(t testing.TB) map[string]goodBody {
	t.Helper()
	f := newFixture(t)
	const j = "application/json"
	return map[string]goodBody{
		"microsoft.graph.upload":                  {pkiBody, j, 204},
		"microsoft.graph.uploadClientCertificate": {pfxBody("pkcs12Value", f.des, pfxPassword), j, 200},
		"microsoft.graph.uploadCertificate":       {fmt.Sprintf(`{"key":%q}`, b64(f.certificate)), j, 200},
		"microsoft.graph.uploadPkcs12":            {pfxBody("key", f.des, pfxPassword), j, 200},
		"microsoft.graph.uploadSecret":            {`{"use":"sig","k":"secret-k"}`, j, 200},
		"microsoft.graph.uploadDepToken":          {`{"appleId":"a@example.com","depToken":"dep"}`, j, 204},
		"microsoft.graph.uploadFile":              {formHead + csvHead + "1,user,2,n,d,t\r\n" + formTail, formType, 200},
	}
}

func pfxBody(member string, pfx []byte, password string) string {
	return fmt.Sprintf(`{%q:%q,"password":%q}`, member, b64(pfx), password)
}

func TestConnectorAnswer(t *testing.T) {
	f := newFixture(t)
	want := `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#identity/apiConnectors/$entity",` +
		`"id":"11111111-2222-3333-4444-555555555555","displayName":"Test API connector","targetUrl":"https://someapi.com/api",` +
		`"authenticationConfiguration":{"@odata.type":"#microsoft.graph.clientCertificateAuthentication",` +
		`"certificateList":[{"thumbprint":"` + fmt.Sprintf("%X", sha1.Sum(f.certificate)) + `","notAfter":1666350522,"notBefore":1508670522,"isActive":true}]}}`
	for name, body := range map[string]string{
		"RC2":           pfxBody("pkcs12Value", f.rc2, pfxPassword),
		"3DES":          pfxBody("pkcs12Value", f.des, pfxPassword),
		"empty":         pfxBody("pkcs12Value", f.noPassword, ""),
		"null password": fmt.Sprintf(`{"pkcs12Value":%q,"password":null}`, b64(f.noPassword)),
		"no password":   fmt.Sprintf(`{"pkcs12Value":%q}`, b64(f.noPassword)),
	} {
		w := send(newTest(t, nil), "POST", connector, body)
		if got := w.Body.String(); got != want {
			t.Errorf("%s: got  %s\nwant %s", name, got, want)
		}
	}
}

func TestPFXRefused(t *testing.T) {
	f := newFixture(t)
	const trap = "AADB2C90213"
	for _, route := range []struct{ path, member string }{
		{connector, "pkcs12Value"},
		{keySet + "uploadPkcs12", "key"},
	} {
		cases := []struct{ name, body, code, message string }{
			{"wrong password", pfxBody(route.member, f.des, "other-secret"), trap, "password provided in request is incorrect"},
			{"AES", pfxBody(route.member, f.aes, pfxPassword), trap, "password provided in request is incorrect"},
			{"no PFX", pfxBody(route.member, []byte("text"), pfxPassword), trap, "incorrect"},
			{"certificate", pfxBody(route.member, f.certificate, pfxPassword), trap, "incorrect"},
			{"no base64", `{"` + route.member + `":"§","password":"x"}`, "BadRequest", "base64"},
			{"url-safe base64", `{"` + route.member + `":"-_-_","password":"x"}`, "BadRequest", "base64"},
			{"missing", `{"password":"x"}`, "BadRequest", "are: " + route.member},
			{"null", `{"` + route.member + `":null}`, "BadRequest", "are: " + route.member},
			{"empty", `{"` + route.member + `":""}`, "BadRequest", "it is empty"},
			{"password is a number", `{"` + route.member + `":"","password":424242}`, "BadRequest", "'password': an Edm.String"},
			{"unknown", `{"pfx":"x"}`, "BadRequest", "'pfx'"},
		}
		for _, tc := range cases {
			t.Run(route.member+" "+tc.name, func(t *testing.T) {
				w := send(newTest(t, nil), "POST", route.path, tc.body)
				for _, secret := range []string{pfxPassword, "other-secret", "424242"} {
					if strings.Contains(w.Body.String(), secret) {
						t.Errorf("%q is sent back", secret)
					}
				}
				checkError(t, w, 400, tc.code, tc.message)
			})
		}
	}
}

func TestKeyAnswer(t *testing.T) {
	f := newFixture(t)
	certificate, err := x509.ParseCertificate(f.certificate)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(f.certificate)
	want := map[string]any{
		"@odata.context": "https://graph.microsoft.com/beta/$metadata#microsoft.graph.trustFrameworkKey",
		"e":              "AQAB",
		"exp":            1666350522.0,
		"kid":            base64.RawURLEncoding.EncodeToString(sum[:]),
		"kty":            "RSA",
		"n":              base64.RawURLEncoding.EncodeToString(certificate.PublicKey.(*rsa.PublicKey).N.Bytes()),
		"nbf":            1508670522.0,
		"status":         "enabled",
		"use":            "sig",
		"x5c":            []any{b64(f.certificate)},
		"x5t":            base64.RawURLEncoding.EncodeToString(sum[:]),
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.certificate})
	for _, c := range []struct{ action, body string }{
		{"uploadCertificate", fmt.Sprintf(`{"key":%q}`, b64(f.certificate))},
		{"uploadCertificate", fmt.Sprintf(`{"key":%q}`, b64(asPEM))},
		{"uploadPkcs12", pfxBody("key", f.des, pfxPassword)},
	} {
		w := send(newTest(t, nil), "POST", keySet+c.action, c.body)
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusOK || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %d\ngot  %v\nwant %v", c.action, w.Code, got, want)
		}
	}
}

func TestSecretAnswer(t *testing.T) {
	e := newTest(t, nil)
	cases := []struct{ body, want string }{
		{`{"use":"sig","k":"secret-k"}`, `"kid":"request-1","kty":"oct","status":"enabled","use":"sig"}`},
		{`{"use":"enc","k":"secret-k","nbf":1735689600,"exp":9223372036854775807}`,
			`"exp":9223372036854775807,"kid":"request-1","kty":"oct","nbf":1735689600,"status":"enabled","use":"enc"}`},
		{`{"use":"enc","k":"secret-k","nbf":null,"exp":0}`, `"exp":0,"kid":"request-1","kty":"oct","status":"enabled","use":"enc"}`},
	}
	const context = `{"@odata.context":"https://graph.microsoft.com/beta/$metadata#microsoft.graph.trustFrameworkKey",`
	for _, tc := range cases {
		if got := send(e, "POST", keySet+"uploadSecret", tc.body).Body.String(); got != context+tc.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tc.body, got, context+tc.want)
		}
	}
}

func TestKeySetRefused(t *testing.T) {
	cases := []struct{ action, body, message string }{
		{"uploadCertificate", `{}`, "are: key"},
		{"uploadCertificate", `{"key":""}`, "it is empty"},
		{"uploadCertificate", `{"key":"%"}`, "base64"},
		{"uploadCertificate", `{"key":"dGV4dA=="}`, "X.509"},
		{"uploadCertificate", fmt.Sprintf(`{"key":%q}`, b64(newECCertificate(t))), "RSA"},
		{"uploadSecret", `{}`, "are: use, k"},
		{"uploadSecret", `{"use":"sig"}`, "are: k"},
		{"uploadSecret", `{"use":"sig","k":""}`, "'k': it is empty"},
		{"uploadSecret", `{"use":"Sig","k":"secret-k"}`, "sig or enc"},
		{"uploadSecret", `{"use":"sig","k":424242}`, "Edm.String"},
		{"uploadSecret", `{"use":"sig","k":"secret-k","nbf":"1735689600"}`, "'nbf': an Edm.Int64"},
		{"uploadSecret", `{"use":"sig","k":"secret-k","nbf":"2026-01-01T00:00:00Z"}`, "Edm.Int64"},
		{"uploadSecret", `{"use":"sig","k":"secret-k","exp":1.5}`, "'exp': an Edm.Int64"},
		{"uploadSecret", `{"use":"sig","k":"secret-k","exp":1e3}`, "Edm.Int64"},
		{"uploadSecret", `{"use":"sig","k":"secret-k","exp":9223372036854775808}`, "Edm.Int64"},
		{"uploadSecret", `{"use":"sig","k":"secret-k","kty":"oct"}`, "'kty'"},
	}
	e := newTest(t, nil)
	for _, tc := range cases {
		t.Run(tc.action+" "+tc.message, func(t *testing.T) {
			w := send(e, "POST", keySet+tc.action, tc.body)
			if s := w.Body.String(); strings.Contains(s, "secret-k") || strings.Contains(s, "424242") {
				t.Error("the secret is sent back")
			}
			checkError(t, w, 400, "BadRequest", tc.message)
		})
	}
}

func TestUnknownKeySet(t *testing.T) {
	w := send(newTest(t, nil), "POST", strings.Replace(keySet, SeededID, "B2C_1A_Foo", 1)+"uploadSecret", `{}`)
	var e errorBody
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatal(err)
	}
	if e.Error.InnerError.CorrelationID != "request-1" {
		t.Errorf("%+v", e)
	}
	checkError(t, w, 404, "AADB2C90073", "KeyContainer with 'id': 'B2C_1A_Foo' cannot be found")
}

func TestDepTokenRefused(t *testing.T) {
	cases := []struct{ body, message string }{
		{`{}`, "are: appleId, depToken"},
		{`{"appleId":"a"}`, "are: depToken"},
		{`{"appleId":"","depToken":"dep-secret"}`, "'appleId': it is empty"},
		{`{"appleId":"a","depToken":["dep-secret"]}`, "Edm.String"},
		{`{"appleId":"a","depToken":"dep-secret","id":""}`, "'id'"},
	}
	e := newTest(t, nil)
	for _, tc := range cases {
		w := send(e, "POST", depToken, tc.body)
		if strings.Contains(w.Body.String(), "dep-secret") {
			t.Error("the token is sent back")
		}
		checkError(t, w, 400, "BadRequest", tc.message)
	}
}
