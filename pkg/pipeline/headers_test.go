package pipeline_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"testing"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

func TestDefaults(t *testing.T) {
	step := Defaults(http.Header{"User-Agent": {"ours"}, "Cache-Control": {"no-store, no-cache"}, "Sdkversion": {"ours"}}, "SdkVersion")
	req := pipelinetest.Request(t.Context())
	req.Header.Set("User-Agent", "theirs") // headers.user-agent
	req.Header.Set("SdkVersion", "theirs") // headers.sdkversion
	s := newScript(t, status(204))
	resp, err := step(req, s)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for name, want := range map[string]string{"User-Agent": "theirs", "SdkVersion": "ours", "Cache-Control": "no-store, no-cache", "X-User": "kept"} {
		if got := s.sent[0].Header.Values(name); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestEndpoint(t *testing.T) { // steps.inspect-request
	s := newScript(t, status(204))
	req := pipelinetest.Request(t.Context())
	req.URL, _ = url.Parse("https://u:p@graph.example/v1.0/a%2Fb%20c?x=%41")
	resp, err := Endpoint(&url.URL{Scheme: "http", Host: "127.0.0.1:81", Path: "/not/this"})(req, s)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got, want := s.sent[0].URL, "http://127.0.0.1:81/v1.0/a%2Fb%20c?x=%41"; got != want {
		t.Errorf("sent to %s, want %s", got, want)
	}
}

func TestRequestIDPerSend(t *testing.T) {
	s := newScript(t, status(503), status(307, "Location", "/x"), status(401), status(204))
	req := pipelinetest.Request(t.Context())
	req.Header.Set("client-request-id", "theirs")
	chain := New(s, Named{"retry", Retry(RetryOptions{Max: 1})}, Named{"redirect", Redirect(1)},
		Named{"auth", Auth(countingTokens(), graph)}, Named{"requestid", RequestID(NewID)})
	resp, err := chain.Send(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	guid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for _, r := range s.sent {
		id := r.Header.Get("client-request-id")
		if !guid.MatchString(id) || seen[id] {
			t.Errorf("id %q is no new GUID", id)
		}
		seen[id] = true
	}
	if len(seen) != 4 || Attempts(resp) != 2 { // extra.503-then-307: Retry-Attempt stays
		t.Errorf("%d sends in %d attempts, want 4 in 2", len(seen), Attempts(resp))
	}
	if got := s.sent[3].Header.Get("Retry-Attempt"); got != "1" {
		t.Errorf("the last send has Retry-Attempt %q, want 1", got)
	}
}

func TestStatusName(t *testing.T) {
	for code, want := range map[int]string{
		200: "OK", 203: "NonAuthoritativeInformation", 204: "NoContent", 207: "MultiStatus", 226: "IMUsed", 306: "Unused",
		307: "RedirectKeepVerb", 404: "NotFound", 413: "RequestEntityTooLarge", 414: "RequestUriTooLong", 418: "418",
		421: "MisdirectedRequest", 422: "UnprocessableEntity", 425: "425", 505: "HttpVersionNotSupported", 509: "509", 599: "599",
	} {
		if got := StatusName(code); got != want {
			t.Errorf("StatusName(%d) = %s, want %s", code, got, want)
		}
	}
}
