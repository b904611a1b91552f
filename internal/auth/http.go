package auth

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Retries of token requests. azcore's defaults take 9 s to notice a closed
// endpoint, .NET's 25 s (secret.closed); these take about 2 s, and
// still wait out a Retry-After of up to ten seconds.
var tokenRetry = policy.RetryOptions{
	MaxRetries:    2,
	RetryDelay:    500 * time.Millisecond,
	MaxRetryDelay: 10 * time.Second,
	TryTimeout:    30 * time.Second,
}

// Retries of requests to the machine's own endpoints, which may be restarting:
// azidentity's own six with waits of up to 25 s would take over a minute.
var localRetry = policy.RetryOptions{
	MaxRetries:    3,
	RetryDelay:    500 * time.Millisecond,
	MaxRetryDelay: 5 * time.Second,
	TryTimeout:    10 * time.Second,
}

// seen is what the wire showed last. azidentity turns a failed exchange into
// text; this keeps its type, so that no text needs to be matched.
type seen struct {
	mu sync.Mutex
	exchange
	own       error  // what one of our callbacks returned
	assertion string // iss, sub and aud of the foreign token sent
}

type exchange struct {
	host   string
	err    error
	status int
	kind   string    // Content-Type
	date   time.Time // the server's clock
	body   []byte    // of a refusal; it holds no token
}

// last returns the last exchange; its host is empty before the first.
func (s *seen) last() exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exchange
}

// reset forgets what an earlier request showed.
func (s *seen) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exchange, s.own = exchange{}, nil
}

// fault keeps an error of our own that goes through the library, and returns it.
func (s *seen) fault(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own = err
	return err
}

// watched copies a client so that s sees its exchanges and no redirect is
// followed: a token request carries a secret, which stays with the host it
// was meant for.
func (s *seen) watched(c *http.Client) *http.Client {
	copied := *c
	base := c.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	copied.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := base.RoundTrip(req)
		x := exchange{host: req.URL.Host, err: err}
		if err == nil {
			x.note(resp)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.exchange = x
		if untrusted(err) {
			err = final{err}
		}
		return resp, err
	})
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &copied
}

// final is an error that azcore does not repeat a request for.
type final struct{ error }

func (f final) NonRetriable() {}

func (f final) Unwrap() error { return f.error }

// untrusted tells whether the server's certificate was refused: another try
// meets the same one.
func untrusted(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// note takes down an answer. The body of a refusal is kept, since the library
// drains it while it polls for a device code.
func (x *exchange) note(resp *http.Response) {
	x.status, x.kind = resp.StatusCode, resp.Header.Get("Content-Type")
	x.date, _ = http.ParseTime(resp.Header.Get("Date"))
	if x.status < http.StatusBadRequest {
		return
	}
	var err error
	if x.body, err = io.ReadAll(io.LimitReader(resp.Body, secretLimit)); err != nil {
		x.body = nil
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(x.body), resp.Body}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// remote returns the options of a credential that talks to an environment's
// sign-in service.
func (a *Auth) remote(r *request) azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: r.env.AzureADEndpoint},
		Transport: r.seen.watched(a.env.TokenClient),
		Retry:     tokenRetry,
	}
}

// local returns the options of a credential that talks to this machine.
func (a *Auth) local(r *request) azcore.ClientOptions {
	return azcore.ClientOptions{Transport: r.seen.watched(a.env.LocalClient), Retry: localRetry}
}

// checkAuthority makes sure that a secret is only sent over TLS.
func checkAuthority(e Environment) error {
	u, err := url.Parse(e.AzureADEndpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return fail(KindSignIn, "Change it with Set-MgEnvironment.",
			"the AzureADEndpoint of environment '%s' is not an https URL", e.Name)
	}
	return nil
}
