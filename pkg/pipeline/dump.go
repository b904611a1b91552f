package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// dumpLimit is how much of a body is held for a dump. A longer one goes by undumped, since
	// half a JSON text cannot be redacted.
	dumpLimit = 64 << 10
	// textLimit is where text that is not JSON is cut, in characters (streams.debug-text-error-long).
	textLimit = 10240
)

// Dump returns a step that hands each exchange to emit as text: one block for the request, one for
// the answer, both once the answer is there (streams.debug-ok); without an answer the second is a
// line that says why. Unlike the real one it does so for every send, not the last alone. Header
// lines are sorted, names canonical (D31), values whole (D02), content headers left out.
// Authorization is left out too, and r decides about the rest; what r hides in the request is hidden
// as well where the answer echoes it. The answer's body stays readable, and at most 64 KiB of it are
// held. With concurrent calls emit must be safe for them.
func Dump(emit func(text string), r Redactor) Step {
	return func(req *http.Request, next Sender) (*http.Response, error) {
		sent, secrets := requestBlock(req, r)
		resp, err := next.Send(req)
		emit(sent)
		if err != nil {
			emit("no answer: " + r.Text(printable(err.Error()), secrets...))
			return nil, err
		}
		emit(answerBlock(resp, r.without(secrets)))
		return resp, nil
	}
}

// requestBlock also returns what the request holds that must not be seen where an answer echoes it.
func requestBlock(req *http.Request, r Redactor) (string, []string) {
	body, secrets := requestBody(req, r)
	if scheme, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok && scheme != "" {
		secrets = append(secrets, token)
	}
	for name, values := range req.Header {
		for _, v := range values {
			if r.Header(name, v) != v {
				secrets = append(secrets, v)
			}
		}
	}
	return fmt.Sprintf("============================ HTTP REQUEST ============================\n\n"+
		"HTTP Method:\n%s\n\nAbsolute Uri:\n%s\n\nHeaders:\n%s\n\nBody:\n%s\n\n",
		req.Method, r.URL(req.URL), headerLines(req.Header, r), body), secrets
}

func requestBody(req *http.Request, r Redactor) (string, []string) {
	if !hasBody(req) {
		return "", nil
	}
	if req.GetBody == nil {
		return "<hidden: a body that can be read once>", nil
	}
	body, err := req.GetBody()
	if err != nil {
		return "<hidden: a body that cannot be read>", nil
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, dumpLimit+1))
	if err != nil || len(text) > dumpLimit {
		return fmt.Sprintf("<hidden: more than %d bytes>", dumpLimit), nil
	}
	return string(r.JSON(text)), r.HiddenIn(text)
}

func answerBlock(resp *http.Response, r Redactor) string {
	return fmt.Sprintf("============================ HTTP RESPONSE ============================\n\n"+
		"Status Code:\n%s\n\nHeaders:\n%s\n\nBody:\n%s\n\n",
		StatusName(resp.StatusCode), headerLines(resp.Header, r), answerBody(resp, r))
}

// answerBody reads ahead and puts what it read back in front of the rest.
func answerBody(resp *http.Response, r Redactor) string {
	if resp.Body == nil || resp.Body == http.NoBody {
		return ""
	}
	read, err := io.ReadAll(io.LimitReader(resp.Body, dumpLimit))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failing{err}
	}
	resp.Body = &aheadBody{io.MultiReader(bytes.NewReader(read), rest), resp.Body}
	text := bytes.TrimPrefix(read, []byte("\xEF\xBB\xBF"))
	whole := err == nil && len(read) < dumpLimit
	switch {
	case json.Valid(text):
		return string(r.JSON(text))
	case looksJSON(text), whole && !utf8.Valid(text):
		return fmt.Sprintf("<hidden: %d bytes that are not whole or not text>", len(read))
	}
	return cut(r.Text(strings.ToValidUTF8(string(text), ""), r.secrets...))
}

// looksJSON reports whether text, which is not valid JSON, may be the beginning of some. It could
// hold anything, and its members cannot be told apart.
func looksJSON(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) > 0 && bytes.IndexByte([]byte(`{["`), text[0]) >= 0
}

// cut shortens text as recorded, and takes control characters out, since it goes to a terminal.
func cut(text string) string {
	shown := strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			return '\uFFFD'
		}
		return c
	}, text)
	if utf8.RuneCountInString(shown) <= textLimit {
		return shown
	}
	return string([]rune(shown)[:textLimit]) + "\r\nDATA TRUNCATED DUE TO SIZE\r\n"
}

type aheadBody struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// headerLines are joined by newlines, without one at the end.
func headerLines(h http.Header, r Redactor) string {
	values := map[string][]string{}
	for name, v := range h {
		name = http.CanonicalHeaderKey(name)
		values[name] = append(values[name], v...)
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name == "Authorization" || name == "Proxy-Authorization" || contentHeader(name) {
			continue
		}
		shown := make([]string, len(values[name]))
		for i, v := range values[name] {
			shown[i] = r.Header(name, v)
		}
		lines = append(lines, fmt.Sprintf("%-30s: %s", name, strings.Join(shown, ",")))
	}
	return strings.Join(lines, "\n")
}

// contentHeader reports whether .NET keeps the header with the body, where no dump shows it.
func contentHeader(name string) bool {
	switch name {
	case "Allow", "Expires", "Last-Modified":
		return true
	}
	return strings.HasPrefix(name, "Content-")
}
