//go:build !windows

package proxy

import "errors"

func (c *Config) platformNegotiate(proxyHost string, cred *Credential) (*mechanism, error) {
	return newKerberos(c, proxyHost, cred), nil
}

// platformNTLM logs in as the current user, which only Windows can do.
func platformNTLM() (*mechanism, error) {
	return nil, errors.New("needs -ProxyCredential on this system")
}
