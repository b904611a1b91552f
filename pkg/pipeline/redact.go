package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Redactor decides what of a request or an answer may be shown. It knows what is harmless and
// hides everything else; its zero value hides all.
type Redactor struct {
	headers, members map[string]bool // names in lower case
	secrets          []string        // replaced wherever else they stand
}

// NewRedactor returns a Redactor that shows the values of the given headers and JSON members,
// names in any case.
func NewRedactor(headers, members []string) Redactor {
	return Redactor{headers: set(headers), members: set(members)}
}

// without returns a Redactor that also hides the secrets where a harmless value echoes them.
func (r Redactor) without(secrets []string) Redactor {
	r.secrets = secrets
	return r
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, name := range names {
		m[strings.ToLower(name)] = true
	}
	return m
}

// DefaultHeaders returns the names of headers that hold no secret in Graph's traffic.
func DefaultHeaders() []string {
	return []string{
		"Accept", "Accept-Encoding", "Age", "Allow", "Cache-Control", "client-request-id", "Connection",
		"Content-Encoding", "Content-Language", "Content-Length", "Content-Type", "Date", "Deprecation",
		"Expires", "Last-Modified", "Location", "OData-Version", "Pragma", "Prefer", "Preference-Applied",
		"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "request-id", "Retry-After",
		"Retry-Attempt", "SdkVersion", "Server", "Strict-Transport-Security", "Sunset",
		"Transfer-Encoding", "User-Agent", "Vary", "Via", "Warning", "x-ms-ags-diagnostic",
		"x-ms-resource-unit", "x-ms-throttle-information", "x-ms-throttle-limit-percentage",
		"x-ms-throttle-scope",
	}
}

// DefaultMembers returns the names of JSON members that hold no secret in the requests and answers
// of the upload actions.
func DefaultMembers() []string {
	return []string{
		"@odata.context", "@odata.type", "id", "displayName", "status", "targetUrl", "uploadUrl",
		"sha256FileHash", "code", "message", "date", "request-id", "client-request-id", "target",
		"thumbprint", "notBefore", "notAfter", "kid", "kty", "use", "nbf", "exp",
	}
}

// Header returns value as it may be shown for the header name.
func (r Redactor) Header(name, value string) string {
	if !r.headers[strings.ToLower(name)] {
		return r.Hidden(value)
	}
	return r.harmless(value)
}

// harmless shows a value whose name is allowed. A URL in it may still carry a key: the upload URL
// of a storage service does, in its query.
func (r Redactor) harmless(value string) string {
	value = r.Text(value, r.secrets...)
	if strings.HasPrefix(value, "/") { // a Location without a host
		if path, _, ok := strings.Cut(value, "?"); ok {
			return path + "?***"
		}
	}
	if !strings.Contains(value, "://") {
		return value
	}
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(value, blank) {
		at := strings.Index(value, word)
		b.WriteString(value[:at])
		value = value[at+len(word):]
		b.WriteString(r.word(word))
	}
	return b.String() + value
}

func blank(c rune) bool { return unicode.IsSpace(c) || c == '"' || c == '<' || c == '>' }

// word shows a word of a harmless value, a URL without its secrets.
func (r Redactor) word(s string) string {
	if !strings.Contains(s, "://") || !strings.ContainsAny(s, "?@") {
		return s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return r.Hidden(s)
	}
	return r.URL(u)
}

// Hidden returns what is shown in place of value: its length in characters and the first eight
// digits of its SHA-256.
func (Redactor) Hidden(value string) string {
	sum := sha256.Sum256([]byte(value))
	return fmt.Sprintf("<hidden: %d characters, SHA-256 %x>", utf8.RuneCountInString(value), sum[:4])
}

// URL returns u without user and password, its query as ***. A nil u is "".
func (Redactor) URL(u *url.URL) string { return showURL(u) }

// showURL leaves the fragment out too: it is never sent.
func showURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	shown := *u
	shown.User, shown.Fragment, shown.RawFragment = nil, "", ""
	if shown.RawQuery != "" {
		shown.RawQuery = "***"
	}
	return shown.String()
}

// Text returns s with every occurrence of a secret replaced by ***, also one written as in a
// JSON string or a URL. Empty secrets are left aside.
func (Redactor) Text(s string, secrets ...string) string {
	if len(secrets) == 0 {
		return s
	}
	covered := make([]bool, len(s))
	for _, secret := range secrets {
		cover(covered, s, secret)
		cover(covered, s, inJSON(secret))
		cover(covered, s, url.QueryEscape(secret))
		cover(covered, s, url.PathEscape(secret))
	}
	var b strings.Builder
	for i := range len(s) {
		switch {
		case !covered[i]:
			b.WriteByte(s[i])
		case i == 0 || !covered[i-1]:
			b.WriteString("***")
		}
	}
	return b.String()
}

// cover marks every place of secret in s. Marking first and replacing later keeps the rest of a
// secret from standing there when it overlaps another.
func cover(covered []bool, s, secret string) {
	if secret == "" {
		return
	}
	for from := 0; ; {
		at := strings.Index(s[from:], secret)
		if at < 0 {
			return
		}
		for i := from + at; i < from+at+len(secret); i++ {
			covered[i] = true
		}
		from += at + 1
	}
}

// inJSON is s as it stands between the quotes of a JSON string.
func inJSON(s string) string {
	quoted := quote(s)
	return quoted[1 : len(quoted)-1]
}

func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string can always be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// JSON returns body, one JSON value, indented by two spaces, with every string and number hidden
// whose member is not allowed, at any depth; the items of an array go by the array's member. What
// is not JSON is hidden whole; nothing but white space stays empty.
func (r Redactor) JSON(body []byte) []byte {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if !json.Valid(body) {
		return []byte(r.Hidden(string(body)))
	}
	w := newRedactedJSON(r, body)
	if err := w.value(""); err != nil {
		return []byte(r.Hidden(string(body)))
	}
	return w.out.Bytes()
}

// HiddenIn returns the strings of a JSON body that JSON would hide. Numbers are left out: one
// digit would blot out every other number of an answer. What is not JSON has none.
func (r Redactor) HiddenIn(body []byte) []string {
	if !json.Valid(body) {
		return nil
	}
	w := newRedactedJSON(r, body)
	_ = w.value("") // what came before an error counts
	return w.hidden
}

// maxDepth is more than any request can have (more.depth-65) and keeps the indent of a hostile
// answer small.
const maxDepth = 100

var errTooDeep = errors.New("nested too deep to show")

func newRedactedJSON(r Redactor, body []byte) *redactedJSON {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	return &redactedJSON{redactor: r, dec: dec}
}

// redactedJSON copies one value from dec to out.
type redactedJSON struct {
	redactor Redactor
	dec      *json.Decoder
	out      bytes.Buffer
	depth    int
	hidden   []string
}

func (w *redactedJSON) value(member string) error {
	token, err := w.dec.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case json.Delim:
		return w.container(v, member)
	case string:
		w.out.WriteString(quote(w.show(member, v)))
	case json.Number:
		w.number(member, v)
	case bool:
		fmt.Fprint(&w.out, v)
	case nil:
		w.out.WriteString("null")
	}
	return nil
}

func (w *redactedJSON) show(member, value string) string {
	if w.redactor.members[strings.ToLower(member)] {
		return w.redactor.harmless(value)
	}
	w.hidden = append(w.hidden, value)
	return w.redactor.Hidden(value)
}

// name shows a member's name, which is harmless by itself.
func (r Redactor) name(s string) string {
	if r.members[strings.ToLower(s)] {
		return s
	}
	return r.Text(s, r.secrets...)
}

func (w *redactedJSON) number(member string, n json.Number) {
	if w.redactor.members[strings.ToLower(member)] {
		w.out.WriteString(n.String())
		return
	}
	w.out.WriteString(quote(w.redactor.Hidden(n.String())))
}

func (w *redactedJSON) container(open json.Delim, member string) error {
	w.out.WriteString(open.String())
	if w.depth++; w.depth > maxDepth {
		return errTooDeep
	}
	items := 0
	for ; w.dec.More(); items++ {
		if items > 0 {
			w.out.WriteByte(',')
		}
		w.newline()
		name := member
		if open == '{' {
			token, err := w.dec.Token()
			if err != nil {
				return err
			}
			name, _ = token.(string)
			w.out.WriteString(quote(w.redactor.name(name)) + ": ")
		}
		if err := w.value(name); err != nil {
			return err
		}
	}
	w.depth--
	if items > 0 {
		w.newline()
	}
	end, err := w.dec.Token()
	if err == nil {
		fmt.Fprint(&w.out, end)
	}
	return err
}

func (w *redactedJSON) newline() {
	w.out.WriteByte('\n')
	w.out.WriteString(strings.Repeat("  ", w.depth))
}
