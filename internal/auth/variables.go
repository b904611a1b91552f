package auth

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

const (
	textUserPassword = "Username and password auth is not supported by the module. Please use client certificate or secret credential instead."
	textIncomplete   = "EnvironmentCredential authentication unavailable. Environment variables are not fully configured. " +
		"See the troubleshooting guide for more information. https://aka.ms/azsdk/net/identity/environmentcredential/troubleshoot"
)

func offeredEnvironment(_ context.Context, a *Auth, _ Settings) (bool, string) {
	if missing := a.missing("AZURE_TENANT_ID", "AZURE_CLIENT_ID"); missing != "" {
		return false, missing + " is not set"
	}
	if a.env.Getenv("AZURE_CLIENT_SECRET") != "" || a.env.Getenv("AZURE_CLIENT_CERTIFICATE_PATH") != "" {
		return true, "AZURE_TENANT_ID, AZURE_CLIENT_ID and a secret or certificate are set"
	}
	return false, "neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set"
}

// openEnvironment reads the AZURE_ variables itself: azidentity's own reader
// fails on AES-encrypted PFX files and takes user names and passwords.
func openEnvironment(ctx context.Context, a *Auth, r *request) (azcore.TokenCredential, error) {
	get := a.env.Getenv
	r.TenantID, r.ClientID = get("AZURE_TENANT_ID"), get("AZURE_CLIENT_ID")
	ids := r.TenantID != "" && r.ClientID != ""
	switch {
	case ids && get("AZURE_CLIENT_SECRET") != "":
		r.ClientSecretFrom = "env:AZURE_CLIENT_SECRET"
		return openClientSecret(ctx, a, r)
	case ids && get("AZURE_CLIENT_CERTIFICATE_PATH") != "":
		return openEnvironmentCertificate(ctx, a, r)
	case get("AZURE_USERNAME") != "" && get("AZURE_PASSWORD") != "":
		return nil, fail(KindSignIn, "", textUserPassword)
	}
	return nil, fail(KindSignIn, "", textIncomplete)
}

func openEnvironmentCertificate(ctx context.Context, a *Auth, r *request) (azcore.TokenCredential, error) {
	if err := checkTenant(r.TenantID, true); err != nil {
		return nil, err
	}
	path := a.env.Getenv("AZURE_CLIENT_CERTIFICATE_PATH")
	switch strings.ToLower(filepath.Ext(path)) {
	case ".pfx", ".pem", ".p12":
	default: // envvar.cert-unknown-suffix
		return nil, fail(KindSignIn, "", "Only .pfx and .pem files are supported.")
	}
	var password Ref
	if a.env.Getenv("AZURE_CLIENT_CERTIFICATE_PASSWORD") != "" {
		password = "env:AZURE_CLIENT_CERTIFICATE_PASSWORD"
	}
	pair, err := a.certificateAt(ctx, Ref("file:"+path), password)
	if err != nil { // envvar.cert-missing-file has the first half only
		return nil, &Error{Kind: KindSignIn, Err: err, Message: "Could not load certificate file: " + err.Error()}
	}
	switch strings.ToLower(a.env.Getenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")) {
	case "true", "1":
		r.SendCertificateChain = true
	}
	return a.certificateCredential(r, pair)
}

// missing returns the first of the variables that is not set, or "".
func (a *Auth) missing(names ...string) string {
	for _, n := range names {
		if a.env.Getenv(n) == "" {
			return n
		}
	}
	return ""
}
