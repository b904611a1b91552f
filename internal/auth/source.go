package auth

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// TokenRequest says what is wrong with the token at hand; the zero value means
// nothing.
type TokenRequest struct {
	Claims   string // the decoded JSON of a claims challenge, or ""
	Rejected string // the token the service refused, or ""
}

// renewRetry is how long a failed early renewal rests while the old token is
// still good.
const renewRetry = 30 * time.Second

// Source hands out tokens for one environment and renews them in time. It is
// safe for concurrent use.
type Source struct {
	auth *Auth
	m    method
	r    *request
	cred azcore.TokenCredential

	turn  chan struct{} // holds one; a mutex that a context can end
	token azcore.AccessToken
	rest  time.Time // no early renewal before
}

func newSource(a *Auth, m method, r *request, cred azcore.TokenCredential) *Source {
	return &Source{auth: a, m: m, r: r, cred: cred, turn: make(chan struct{}, 1)}
}

// Method returns the name of the sign-in method.
func (s *Source) Method() string { return s.m.Name }

// AuthType returns the context's AuthType, such as "Delegated".
func (s *Source) AuthType() string { return s.m.AuthType }

// Environment returns where the tokens are good.
func (s *Source) Environment() Environment { return s.r.env }

// Token returns a token, the one at hand unless it is about to expire, was
// rejected or lacks claims. It returns the rejected one again if no other can
// be had without asking a person. Its error is an *Error.
func (s *Source) Token(ctx context.Context, req TokenRequest) (string, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", canceled(ctx)
	}
	now := s.auth.env.Now()
	have := s.token.Token != ""
	// Another goroutine may have replaced the rejected token meanwhile.
	stale := req.Claims != "" || req.Rejected == s.token.Token
	if req.Rejected == "" {
		stale = req.Claims != ""
	}
	if have && !stale && s.fresh(now) {
		return s.token.Token, nil
	}
	token, err := s.fetch(ctx, req.Claims, have)
	if err != nil {
		if have && !stale && now.Before(s.token.ExpiresOn) && ctx.Err() == nil {
			s.rest = now.Add(renewRetry)
			s.auth.debug("the token could not be renewed yet: %v", err)
			return s.token.Token, nil
		}
		return "", err
	}
	s.token = token
	return token.Token, nil
}

// fresh tells whether the token at hand needs no renewal. A token without an
// end (an opaque one) never does.
func (s *Source) fresh(now time.Time) bool {
	end, early := s.token.ExpiresOn, s.token.RefreshOn
	if end.IsZero() || now.Before(s.rest) && now.Before(end) {
		return true
	}
	return now.Add(expiryMargin).Before(end) && (early.IsZero() || now.Before(early))
}

// fetch asks the credential. Claims make it pass by its own cache, so an empty
// set of claims forces a new token without changing the request.
func (s *Source) fetch(ctx context.Context, claims string, again bool) (azcore.AccessToken, error) {
	if claims == "" && again {
		claims = "{}"
	}
	if s.m.plain {
		claims = ""
	}
	s.r.seen.reset()
	token, err := s.cred.GetToken(ctx, policy.TokenRequestOptions{
		Scopes: s.m.scopes(s.r), EnableCAE: !s.m.plain, Claims: claims,
	})
	if err != nil {
		return token, s.auth.failure(ctx, s.m, s.r, 0, err)
	}
	s.auth.remember(token.Token)
	return token, nil
}
