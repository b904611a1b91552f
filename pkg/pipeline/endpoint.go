package pipeline

import (
	"net/http"
	"net/url"
)

// Endpoint returns a step that sends each request to origin's scheme, host and
// port, path and query as they are: the steps before it see one service, the
// steps behind it the environment's (steps.inspect-request).
func Endpoint(origin *url.URL) Step {
	return func(req *http.Request, next Sender) (*http.Response, error) {
		out := req.Clone(req.Context())
		out.URL.Scheme, out.URL.Host, out.URL.User = origin.Scheme, origin.Host, nil
		out.Host = ""
		return next.Send(out)
	}
}
