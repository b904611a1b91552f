package pipeline

import (
	"context"
	"net/http"
	"net/url"
)

// TokenSource gives the access token of a send.
type TokenSource interface {
	Token(ctx context.Context, want TokenRequest) (string, error)
}

// TokenRequest says which token is wanted. Its zero value means any that is valid.
type TokenRequest struct {
	Claims   string // JSON the service demands of the token, "" if none
	Rejected string // the token the service has just refused, "" if none
}

// Auth returns a step that sets Authorization to a bearer token of src, in place of any value the
// request has. A token goes only to origin's scheme, host and port, and only over https or to this
// machine; to any other target the request goes without Authorization.
//
// After a 401 src is asked once more, and the request is sent once more if a different token
// comes back (D20). A failing src ends the call with a *[TokenError].
func Auth(src TokenSource, origin *url.URL) Step {
	return func(req *http.Request, next Sender) (*http.Response, error) {
		if origin == nil || !sameOrigin(req.URL, origin) || !private(req.URL) {
			return next.Send(bearing(copied(req), ""))
		}
		return authorised(req, next, src)
	}
}

func authorised(req *http.Request, next Sender, src TokenSource) (*http.Response, error) {
	ctx := req.Context()
	token, err := src.Token(ctx, TokenRequest{})
	if err != nil {
		closeBody(req)
		return nil, tokenError(ctx, err)
	}
	resp, err := next.Send(bearing(copied(req), token))
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	fresh, err := src.Token(ctx, TokenRequest{Claims: claims(resp.Header), Rejected: token})
	if err != nil {
		discard(resp)
		return nil, tokenError(ctx, err)
	}
	if fresh == token {
		return resp, nil
	}
	out, ok, err := again(req)
	if err != nil {
		discard(resp)
		return nil, err
	}
	if !ok {
		return resp, nil
	}
	discard(resp)
	return next.Send(bearing(out, fresh))
}

// bearing sets token on req, which is the step's own copy; "" takes Authorization away.
func bearing(req *http.Request, token string) *http.Request {
	req.Header.Del("Authorization")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req
}

// tokenError keeps the end of the context apart: an interrupted sign-in is an interrupted call.
func tokenError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &TokenError{Err: err}
}
