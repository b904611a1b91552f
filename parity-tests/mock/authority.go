package mock

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// Authority holds the certificates of a run, made afresh: a trusted one for the mock's addresses,
// one for the same addresses by an issuer nobody trusts, and a trusted one for another name.
type Authority struct {
	pem                  []byte
	leaf, strange, wrong tls.Certificate
}

// NewAuthority makes the certificates, valid from an hour before now for one day.
func NewAuthority(now time.Time) (*Authority, error) {
	trusted, err := newIssuer("Parity Test Authority", now)
	if err != nil {
		return nil, err
	}
	unknown, err := newIssuer("Nobody Trusts This Authority", now)
	if err != nil {
		return nil, err
	}
	a := &Authority{pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: trusted.cert.Raw})}
	here := []string{"localhost"}
	if a.leaf, err = trusted.issue(here, now); err != nil {
		return nil, err
	}
	if a.strange, err = unknown.issue(here, now); err != nil {
		return nil, err
	}
	a.wrong, err = trusted.issue([]string{"elsewhere.example"}, now)
	return a, err
}

// PEM is the trusted issuer's certificate, for SSL_CERT_FILE or a pool.
func (a *Authority) PEM() []byte { return a.pem }

// config answers the TLS side of a listener, nil for one that speaks plainly.
func (a *Authority) config(kind string) *tls.Config {
	cert := map[string]tls.Certificate{kindMain: a.leaf, kindOther: a.leaf, kindBadTLS: a.strange, kindBadName: a.wrong}
	c, ok := cert[kind]
	if !ok {
		return nil
	}
	return &tls.Config{Certificates: []tls.Certificate{c}}
}

type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(name string, now time.Time) (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	shape := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, shape, shape, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &issuer{cert, key}, err
}

// issue makes a server certificate for names, and for the loopback addresses when localhost is one.
func (i *issuer) issue(names []string, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	shape := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if names[0] == "localhost" {
		shape.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(127, 0, 0, 2)}
	}
	der, err := x509.CreateCertificate(rand.Reader, shape, i.cert, &key.PublicKey, i.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
