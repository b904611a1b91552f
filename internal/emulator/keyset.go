package emulator

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strconv"
)

// keyAnswer is a trustFrameworkKey. It has no place for k, d, p, q and the other private members: the
// service never sends them.
type keyAnswer struct {
	Context string      `json:"@odata.context"`
	E       string      `json:"e,omitempty"`
	Exp     json.Number `json:"exp,omitempty"`
	Kid     string      `json:"kid"`
	Kty     string      `json:"kty"`
	N       string      `json:"n,omitempty"`
	Nbf     json.Number `json:"nbf,omitempty"`
	Status  string      `json:"status"`
	Use     string      `json:"use"`
	X5c     []string    `json:"x5c,omitempty"`
	X5t     string      `json:"x5t,omitempty"`
}

func (e *Emulator) uploadCertificate(c *call) (any, *refusal) {
	f, no := c.readFields(member{name: "key"})
	if no != nil {
		return nil, no
	}
	if no := c.require(f, "key"); no != nil {
		return nil, no
	}
	data, err := base64.StdEncoding.DecodeString(f["key"])
	if err != nil {
		return nil, c.invalid("key", "base64 is needed")
	}
	if block, _ := pem.Decode(data); block != nil && block.Type == "CERTIFICATE" {
		data = block.Bytes
	}
	certificate, err := x509.ParseCertificate(data)
	if err != nil {
		return nil, c.invalid("key", "an X.509 certificate is needed")
	}
	return c.keyOf([]*x509.Certificate{certificate})
}

func (e *Emulator) uploadPkcs12(c *call) (any, *refusal) {
	f, no := c.readFields(member{name: "key"}, member{name: "password"})
	if no != nil {
		return nil, no
	}
	if no := c.require(f, "key"); no != nil {
		return nil, no
	}
	chain, no := c.readPFX("key", f["key"], f["password"])
	if no != nil {
		return nil, no
	}
	return c.keyOf(chain)
}

func (e *Emulator) uploadSecret(c *call) (any, *refusal) {
	f, no := c.readFields(member{name: "use"}, member{name: "k"}, member{name: "nbf", integer: true}, member{name: "exp", integer: true})
	if no != nil {
		return nil, no
	}
	if no := c.require(f, "use", "k"); no != nil {
		return nil, no
	}
	if f["use"] != "sig" && f["use"] != "enc" {
		return nil, c.invalid("use", "sig or enc is needed")
	}
	return keyAnswer{
		Context: c.keyContext(),
		Exp:     json.Number(f["exp"]),
		Kid:     e.newID(),
		Kty:     "oct",
		Nbf:     json.Number(f["nbf"]),
		Status:  "enabled",
		Use:     f["use"],
	}, nil
}

// keyOf describes the public side of the first certificate.
func (c *call) keyOf(chain []*x509.Certificate) (any, *refusal) {
	leaf := chain[0]
	public, ok := leaf.PublicKey.(*rsa.PublicKey)
	if !ok {
		// guess: the documentation knows RSA keys only
		return nil, c.invalid("key", "a certificate with an RSA key is needed")
	}
	sum := sha1.Sum(leaf.Raw)
	a := keyAnswer{
		Context: c.keyContext(),
		E:       base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
		Exp:     json.Number(strconv.FormatInt(leaf.NotAfter.Unix(), 10)),
		Kid:     base64.RawURLEncoding.EncodeToString(sum[:]),
		Kty:     "RSA",
		N:       base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
		Nbf:     json.Number(strconv.FormatInt(leaf.NotBefore.Unix(), 10)),
		Status:  "enabled",
		Use:     "sig",
		X5t:     base64.RawURLEncoding.EncodeToString(sum[:]),
	}
	for _, certificate := range chain {
		a.X5c = append(a.X5c, base64.StdEncoding.EncodeToString(certificate.Raw))
	}
	return a, nil
}

func (c *call) keyContext() string { return c.context("microsoft.graph.trustFrameworkKey") }
