package auth

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// offeredAzureCLI offers az in CI only: on a person's machine it would make an
// upload under whatever account az happens to be signed in with, where the
// real cmdlet asks to connect first.
func offeredAzureCLI(_ context.Context, a *Auth, _ Settings) (bool, string) {
	if a.missing("CI") == "" || a.missing("TF_BUILD") == "" {
		if _, err := a.env.LookPath("az"); err != nil {
			return false, "az is not installed"
		}
		return true, "az is installed"
	}
	return false, "it is only chosen in CI; use --auth azure-cli"
}

func openAzureCLI(_ context.Context, a *Auth, r *request) (azcore.TokenCredential, error) {
	if _, err := a.env.LookPath("az"); err != nil {
		return nil, fail(KindSignIn, "Install it, or choose another --auth.", "az is not installed")
	}
	if r.TenantID != "" {
		if err := checkTenant(r.TenantID, true); err != nil {
			return nil, err
		}
	}
	cred, err := azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: r.TenantID})
	return patient{cred}, err
}

// azureCLIWait is longer than the ten seconds azidentity waits by itself,
// which a cold start of az in CI exceeds.
const azureCLIWait = 45 * time.Second

type patient struct{ cred azcore.TokenCredential }

// GetToken implements azcore.TokenCredential.
func (p patient) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	limited, cancel := context.WithTimeout(ctx, azureCLIWait)
	defer cancel()
	return p.cred.GetToken(limited, o)
}
