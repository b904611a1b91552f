package auth

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"invoke-mgupload/internal/auth/authtest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// scripted is a credential that counts.
type scripted struct {
	mu    sync.Mutex
	calls []policy.TokenRequestOptions
	next  func(n int, o policy.TokenRequestOptions) (azcore.AccessToken, error)
}

func (s *scripted) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, o)
	return s.next(len(s.calls), o)
}

func hourly(now func() time.Time) func(int, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return func(n int, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
		return azcore.AccessToken{Token: "token-" + string(rune('0'+n)), ExpiresOn: now().Add(time.Hour)}, nil
	}
}

// clock is a hand that tests move.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func scriptedSource(t *testing.T, c *clock, cred *scripted) *Source {
	t.Helper()
	m, err := methodNamed(MethodClientSecret)
	if err != nil {
		t.Fatal(err)
	}
	a := New("", Env{Now: c.Now})
	return newSource(a, m, &request{env: BuiltinEnvironments()[0], seen: &seen{}}, cred)
}

func TestSourceRenews(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	cred := &scripted{next: hourly(c.Now)}
	s := scriptedSource(t, c, cred)
	for _, step := range []struct {
		after time.Duration
		req   TokenRequest
		want  string
	}{
		{0, TokenRequest{}, "token-1"},
		{54 * time.Minute, TokenRequest{}, "token-1"},
		{2 * time.Minute, TokenRequest{}, "token-2"},                         // before its end
		{0, TokenRequest{Rejected: "token-1"}, "token-2"},                    // somebody was slow
		{0, TokenRequest{Rejected: "token-2"}, "token-3"},                    // forced
		{0, TokenRequest{Claims: `{"a":1}`, Rejected: "token-3"}, "token-4"}, // challenge
		{0, TokenRequest{}, "token-4"},
		{2 * time.Hour, TokenRequest{}, "token-5"},
	} {
		c.now = c.now.Add(step.after)
		if got, err := s.Token(t.Context(), step.req); got != step.want || err != nil {
			t.Fatalf("%+v: %q, %v", step, got, err)
		}
	}
	var claims []string
	for _, o := range cred.calls {
		claims = append(claims, o.Claims)
		if !o.EnableCAE {
			t.Error("without CAE")
		}
	}
	if got, want := strings.Join(claims, "|"), `|{}|{}|{"a":1}|{}`; got != want {
		t.Errorf("claims %s, want %s", got, want)
	}
}

// A renewal that fails early is no failure while the old token is good.
func TestSourceKeepsOldToken(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	broken := false
	cred := &scripted{}
	cred.next = func(n int, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
		if broken {
			return azcore.AccessToken{}, errors.New("no network")
		}
		return hourly(c.Now)(n, o)
	}
	s := scriptedSource(t, c, cred)
	get := func(req TokenRequest) (string, error) { return s.Token(t.Context(), req) }
	if _, err := get(TokenRequest{}); err != nil {
		t.Fatal(err)
	}
	broken = true
	c.now = c.now.Add(57 * time.Minute)
	for range 3 {
		if got, err := get(TokenRequest{}); got != "token-1" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if len(cred.calls) != 2 {
		t.Errorf("%d calls: a failed renewal is repeated at once", len(cred.calls))
	}
	_, err := get(TokenRequest{Rejected: "token-1"})
	kindOf(t, err, KindSignIn, "no network")
	c.now = c.now.Add(3 * time.Minute)
	_, err = get(TokenRequest{})
	kindOf(t, err, KindSignIn, "no network")
	broken = false
	if got, err := get(TokenRequest{}); got != "token-5" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSourceIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cred := &scripted{}
		cred.next = func(n int, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
			time.Sleep(time.Second)
			return hourly(time.Now)(n, o)
		}
		s := scriptedSource(t, &clock{time.Now()}, cred)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if got, err := s.Token(t.Context(), TokenRequest{}); got != "token-1" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		all.Go(func() { // Ctrl-C while another one fetches
			synctest.Wait()
			if _, err := s.Token(ctx, TokenRequest{}); err == nil {
				return // it had its turn first
			} else {
				kindOf(t, err, KindTimeout)
			}
		})
		all.Wait()
		if len(cred.calls) != 1 {
			t.Errorf("%d calls", len(cred.calls))
		}
	})
}

// A CAE challenge with a real credential: the claims reach the service, and
// the library's own cache does not answer.
func TestChallenge(t *testing.T) {
	for _, name := range []string{MethodClientSecret, MethodDeviceCode} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.register()
			c := rows[name](w)
			c.Environment = "mock"
			source, err := w.Source(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			first, err := source.Token(t.Context(), TokenRequest{})
			if err != nil {
				t.Fatal(err)
			}
			second, err := source.Token(t.Context(), TokenRequest{Claims: `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`, Rejected: first})
			if err != nil || second == first {
				t.Fatalf("%v", err)
			}
			third, err := source.Token(t.Context(), TokenRequest{Rejected: second})
			if err != nil || third == second {
				t.Fatalf("%v", err)
			}
			forms := w.service.TokenRequests()
			if claims := forms[len(forms)-2].Get("claims"); !strings.Contains(claims, "nbf") || !strings.Contains(claims, "CP1") {
				t.Errorf("claims %q", claims)
			}
			if claims := forms[len(forms)-1].Get("claims"); claims != forms[0].Get("claims") && name == MethodClientSecret {
				t.Errorf("a forced renewal changed the request: %q", claims)
			}
		})
	}
}

// A given token is read again when it was rejected or is over.
func TestGivenTokenRotates(t *testing.T) {
	c := &clock{time.Now()}
	w := newWorld(t, func(e *Env) { e.Now = c.Now })
	path := w.writeFile("token", []byte("opaque-1\n"), 0o600)
	s, err := w.Source(t.Context(), Choice{AccessTokenFrom: Ref("file:" + path)})
	if err != nil {
		t.Fatal(err)
	}
	get := func(req TokenRequest) string {
		got, err := s.Token(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := get(TokenRequest{}); got != "opaque-1" {
		t.Errorf("%q", got)
	}
	if got := get(TokenRequest{Rejected: "opaque-1"}); got != "opaque-1" { // nothing else to give
		t.Errorf("%q", got)
	}
	must(os.WriteFile(path, []byte("opaque-2"), 0o600))
	if got := get(TokenRequest{}); got != "opaque-1" {
		t.Errorf("%q", got)
	}
	if got := get(TokenRequest{Rejected: "opaque-1"}); got != "opaque-2" {
		t.Errorf("%q", got)
	}
}

// With a real credential and lifetimes of ten minutes in a long run.
func TestLongRun(t *testing.T) {
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		w.env.TokenClient = w.service.Direct()
		w.service.Lifetime = 10 * time.Minute
		w.service.Apps[authtest.Client] = authtest.App{Secret: secretText}
		w.vars["SECRET"] = secretText
		s, err := w.Source(t.Context(), Choice{Method: MethodClientSecret, Environment: "mock", Settings: app(Settings{ClientSecretFrom: "env:SECRET"})})
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			token, err := s.Token(t.Context(), TokenRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if c, _, err := decodeToken(token); err != nil || time.Until(time.Unix(*c.Exp, 0)) <= 0 {
				t.Fatalf("an expired token: %v", err)
			}
			time.Sleep(time.Minute)
		}
		if n := len(w.service.Issued()); n < 6 || n > 13 {
			t.Errorf("%d tokens in an hour", n)
		}
	})
}
