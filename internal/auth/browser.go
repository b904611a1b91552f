package auth

import (
	"context"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/pkg/browser"
)

func openBrowser(_ context.Context, a *Auth, r *request) (azcore.TokenCredential, error) {
	if err := fillPerson(r); err != nil {
		return nil, err
	}
	// A browser's chatter must not get among the results. These two are the
	// library's only switch for that.
	browser.Stdout, browser.Stderr = a.env.Stderr, a.env.Stderr
	o := &azidentity.InteractiveBrowserCredentialOptions{
		ClientOptions:                  a.remote(r),
		DisableInstanceDiscovery:       true,
		ClientID:                       r.ClientID,
		TenantID:                       r.TenantID,
		LoginHint:                      r.LoginHint,
		DisableAutomaticAuthentication: true, // signIn asks, so that it gets the record
		Cache:                          a.cache(r),
	}
	if r.record != nil {
		o.AuthenticationRecord = *r.record
	}
	return azidentity.NewInteractiveBrowserCredential(o)
}

// noBrowser returns why no browser can be opened here, or "".
func (a *Auth) noBrowser() string {
	if a.env.GOOS == "windows" || a.env.GOOS == "darwin" {
		return ""
	}
	// The programs pkg/browser would start.
	found := slices.ContainsFunc([]string{"xdg-open", "x-www-browser", "www-browser"}, func(name string) bool {
		_, err := a.env.LookPath(name)
		return err == nil
	})
	if !found {
		return "there is no xdg-open"
	}
	if a.missing("DISPLAY") != "" && a.missing("WAYLAND_DISPLAY") != "" && a.missing("WSL_DISTRO_NAME") != "" {
		return "there is no display"
	}
	return ""
}
