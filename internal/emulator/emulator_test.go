package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testToken = "emulator-token"
	pkiPath   = "/v1.0/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/" + SeededID
	pkiUpload = pkiPath + "/microsoft.graph.upload"
	connector = "/v1.0/identity/apiConnectors/" + SeededID + "/microsoft.graph.uploadClientCertificate"
	keySet    = "/beta/trustFramework/keySets/" + SeededID + "/microsoft.graph."
	depToken  = "/beta/deviceManagement/depOnboardingSettings/" + SeededID + "/microsoft.graph.uploadDepToken"
	session   = "/v1.0/identityGovernance/entitlementManagement/resources/" + SeededID + "/uploadSessions/" + SeededID + "/microsoft.graph.uploadFile"
	testHash  = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"
	pkiBody   = `{"uploadUrl":"https://ca.example/ca.p7b","sha256FileHash":"` + testHash + `"}`
)

// clock is a settable time source.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 2, 24, 12, 0, 0, 0, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func loadRoutes(t testing.TB) []Route {
	t.Helper()
	data, err := os.ReadFile("testdata/routes.json")
	if err != nil {
		t.Fatal(err)
	}
	var routes []Route
	if err := json.Unmarshal(data, &routes); err != nil {
		t.Fatal(err)
	}
	return routes
}

// newTest returns an emulator of all routes with a fixed clock and id.
func newTest(t testing.TB, change func(*Options)) *Emulator {
	t.Helper()
	o := Options{
		Routes: loadRoutes(t),
		Token:  testToken,
		Now:    newClock().Now,
		NewID:  func() string { return "request-1" },
	}
	if change != nil {
		change(&o)
	}
	return New(o)
}

// send sends a JSON body with the right token; headers are pairs and win.
func send(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+testToken)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Client-Request-Id", "client-1")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// checkError checks status, code and the whole shape of an error answer.
func checkError(t *testing.T, w *httptest.ResponseRecorder, status int, code, message string) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	var e errorBody
	if err := d.Decode(&e); err != nil {
		t.Fatal(err)
	}
	if e.Error.Code != code {
		t.Errorf("code %q, want %q", e.Error.Code, code)
	}
	if !strings.Contains(e.Error.Message, message) {
		t.Errorf("message %q, want %q in it", e.Error.Message, message)
	}
	in := e.Error.InnerError
	if in.Date != "2026-02-24T12:00:00" || in.RequestID != "request-1" || in.ClientRequestID != "client-1" {
		t.Errorf("innerError %+v", in)
	}
	checkHeaders(t, w)
}

func checkHeaders(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for name, want := range map[string]string{
		"request-id":        "request-1",
		"client-request-id": "client-1",
		"Date":              "Tue, 24 Feb 2026 12:00:00 GMT",
		"Cache-Control":     "no-store, no-cache",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("header %s: %q, want %q", name, got, want)
		}
	}
	if !json.Valid([]byte(w.Header().Get("x-ms-ags-diagnostic"))) {
		t.Error("x-ms-ags-diagnostic isn't JSON")
	}
}

func fillIDs(template, id string) string {
	var segments []string
	for s := range strings.SplitSeq(template, "/") {
		if strings.HasPrefix(s, "{") {
			s = id
		}
		segments = append(segments, s)
	}
	return strings.Join(segments, "/")
}

func TestEveryRoute(t *testing.T) {
	routes := loadRoutes(t)
	if len(routes) != 68 {
		t.Fatalf("%d routes, want the 68 of the 56 cmdlets", len(routes))
	}
	good := goodBodies(t)
	for _, r := range routes {
		t.Run(r.Version+r.Template, func(t *testing.T) {
			e := newTest(t, nil)
			_, last, _ := cutLast(r.Template)
			g, ok := good[last]
			if !ok {
				t.Fatalf("no body for %s", last)
			}
			path := "/" + r.Version + fillIDs(r.Template, SeededID)
			w := send(e, "POST", path, g.body, "Content-Type", g.contentType)
			if w.Code != g.status {
				t.Fatalf("status %d, want %d: %s", w.Code, g.status, w.Body)
			}
			checkHeaders(t, w)
			if g.status == http.StatusOK && !strings.Contains(w.Body.String(), "graph.microsoft.com/"+r.Version+"/$metadata#") {
				t.Errorf("context lacks the version: %s", w.Body)
			}
			if w := send(e, "POST", strings.Replace(path, "/microsoft.graph.", "/", 1), g.body, "Content-Type", g.contentType); w.Code != g.status {
				t.Errorf("without namespace: status %d, want %d", w.Code, g.status)
			}
			w = send(e, "POST", "/"+r.Version+fillIDs(r.Template, "no%2Fone"), g.body, "Content-Type", g.contentType)
			if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "'no/one'") {
				t.Errorf("other id: %d %s", w.Code, w.Body)
			}
			if w := send(e, "PUT", path, g.body); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
				t.Errorf("PUT: %d, Allow %q", w.Code, w.Header().Get("Allow"))
			}
		})
	}
}

func TestOneWrongIDIsEnough(t *testing.T) {
	e := newTest(t, nil)
	path := strings.Replace(session, SeededID, "other", 1)
	checkError(t, send(e, "POST", path, ""), 404, "ResourceNotFound", "Resource 'other' does not exist")
}

func TestToken(t *testing.T) {
	const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJncmFwaCJ9.c2ln"
	cases := []struct {
		name, authorization, token, message string
	}{
		{"none", "", testToken, "empty"},
		{"no scheme", testToken, testToken, "empty"},
		{"basic", "Basic " + testToken, testToken, "empty"},
		{"bearer alone", "Bearer", testToken, "empty"},
		{"empty options", "Bearer ", "", "empty"},
		{"other", "Bearer emulator-tokem", testToken, "validation failure"},
		{"longer", "Bearer " + testToken + "x", testToken, "validation failure"},
		{"JWT", "Bearer " + jwt, testToken, "never takes real tokens"},
		{"JWT as the emulator's own", "Bearer " + jwt, jwt, "never takes real tokens"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			e := newTest(t, func(o *Options) { o.Token = tc.token })
			w := send(e, "POST", pkiUpload, pkiBody, "Authorization", tc.authorization)
			if _, token, ok := strings.Cut(tc.authorization, " "); ok && token != "" && strings.Contains(w.Body.String(), token) {
				t.Error("the token is sent back")
			}
			if w.Header().Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
			checkError(t, w, 401, "InvalidAuthenticationToken", tc.message)
		})
	}
	if w := send(newTest(t, nil), "POST", pkiUpload, pkiBody, "Authorization", "bearer "+testToken); w.Code != 204 {
		t.Errorf("the scheme has no case (RFC 9110, 11.1): %d", w.Code)
	}
}

func TestUnknownPath(t *testing.T) {
	cases := []struct{ path, segment string }{
		{"/", ""},
		{"/v2.0/directory", "v2.0"},
		{"/v1.0", "v1.0"},
		{"/v1.0/users", "users"},
		{"/v1.0/directory", "directory"},
		{pkiPath + "/nothing", "nothing"},
		{pkiUpload + "/more", "more"},
		{"/v1.0/identity/apiConnectors//microsoft.graph.uploadClientCertificate", ""},
		{"/v1.0" + strings.TrimPrefix(keySet, "/beta") + "uploadSecret", "trustFramework"},
	}
	e := newTest(t, nil)
	for _, tc := range cases {
		t.Run(tc.path, func(t *testing.T) {
			checkError(t, send(e, "POST", tc.path, "{}"), 404, "BadRequest", "Resource not found for the segment '"+tc.segment+"'.")
		})
	}
}

func TestMethod(t *testing.T) {
	e := newTest(t, nil)
	checkError(t, send(e, "GET", pkiUpload, ""), 405, "Request_BadRequest", "method is not allowed")
	w := send(e, "POST", pkiPath, "{}")
	if w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow %q", w.Header().Get("Allow"))
	}
	checkError(t, w, 405, "Request_BadRequest", "method is not allowed")
}

func TestBodyLimit(t *testing.T) {
	e := newTest(t, nil)
	long := `{"uploadUrl":"` + strings.Repeat("a", bodyLimit) + `"}`
	checkError(t, send(e, "POST", pkiUpload, long), 413, "RequestEntityTooLarge", "too large")

	form := formHead + csvHead + strings.Repeat("a,b,c,d,e,f\n", bodyLimit/12) + formTail
	for name, c := range map[string]struct{ path, body, contentType string }{
		"json": {pkiUpload, long, "application/json"},
		"form": {session, form, formType},
	} {
		r := httptest.NewRequest("POST", c.path, io.MultiReader(strings.NewReader(c.body))) // no length
		r.Header.Set("Authorization", "Bearer "+testToken)
		r.Header.Set("Client-Request-Id", "client-1")
		r.Header.Set("Content-Type", c.contentType)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		t.Run(name, func(t *testing.T) {
			checkError(t, w, 413, "RequestEntityTooLarge", "too large")
		})
	}
}

func TestClientRequestID(t *testing.T) {
	e := New(Options{Routes: loadRoutes(t), Token: testToken})
	w := send(e, "POST", pkiUpload, "{}", "Client-Request-Id", "")
	id := w.Header().Get("request-id")
	if len(id) != len(SeededID) || id[14] != '4' {
		t.Errorf("request-id %q isn't a random UUID", id)
	}
	if got := w.Header().Get("client-request-id"); got != id {
		t.Errorf("client-request-id %q, want the request-id %q", got, id)
	}
}

func TestUnknownActionPanics(t *testing.T) {
	for _, template := range []string{"/a/{b-id}/microsoft.graph.download", "upload", ""} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic for %q", template)
				}
			}()
			New(Options{Routes: []Route{{"beta", template}}})
		}()
	}
}

func TestConcurrent(t *testing.T) {
	c := newClock()
	e := newTest(t, func(o *Options) { o.Now = c.Now; o.JobLength = time.Hour })
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[int]int{}
	for range 8 {
		wg.Go(func() {
			for range 20 {
				w := send(e, "POST", pkiUpload, pkiBody)
				send(e, "GET", pkiPath, "")
				send(e, "POST", depToken, `{"appleId":"a","depToken":"b"}`)
				mu.Lock()
				count[w.Code]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if count[204] != 1 || count[400] != 159 {
		t.Errorf("one job at a time: %v", count)
	}
}

func TestParallelInstantJobsNeverMeet(t *testing.T) {
	e := New(Options{Routes: loadRoutes(t), Token: testToken})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if w := send(e, "POST", pkiUpload, pkiBody); w.Code != 204 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkPKIUpload(b *testing.B) {
	e := New(Options{Routes: loadRoutes(b), Token: testToken})
	r := httptest.NewRequest("POST", pkiUpload, nil)
	r.Header.Set("Authorization", "Bearer "+testToken)
	r.Header.Set("Content-Type", "application/json")
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		r.Body = io.NopCloser(strings.NewReader(pkiBody))
		e.ServeHTTP(w, r)
		if w.Code != 204 {
			b.Fatal(w.Code)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	routes := loadRoutes(b)
	for b.Loop() {
		New(Options{Routes: routes})
	}
}
