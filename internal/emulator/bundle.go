package emulator

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// The documented limits of a PKI object.
const (
	maxBundle      = 2 << 20
	maxAuthorities = 250
	maxAuthority   = 8 << 10
)

var errNotPKCS7 = errors.New("not a PKCS#7 file with certificates")

// collect fetches the file of a PKI upload and adds its certificates. That it happens before the
// 204, and the texts of failed jobs, are guesses; the refusal of a duplicate is documented.
func (e *Emulator) collect(c *call, url string, want []byte) (outcome, *refusal) {
	data, err := e.download(c, url)
	if err != nil {
		// not the error's text: a URL may carry a signature
		return failed("The file at uploadUrl can't be read."), nil
	}
	if len(data) > maxBundle {
		return failed(fmt.Sprintf("The file at uploadUrl has more than %d bytes.", maxBundle)), nil
	}
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], want) {
		return failed("The SHA-256 hash of the file at uploadUrl isn't sha256FileHash."), nil
	}
	certificates, err := parseBundle(data)
	if err != nil {
		return failed("The file at uploadUrl isn't a PKCS#7 file with certificates."), nil
	}
	return e.pki.addAuthorities(c, certificates)
}

func (e *Emulator) download(c *call, url string) ([]byte, error) {
	r, err := e.fetch(c.r.Context(), url)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, maxBundle+1))
	return data, errors.Join(err, r.Close())
}

func (p *pki) addAuthorities(c *call, certificates []*x509.Certificate) (outcome, *refusal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(certificates)+len(p.authorities) > maxAuthorities {
		return failed(fmt.Sprintf("The PKI would have more than %d certificate authorities.", maxAuthorities)), nil
	}
	added := make(map[[sha256.Size]byte]struct{}, len(certificates))
	for _, a := range certificates {
		if len(a.Raw) > maxAuthority {
			return failed(fmt.Sprintf("A certificate has more than %d bytes.", maxAuthority)), nil
		}
		sum := sha256.Sum256(a.Raw)
		_, here := added[sum]
		if _, before := p.authorities[sum]; here || before {
			return outcome{}, &refusal{http.StatusBadRequest, c.op.backend.badRequest, "Duplicate Certificate exists"}
		}
		added[sum] = struct{}{}
	}
	if p.authorities == nil {
		p.authorities = added
		return outcome{status: statusSucceeded}, nil
	}
	for sum := range added {
		p.authorities[sum] = struct{}{}
	}
	return outcome{status: statusSucceeded}, nil
}

func failed(details string) outcome { return outcome{statusFailed, details} }

// parseBundle returns the certificates of a p7b file, DER or PEM (RFC 5652, section 5.1).
func parseBundle(data []byte) ([]*x509.Certificate, error) {
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	var outer struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}
	if _, err := asn1.Unmarshal(data, &outer); err != nil || !outer.Type.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}) {
		return nil, errNotPKCS7
	}
	var field asn1.RawValue
	if _, err := asn1.Unmarshal(outer.Content.Bytes, &field); err != nil {
		return nil, errNotPKCS7
	}
	// certificates are the field [0] of SignedData; a struct would need every optional field right
	for rest := field.Bytes; len(rest) > 0; {
		var err error
		if rest, err = asn1.Unmarshal(rest, &field); err != nil {
			return nil, errNotPKCS7
		}
		if field.Class != asn1.ClassContextSpecific || field.Tag != 0 {
			continue
		}
		certificates, err := x509.ParseCertificates(field.Bytes)
		if err != nil || len(certificates) == 0 {
			return nil, errNotPKCS7
		}
		return certificates, nil
	}
	return nil, errNotPKCS7
}
