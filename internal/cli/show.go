package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/pipeline"
)

// shownRequest is a request as --show-request prints it with --output json.
type shownRequest struct {
	Method  string          `json:"method"`
	URL     string          `json:"url"`
	Headers [][2]string     `json:"headers"`
	Body    json.RawMessage `json:"body,omitempty"`
	Refused string          `json:"refused,omitempty"`
}

// redactor is the one place that decides what of a request may be seen.
func redactor() pipeline.Redactor {
	return pipeline.NewRedactor(pipeline.DefaultHeaders(), append(pipeline.DefaultMembers(), "appleId"))
}

// showRequest is the block of --show-request: request line, headers, an empty
// line and the body, its secrets hidden, or why there will be no request.
func (r *run) showRequest(req *cmdlets.Request, refusal error) ([]byte, error) {
	if refusal != nil {
		if r.set.output == "json" {
			return json.Marshal(map[string]string{"refused": refusal.Error()})
		}
		return []byte("Refused before sending: " + refusal.Error()), nil
	}
	red := redactor()
	shown := shownRequest{Method: req.Method, URL: r.origin.String() + req.Path, Headers: r.shownHeaders(req, red)}
	if req.Body != nil {
		shown.Body = red.JSON(req.Body)
	}
	if r.set.output == "json" {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		err := enc.Encode(shown)
		return bytes.TrimRight(b.Bytes(), "\n"), err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", shown.Method, shown.URL)
	for _, h := range shown.Headers {
		fmt.Fprintf(&b, "%s: %s\n", h[0], h[1])
	}
	fmt.Fprintf(&b, "\n%s", shown.Body)
	return []byte(b.String()), nil
}

// shownHeaders are the headers that will be sent, but for those each send makes anew.
func (r *run) shownHeaders(req *cmdlets.Request, red pipeline.Redactor) [][2]string {
	header := r.httpHeader(req)
	defaults := defaultHeaders()
	for name := range defaults {
		if header.Get(name) == "" || name == sdkVersionHeader {
			header[name] = defaults[name]
		}
	}
	header.Del("Authorization")
	header.Del("client-request-id")
	var out [][2]string
	for _, name := range sortedNames(header) {
		for _, value := range header[name] {
			out = append(out, [2]string{name, red.Header(name, value)})
		}
	}
	return append(out, [2]string{"Authorization", "Bearer <hidden>"}, [2]string{"client-request-id", "<new for each send>"})
}
