package auth

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

const federatedFile = "AZURE_FEDERATED_TOKEN_FILE"

func offeredWorkload(_ context.Context, a *Auth, s Settings) (bool, string) {
	if missing := a.missing(federatedFile); missing != "" {
		return false, missing + " is not set"
	}
	if missing := a.missingIDs(s); missing != "" {
		return false, missing + " is not set"
	}
	return true, federatedFile + " is set"
}

// openWorkload reads the token file for every new token: the platform rotates
// it. Any issuer that leaves a token in a file is served, not only Kubernetes.
func openWorkload(_ context.Context, a *Auth, r *request) (azcore.TokenCredential, error) {
	path := a.env.Getenv(federatedFile)
	if path == "" {
		return nil, fail(KindSignIn, "Check the pod's service account and labels.",
			"the environment variable %s is not set", federatedFile)
	}
	if err := a.fillIDs(r); err != nil {
		return nil, err
	}
	if host := a.env.Getenv("AZURE_AUTHORITY_HOST"); host != "" && !sameHost(host, r.env.AzureADEndpoint) {
		a.warn("AZURE_AUTHORITY_HOST is %s, but environment '%s' signs in at %s; use --environment", host, r.env.Name, r.env.AzureADEndpoint)
	}
	return azidentity.NewClientAssertionCredential(r.TenantID, r.ClientID,
		func(context.Context) (string, error) {
			data, err := a.readFile(path, "federated token")
			if err != nil {
				return "", r.seen.fault(&Error{Kind: KindSignIn, Err: err,
					Message: "the federated token can't be read: " + err.Error()})
			}
			token := strings.TrimSpace(string(data))
			a.noteAssertion(r, token)
			return token, nil
		},
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: a.remote(r), DisableInstanceDiscovery: true})
}

func sameHost(x, y string) bool {
	p, _ := origin(x)
	q, _ := origin(y)
	return p == q
}
