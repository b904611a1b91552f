package auth

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

const (
	pipelinesURI        = "SYSTEM_OIDCREQUESTURI"
	pipelinesToken      = "SYSTEM_ACCESSTOKEN"
	pipelinesConnection = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"
)

func offeredPipelines(_ context.Context, a *Auth, s Settings) (bool, string) {
	if missing := a.missing(pipelinesURI, pipelinesToken, pipelinesConnection); missing != "" {
		return false, missing + " is not set"
	}
	a.pipelinesIDs(&s)
	if missing := a.missingIDs(s); missing != "" {
		return false, missing + " is not set"
	}
	return true, pipelinesURI + " is set"
}

// pipelinesIDs fills in what the tasks with a service connection set.
func (a *Auth) pipelinesIDs(s *Settings) {
	if s.ClientID == "" {
		s.ClientID = a.env.Getenv("AZURESUBSCRIPTION_CLIENT_ID")
	}
	if s.TenantID == "" {
		s.TenantID = a.env.Getenv("AZURESUBSCRIPTION_TENANT_ID")
	}
}

func openPipelines(_ context.Context, a *Auth, r *request) (azcore.TokenCredential, error) {
	if missing := a.missing(pipelinesURI, pipelinesToken, pipelinesConnection); missing != "" {
		return nil, fail(KindSignIn, "Run in a task with a service connection, and map SYSTEM_ACCESSTOKEN into its env.",
			"the environment variable %s is not set", missing)
	}
	a.pipelinesIDs(&r.Settings)
	if err := a.fillIDs(r); err != nil {
		return nil, err
	}
	token := a.env.Getenv(pipelinesToken)
	a.remember(token)
	return azidentity.NewAzurePipelinesCredential(r.TenantID, r.ClientID, a.env.Getenv(pipelinesConnection), token,
		&azidentity.AzurePipelinesCredentialOptions{ClientOptions: a.remote(r), DisableInstanceDiscovery: true})
}
