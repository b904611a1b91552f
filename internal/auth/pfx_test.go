package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

func pemOf(typ string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
}

func pkcs8(key any) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	return pemOf("PRIVATE KEY", der)
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func encode(e *pkcs12.Encoder, p pair, chain []*x509.Certificate, password string) []byte {
	data, err := e.Encode(p.key, p.cert, chain, password)
	must(err)
	return data
}

func TestCertificateFiles(t *testing.T) {
	good := makePair()
	other := newPair(pkix.Name{CommonName: "other"}, 0, false)
	elliptical := newPair(pkix.Name{CommonName: "ec"}, 0, true)
	expired := newPair(pkix.Name{CommonName: "old"}, 48*time.Hour, false)
	future := newPair(pkix.Name{CommonName: "new"}, -48*time.Hour, false)
	cert := pemOf("CERTIFICATE", good.cert.Raw)
	otherCert := pemOf("CERTIFICATE", other.cert.Raw)
	truststore, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{good.cert}, "pw")
	must(err)
	modern := encode(pkcs12.Modern, good, []*x509.Certificate{other.cert}, "pw")
	pkcs1 := pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(good.key.(*rsa.PrivateKey)))
	legacyEncrypted, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", //nolint:staticcheck // what old OpenSSL wrote
		x509.MarshalPKCS1PrivateKey(good.key.(*rsa.PrivateKey)), []byte("pw"), x509.PEMCipherAES256)
	must(err)

	for _, c := range []struct {
		name     string
		data     []byte
		password string
		chain    int    // expected certificates, 0: an error
		want     string // part of the error
	}{
		{name: "pfx aes", data: modern, password: "pw", chain: 2},
		{name: "pfx 3des", data: encode(pkcs12.LegacyDES, good, nil, "pw"), password: "pw", chain: 1},
		{name: "pfx rc2", data: encode(pkcs12.LegacyRC2, good, nil, "pw"), password: "pw", chain: 1},
		{name: "pfx empty password", data: encode(pkcs12.Modern, good, nil, ""), chain: 1},
		{name: "pfx not encrypted", data: encode(pkcs12.Passwordless, good, nil, ""), chain: 1},
		{name: "pfx base64", data: []byte(base64.StdEncoding.EncodeToString(modern)), password: "pw", chain: 2},
		{name: "pem", data: join(cert, pkcs8(good.key)), chain: 1},
		{name: "pem key first", data: join(pkcs8(good.key), cert), chain: 1},
		{name: "pem pkcs1", data: join(cert, pkcs1), chain: 1},
		{name: "pem with password", data: join(cert, pkcs8(good.key)), password: "pw", chain: 1},
		{name: "pem leaf last", data: join(otherCert, cert, pkcs8(good.key)), chain: 2},
		{name: "pem base64", data: []byte(base64.StdEncoding.EncodeToString(join(cert, pkcs8(good.key)))), chain: 1},
		{name: "wrong password", data: modern, password: "nope", want: "the password of the PFX file is wrong"},
		{name: "no password", data: modern, want: "the PFX file has a password"},
		{name: "pfx without key", data: truststore, password: "pw", want: "holds no private key"},
		{name: "der certificate", data: good.cert.Raw, want: "a certificate alone"},
		{name: "truncated", data: modern[:len(modern)/2], password: "pw", want: "neither PFX nor PEM"},
		{name: "pem without key", data: cert, want: "the PEM file holds no private key"},
		{name: "pem without certificate", data: pkcs8(good.key), want: "the PEM file holds no certificate"},
		{name: "pem two keys", data: join(cert, pkcs8(good.key), pkcs8(other.key)), want: "holds 2 private keys"},
		{name: "pem wrong key", data: join(cert, pkcs8(other.key)), want: "belongs to the private key"},
		{name: "pem encrypted pkcs8", data: join(cert, pemOf("ENCRYPTED PRIVATE KEY", []byte{0x30, 0})), password: "pw", want: "is encrypted"},
		{name: "pem encrypted pkcs1", data: join(cert, pem.EncodeToMemory(legacyEncrypted)), password: "pw", want: "is encrypted"},
		{name: "pem damaged key", data: join(cert, pemOf("PRIVATE KEY", []byte("x"))), want: "the private key of the PEM file is damaged"},
		{name: "pem damaged certificate", data: pemOf("CERTIFICATE", []byte("x")), want: "CERTIFICATE block"},
		{name: "elliptic", data: join(pemOf("CERTIFICATE", elliptical.cert.Raw), pkcs8(elliptical.key)), want: "not an RSA key"},
		{name: "elliptic pfx", data: encode(pkcs12.Modern, elliptical, nil, "pw"), password: "pw", want: "not an RSA key"},
		{name: "expired", data: encode(pkcs12.Modern, expired, nil, "pw"), password: "pw", want: "it expired on"},
		{name: "not yet valid", data: encode(pkcs12.Modern, future, nil, "pw"), password: "pw", want: "not valid before"},
		{name: "text", data: []byte("127.0.0.1 localhost\n"), want: "neither PFX nor PEM"},
		{name: "empty", data: nil, want: "neither PFX nor PEM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseKeyPair(c.data, c.password, time.Now())
			if c.chain == 0 {
				kindOf(t, err, KindSignIn, c.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(got.chain) != c.chain || !got.chain[0].Equal(good.cert) || !got.key.Equal(good.key) {
				t.Errorf("got %d certificates, first %v", len(got.chain), got.chain[0].Subject)
			}
		})
	}
}

// What OpenSSL itself writes, where it is installed.
func TestOpenSSLFiles(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl here")
	}
	dir := t.TempDir()
	good := makePair()
	source := filepath.Join(dir, "both.pem")
	must(os.WriteFile(source, join(pemOf("CERTIFICATE", good.cert.Raw), pkcs8(good.key)), 0o600))
	for _, extra := range [][]string{nil, {"-legacy"}, {"-nokeys"}} {
		out := filepath.Join(dir, "out.pfx")
		args := append([]string{"pkcs12", "-export", "-in", source, "-out", out, "-passout", "pass:pw"}, extra...)
		if text, err := exec.Command(openssl, args...).CombinedOutput(); err != nil {
			t.Logf("openssl %v: %v %s", extra, err, text)
			continue
		}
		data, err := os.ReadFile(out)
		must(err)
		_, err = parseKeyPair(data, "pw", time.Now())
		if len(extra) == 1 && extra[0] == "-nokeys" {
			kindOf(t, err, KindSignIn, "no private key")
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", extra, err)
		}
		_, err = parseKeyPair(data, "bad", time.Now())
		kindOf(t, err, KindSignIn, "password of the PFX file is wrong")
	}
}

func FuzzParseKeyPair(f *testing.F) {
	good := makePair()
	f.Add(join(pemOf("CERTIFICATE", good.cert.Raw), pkcs8(good.key)), "")
	f.Add(encode(pkcs12.Passwordless, good, nil, ""), "")
	f.Add([]byte("MIIB"), "pw")
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		got, err := parseKeyPair(data, password, time.Now())
		if err == nil && (got.key == nil || !got.key.PublicKey.Equal(got.chain[0].PublicKey)) {
			t.Error("a key without its certificate")
		}
		if err != nil {
			kindOf(t, err, KindSignIn)
		}
	})
}
