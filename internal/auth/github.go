package auth

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// exchangeAudience is the audience Entra ID expects of a foreign token.
const exchangeAudience = "api://AzureADTokenExchange"

const (
	gitHubURL   = "ACTIONS_ID_TOKEN_REQUEST_URL"
	gitHubToken = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)

func offeredGitHub(_ context.Context, a *Auth, s Settings) (bool, string) {
	if missing := a.missing(gitHubURL, gitHubToken); missing != "" {
		return false, missing + " is not set: no GitHub Actions job, or one without id-token: write"
	}
	if missing := a.missingIDs(s); missing != "" {
		return false, missing + " is not set"
	}
	return true, gitHubURL + " is set"
}

// missingIDs returns the first of the two AZURE_ ids that neither the settings
// nor the variables have, or "".
func (a *Auth) missingIDs(s Settings) string {
	if s.ClientID == "" && a.env.Getenv("AZURE_CLIENT_ID") == "" {
		return "AZURE_CLIENT_ID"
	}
	if s.TenantID == "" && a.env.Getenv("AZURE_TENANT_ID") == "" {
		return "AZURE_TENANT_ID"
	}
	return ""
}

// fillIDs takes the ids of federated methods from the variables where the
// settings have none.
func (a *Auth) fillIDs(r *request) error {
	if missing := a.missingIDs(r.Settings); missing != "" {
		return fail(KindSignIn, "Set it, or use -ClientId and -TenantId.", "the environment variable %s is not set", missing)
	}
	if r.ClientID == "" {
		r.ClientID = a.env.Getenv("AZURE_CLIENT_ID")
	}
	if r.TenantID == "" {
		r.TenantID = a.env.Getenv("AZURE_TENANT_ID")
	}
	return checkTenant(r.TenantID, true)
}

func openGitHub(_ context.Context, a *Auth, r *request) (azcore.TokenCredential, error) {
	if missing := a.missing(gitHubURL, gitHubToken); missing != "" {
		return nil, fail(KindSignIn, "The job needs permissions: id-token: write.",
			"the environment variable %s is not set", missing)
	}
	if err := a.fillIDs(r); err != nil {
		return nil, err
	}
	a.remember(a.env.Getenv(gitHubToken))
	return azidentity.NewClientAssertionCredential(r.TenantID, r.ClientID,
		func(ctx context.Context) (string, error) {
			token, err := a.gitHubAssertion(ctx, r)
			return token, r.seen.fault(err)
		},
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: a.remote(r), DisableInstanceDiscovery: true})
}

// gitHubAssertion fetches the job's own token. It is called for every new
// token: an assertion lives for minutes only.
func (a *Auth) gitHubAssertion(ctx context.Context, r *request) (string, error) {
	u, err := url.Parse(a.env.Getenv(gitHubURL))
	if err != nil {
		return "", fail(KindSignIn, "", "%s is not a URL", gitHubURL)
	}
	q := u.Query()
	q.Set("audience", exchangeAudience)
	u.RawQuery = q.Encode()
	req, err := runtime.NewRequest(ctx, http.MethodGet, u.String())
	if err != nil {
		return "", err
	}
	req.Raw().Header.Set("Authorization", "Bearer "+a.env.Getenv(gitHubToken))
	req.Raw().Header.Set("Accept", "application/json")
	options := a.remote(r)
	resp, err := runtime.NewPipeline("invoke-mgupload", "", runtime.PipelineOptions{}, &options).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fail(KindSignIn, "The job needs permissions: id-token: write.",
			"GitHub gave no token for the job: %s", resp.Status)
	}
	var answer struct{ Value string }
	err = json.NewDecoder(io.LimitReader(resp.Body, secretLimit)).Decode(&answer)
	if err != nil || answer.Value == "" {
		return "", fail(KindSignIn, "", "GitHub's answer for the job holds no token")
	}
	a.noteAssertion(r, answer.Value)
	return answer.Value, nil
}
