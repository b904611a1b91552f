package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// member is a parameter that an action declares.
type member struct {
	name    string
	integer bool // Edm.Int64; otherwise Edm.String
}

// fields holds the parameters of a body by name: the text of strings, the digits of numbers. One
// that is absent or null isn't in it.
type fields map[string]string

const unreadable = "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."

// readFields reads the body as a JSON object of the declared members.
func (c *call) readFields(declared ...member) (fields, *refusal) {
	if !isJSON(c.r.Header.Get("Content-Type")) {
		return nil, c.bad("%s", unreadable)
	}
	body, no := c.readBody()
	if no != nil {
		return nil, no
	}
	// a decoder alone would stop after the first value; from here on only the form can be wrong
	if !json.Valid(body) {
		return nil, c.bad("%s", unreadable)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, c.bad("%s", unreadable)
	}
	f := make(fields, len(declared))
	seen := make([]bool, len(declared))
	for d.More() {
		t, err := d.Token()
		name, _ := t.(string)
		if err != nil {
			return nil, c.bad("%s", unreadable)
		}
		if strings.Contains(name, "@") { // an OData annotation, of any type
			if err := d.Decode(new(json.RawMessage)); err != nil {
				return nil, c.bad("%s", unreadable)
			}
			continue
		}
		i := indexOf(declared, name)
		if i < 0 {
			return nil, c.bad("The parameter '%s' in the request payload is not a valid parameter for the operation '%s'.", name, c.op.name)
		}
		if seen[i] {
			return nil, c.bad("The parameter '%s' is given twice in the request payload.", name)
		}
		seen[i] = true
		if no := c.readField(f, declared[i], d); no != nil {
			return nil, no
		}
	}
	return f, nil
}

func isJSON(contentType string) bool {
	if contentType == "application/json" { // what the cmdlets send
		return true
	}
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && t == "application/json"
}

// readField reads the value that comes next.
func (c *call) readField(f fields, m member, d *json.Decoder) *refusal {
	value, err := d.Token()
	if err != nil {
		return c.bad("%s", unreadable)
	}
	if value == nil {
		return nil
	}
	if m.integer {
		// no strings: the service wants numbers
		n, ok := value.(json.Number)
		if _, err := strconv.ParseInt(n.String(), 10, 64); !ok || err != nil {
			return c.invalid(m.name, "an Edm.Int64 is needed")
		}
		f[m.name] = n.String()
		return nil
	}
	s, ok := value.(string)
	if !ok {
		return c.invalid(m.name, "an Edm.String is needed")
	}
	f[m.name] = s
	return nil
}

func (c *call) readBody() ([]byte, *refusal) {
	var b bytes.Buffer
	if n := c.r.ContentLength; n > 0 {
		b.Grow(int(n) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(c.r.Body); err != nil {
		return nil, c.readError(err)
	}
	return b.Bytes(), nil
}

// readError is for an error of reading the body.
func (c *call) readError(err error) *refusal {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge()
	}
	return c.bad("The request payload ended early.")
}

// require refuses a body that lacks one of the names, or has an empty text there.
func (c *call) require(f fields, names ...string) *refusal {
	var missing []string
	for _, name := range names {
		if _, ok := f[name]; !ok {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		return c.bad("One or more parameters of the operation '%s' are missing from the request payload. The missing parameters are: %s.", c.op.name, strings.Join(missing, ", "))
	}
	for _, name := range names {
		if f[name] == "" {
			return c.invalid(name, "it is empty")
		}
	}
	return nil
}

func indexOf(declared []member, name string) int {
	for i, m := range declared {
		if m.name == name {
			return i
		}
	}
	return -1
}

// drain reads what is left of r, so that a body's limit and its end are checked.
func drain(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
