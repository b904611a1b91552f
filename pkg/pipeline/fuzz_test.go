package pipeline

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "1", "1.5", "-1", "soon", "100000", "99999999999999999999", "Tue, 24 Feb 2026 12:00:01 GMT", "Wed, 24 Feb 2100 12:00:02 GMT", "+5", "٣"} {
		f.Add(seed)
	}
	now := time.Date(2026, 2, 24, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		wait, ok := retryAfter(http.Header{"Retry-After": {value}}, now)
		if wait < 0 || wait > maxWait || !ok && wait != 0 {
			t.Errorf("Retry-After %q waits %s (%v), want 0 to %s", value, wait, ok, maxWait)
		}
		if strings.HasPrefix(strings.TrimSpace(value), "-") && ok {
			t.Errorf("Retry-After %q is taken", value)
		}
	})
}

func FuzzLocation(f *testing.F) {
	for _, seed := range []string{"", "/moved", "moved", "//other/x", "https://graph.example/x#f", "https://graph.example:443", "https://u:p@graph.example/", "http://[bad", "https:x", "\\\\evil", "/\\evil", "javascript:x", "?a=b", "https://graph.example\t.evil/"} {
		f.Add(seed)
	}
	base := &url.URL{Scheme: "https", Host: "graph.example", Path: "/v1.0/things/1/upload"}
	f.Fuzz(func(t *testing.T, value string) {
		target, err := location(base, &http.Response{StatusCode: 307, Header: http.Header{"Location": {value}}})
		if (target == nil) == (err == nil) {
			t.Fatalf("Location %q: target %v and error %v", value, target, err)
		}
		if err != nil {
			if _, ok := errors.AsType[*RedirectError](err); !ok {
				t.Errorf("Location %q: error %T", value, err)
			}
			return
		}
		// What counts is where the text leads once it is written down and read again.
		again, err := url.Parse(target.String())
		if err != nil || again.Scheme != "https" || !strings.EqualFold(again.Hostname(), "graph.example") || port(again) != "443" || again.User != nil || again.Fragment != "" {
			t.Errorf("Location %q leads to %s (%v)", value, target, err)
		}
	})
}

func FuzzClaims(f *testing.F) {
	f.Add(`Bearer realm="", error="insufficient_claims", claims="eyJhIjoxfQ=="`)
	f.Add(`Basic realm="a\"b", Bearer claims=eyJhIjoxfQ`)
	f.Add(`Bearer claims="`)
	f.Add(`,,= "`)
	f.Fuzz(func(t *testing.T, value string) {
		text := claims(http.Header{"Www-Authenticate": {value}})
		if text != "" && (!json.Valid([]byte(text)) || text[0] != '{') {
			t.Errorf("challenge %q demands %q, which is no JSON object", value, text)
		}
		// A challenge of ours is found behind any other whose quotes are closed.
		if strings.ContainsAny(value, `"\`) || text != "" {
			return
		}
		ours := `, Bearer claims="` + base64.StdEncoding.EncodeToString([]byte(`{"a":1}`)) + `"`
		if got := claims(http.Header{"Www-Authenticate": {value + ours}}); got != `{"a":1}` && !strings.HasSuffix(strings.TrimRight(value, " \t,"), "=") {
			t.Errorf("behind %q claims are %q", value, got)
		}
	})
}
