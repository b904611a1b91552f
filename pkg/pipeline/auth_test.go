package pipeline_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"testing"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

func TestAuthTarget(t *testing.T) {
	for _, c := range []struct {
		origin, url string
		token       bool
	}{
		{"https://graph.example", "https://graph.example/v1.0", true},
		{"https://graph.example", "https://GRAPH.example:443/v1.0", true},
		{"https://graph.example:443/", "https://graph.example/v1.0", true},
		{"https://graph.example", "http://graph.example/v1.0", false},
		{"https://graph.example", "https://graph.example:8443/v1.0", false},
		{"https://graph.example", "https://graph.example.evil/v1.0", false},
		{"https://graph.example", "https://evil.example/v1.0", false},
		{"https://graph.example", "https://graph.example@evil.example/", false},
		{"http://graph.example", "http://graph.example/v1.0", false}, // in clear, and not this machine
		{"http://127.0.0.1:81", "http://127.0.0.1:81/x", true},
		{"http://[::1]:81", "http://[::1]:81/x", true},
		{"http://localhost:81", "http://localhost:81/x", true},
		{"http://localhost:81", "http://127.0.0.1:81/x", false},
	} {
		origin, _ := url.Parse(c.origin)
		req := pipelinetest.Request(t.Context())
		req.URL, _ = url.Parse(c.url)
		req.Header.Set("Authorization", "Basic of-the-user")
		s := newScript(t, status(204))
		resp, err := Auth(countingTokens(), origin)(req, s)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		want := ""
		if c.token {
			want = "Bearer token-1"
		}
		if got := s.sent[0].Header.Get("Authorization"); got != want {
			t.Errorf("origin %s, request to %s: Authorization %q, want %q", c.origin, c.url, got, want)
		}
	}
}

func TestAuthAfter401(t *testing.T) {
	const demand = `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`
	std := base64.StdEncoding.EncodeToString([]byte(demand))
	raw := base64.RawURLEncoding.EncodeToString([]byte(demand))
	for _, c := range []struct {
		name      string
		challenge []string
		claims    string
	}{
		{"httperror.401", nil, ""},
		{"httperror.cae-challenge", []string{`Bearer realm="", authorization_uri="https://login/x", error="insufficient_claims", claims="` + std + `"`}, demand},
		{"first parameter, unquoted, raw", []string{`bearer CLAIMS=` + raw + `, error=insufficient_claims`}, demand},
		{"second line", []string{`Basic realm="a, b"`, `Bearer error="x",claims = "` + raw + `"`}, demand},
		{"second challenge of a line", []string{`Basic realm="\"claims=x", Bearer claims="` + std + `"`}, demand},
		{"another scheme's", []string{`DPoP claims="` + std + `"`}, ""},
		{"not base64", []string{`Bearer claims="{}"`}, ""},
		{"not JSON", []string{`Bearer claims="aGVsbG8="`}, ""},
		{"not closed", []string{`Bearer claims="` + std}, demand},
	} {
		t.Run(c.name, func(t *testing.T) {
			var headers []string
			for _, line := range c.challenge {
				headers = append(headers, "WWW-Authenticate", line)
			}
			var asked []TokenRequest
			src := tokens(func(_ context.Context, want TokenRequest) (string, error) {
				asked = append(asked, want)
				return []string{"one", "two", "three"}[len(asked)-1], nil
			})
			s := newScript(t, status(401, headers...), status(204))
			resp, err := call(t.Context(), Auth(src, graph), s)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if want := []TokenRequest{{}, {Claims: c.claims, Rejected: "one"}}; !slices.Equal(asked, want) {
				t.Errorf("asked for %+v, want %+v", asked, want)
			}
			if len(s.sent) != 2 || s.sent[1].Header.Get("Authorization") != "Bearer two" || s.sent[1].Body != s.sent[0].Body {
				t.Errorf("sent %+v, want a second send with the new token", s.sent)
			}
		})
	}
}

func TestAuthSendsOnceMoreAtMost(t *testing.T) {
	s := newScript(t, status(401))
	resp, err := call(t.Context(), Auth(countingTokens(), graph), s)
	if err != nil || resp.StatusCode != 401 || len(s.sent) != 2 {
		t.Errorf("%v, %v after %d sends, want the 401 after 2", resp, err, len(s.sent))
	}
	closing(t, resp)
}

func TestAuthSameTokenIsNotSentAgain(t *testing.T) { // D20
	s := newScript(t, status(401))
	same := tokens(func(context.Context, TokenRequest) (string, error) { return "t", nil })
	resp, err := call(t.Context(), Auth(same, graph), s)
	if err != nil || resp.StatusCode != 401 || len(s.sent) != 1 {
		t.Errorf("%v, %v after %d sends, want the 401 after 1", resp, err, len(s.sent))
	}
	closing(t, resp)
}

func TestAuthTokenError(t *testing.T) {
	failure := errors.New("sign in again")
	for _, c := range []struct {
		name        string
		good, sends int
	}{{"first", 0, 0}, {"after 401", 1, 1}} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			src := tokens(func(context.Context, TokenRequest) (string, error) {
				if asked++; asked > c.good {
					return "", failure
				}
				return "t", nil
			})
			s := newScript(t, status(401))
			chain := New(s, Named{"retry", Retry(RetryOptions{Max: 3})}, Named{"auth", Auth(src, graph)})
			_, err := chain.Send(pipelinetest.Request(t.Context()))
			if _, ok := errors.AsType[*TokenError](err); !ok || !errors.Is(err, failure) {
				t.Errorf("error %v, want a TokenError around %v", err, failure)
			}
			if len(s.sent) != c.sends || asked != c.good+1 {
				t.Errorf("%d sends and %d questions, want %d and %d: token errors are not retried", len(s.sent), asked, c.sends, c.good+1)
			}
		})
	}
}
