package auth

import (
	"context"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

func openCertificate(ctx context.Context, a *Auth, r *request) (azcore.TokenCredential, error) {
	var pair keyPair
	var err error
	if r.CertificateFrom != "" {
		pair, err = a.certificateAt(ctx, r.CertificateFrom, r.CertificatePasswordFrom)
	} else {
		pair, err = a.storedCertificate(r.CertificateSubjectName, r.CertificateThumbprint)
	}
	if err != nil {
		return nil, err
	}
	return a.certificateCredential(r, pair)
}

func (a *Auth) certificateCredential(r *request, pair keyPair) (azcore.TokenCredential, error) {
	if err := checkTenant(r.TenantID, true); err != nil {
		return nil, err
	}
	return azidentity.NewClientCertificateCredential(r.TenantID, r.ClientID, pair.chain, pair.key,
		&azidentity.ClientCertificateCredentialOptions{
			ClientOptions:            a.remote(r),
			DisableInstanceDiscovery: true,
			SendCertificateChain:     r.SendCertificateChain,
			Cache:                    a.cache(r),
		})
}

// storedCertificate looks into the store .NET keeps below the home folder on
// Linux and its like, which is where PowerShell's Cert:\CurrentUser\My is
// (cert.thumb). The subject name comes first, as in the real one; among
// several valid ones the newest wins.
func (a *Auth) storedCertificate(subject, thumbprint string) (keyPair, error) {
	if a.env.GOOS == "windows" || a.env.GOOS == "darwin" || a.env.Home == "" {
		return keyPair{}, fail(KindSignIn, "Export it with its key and use --certificate-file.",
			"certificates can't be taken from this system's store")
	}
	dir := filepath.Join(a.env.Home, ".dotnet", "corefx", "cryptography", "x509stores", "my")
	files, err := filepath.Glob(filepath.Join(dir, "*.pfx"))
	if err != nil {
		files = nil
	}
	var best keyPair
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			a.debug("%v", err)
			continue
		}
		pair, err := parseKeyPair(data, "", a.env.Now())
		if err != nil || !matches(pair.chain[0], subject, thumbprint) {
			continue
		}
		if best.key == nil || pair.chain[0].NotBefore.After(best.chain[0].NotBefore) {
			best = pair
		}
	}
	if best.key == nil {
		return keyPair{}, noStoredCertificate(subject, thumbprint)
	}
	return best, nil
}

func noStoredCertificate(subject, thumbprint string) error {
	kind, value := "thumbprint", thumbprint
	if subject != "" {
		kind, value = "subject name", subject
	}
	return fail(KindSignIn, "A file can be named with --certificate-file.",
		"Certificate with %s '%s' was not found in certificate store or has expired.", kind, value)
}

func matches(c *x509.Certificate, subject, thumbprint string) bool {
	if subject != "" {
		return sameName(subject, c.Subject.String())
	}
	sum := sha1.Sum(c.Raw) // what a thumbprint is; nothing rests on its strength
	return strings.EqualFold(hex.EncodeToString(sum[:]), thumbprint)
}

// sameName compares distinguished names written as text, in either order of
// their parts: .NET writes the last one first. The whole name is meant, with
// its CN= (cert.subject-without-cn).
func sameName(x, y string) bool {
	p, q := nameParts(x), nameParts(y)
	if len(p) != len(q) {
		return false
	}
	same, reversed := true, true
	for i := range p {
		same = same && strings.EqualFold(p[i], q[i])
		reversed = reversed && strings.EqualFold(p[i], q[len(q)-1-i])
	}
	return same || reversed
}

func nameParts(name string) []string {
	parts := strings.Split(name, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
