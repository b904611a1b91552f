package pipeline

import (
	"net"
	"net/url"
	"strings"
)

// sameOrigin reports whether a and b have the same scheme, host and port.
// Names are compared as written: a trailing dot makes another host, which errs on the safe side.
func sameOrigin(a, b *url.URL) bool {
	return a.Opaque == "" && b.Opaque == "" &&
		strings.EqualFold(a.Scheme, b.Scheme) &&
		strings.EqualFold(a.Hostname(), b.Hostname()) &&
		port(a) == port(b)
}

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	case strings.EqualFold(u.Scheme, "http"):
		return "80"
	}
	return ""
}

// private reports whether what is sent to u can be read by nobody else: https, or this machine.
func private(u *url.URL) bool {
	if strings.EqualFold(u.Scheme, "https") {
		return true
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
