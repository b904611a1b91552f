package auth

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

func openClientSecret(ctx context.Context, a *Auth, r *request) (azcore.TokenCredential, error) {
	if err := checkTenant(r.TenantID, true); err != nil {
		return nil, err
	}
	secret, err := a.ReadSecret(ctx, r.ClientSecretFrom, "client secret")
	if err != nil {
		return nil, err
	}
	return azidentity.NewClientSecretCredential(r.TenantID, r.ClientID, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions:            a.remote(r),
		DisableInstanceDiscovery: true,
		Cache:                    a.cache(r),
	})
}

const findTenant = "You can locate your tenant id by following the instructions listed here: " +
	"https://learn.microsoft.com/partner-center/find-ids-and-domain-names"

// checkTenant words a missing or malformed tenant as recorded, with the name
// of .NET's parameter where the record has it (secret.no-tenant,
// secret.tenant-bad-chars, device.tenant-bad-chars).
func checkTenant(tenant string, named bool) error {
	suffix := ""
	if named {
		suffix = " (Parameter 'tenantId')"
	}
	if tenant == "" {
		return fail(KindSignIn, "", "Tenant id cannot be null. %s%s", findTenant, suffix)
	}
	for _, c := range tenant {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.':
		default:
			return fail(KindSignIn, "", "Invalid tenant id provided. %s%s", findTenant, suffix)
		}
	}
	return nil
}
