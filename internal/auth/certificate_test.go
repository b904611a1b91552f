package auth

import (
	"crypto/sha1"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

func TestCertificateSignIn(t *testing.T) {
	good := makePair()
	data := encode(pkcs12.Modern, good, nil, "pw")
	sum := sha1.Sum(good.cert.Raw)
	for name, prepare := range map[string]func(w *world) Settings{
		"base64 in a variable": func(w *world) Settings {
			w.vars["PFX"], w.vars["PW"] = base64.StdEncoding.EncodeToString(data), "pw"
			return Settings{CertificateFrom: "env:PFX", CertificatePasswordFrom: "env:PW"}
		},
		"pem in a variable": func(w *world) Settings {
			w.vars["PEM"] = string(join(pemOf("CERTIFICATE", good.cert.Raw), pkcs8(good.key)))
			return Settings{CertificateFrom: "env:PEM", SendCertificateChain: true}
		},
		"thumbprint": func(w *world) Settings { // cert.thumb
			w.dotnetStore("a.pfx", good)
			w.dotnetStore("b.pfx", newPair(pkix.Name{CommonName: "b"}, 0, false))
			return Settings{CertificateThumbprint: strings.ToUpper(hex.EncodeToString(sum[:]))}
		},
		"subject name": func(w *world) Settings { // cert.subject
			w.dotnetStore("a.pfx", good)
			w.dotnetStore("old.pfx", newPair(pkix.Name{CommonName: "gold app cert"}, 10*time.Hour, false))
			return Settings{CertificateSubjectName: "cn=gold app cert"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.register()
			settings := app(prepare(w))
			if _, err := w.token(Choice{Method: MethodCertificate, Environment: "mock", Settings: settings}); err != nil {
				t.Fatal(err)
			}
			form := w.service.TokenRequests()[0]
			header, _, _ := strings.Cut(form.Get("client_assertion"), ".")
			text, err := base64.RawURLEncoding.DecodeString(header)
			must(err)
			if strings.Contains(string(text), "x5c") != settings.SendCertificateChain {
				t.Errorf("header %s", text)
			}
		})
	}
}

func (w *world) dotnetStore(name string, p pair) {
	dir := filepath.Join(w.env.Home, ".dotnet", "corefx", "cryptography", "x509stores", "my")
	must(os.MkdirAll(dir, 0o700))
	must(os.WriteFile(filepath.Join(dir, name), encode(pkcs12.Modern, p, nil, ""), 0o600))
}

func TestStoredCertificateMissing(t *testing.T) {
	w := newWorld(t)
	w.dotnetStore("a.pfx", makePair())
	zeros := strings.Repeat("0", 40)
	_, err := w.storedCertificate("", zeros)
	kindOf(t, err, KindSignIn, "Certificate with thumbprint '"+zeros+"' was not found in certificate store or has expired.")
	_, err = w.storedCertificate("gold app cert", "") // cert.subject-without-cn
	kindOf(t, err, KindSignIn, "Certificate with subject name 'gold app cert' was not found")
	windows := newWorld(t, func(e *Env) { e.GOOS = "windows" })
	_, err = windows.storedCertificate("", zeros)
	kindOf(t, err, KindSignIn, "--certificate-file")
}

func TestSameName(t *testing.T) {
	for _, c := range []struct {
		x, y string
		same bool
	}{
		{"CN=a, O=b", "CN=a,O=b", true}, {"O=b, CN=a", "CN=a,O=b", true}, {"cn=A", "CN=a", true},
		{"CN=a", "CN=a,O=b", false}, {"a", "CN=a", false}, {"CN=a, CN=b, O=c", "CN=b,O=c,CN=a", false},
	} {
		if sameName(c.x, c.y) != c.same {
			t.Errorf("%q, %q", c.x, c.y)
		}
	}
}
