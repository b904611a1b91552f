package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"
)

// advice says what to do about the refusals people meet most, by AADSTS number.
var advice = map[int]string{
	7000215: "Use the secret's value, not its id.",
	7000222: "The client secret has expired: make a new one.",
	700016:  "Check -ClientId and -TenantId: the app must exist in that tenant.",
	90002:   "Check -TenantId and -Environment.",
	900023:  "Check -TenantId.",
	700027:  "Register this certificate with the app.",
	700021:  "The federated credential of the app does not match the token.",
	70021:   "The federated credential of the app does not match the token.",
	700211:  "No federated credential of the app has this issuer.",
	700212:  "No federated credential of the app has this audience.",
	700213:  "No federated credential of the app has this subject.",
	700024:  "The assertion is not valid now: check this machine's clock.",
	65001:   "Somebody must consent to the permissions for this app.",
	65004:   "The sign-in was declined.",
	50076:   "The account needs another factor: sign in with -UseDeviceCode or a browser.",
	53003:   "A Conditional Access policy refuses this sign-in.",
	70043:   "The sign-in has expired: run Connect-MgGraph again.",
	700082:  "The sign-in has expired: run Connect-MgGraph again.",
	50173:   "The sign-in was revoked: run Connect-MgGraph again.",
}

// failure words whatever went wrong while a token was asked for. limit is how
// long a person had, or 0.
func (a *Auth) failure(ctx context.Context, m method, r *request, limit time.Duration, err error) error {
	e := a.classify(ctx, m, r, limit, err)
	e.Message, e.Advice = a.scrub(e.Message), a.scrub(e.Advice)
	return e
}

func (a *Auth) classify(ctx context.Context, m method, r *request, limit time.Duration, err error) *Error {
	if ctx.Err() != nil {
		return canceledAfter(ctx, limit)
	}
	if own, ok := errors.AsType[*Error](err); ok {
		copied := *own
		return &copied
	}
	if own, ok := errors.AsType[*Error](r.seen.ownFault()); ok {
		copied := *own
		return &copied
	}
	if _, ok := errors.AsType[*azidentity.AuthenticationRequiredError](err); ok {
		return fail(KindNotConnected, "Run Connect-MgGraph again; in scripts, sign in as an app.",
			"the stored sign-in can't be continued without asking a person")
	}
	if resp := responseOf(err); resp != nil { //nolint:bodyclose // azidentity has read and closed it
		return a.refused(m, r, resp)
	}
	last := r.seen.last()
	switch {
	case last.err != nil:
		return unreachable(m, last)
	case last.status != 0 && !strings.Contains(last.kind, "json"):
		return fail(KindSignIn, "A proxy or a login page may stand in the way.",
			"%s authentication failed: %s answered %d (%s), which is no sign-in service's answer",
			m.label, last.host, last.status, mediaType(last.kind))
	}
	return &Error{Kind: KindSignIn, Message: m.label + " authentication failed: " + oneLine(err.Error())}
}

func canceled(ctx context.Context) *Error { return canceledAfter(ctx, 0) }

func canceledAfter(ctx context.Context, limit time.Duration) *Error {
	cause := ctx.Err()
	if !errors.Is(cause, context.DeadlineExceeded) {
		return &Error{Kind: KindCanceled, Message: "the sign-in was canceled", Err: cause}
	}
	if limit > 0 {
		return &Error{Kind: KindTimeout, Err: cause, Message: fmt.Sprintf(
			"Authentication timed out after %d seconds due to inactivity. Please try again.", int(limit.Seconds()))}
	}
	return &Error{Kind: KindTimeout, Message: "the sign-in took too long", Err: cause}
}

// ownFault returns what one of our callbacks reported last.
func (s *seen) ownFault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own
}

func responseOf(err error) *http.Response {
	if e, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok {
		return e.RawResponse
	}
	if e, ok := errors.AsType[msal.CallErr](err); ok {
		return e.Resp
	}
	return nil
}

// refused words the service's own answer, which the real cmdlets lose
// (secret.refused-401).
func (a *Auth) refused(m method, r *request, resp *http.Response) *Error {
	var body struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
		Message     string          `json:"message"` // App Service
		Codes       []int           `json:"error_codes"`
	}
	err := json.Unmarshal(r.seen.last().body, &body)
	var code string
	if json.Unmarshal(body.Error, &code) != nil {
		code = ""
	}
	text := oneLine(body.Description)
	if text == "" {
		text = oneLine(body.Message)
	}
	if text == "" {
		text = code
	}
	e := &Error{Kind: KindSignIn, Codes: body.Codes}
	if err != nil || text == "" {
		host := r.seen.last().host
		e.Message = fmt.Sprintf("%s authentication failed: %s answered %s", m.label, host, resp.Status)
		e.Advice = "Try again later; a proxy may stand in the way."
		return e
	}
	e.Message = m.label + " authentication failed: " + text
	e.Advice = a.adviceFor(r, body.Codes)
	return e
}

func (a *Auth) adviceFor(r *request, codes []int) string {
	for _, code := range codes {
		text, ok := advice[code]
		if !ok {
			continue
		}
		if who := r.seen.foreign(); who != "" && (code == 70021 || code/10 == 70021 || code == 700021) {
			text += " It says: " + who + "."
		}
		if off := a.clockOff(r); code == 700024 && off != "" {
			text += " It is " + off + " off."
		}
		return text
	}
	return ""
}

// clockOff compares this machine's clock with the service's.
func (a *Auth) clockOff(r *request) string {
	date := r.seen.last().date
	if date.IsZero() {
		return ""
	}
	if d := a.env.Now().Sub(date).Abs().Round(time.Minute); d >= expiryMargin {
		return d.String()
	}
	return ""
}

// unreachable words a failed exchange by its phase and cause. A URL error's
// own text is left out: it may hold user names of a proxy.
func unreachable(m method, last exchange) *Error {
	cause := last.err
	if u, ok := errors.AsType[*url.Error](cause); ok {
		cause = u.Err
	}
	e := &Error{Kind: KindSignIn, Err: cause, Advice: "Check the network and the proxy settings."}
	var what string
	_, dns := errors.AsType[*net.DNSError](cause)
	var timeout net.Error
	switch {
	case dns:
		what = "its name can't be resolved"
	case untrusted(cause):
		what = "its TLS certificate is not trusted: " + oneLine(cause.Error())
		e.Advice = "If a proxy inspects TLS, name its CA with --ca-file."
	case errors.As(cause, &timeout) && timeout.Timeout(), errors.Is(cause, context.DeadlineExceeded):
		what = "no answer in time"
	default:
		what = oneLine(cause.Error())
	}
	if m.Name == MethodManagedIdentity { // identity.nothing
		e.Message = "ManagedIdentityCredential authentication unavailable. " +
			"Multiple attempts failed to obtain a token from the managed identity endpoint."
		e.Advice = fmt.Sprintf("%s can't be reached: %s. Is this a machine with an identity?", last.host, what)
		return e
	}
	e.Message = fmt.Sprintf("%s authentication failed: %s can't be reached: %s", m.label, last.host, what)
	return e
}

// noteAssertion keeps what a foreign token says about itself, for the case
// that the service doesn't accept it, and the token itself out of all texts.
func (a *Auth) noteAssertion(r *request, token string) {
	a.remember(token)
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return
	}
	var c struct {
		Iss, Sub string
		Aud      any
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return
	}
	r.seen.mu.Lock()
	defer r.seen.mu.Unlock()
	r.seen.assertion = fmt.Sprintf("issuer %s, subject %s, audience %v", c.Iss, c.Sub, c.Aud)
}

func (s *seen) foreign() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.assertion
}

func mediaType(kind string) string {
	kind, _, _ = strings.Cut(kind, ";")
	if kind == "" {
		return "no content type"
	}
	return kind
}

// oneLine folds white space and cuts after 600 characters.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 600 {
		text = string(r[:600]) + "…"
	}
	return text
}
