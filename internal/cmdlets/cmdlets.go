// Package cmdlets is the table of the 56 upload cmdlets, and makes of a bound
// cmdlet the request it stands for.
//
// A cmdlet is a row (pki.go, apiconnector.go, keyset.go, dep.go, governance.go);
// its parameters and sets follow from the row by the rules of spec.go, its
// request by those of request.go and body.go.
package cmdlets

import (
	"iter"
	"strings"

	"invoke-mgupload/pkg/params"
)

// Cmdlet is a row of the table.
type Cmdlet struct {
	Name   string // PowerShell's name
	Short  string // ours, for typing
	Module string // the module that has the real cmdlet

	Version string   // the API version: V1 or Beta
	Routes  []string // path templates; the first is the route of set Upload, a second that of Upload1
	// SecondIsDefault: without a hint from the words, set Upload1 is meant.
	SecondIsDefault bool

	Body     []params.Member // in the order of the API; empty: the action takes no body
	BodyType string          // interface of -BodyParameter, without its namespace
	Identity string          // interface of -InputObject, without its namespace

	Output     string // model of the answer; empty: 204, and the cmdlet has -PassThru
	Permission string // the least privileged one
}

// API versions, as they stand in a path.
const (
	V1   = "v1.0"
	Beta = "beta"
)

// All are the cmdlets in the order of `list`.
func All() iter.Seq[*Cmdlet] {
	return func(yield func(*Cmdlet) bool) {
		for _, family := range [][]Cmdlet{pki, apiconnector, keyset, dep, governance} {
			for i := range family {
				if !yield(&family[i]) {
					return
				}
			}
		}
	}
}

// Default is the cmdlet that is meant when none is named.
func Default() *Cmdlet { return &pki[0] }

// Find is the cmdlet of a name in any case: full, without Invoke-, or short.
// It answers nil for an unknown name.
func Find(name string) *Cmdlet {
	for c := range All() {
		if strings.EqualFold(name, c.Name) || strings.EqualFold(name, c.Short) ||
			strings.EqualFold(name, strings.TrimPrefix(c.Name, "Invoke-")) {
			return c
		}
	}
	return nil
}

// Inner is the name of the private cmdlet that does a set's work; PowerShell
// shows it in What if: lines and run-time errors.
func (c *Cmdlet) Inner(set string) string { return c.Name + "_" + set }

// Class is the .NET class of a set's private cmdlet, which run-time error ids carry.
func (c *Cmdlet) Class(set string) string {
	return c.namespace() + "Cmdlets." + strings.ReplaceAll(c.Inner(set), "-", "")
}

func (c *Cmdlet) namespace() string {
	if c.Version == Beta {
		return "Microsoft.Graph.Beta.PowerShell."
	}
	return "Microsoft.Graph.PowerShell."
}

// Sentence is what ShouldProcess says of a call, with the template as it stands
// in the API description and never the ids (whatif.special-id).
func (c *Cmdlet) Sentence(set string) string {
	return `Performing the operation "` + c.Inner(set) + `" on target "Call remote 'POST ` + c.route(set) + `' operation".`
}

// route is the path template of a set.
func (c *Cmdlet) route(set string) string {
	if strings.HasSuffix(set, "1") {
		return c.Routes[1]
	}
	return c.Routes[0]
}

// key is an id in a route, as the route and as PowerShell spell it.
type key struct{ json, param string }

// keys are the ids of a route in path order.
func keys(route string) []key {
	var out []key
	for {
		_, rest, ok := strings.Cut(route, "{")
		if !ok {
			return out
		}
		name, after, _ := strings.Cut(rest, "}")
		out = append(out, key{name, pascal(strings.TrimSuffix(name, "-id")) + "Id"})
		route = after
	}
}

// pascal is an API name as .NET spells it: a capital first and behind a digit
// (b2xIdentityUserFlow → B2XIdentityUserFlow).
func pascal(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c >= 'a' && c <= 'z' && (i == 0 || b[i-1] >= '0' && b[i-1] <= '9') {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// Synopsis says what the cmdlet does.
func (c *Cmdlet) Synopsis() string {
	switch {
	case len(c.Body) == 0:
		return "Upload a file of a custom data provided resource to an upload session. The action's file cannot be given: the cmdlet sends no body."
	case c.Output == "trustFrameworkKey":
		return "Upload a key, certificate or secret to a key set of the trust framework."
	case c.Output != "":
		return "Upload a PKCS#12 client certificate to an API connector."
	case strings.Contains(c.Name, "DepToken"):
		return "Upload a token of Apple's device enrolment programme."
	}
	return "Append certificate authorities to a public key infrastructure of certificate-based authentication. One upload can run at a time; it can take up to 30 minutes, during which the status of the object is running."
}
