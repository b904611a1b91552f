package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

const imds = "http://169.254.169.254/metadata/identity/oauth2/token"

// imdsWait is short: on Azure the answer takes milliseconds, and elsewhere
// nobody should wait for it.
const imdsWait = 500 * time.Millisecond

func offeredManagedIdentity(ctx context.Context, a *Auth, _ Settings) (bool, string) {
	for _, name := range []string{"IDENTITY_ENDPOINT", "MSI_ENDPOINT"} {
		if a.env.Getenv(name) != "" {
			return true, name + " is set"
		}
	}
	ctx, cancel := context.WithTimeout(ctx, imdsWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, imds, nil)
	if err != nil {
		return false, "no request could be made"
	}
	resp, err := new(seen).watched(a.env.LocalClient).Do(req)
	if err != nil {
		return false, "no identity endpoint answers on this machine"
	}
	resp.Body.Close()
	// The real endpoint refuses a request without its Metadata header with 400;
	// gateways that catch the address answer 403 or a page.
	if resp.StatusCode != http.StatusBadRequest {
		return false, "something that is no identity endpoint answers at its address"
	}
	return true, "the machine's identity endpoint answers"
}

func openManagedIdentity(_ context.Context, a *Auth, r *request) (azcore.TokenCredential, error) {
	o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: a.local(r)}
	if r.ClientID != "" {
		o.ID = azidentity.ClientID(r.ClientID)
	}
	return azidentity.NewManagedIdentityCredential(o)
}
