package auth

import "github.com/Azure/azure-sdk-for-go/sdk/azidentity"

const cacheName = "invoke-mgupload"

// cache returns the system's safe token store if this sign-in uses it, else
// one in memory. None is never an error: the session falls back to Process
// scope without a word (secret.currentuser).
func (a *Auth) cache(r *request) azidentity.Cache {
	if !r.keep {
		return azidentity.Cache{}
	}
	c, err := a.openCache(cacheName)
	if err != nil {
		a.debug("tokens are kept in memory only: %v", err)
		r.keep = false
	}
	return c
}
