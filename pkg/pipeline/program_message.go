package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
)

// What can be wrong with a program's output. None of the texts quotes it: it may hold a body.
var (
	errNothing     = errors.New("it printed nothing; it must print {\"next\":{}} to send the request as it is") // steps.return-null
	errCut         = errors.New("its output ends inside a JSON value")
	errMore        = errors.New("it printed more after its answer; print messages to stderr")
	errTwice       = errors.New("it asked to send the request a second time")
	errNeither     = errors.New("its answer must have one of the members next and response")
	errNotText     = errors.New("its output is not UTF-8; a body that is no text goes into bodyBase64")
	errTwoBodies   = errors.New("its answer has both body and bodyBase64")
	errURL         = errors.New("its url is not an absolute http or https URL without a user name")
	errMethod      = errors.New("its method is not an HTTP method")
	errStatus      = errors.New("its status must be a number from 200 to 599")
	errLargeOutput = fmt.Errorf("it printed more than %d MiB", maxProgramOutput>>20)
	errLargeAnswer = fmt.Errorf("the answer's body is larger than %d MiB, too large for a step that is a program", maxProgramAnswer>>20)
)

// notShown are headers a program never gets. Sends set their own (steps.set-authorization).
var notShown = []string{"Authorization", "Proxy-Authorization"}

// ofTheConnection are headers a program may not set (D33).
var ofTheConnection = []string{"Host", "Transfer-Encoding", "Connection", "Upgrade", "Te", "Trailer"}

// requestLine is the first line of a program's input.
func requestLine(req *http.Request, body []byte) []byte {
	h := req.Header.Clone()
	for _, name := range notShown {
		h.Del(name)
	}
	u := *req.URL
	u.User = nil
	return line(struct {
		Method  string      `json:"method"`
		URL     string      `json:"url"`
		Headers http.Header `json:"headers"`
		sentBody
	}{req.Method, u.String(), orEmpty(h), asSent(body)})
}

// responseLine is the second.
func responseLine(resp *http.Response, body []byte) []byte {
	return line(struct {
		Status  int         `json:"status"`
		Headers http.Header `json:"headers"`
		sentBody
	}{resp.StatusCode, orEmpty(resp.Header), asSent(body)})
}

func orEmpty(h http.Header) http.Header {
	if h == nil {
		return http.Header{}
	}
	return h
}

// sentBody is absent when empty, text if it is text, else base64.
type sentBody struct {
	Body   string `json:"body,omitempty"`
	Base64 []byte `json:"bodyBase64,omitempty"`
}

func asSent(body []byte) sentBody {
	if utf8.Valid(body) {
		return sentBody{Body: string(body)}
	}
	return sentBody{Base64: body}
}

// line is v as JSON and a newline. Nothing is escaped for HTML, which tools of the shell would see.
func line(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings, numbers and bytes always encode
	}
	return b.Bytes()
}

// message is one value a program prints: exactly one member is set.
type message struct {
	Next     *requestChange  `json:"next"`
	Response *responseChange `json:"response"`
}

// readMessage reads the next value; errNothing if there is none.
func readMessage(d *json.Decoder) (message, error) {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return message{}, notJSON(err)
	}
	if !utf8.Valid(raw) {
		return message{}, errNotText
	}
	var m message
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields() // a change that is misspelt must not get lost
	if err := strict.Decode(&m); err != nil {
		return message{}, fmt.Errorf("its answer is not understood: %w", err)
	}
	if (m.Next == nil) == (m.Response == nil) {
		return message{}, errNeither
	}
	return m, nil
}

func notJSON(err error) error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("its output is not JSON at byte %d; print messages to stderr", e.Offset)
	}
	switch {
	case errors.Is(err, io.EOF):
		return errNothing
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errCut
	}
	return err
}

// requestChange holds what a program changes of a request; "" and nil change nothing.
type requestChange struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]values `json:"headers"`
	newBody
}

// request returns req, whose body is given, with the changes.
func (c *requestChange) request(req *http.Request, body []byte) (*http.Request, error) {
	out := copied(req)
	if c.Method != "" {
		if !httpguts.ValidHeaderFieldName(c.Method) { // both are tokens
			return nil, errMethod
		}
		out.Method = c.Method
	}
	if err := c.target(out); err != nil {
		return nil, err
	}
	if err := change(out.Header, c.Headers, ofTheConnection); err != nil {
		return nil, err
	}
	fresh, changed, err := c.bytes()
	if err != nil {
		return nil, err
	}
	if changed {
		body = fresh
	}
	withBody(out, body)
	return out, nil
}

// target changes the URL of out. The one the program was shown lacks the user name, so a program
// that says it again changes nothing.
func (c *requestChange) target(out *http.Request) error {
	shown := *out.URL
	shown.User = nil
	if c.URL == "" || c.URL == shown.String() {
		return nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return errURL
	}
	out.URL, out.Host = u, ""
	return nil
}

func withBody(req *http.Request, body []byte) {
	req.TransferEncoding = nil
	req.ContentLength = int64(len(body))
	if len(body) == 0 {
		req.Body, req.GetBody = nil, nil
		return
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body = io.NopCloser(bytes.NewReader(body))
}

// responseChange holds what a program changes of an answer; 0 and nil change nothing.
type responseChange struct {
	Status  int               `json:"status"`
	Headers map[string]values `json:"headers"`
	newBody
}

// response returns resp with the changes. An answer that is all the program's own begins as one
// without a status.
func (c *responseChange) response(resp *http.Response) (*http.Response, error) {
	out := *resp
	out.Header = orEmpty(resp.Header.Clone())
	if out.StatusCode == 0 {
		out.Proto, out.ProtoMajor, out.ProtoMinor = "HTTP/1.1", 1, 1
	}
	if c.Status != 0 || out.StatusCode == 0 {
		if c.Status < 200 || c.Status > 599 {
			return nil, errStatus
		}
		out.StatusCode = c.Status
		out.Status = strings.TrimSpace(fmt.Sprintf("%d %s", c.Status, http.StatusText(c.Status)))
	}
	body, changed, err := c.bytes()
	if err != nil {
		return nil, err
	}
	if changed {
		out.Header.Del("Content-Length") // of the old body
		out.ContentLength = int64(len(body))
		out.Body = io.NopCloser(bytes.NewReader(body))
	}
	return &out, change(out.Header, c.Headers, nil)
}

// newBody is a body as a program gives it; null takes the body away.
type newBody struct {
	Body   json.RawMessage `json:"body"`
	Base64 json.RawMessage `json:"bodyBase64"`
}

// bytes reports false when no body is given.
func (b newBody) bytes() (body []byte, given bool, err error) {
	switch {
	case b.Body != nil && b.Base64 != nil:
		return nil, false, errTwoBodies
	case b.Body != nil:
		var text string
		if json.Unmarshal(b.Body, &text) != nil {
			return nil, false, errors.New("its body is not a string; JSON goes into it as text")
		}
		return []byte(text), true, nil
	case b.Base64 != nil:
		if json.Unmarshal(b.Base64, &body) != nil {
			return nil, false, errors.New("its bodyBase64 is not base64")
		}
		return body, true, nil
	}
	return nil, false, nil
}

// values are a header's lines: an array, or a string for a single one. null and [] are none.
type values []string

// UnmarshalJSON reads a string, an array of strings or null.
func (v *values) UnmarshalJSON(data []byte) error {
	var one *string
	if json.Unmarshal(data, &one) == nil {
		if one != nil {
			*v = values{*one}
		}
		return nil
	}
	if json.Unmarshal(data, (*[]string)(v)) != nil {
		return errors.New("a header's value must be a string, an array of strings or null")
	}
	return nil
}

// change replaces the headers in h that are named, in any case, and removes those without a value.
func change(h http.Header, by map[string]values, refused []string) error {
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		key := http.CanonicalHeaderKey(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return fmt.Errorf("its header name %q is not valid", printable(name))
		case seen[key]:
			return fmt.Errorf("its answer has the header %s twice", key)
		case slices.Contains(refused, key) && !slices.Equal(by[name], h[key]):
			return fmt.Errorf("the header %s cannot be set: it belongs to the connection", key)
		case slices.ContainsFunc(by[name], invalidValue):
			return fmt.Errorf("its value of the header %s has a line break or another control character", key)
		}
		seen[key] = true
		h.Del(key)
		if len(by[name]) > 0 {
			h[key] = by[name]
		}
	}
	return nil
}

func invalidValue(s string) bool { return !httpguts.ValidHeaderFieldValue(s) }
