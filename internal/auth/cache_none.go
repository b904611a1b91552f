//go:build !(linux || windows || (darwin && cgo))

package auth

import (
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// persistentCache has no safe store to offer in this build.
func persistentCache(string) (azidentity.Cache, error) {
	return azidentity.Cache{}, errors.ErrUnsupported
}
