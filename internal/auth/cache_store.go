//go:build linux || windows || (darwin && cgo)

package auth

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity/cache"
)

// persistentCache opens the kernel's key ring, DPAPI or the Keychain. On macOS
// the library needs cgo to compile.
func persistentCache(name string) (azidentity.Cache, error) {
	return cache.New(&cache.Options{Name: name})
}
