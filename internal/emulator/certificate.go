package emulator

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// pbes2 is the DER of the object id 1.2.840.113549.1.5.13, the scheme of every AES-encrypted PFX.
const pbes2 = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"

// readPFX returns the certificates of a PFX, the one with the key first. The key is dropped.
func (c *call) readPFX(name, text, password string) ([]*x509.Certificate, *refusal) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, c.invalid(name, "base64 is needed")
	}
	// The service takes TripleDES-SHA1 only and calls anything newer a wrong password. That API
	// connectors do the same as key sets is a guess.
	if bytes.Contains(data, []byte(pbes2)) {
		return nil, wrongPassword()
	}
	_, leaf, chain, err := pkcs12.DecodeChain(data, password)
	if err != nil {
		return nil, wrongPassword()
	}
	return append([]*x509.Certificate{leaf}, chain...), nil
}

func wrongPassword() *refusal {
	return &refusal{http.StatusBadRequest, "AADB2C90213", "The certificate password provided in request is incorrect."}
}

type connectorAnswer struct {
	Context        string         `json:"@odata.context"`
	ID             string         `json:"id"`
	DisplayName    string         `json:"displayName"`
	TargetURL      string         `json:"targetUrl"`
	Authentication authentication `json:"authenticationConfiguration"`
}

type authentication struct {
	Type         string            `json:"@odata.type"`
	Certificates []certificateInfo `json:"certificateList"`
}

type certificateInfo struct {
	Thumbprint string `json:"thumbprint"`
	NotAfter   int64  `json:"notAfter"`
	NotBefore  int64  `json:"notBefore"`
	IsActive   bool   `json:"isActive"`
}

func (e *Emulator) uploadClientCertificate(c *call) (any, *refusal) {
	f, no := c.readFields(member{name: "pkcs12Value"}, member{name: "password"})
	if no != nil {
		return nil, no
	}
	if no := c.require(f, "pkcs12Value"); no != nil {
		return nil, no
	}
	// the schema lets password be null, so no password is the empty one
	chain, no := c.readPFX("pkcs12Value", f["pkcs12Value"], f["password"])
	if no != nil {
		return nil, no
	}
	sum := sha1.Sum(chain[0].Raw)
	return connectorAnswer{
		Context:     c.context("identity/apiConnectors/$entity"),
		ID:          SeededID,
		DisplayName: "Test API connector",
		TargetURL:   "https://someapi.com/api",
		Authentication: authentication{
			Type: "#microsoft.graph.clientCertificateAuthentication",
			Certificates: []certificateInfo{{
				Thumbprint: strings.ToUpper(hex.EncodeToString(sum[:])),
				NotAfter:   chain[0].NotAfter.Unix(),
				NotBefore:  chain[0].NotBefore.Unix(),
				IsActive:   true,
			}},
		},
	}, nil
}
