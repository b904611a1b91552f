package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// operation is one thing that can be done at a path.
type operation struct {
	name    string // as OData names it, for messages
	backend backend
	run     func(*Emulator, *call) (any, *refusal)
}

// backend is what differs in the errors of the services behind Graph.
type backend struct {
	badRequest string // error code of a bad body
	notFound   string // error code of an id that doesn't exist
	b2c        bool   // errors have a correlationId
}

// lookup returns the operation for the last segment of a route, without its namespace.
func lookup(action string) (*operation, bool) {
	directory := backend{badRequest: "Request_BadRequest", notFound: "Request_ResourceNotFound"}
	// guess: no error of these services is documented, so theirs are Graph's general codes
	general := backend{badRequest: "BadRequest", notFound: "ResourceNotFound"}
	b2c := backend{badRequest: "BadRequest", notFound: "AADB2C90073", b2c: true}
	switch action {
	case "upload":
		return &operation{action, directory, (*Emulator).uploadPKI}, true
	case "uploadClientCertificate":
		return &operation{action, general, (*Emulator).uploadClientCertificate}, true
	case "uploadCertificate":
		return &operation{action, b2c, (*Emulator).uploadCertificate}, true
	case "uploadPkcs12":
		return &operation{action, b2c, (*Emulator).uploadPkcs12}, true
	case "uploadSecret":
		return &operation{action, b2c, (*Emulator).uploadSecret}, true
	case "uploadDepToken":
		return &operation{action, general, (*Emulator).uploadDepToken}, true
	case "uploadFile":
		return &operation{action, general, (*Emulator).uploadFile}, true
	}
	return nil, false
}

// node is a segment of the tree of paths. An id segment and literal ones never meet below one node.
type node struct {
	literal   map[string]*node
	id        *node
	get, post *operation
}

func (n *node) add(r Route) error {
	path, last, ok := cutLast(r.Template)
	op, known := lookup(strings.TrimPrefix(last, "microsoft.graph."))
	if !ok || !known {
		return fmt.Errorf("emulator: no upload action at the end of route %q", r.Template)
	}
	at := n.child(r.Version)
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		at = at.child(segment)
	}
	if op.name == "upload" {
		at.get = &operation{"get", op.backend, (*Emulator).getPKI}
	}
	at.child(last).post = op
	at.child(op.name).post = op // the documented spelling, without the namespace
	return nil
}

// child returns the node below n for a segment of a template, making it if need be.
func (n *node) child(segment string) *node {
	if strings.HasPrefix(segment, "{") {
		if n.id == nil {
			n.id = &node{}
		}
		return n.id
	}
	if n.literal == nil {
		n.literal = map[string]*node{}
	}
	if n.literal[segment] == nil {
		n.literal[segment] = &node{}
	}
	return n.literal[segment]
}

// find walks an escaped path. The ids are unescaped.
func (n *node) find(path string) (at *node, ids []string, no *refusal) {
	at = n
	ids = make([]string, 0, 4)
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if strings.Contains(segment, "%") {
			if text, err := url.PathUnescape(segment); err == nil {
				segment = text
			}
		}
		next := at.literal[segment]
		if next == nil && at.id != nil && segment != "" {
			next = at.id
			ids = append(ids, segment)
		}
		if next == nil {
			return nil, nil, noSegment(segment)
		}
		at = next
	}
	if at.get == nil && at.post == nil {
		_, last, _ := cutLast(path)
		return nil, nil, noSegment(last)
	}
	return at, ids, nil
}

// operation chooses by method.
func (n *node) operation(c *call) (*operation, *refusal) {
	if n.get != nil && (c.r.Method == http.MethodGet || c.r.Method == http.MethodHead) {
		return n.get, nil
	}
	if n.post != nil && c.r.Method == http.MethodPost {
		return n.post, nil
	}
	allow := http.MethodPost
	if n.post == nil {
		allow = "GET, HEAD"
	}
	c.w.Header().Set("Allow", allow)
	return nil, &refusal{
		status:  http.StatusMethodNotAllowed,
		code:    "Request_BadRequest",
		message: "Specified HTTP method is not allowed for the request target.",
	}
}

func noSegment(segment string) *refusal {
	return &refusal{
		status:  http.StatusNotFound,
		code:    "BadRequest",
		message: fmt.Sprintf("Resource not found for the segment '%s'.", segment),
	}
}

// cutLast cuts path around its last slash.
func cutLast(path string) (before, last string, found bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}
