package auth

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// keyPair is what signs in an app: its certificate first, then the rest of
// the chain, and the certificate's RSA key.
type keyPair struct {
	chain []*x509.Certificate
	key   *rsa.PrivateKey
}

// certificateAt reads a certificate and its key from a place: a file with PFX
// or PEM in it, or a variable with either as text or base64. password may be
// no place.
func (a *Auth) certificateAt(ctx context.Context, from, password Ref) (keyPair, error) {
	data, err := a.readRef(ctx, from, "certificate")
	if err != nil {
		return keyPair{}, err
	}
	pass := ""
	if password != "" {
		if pass, err = a.ReadSecret(ctx, password, "certificate password"); err != nil {
			return keyPair{}, err
		}
	}
	if strings.HasPrefix(string(from), "env:") {
		a.remember(string(data))
	}
	return parseKeyPair(data, pass, a.env.Now())
}

// parseKeyPair takes PFX of any encryption, PEM, or base64 of either. A
// password with a PEM file is of no use and ignored, as azidentity's own
// parser would fail on it.
func parseKeyPair(data []byte, password string, now time.Time) (keyPair, error) {
	data = decodeBase64(data)
	var pair keyPair
	var err error
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		pair, err = parsePEM(data)
	} else {
		pair, err = parsePFX(data, password)
	}
	if err != nil {
		return keyPair{}, err
	}
	leaf := pair.chain[0]
	switch {
	case now.After(leaf.NotAfter):
		return keyPair{}, badCertificate("Renew it and register the new one with the app.",
			"it expired on %s", leaf.NotAfter.UTC().Format(time.DateTime))
	case now.Before(leaf.NotBefore):
		return keyPair{}, badCertificate("Check this machine's clock.",
			"it is not valid before %s", leaf.NotBefore.UTC().Format(time.DateTime))
	}
	return pair, nil
}

func badCertificate(advice, format string, args ...any) *Error {
	return fail(KindSignIn, advice, "the certificate can't be used: "+format, args...)
}

// decodeBase64 undoes base64 if the whole text is that, and returns anything
// else as it was. DER begins with 0x30, which is a base64 letter too, but the
// length byte after it is not text for any real certificate.
func decodeBase64(data []byte) []byte {
	text := strings.Join(strings.Fields(string(data)), "")
	if plain, err := base64.StdEncoding.DecodeString(text); err == nil && len(plain) > 0 {
		return plain
	}
	return data
}

func parsePFX(data []byte, password string) (keyPair, error) {
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(data, &outer); err != nil || outer.Tag != asn1.TagSequence {
		return keyPair{}, badCertificate("Give a PFX (PKCS #12) or PEM file with certificate and private key.",
			"this is neither PFX nor PEM")
	}
	if _, err := x509.ParseCertificate(data); err == nil {
		return keyPair{}, badCertificate("Export certificate and key together as PFX or PEM.",
			"the file holds a certificate alone, without its private key")
	}
	key, leaf, chain, err := pkcs12.DecodeChain(data, password)
	if errors.Is(err, pkcs12.ErrIncorrectPassword) || errors.Is(err, pkcs12.ErrDecryption) {
		if password == "" {
			return keyPair{}, badCertificate("Say where it is with --certificate-password-from.", "the PFX file has a password")
		}
		return keyPair{}, badCertificate("", "the password of the PFX file is wrong")
	}
	if err != nil {
		return keyPair{}, pfxProblem(data, password)
	}
	return pairUp([]any{key}, append([]*x509.Certificate{leaf}, chain...))
}

// pfxProblem finds out what a PFX that didn't decode lacks, by asking in
// other ways instead of reading the library's text.
func pfxProblem(data []byte, password string) error {
	if certs, err := pkcs12.DecodeTrustStore(data, password); err == nil && len(certs) > 0 {
		return badCertificate("Export it again with its private key.", "the PFX file holds no private key")
	}
	blocks, err := pkcs12.ToPEM(data, password) //nolint:staticcheck // the blocks are counted, not used
	if err != nil {
		// A file without any key has a shape that the library doesn't read.
		return badCertificate("Export certificate and key together, as PKCS #12.",
			"the file holds no private key with its certificate, or is damaged")
	}
	return describeBlocks(blocks, "the PFX file")
}

func describeBlocks(blocks []*pem.Block, where string) error {
	keys, certs := 0, 0
	for _, b := range blocks {
		switch {
		case b.Type == "CERTIFICATE":
			certs++
		case strings.HasSuffix(b.Type, "PRIVATE KEY"):
			keys++
		}
	}
	switch {
	case keys == 0:
		return badCertificate("Export it again with its private key.", "%s holds no private key", where)
	case certs == 0:
		return badCertificate("Export it again with its certificate.", "%s holds no certificate", where)
	case keys > 1:
		return badCertificate("Export the one this app uses.", "%s holds %d private keys", where, keys)
	}
	return badCertificate("Export it again, as PKCS #12.", "%s is damaged", where)
}

func parsePEM(data []byte) (keyPair, error) {
	var keys []any
	var certs []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return keyPair{}, badCertificate("", "a CERTIFICATE block of the PEM file is damaged")
			}
			certs = append(certs, c)
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
			k, err := parseKey(block)
			if err != nil {
				return keyPair{}, err
			}
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 || len(certs) == 0 {
		var blocks []*pem.Block
		for range certs {
			blocks = append(blocks, &pem.Block{Type: "CERTIFICATE"})
		}
		for range keys {
			blocks = append(blocks, &pem.Block{Type: "PRIVATE KEY"})
		}
		return keyPair{}, describeBlocks(blocks, "the PEM file")
	}
	return pairUp(keys, certs)
}

func parseKey(block *pem.Block) (any, error) {
	// Old OpenSSL marks encryption in the block's headers.
	if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, badCertificate("Convert it to PFX (openssl pkcs12 -export), or decrypt it (openssl pkey).",
			"the private key of the PEM file is encrypted, which works for PFX only")
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, badCertificate("", "the private key of the PEM file is damaged")
	}
	return key, nil
}

// pairUp puts the certificate of the key in front. A file with several
// certificates is fine as long as one belongs to the key.
func pairUp(keys []any, certs []*x509.Certificate) (keyPair, error) {
	if len(keys) > 1 {
		return keyPair{}, badCertificate("Leave only the one this app uses.", "the file holds %d private keys", len(keys))
	}
	key, ok := keys[0].(*rsa.PrivateKey)
	if !ok {
		return keyPair{}, badCertificate("Entra ID takes RSA keys only: make a new pair.", "its key is not an RSA key")
	}
	i := slices.IndexFunc(certs, func(c *x509.Certificate) bool { return key.PublicKey.Equal(c.PublicKey) })
	if i < 0 {
		return keyPair{}, badCertificate("Export certificate and key together.",
			"none of the %d certificates belongs to the private key", len(certs))
	}
	leaf := certs[i]
	return keyPair{chain: append([]*x509.Certificate{leaf}, slices.Delete(certs, i, i+1)...), key: key}, nil
}
