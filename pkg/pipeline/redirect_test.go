package pipeline_test

import (
	"errors"
	"strings"
	"testing"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

func TestRedirectFollows(t *testing.T) {
	const moved = "https://graph.example/v1.0/moved"
	for _, c := range []struct {
		name, location string
		status         int
		method, url    string
	}{
		{"redirect.301-same", moved, 301, "POST", moved},
		{"redirect.302-same", moved, 302, "POST", moved},
		{"redirect.303-same", moved, 303, "GET", moved},
		{"redirect.307-same", moved, 307, "POST", moved},
		{"redirect.308-same", moved, 308, "POST", moved},
		{"redirect.relative", "/v1.0/moved?x=1", 307, "POST", moved + "?x=1"},
		{"redirect.relative-path", "moved", 307, "POST", "https://graph.example/v1.0/things/1/moved"},
		{"redirect.fragment", moved + "#frag", 307, "POST", moved},
		{"dots", "../up", 307, "POST", "https://graph.example/v1.0/things/up"},
		{"default port", "https://GRAPH.example:443/x", 307, "POST", "https://GRAPH.example:443/x"},
		{"user dropped", "https://u:p@graph.example/x", 307, "POST", "https://graph.example/x"},
		{"escapes kept", "/a%2Fb%20c", 307, "POST", "https://graph.example/a%2Fb%20c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, status(c.status, "Location", c.location), status(204))
			resp, err := call(t.Context(), Redirect(5), s)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if len(s.sent) != 2 {
				t.Fatalf("%d sends, want 2", len(s.sent))
			}
			got := s.sent[1]
			if got.Method != c.method || got.URL != c.url {
				t.Errorf("followed by %s %s, want %s %s", got.Method, got.URL, c.method, c.url)
			}
			post := c.method == "POST"
			if (got.Body != "") != post || (got.Header.Get("Content-Type") != "") != post || got.Header.Get("X-User") != "kept" {
				t.Errorf("followed with body %q and headers %v", got.Body, got.Header)
			}
		})
	}
}

func TestRedirectRefuses(t *testing.T) {
	for _, c := range []struct {
		name, location string
		kind           RedirectKind
		text           string
	}{
		{"redirect.no-location", "", RedirectNoLocation, "Unable to perform redirect as Location Header is not set in response"},
		{"redirect.bad-location", "http://[bad", RedirectNoLocation, "Unable to perform redirect as Location Header is not set in response"},
		{"D26 host", "https://u:p@other.example/x?sig=s#f", RedirectRefused, "the service redirects to https://other.example/x?***; redirects are followed on the same scheme, host and port only"},
		{"D26 port", "https://graph.example:8443/x", RedirectRefused, "https://graph.example:8443/x;"},
		{"redirect.to-http", "http://graph.example/x", RedirectRefused, "http://graph.example/x;"},
		{"no scheme", "//other.example/x", RedirectRefused, "https://other.example/x;"},
		{"opaque", "https:graph.example", RedirectRefused, "same scheme"},
		{"mailto", "mailto:a@b", RedirectRefused, "mailto:"},
		{"suffix", "https://graph.example.evil.example/", RedirectRefused, "graph.example.evil.example"},
		{"user as host", "https://graph.example@evil.example/", RedirectRefused, "https://evil.example/;"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var headers []string
			if c.location != "" {
				headers = []string{"Location", c.location}
			}
			s := newScript(t, status(307, headers...))
			_, err := call(t.Context(), Redirect(5), s)
			e, ok := errors.AsType[*RedirectError](err)
			if !ok || e.Kind != c.kind || e.Status != 307 || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %#v (%v), want kind %d and %q", err, err, c.kind, c.text)
			}
			if len(s.sent) != 1 {
				t.Errorf("%d sends, want 1", len(s.sent))
			}
		})
	}
}

func TestRedirectLoop(t *testing.T) {
	s := newScript(t, status(307, "Location", "/loop"))
	_, err := call(t.Context(), Redirect(5), s)
	e, ok := errors.AsType[*RedirectError](err)
	if !ok || e.Kind != RedirectTooMany || e.Error() != "Too many redirects performed" || len(s.sent) != 6 { // redirect.loop
		t.Errorf("error %v after %d sends, want too many after 6", err, len(s.sent))
	}
}

func TestRedirectPassesOthers(t *testing.T) {
	for _, code := range []int{300, 304, 305, 306} {
		s := newScript(t, status(code, "Location", "/x"))
		resp, err := call(t.Context(), Redirect(5), s)
		if err != nil || resp.StatusCode != code || len(s.sent) != 1 {
			t.Errorf("%d: %v, %v after %d sends, want the answer itself", code, resp, err, len(s.sent))
		}
		closing(t, resp)
	}
}

func TestRedirectNeedsBodyAgain(t *testing.T) {
	s := newScript(t, status(307, "Location", "/x"))
	req := pipelinetest.Request(t.Context())
	req.GetBody = nil
	_, err := Redirect(5)(req, s)
	if e, ok := errors.AsType[*RedirectError](err); !ok || e.Kind != RedirectNoBody {
		t.Errorf("error %v, want one about the body", err)
	}
}
