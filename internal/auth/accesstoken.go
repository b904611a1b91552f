package auth

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// AccessTokenVariable holds a token for this program, and nothing else does.
const AccessTokenVariable = "MGUPLOAD_ACCESS_TOKEN"

func offeredAccessToken(_ context.Context, a *Auth, _ Settings) (bool, string) {
	if a.env.Getenv(AccessTokenVariable) == "" {
		return false, AccessTokenVariable + " is not set"
	}
	return true, AccessTokenVariable + " is set"
}

// given is a token somebody else made. It can't be renewed, but its place is
// read again when it is needed again: others may have put a new one there.
type given struct {
	auth *Auth
	from Ref
}

func openAccessToken(_ context.Context, a *Auth, r *request) (azcore.TokenCredential, error) {
	from := r.AccessTokenFrom
	if from == "" {
		from = Ref("env:" + AccessTokenVariable)
	}
	return given{a, from}, nil
}

// GetToken implements azcore.TokenCredential.
func (g given) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := g.auth.ReadSecret(ctx, g.from, "access token")
	if err != nil {
		return azcore.AccessToken{}, err
	}
	_, end, err := checkGiven(token, g.auth.env.Now())
	return azcore.AccessToken{Token: token, ExpiresOn: end}, err
}
