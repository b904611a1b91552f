package auth

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// DefaultClientID is the app of the real cmdlets, for people who bring none.
const DefaultClientID = "14d82eec-204b-4c2f-b7e8-296a70dab67e"

func openDeviceCode(_ context.Context, a *Auth, r *request) (azcore.TokenCredential, error) {
	if err := fillPerson(r); err != nil {
		return nil, err
	}
	o := &azidentity.DeviceCodeCredentialOptions{
		ClientOptions:                  a.remote(r),
		DisableInstanceDiscovery:       true,
		ClientID:                       r.ClientID,
		TenantID:                       r.TenantID,
		DisableAutomaticAuthentication: true, // signIn asks, so that it gets the record
		Cache:                          a.cache(r),
		// azidentity's own prompt goes to standard output, which is for results.
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			_, err := fmt.Fprintln(a.env.Stderr, m.Message)
			return err
		},
	}
	if r.record != nil {
		o.AuthenticationRecord = *r.record
	}
	return azidentity.NewDeviceCodeCredential(o)
}

// fillPerson sets what azidentity would fill in differently from the real
// cmdlets.
func fillPerson(r *request) error {
	if r.ClientID == "" {
		r.ClientID = DefaultClientID
	}
	if r.TenantID == "" {
		r.TenantID = "common"
	}
	return checkTenant(r.TenantID, false)
}
