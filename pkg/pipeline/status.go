package pipeline

import (
	"net/http"
	"strconv"
	"strings"
)

// StatusName returns .NET's name of a status code, as the real cmdlets print it: NotFound. It is
// net/http's text run together, but for a few. A code .NET does not know is its own name: 418.
func StatusName(code int) string {
	switch code {
	case http.StatusTeapot, http.StatusTooEarly:
		return strconv.Itoa(code)
	case 306:
		return "Unused"
	case http.StatusTemporaryRedirect:
		return "RedirectKeepVerb"
	case http.StatusRequestURITooLong:
		return "RequestUriTooLong"
	case http.StatusHTTPVersionNotSupported:
		return "HttpVersionNotSupported"
	}
	if text := http.StatusText(code); text != "" {
		return strings.NewReplacer(" ", "", "-", "").Replace(text)
	}
	return strconv.Itoa(code)
}
