package authtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Machine is an Azure machine's own identity endpoints over plain HTTP: IMDS,
// App Service and Arc.
type Machine struct {
	URL    string // where App Service and Arc answer
	Header string // the App Service's IDENTITY_HEADER

	mu       sync.Mutex
	script   []Answer
	requests []Request
	issued   int
}

// NewMachine starts one that stops with the test.
func NewMachine(t testing.TB) *Machine {
	t.Helper()
	m := &Machine{Header: "header-secret"}
	server := httptest.NewServer(http.HandlerFunc(m.serve))
	m.URL = server.URL
	t.Cleanup(server.Close)
	return m
}

// Client returns a client whose requests for IMDS's fixed address arrive here;
// other addresses than those two fail.
func (m *Machine) Client() *http.Client {
	here, err := url.Parse(m.URL)
	if err != nil {
		panic(err)
	}
	return &http.Client{Transport: transport(func(req *http.Request) (*http.Response, error) {
		if req.URL.Host != "169.254.169.254" && req.URL.Host != here.Host {
			return nil, fmt.Errorf("authtest: unexpected host %s", req.URL.Host)
		}
		moved := req.Clone(req.Context())
		moved.Host, moved.URL.Host = req.URL.Host, here.Host
		return http.DefaultTransport.RoundTrip(moved)
	})}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Script makes the next token requests get these answers.
func (m *Machine) Script(answers ...Answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.script = append(m.script, answers...)
}

// Requests returns all requests so far.
func (m *Machine) Requests() []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Request(nil), m.requests...)
}

func (m *Machine) serve(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.requests = append(m.requests, Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header.Clone()})
	var scripted *Answer
	if len(m.script) > 0 && r.Header.Get("Metadata")+r.Header.Get("X-IDENTITY-HEADER") != "" {
		scripted, m.script = &m.script[0], m.script[1:]
	}
	m.issued++
	n := m.issued
	m.mu.Unlock()
	if scripted != nil {
		give(w, *scripted)
		return
	}
	switch r.URL.Path {
	case "/metadata/identity/oauth2/token": // IMDS
		if r.Header.Get("Metadata") != "true" {
			reply(w, http.StatusBadRequest, map[string]string{"error": "bad_request_102", "error_description": "Required metadata header not specified"})
			return
		}
		m.issue(w, r, n)
	case "/msi/token": // App Service
		if r.Header.Get("X-IDENTITY-HEADER") != m.Header {
			reply(w, http.StatusUnauthorized, map[string]any{"statusCode": 401, "message": "Unauthorized"})
			return
		}
		m.issue(w, r, n)
	case "/arc/token": // Arc asks for the content of a file only its agents may read
		w.Header().Set("WWW-Authenticate", "Basic realm=/var/opt/azcmagent/tokens/authtest-missing.key")
		w.WriteHeader(http.StatusUnauthorized)
	default:
		http.NotFound(w, r)
	}
}

func (m *Machine) issue(w http.ResponseWriter, r *http.Request, n int) {
	reply(w, http.StatusOK, map[string]string{
		"access_token": fmt.Sprintf("machine-%d", n),
		"expires_on":   strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10),
		"resource":     r.URL.Query().Get("resource"), "token_type": "Bearer",
	})
}
