package cmdlets

import (
	"fmt"
	"strings"

	"invoke-mgupload/pkg/params"
)

// Request is what a call would send, but for what the pipeline adds.
type Request struct {
	Cmdlet *Cmdlet
	Set    string
	Method string
	Path   string   // from the version on, ids percent-encoded
	Header []Header // the user's, in the order given
	Body   []byte   // nil: the action takes none
}

// Header is one header line.
type Header struct{ Name, Value string }

// Refusal is an error the real cmdlet finds only when it makes the request, so
// that a dry run passes over it. Nothing has been sent.
type Refusal struct {
	Message     string
	Category    string // PowerShell's
	Target      string // as PowerShell prints the target, "" if it has none
	Terminating bool
}

func (e *Refusal) Error() string { return e.Message }

func refuse(format string, args ...any) error {
	return &Refusal{Message: fmt.Sprintf(format, args...), Category: "NotSpecified"}
}

// Check refuses what only this program refuses and no pipeline object can mend:
// headers that would break the connection, and ids that would leave the
// resource. Its error is a *params.Error.
func (c *Cmdlet) Check(b *params.Bound) error {
	if h := b.Object("Headers"); h != nil {
		if err := c.checkHeaders(b.Cmdlet, h); err != nil {
			return err
		}
	}
	return c.checkIDs(b)
}

// checkIDs refuses ids that are dot segments or empty (D18): the first two
// collapse the path onto another resource (identity.id-dotdot), the third
// leaves a hole in it (identity.empty-value).
func (c *Cmdlet) checkIDs(b *params.Bound) error {
	input, identity := b.Cmdlet.Param("InputObject"), b.Object("InputObject")
	for _, name := range ids(b) {
		param, id, given := name, b.String(name), b.Has(name)
		if identity != nil {
			var v any
			v, given = input.Key(identity, name)
			param, id = "InputObject", params.Text(v)
		}
		if !given || id != "" && id != "." && id != ".." {
			continue
		}
		return b.Cmdlet.Refuse("UnsafeId", param, "The id '%s' of -%s is refused: in a path it would lead to another resource.", id, param)
	}
	return nil
}

// Build makes the request. Its error is a *Refusal.
func (c *Cmdlet) Build(b *params.Bound) (*Request, error) {
	path, err := c.path(b)
	if err != nil {
		return nil, err
	}
	header, err := headers(b.Object("Headers"))
	if err != nil {
		return nil, err
	}
	body, err := c.body(b)
	if err != nil {
		return nil, err
	}
	return &Request{Cmdlet: c, Set: b.Set, Method: "POST", Path: "/" + c.Version + path, Header: header, Body: body}, nil
}

// ids are the names of the ids in the set's route, in path order. A set that
// takes them as parameters has the route of its sister that takes an identity.
func ids(b *params.Bound) []string {
	set := b.Set
	if !strings.HasPrefix(set, "UploadViaIdentity") {
		set = "UploadViaIdentity" + strings.TrimPrefix(set, "Upload")
	}
	return b.Cmdlet.Param("InputObject").Keys(set)
}

// path is the set's route with the ids in their places.
func (c *Cmdlet) path(b *params.Bound) (string, error) {
	route, input, identity := c.route(b.Set), b.Cmdlet.Param("InputObject"), b.Object("InputObject")
	var path strings.Builder
	for _, name := range ids(b) {
		before, behind, _ := strings.Cut(route, "{")
		_, after, _ := strings.Cut(behind, "}")
		id := b.String(name)
		if identity != nil {
			v, ok := input.Key(identity, name)
			if !ok {
				return "", &Refusal{
					Message: "InputObject has null value for InputObject." + name, Category: "InvalidArgument",
					Target: c.namespace() + "Models." + strings.TrimPrefix(c.Identity, "I"), Terminating: true,
				}
			}
			id = params.Text(v)
		}
		path.WriteString(before)
		path.WriteString(escape(id))
		route = after
	}
	path.WriteString(route)
	return path.String(), nil
}

const upperHex = "0123456789ABCDEF"

// escape is Uri.EscapeDataString: all but letters, digits and -_.~ as UTF-8 %XX,
// what is not UTF-8 as U+FFFD (identity.id-lone-surrogate).
func escape(id string) string {
	var b strings.Builder
	for _, r := range id {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.~", r)) {
			b.WriteRune(r)
			continue
		}
		for _, c := range []byte(string(r)) {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// Target is a call as PowerShell prints the target of its service errors
// (httperror.target-headers): ids as typed, the others by their types.
func (c *Cmdlet) Target(b *params.Bound) string {
	var parts []string
	for _, name := range ids(b) {
		if b.Has(name) {
			parts = append(parts, name+" = "+b.String(name))
		}
	}
	h := "Headers = "
	if b.Has("Headers") {
		h += "System.Collections.Hashtable"
	}
	parts = append(parts, h)
	if len(c.Body) > 0 {
		parts = append(parts, "body = "+c.namespace()+"Models."+strings.TrimPrefix(c.BodyType, "I"))
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}
