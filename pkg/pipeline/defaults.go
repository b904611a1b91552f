package pipeline

import (
	"net/http"
	"slices"
)

// Defaults returns a step that sets each header of h the request lacks. The names in force are
// replaced even when the request has them (headers.sdkversion).
func Defaults(h http.Header, force ...string) Step {
	h = h.Clone()
	forced := make([]string, len(force))
	for i, name := range force {
		forced[i] = http.CanonicalHeaderKey(name)
	}
	return func(req *http.Request, next Sender) (*http.Response, error) {
		out := copied(req)
		for name, values := range h {
			if _, given := out.Header[name]; !given || slices.Contains(forced, name) {
				out.Header[name] = slices.Clone(values)
			}
		}
		return next.Send(out)
	}
}
