package cmdlets

import (
	"slices"
	"strings"

	"invoke-mgupload/pkg/params"
)

// connectionHeaders belong to the connection, not to the request (D33).
var connectionHeaders = []string{"Host", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Trailer"}

// contentHeaders belong to the body; .NET does not take them among a request's.
var contentHeaders = []string{"Allow", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length",
	"Content-Location", "Content-MD5", "Content-Range", "Content-Type", "Expires", "Last-Modified"}

func oneOf(name string, list []string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
}

// checkHeaders refuses what the real cmdlet takes to nobody's good: headers of
// the connection (D33) and nested values (D34).
func (c *Cmdlet) checkHeaders(spec *params.Cmdlet, h *params.Object) error {
	for _, e := range h.Members {
		if oneOf(e.Name, connectionHeaders) {
			return spec.Refuse("HeaderNotAllowed", "Headers", "The header '%s' cannot be set: it belongs to the connection.", e.Name)
		}
		switch e.Value.(type) {
		case []any, *params.Object:
			return spec.Refuse("HeaderValue", "Headers", "The value of the header '%s' must be a single text or number.", e.Name)
		}
	}
	return nil
}

// headers are the user's headers as lines. Entries are checked in order, and
// what .NET refuses is refused with its sentence (records headers.*).
func headers(h *params.Object) ([]Header, error) {
	if h == nil {
		return nil, nil
	}
	var out []Header
	ascii := true
	for _, e := range h.Members {
		if e.Value == nil {
			return nil, refuse("Object reference not set to an instance of an object.")
		}
		value := params.Text(e.Value)
		switch {
		case e.Name == "":
			return nil, refuse("The value cannot be an empty string. (Parameter 'name')")
		case !isToken(e.Name):
			return nil, refuse("The header name '%s' has an invalid format.", e.Name)
		case oneOf(e.Name, contentHeaders):
			return nil, refuse("Misused header name, '%s'. Make sure request headers are used with HttpRequestMessage, response headers with HttpResponseMessage, and content headers with HttpContent objects.", e.Name)
		case strings.ContainsAny(value, "\r\n\x00"):
			return nil, refuse("New-line or NUL characters are not allowed in header values.")
		}
		value = strings.Trim(value, " \t")
		ascii = ascii && isText(value)
		out = append(out, Header{e.Name, value})
	}
	if !ascii { // found only when the request is written
		return nil, refuse("Request headers must contain only ASCII characters.")
	}
	return out, nil
}

// isToken knows the names RFC 9110 allows.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"(),/:;<=>?@[\\]{}", c) >= 0 {
			return false
		}
	}
	return s != ""
}

// isText knows the values that can be sent: visible ASCII, blanks and tabs.
func isText(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}
