// Package authtest is a sign-in service for tests: what Entra ID, an Azure
// machine's identity endpoints and the OIDC endpoints of CI providers do, over
// TLS with a private CA, with every assertion checked.
package authtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The tenant and the person of the service.
const (
	Tenant  = "22222222-2222-2222-2222-222222222222"
	Client  = "11111111-1111-1111-1111-111111111111"
	Account = "gold@gold.test"
	HomeID  = "55555555-5555-5555-5555-555555555555." + Tenant
)

// App is an application registered with the service.
type App struct {
	Secret    string              // "" means it has none
	Certs     []*x509.Certificate // whose assertions are taken
	Federated []Federated
}

// Federated is a federated identity credential.
type Federated struct{ Issuer, Subject, Audience string }

// Answer is a scripted answer of the token endpoint.
type Answer struct {
	Status      int
	Header      map[string]string
	Body        string // JSON unless Header says otherwise
	DropRequest bool   // close the connection instead
}

// Refusal returns the answer Entra ID gives for an error.
func Refusal(status int, code string, number int, text string) Answer {
	b, _ := json.Marshal(map[string]any{
		"error":             code,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: 33333333-3333-3333-3333-333333333333 Correlation ID: 44444444-4444-4444-4444-444444444444 Timestamp: 2026-02-24 12:00:00Z", number, text),
		"error_codes":       []int{number},
	})
	return Answer{Status: status, Body: string(b)}
}

// Request is one the service got.
type Request struct {
	Method, Path string
	Query, Form  url.Values
	Header       http.Header
}

// Service is a running service. Its fields are set before the first request.
type Service struct {
	URL      string        // the authority
	Lifetime time.Duration // of tokens; 0 means an hour
	Apps     map[string]App
	Now      func() time.Time
	Opaque   bool // tokens are no JWTs

	server  *httptest.Server
	handler http.Handler
	key     *rsa.PrivateKey // of the CI issuer

	mu       sync.Mutex
	answers  []Answer
	device   []Answer
	requests []Request
	issued   []string
}

// ciKey is made once per test binary.
var ciKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// New starts a service that stops with the test.
func New(t testing.TB) *Service {
	t.Helper()
	s := &Service{Apps: map[string]App{}, key: ciKey(), Now: time.Now}
	s.handler = s.routes()
	s.server = httptest.NewTLSServer(s.handler)
	s.URL = s.server.URL
	t.Cleanup(s.server.Close)
	return s
}

// Client returns a client that trusts the service's private CA.
func (s *Service) Client() *http.Client { return s.server.Client() }

// Direct returns a client that calls the service without any network, for
// tests in a testing/synctest bubble.
func (s *Service) Direct() *http.Client {
	return &http.Client{Transport: transport(func(req *http.Request) (resp *http.Response, err error) {
		defer func() {
			if recover() != nil {
				err = io.ErrUnexpectedEOF
			}
		}()
		if req.Body == nil {
			req.Body = http.NoBody
		}
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, req)
		resp = w.Result()
		resp.Request = req
		return resp, nil
	})}
}

// CA returns the private CA as PEM, for --ca-file and SSL_CERT_FILE.
func (s *Service) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw})
}

// Script makes the token endpoint give these answers first.
func (s *Service) Script(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, answers...)
}

// ScriptDevice makes polling for a device code give these answers first.
func (s *Service) ScriptDevice(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.device = append(s.device, answers...)
}

// Requests returns all requests so far.
func (s *Service) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// TokenRequests returns the forms sent to the token endpoint so far.
func (s *Service) TokenRequests() []url.Values {
	var forms []url.Values
	for _, r := range s.Requests() {
		if strings.HasSuffix(r.Path, "/oauth2/v2.0/token") {
			forms = append(forms, r.Form)
		}
	}
	return forms
}

// Issued returns the access tokens given out so far.
func (s *Service) Issued() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.issued...)
}

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /common/discovery/instance", s.instance)
	mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", s.discovery)
	mux.HandleFunc("GET /{tenant}/oauth2/v2.0/authorize", s.authorize)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/devicecode", s.devicecode)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", s.token)
	mux.HandleFunc("GET /github/token", s.gitHub)
	mux.HandleFunc("POST /pipelines/token", s.pipelines)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		s.requests = append(s.requests, Request{r.Method, r.URL.Path, r.URL.Query(), r.PostForm, r.Header.Clone()})
		s.mu.Unlock()
		mux.ServeHTTP(w, r)
	})
}

func (s *Service) instance(w http.ResponseWriter, _ *http.Request) {
	host := strings.TrimPrefix(s.URL, "https://")
	reply(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": s.URL + "/common/v2.0/.well-known/openid-configuration",
		"metadata": []any{map[string]any{
			"preferred_network": host, "preferred_cache": host, "aliases": []string{host},
		}},
	})
}

func (s *Service) discovery(w http.ResponseWriter, r *http.Request) {
	base := s.URL + "/" + r.PathValue("tenant")
	reply(w, http.StatusOK, map[string]any{
		"issuer":                 base + "/v2.0",
		"authorization_endpoint": base + "/oauth2/v2.0/authorize",
		"token_endpoint":         base + "/oauth2/v2.0/token",
	})
}

func (s *Service) token(w http.ResponseWriter, r *http.Request) {
	if a, ok := s.next(&s.answers); ok {
		give(w, a)
		return
	}
	switch r.PostForm.Get("grant_type") {
	case "client_credentials":
		s.clientCredentials(w, r.PostForm)
	case "device_code", "urn:ietf:params:oauth:grant-type:device_code":
		if a, ok := s.next(&s.device); ok {
			give(w, a)
			return
		}
		s.person(w, r.PostForm)
	case "authorization_code", "refresh_token":
		s.person(w, r.PostForm)
	default:
		give(w, Refusal(400, "unsupported_grant_type", 70003, "The grant type is not supported."))
	}
}

func (s *Service) next(list *[]Answer) (Answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(*list) == 0 {
		return Answer{}, false
	}
	a := (*list)[0]
	*list = (*list)[1:]
	return a, true
}

func (s *Service) clientCredentials(w http.ResponseWriter, form url.Values) {
	app, ok := s.Apps[form.Get("client_id")]
	switch {
	case !ok:
		give(w, Refusal(400, "unauthorized_client", 700016, "Application with identifier was not found in the directory."))
		return
	case form.Get("client_secret") != "":
		if app.Secret == "" || form.Get("client_secret") != app.Secret {
			give(w, Refusal(401, "invalid_client", 7000215, "Invalid client secret provided."))
			return
		}
	default:
		if refusal, ok := s.checkAssertion(app, form); !ok {
			give(w, refusal)
			return
		}
	}
	reply(w, http.StatusOK, map[string]any{
		"token_type": "Bearer", "expires_in": s.lifetime(), "access_token": s.issue(jwt.MapClaims{
			"appid": form.Get("client_id"), "app_displayname": "gold app", "tid": Tenant,
			"roles": []string{"PublicKeyInfrastructure.ReadWrite.All", "User.Read.All"},
		}),
	})
}

// person answers every delegated grant.
func (s *Service) person(w http.ResponseWriter, form url.Values) {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	id, _ := json.Marshal(map[string]any{
		"iss": s.URL + "/" + Tenant + "/v2.0", "aud": form.Get("client_id"), "tid": Tenant,
		"preferred_username": Account, "oid": "55555555-5555-5555-5555-555555555555", "sub": "s",
	})
	info, _ := json.Marshal(map[string]string{"uid": "55555555-5555-5555-5555-555555555555", "utid": Tenant})
	reply(w, http.StatusOK, map[string]any{
		"token_type": "Bearer", "expires_in": s.lifetime(), "refresh_token": "refresh-" + form.Get("grant_type"),
		"scope":       form.Get("scope"),
		"id_token":    header + "." + base64.RawURLEncoding.EncodeToString(id) + ".",
		"client_info": base64.RawURLEncoding.EncodeToString(info),
		"access_token": s.issue(jwt.MapClaims{
			"appid": form.Get("client_id"), "app_displayname": "gold app", "tid": Tenant, "upn": Account,
			"scp": "PublicKeyInfrastructure.ReadWrite.All User.Read",
		}),
	})
}

func (s *Service) lifetime() int {
	if s.Lifetime == 0 {
		return 3600
	}
	return int(s.Lifetime.Seconds())
}

// issue makes an access token unlike any before.
func (s *Service) issue(c jwt.MapClaims) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.issued) + 1
	c["exp"] = s.Now().Add(time.Duration(s.lifetime()) * time.Second).Unix()
	c["uti"] = fmt.Sprint(n)
	token := fmt.Sprintf("opaque-%d", n)
	if !s.Opaque {
		signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, c).SignedString(s.key)
		if err != nil {
			panic(err) // an RSA key signs
		}
		token = signed
	}
	s.issued = append(s.issued, token)
	return token
}

func (s *Service) devicecode(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{
		"user_code": "GOLD12345", "device_code": "device-code", "verification_uri": "https://microsoft.com/devicelogin",
		"expires_in": 900, "interval": 1,
		"message": "To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter the code GOLD12345 to authenticate.",
	})
}

// authorize is the page a person would see: it signs in at once and shows
// what the browser would post back.
func (s *Service) authorize(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, map[string]any{
		"redirect_uri": r.URL.Query().Get("redirect_uri"),
		"form":         url.Values{"code": {"auth-code"}, "state": {r.URL.Query().Get("state")}}.Encode(),
	})
}

// Browse does what a browser and a person do with the address a program
// opens: it signs in and is sent back. client must trust the service.
func Browse(client *http.Client, address string) error {
	resp, err := client.Get(address)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var page struct {
		RedirectURI string `json:"redirect_uri"`
		Form        string `json:"form"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
		return err
	}
	back, err := client.Post(page.RedirectURI, "application/x-www-form-urlencoded", strings.NewReader(page.Form))
	if err != nil {
		return err
	}
	return back.Body.Close()
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

func give(w http.ResponseWriter, a Answer) {
	if a.DropRequest {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	for k, v := range a.Header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write([]byte(a.Body))
}
