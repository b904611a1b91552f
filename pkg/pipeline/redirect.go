package pipeline

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// RedirectKind tells why a redirect was not followed.
type RedirectKind int

// The kinds of [RedirectError].
const (
	RedirectTooMany    RedirectKind = iota + 1 // redirect.loop
	RedirectNoLocation                         // redirect.no-location, redirect.bad-location
	RedirectRefused                            // another scheme, host or port (D26)
	RedirectNoBody                             // the body cannot be sent again
)

// RedirectError is a redirect that was not followed.
type RedirectError struct {
	Kind   RedirectKind
	Status int
	Target string // where to, without user, query and fragment; "" if the answer does not say
}

func (e *RedirectError) Error() string {
	switch e.Kind {
	case RedirectTooMany:
		return "Too many redirects performed"
	case RedirectNoLocation:
		return "Unable to perform redirect as Location Header is not set in response"
	case RedirectNoBody:
		return fmt.Sprintf("the service redirects to %s; the body cannot be sent a second time", e.Target)
	}
	return fmt.Sprintf("the service redirects to %s; redirects are followed on the same scheme, host and port only", e.Target)
}

// Redirect returns a step that follows up to max redirects. 301, 302, 307 and 308 send the same
// method and body again, 303 a GET without them (redirect.302-same, redirect.303-same). Only
// targets on the scheme, host and port of the request are followed (D26); what is not followed
// ends in a *[RedirectError]. 300, 304, 305 and 306 are answers like any other.
func Redirect(max int) Step {
	return func(req *http.Request, next Sender) (*http.Response, error) {
		resp, err := next.Send(req)
		for n := 0; err == nil && redirects(resp.StatusCode); n++ {
			discard(resp)
			if n == max {
				return nil, &RedirectError{Kind: RedirectTooMany, Status: resp.StatusCode}
			}
			if req, err = redirected(req, resp); err != nil {
				return nil, err
			}
			resp, err = next.Send(req)
		}
		return resp, err
	}
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirected returns the request that follows resp.
func redirected(req *http.Request, resp *http.Response) (*http.Request, error) {
	target, err := location(req.URL, resp)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusSeeOther {
		return fetching(req, target), nil
	}
	out, ok, err := again(req)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &RedirectError{Kind: RedirectNoBody, Status: resp.StatusCode, Target: showURL(target)}
	}
	out.URL, out.Host = target, ""
	return out, nil
}

// fetching is the GET that follows a 303: no body, no header about one.
func fetching(req *http.Request, target *url.URL) *http.Request {
	out := copied(req)
	out.URL, out.Host = target, ""
	if out.Method != http.MethodHead {
		out.Method = http.MethodGet
	}
	out.Body, out.GetBody, out.ContentLength, out.TransferEncoding = nil, nil, 0, nil
	for name := range out.Header {
		if strings.HasPrefix(name, "Content-") {
			delete(out.Header, name)
		}
	}
	return out
}

// location resolves the answer's Location against the URL that was asked (RFC 3986, 5.2), so
// `moved` works too where the real one fails (redirect.relative-path).
func location(base *url.URL, resp *http.Response) (*url.URL, error) {
	text := resp.Header.Get("Location")
	ref, err := url.Parse(text)
	if text == "" || err != nil {
		return nil, &RedirectError{Kind: RedirectNoLocation, Status: resp.StatusCode}
	}
	target := base.ResolveReference(ref)
	if !sameOrigin(target, base) {
		return nil, &RedirectError{Kind: RedirectRefused, Status: resp.StatusCode, Target: showURL(target)}
	}
	target.User, target.Fragment, target.RawFragment = nil, "", "" // redirect.fragment
	return target, nil
}
