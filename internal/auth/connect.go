package auth

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// The values of -ContextScope.
const (
	ScopeProcess     = "Process"
	ScopeCurrentUser = "CurrentUser"
)

// personLimit is how long a person has to sign in, as in the real cmdlets.
const personLimit = 120 * time.Second

// Request is what the words of Connect-MgGraph say.
type Request struct {
	Method        string // see MethodOfSet
	Environment   string // "" means Global
	ContextScope  string // "" means the default of the method
	ClientTimeout *float64
	Settings
}

// MethodOfSet returns the sign-in method of a parameter set of
// Connect-MgGraph, "" for an unknown one.
func MethodOfSet(set string, useDeviceCode bool) string {
	switch set {
	case "UserParameterSet":
		if useDeviceCode {
			return MethodDeviceCode
		}
		return MethodBrowser
	case "AppCertificateParameterSet":
		return MethodCertificate
	case "AppSecretCredentialParameterSet":
		return MethodClientSecret
	case "AccessTokenParameterSet":
		return MethodAccessToken
	case "IdentityParameterSet":
		return MethodManagedIdentity
	case "EnvironmentVariableParameterSet":
		return MethodEnvironment
	}
	return ""
}

// Connect signs in, stores the session and returns its context. Words that
// are wrong keep the previous session; a sign-in that fails ends it, as
// recorded.
func (a *Auth) Connect(ctx context.Context, req Request) (Context, error) {
	m, err := methodNamed(req.Method)
	if err != nil {
		return Context{}, err
	}
	if err := checkWords(m, req); err != nil {
		return Context{}, err
	}
	name := req.Environment
	if name == "" {
		name = GlobalEnvironment
	}
	env, err := a.Environment(name)
	if err != nil {
		return Context{}, err
	}
	old, err := a.endSession(req.ClientTimeout)
	if err != nil {
		return Context{}, err
	}
	r := &request{Settings: req.Settings, env: env, seen: &seen{}, keep: a.scope(m, req) == ScopeCurrentUser}
	if old != nil && m.Asks && old.Environment == env.Name && sameApp(old.Settings, req.Settings) {
		r.record = old.Record
	}
	source, record, err := a.signIn(ctx, m, r)
	if err != nil {
		return Context{}, err
	}
	token, err := source.Token(ctx, TokenRequest{})
	if err != nil {
		return Context{}, err
	}
	s, err := newSession(source, req.Settings, record, token)
	if err != nil {
		return Context{}, err
	}
	a.warnUnlessLasting(s)
	return s.Context, a.update(func(f *file) error { f.Session = s; return nil })
}

// checkWords finds missing parameters in the order the real one does
// (connect.thumb-bad-and-no-tenant).
func checkWords(m method, req Request) error {
	must := func(what string) error { return fail(KindArgument, "", "Must specify '%s'.", what) }
	switch m.Name {
	case MethodCertificate:
		thumb := req.CertificateThumbprint
		switch {
		case req.ClientID == "":
			return must("ClientId")
		case thumb == "" && req.CertificateSubjectName == "" && req.CertificateFrom == "":
			return must("CertificateThumbprint or CertificateSubjectName or Certificate")
		case thumb != "" && len(thumb) != 40:
			return fail(KindArgument, "", "'CertificateThumbprint' must have a length of 40. "+
				"Ensure you have the right certificate thumbprint then try again.")
		case req.TenantID == "":
			return must("TenantId")
		}
	case MethodAccessToken:
		if req.AccessTokenFrom == "" {
			return must("AccessToken")
		}
	case MethodClientSecret:
		if req.ClientID == "" || req.ClientSecretFrom == "" {
			return must("ClientSecretCredential")
		}
	}
	return nil
}

// endSession drops the stored session, keeps -ClientTimeout, and returns what
// was dropped.
func (a *Auth) endSession(timeout *float64) (*session, error) {
	var old *session
	err := a.update(func(f *file) error {
		if timeout != nil {
			seconds, err := clientTimeout(*timeout)
			if err != nil {
				return err
			}
			if f.Request == nil {
				d := DefaultRequestContext()
				f.Request = &d
			}
			f.Request.ClientTimeout = seconds
		}
		old, f.Session = f.Session, nil
		return nil
	})
	return old, err
}

// scope returns the context scope: the named one, except that a given token
// is always the process's own.
func (a *Auth) scope(m method, req Request) string {
	switch {
	case m.Name == MethodAccessToken:
		return ScopeProcess
	case req.ContextScope != "":
		return req.ContextScope
	case m.AuthType == "Delegated" && a.env.Getenv("WSL_DISTRO_NAME") == "":
		return ScopeCurrentUser
	}
	return ScopeProcess
}

func sameApp(x, y Settings) bool {
	return x.ClientID == y.ClientID && x.TenantID == y.TenantID && x.LoginHint == y.LoginHint
}

// person is what both credentials that ask have in common.
type person interface {
	Authenticate(context.Context, *policy.TokenRequestOptions) (azidentity.AuthenticationRecord, error)
}

// signIn opens a credential and, where a person is needed and nobody is
// remembered, asks. The record says who signed in; it is nil for apps. A
// browser that can't be opened becomes a device code.
func (a *Auth) signIn(ctx context.Context, m method, r *request) (*Source, *azidentity.AuthenticationRecord, error) {
	if m.Name == MethodBrowser {
		if why := a.noBrowser(); why != "" {
			return a.withDeviceCode(ctx, r, why)
		}
	}
	source, err := a.open(ctx, m, r)
	if err != nil || !m.Asks {
		return source, nil, err
	}
	if r.record != nil {
		if _, err := source.Token(ctx, TokenRequest{}); err == nil {
			return source, r.record, nil
		}
	}
	limited, cancel := context.WithTimeout(ctx, personLimit)
	defer cancel()
	record, err := source.cred.(person).Authenticate(limited, &policy.TokenRequestOptions{Scopes: m.scopes(r), EnableCAE: true})
	if err == nil {
		return source, &record, nil
	}
	// Without a refusal of the service and a fault of the network, what is left
	// is the browser. The library only has a text for that.
	last := r.seen.last()
	if m.Name == MethodBrowser && limited.Err() == nil && last.err == nil && last.status < http.StatusBadRequest {
		return a.withDeviceCode(ctx, r, "the browser sign-in did not work")
	}
	return nil, nil, a.failure(limited, m, r, personLimit, err)
}

func (a *Auth) withDeviceCode(ctx context.Context, r *request, why string) (*Source, *azidentity.AuthenticationRecord, error) {
	a.warn("%s; signing in with a device code instead", why)
	m, err := methodNamed(MethodDeviceCode)
	if err != nil {
		return nil, nil, err
	}
	return a.signIn(ctx, m, r)
}

// newSession keeps the settings as given: what methods fill in from variables
// is read again by each run.
func newSession(s *Source, given Settings, record *azidentity.AuthenticationRecord, token string) (*session, error) {
	c, _, err := decodeToken(token)
	if err != nil {
		return nil, err
	}
	return &session{
		Method: s.m.Name, Environment: s.r.env.Name, Settings: given,
		Context: newContext(s, record, c), Record: record, Cached: s.r.keep,
	}, nil
}

func (a *Auth) warnUnlessLasting(s *session) {
	if s.lasting() {
		return
	}
	if s.Record != nil {
		a.warn("this sign-in ends with this command: the token may not or can't be kept safely here. " +
			"For scripts, sign in as an app, or use --auth device-code with each command.")
		return
	}
	a.warn("this sign-in ends with this command: its secret came from a place that can't be read again. Use env:NAME or file:PATH.")
}

// Disconnect ends the session, deletes the tokens that were kept for it and
// returns its context. Without one the error's kind is KindNoSession.
func (a *Auth) Disconnect() (Context, error) {
	var old *session
	err := a.update(func(f *file) error {
		if old = f.Session; old == nil {
			return fail(KindNoSession, "", "No application to sign out from.")
		}
		f.Session = nil
		return nil
	})
	if err != nil {
		return Context{}, err
	}
	if old.Cached {
		a.forgetTokens()
	}
	return old.Context, nil
}

// forgetTokens deletes the files of the token store. The library has no call
// for that; on macOS they are in the Keychain and stay until they expire.
func (a *Auth) forgetTokens() {
	dir := a.env.Getenv("XDG_CACHE_HOME")
	switch {
	case a.env.GOOS == "windows":
		dir = a.env.Getenv("LocalAppData")
	case dir == "" && a.env.Home != "":
		dir = filepath.Join(a.env.Home, ".cache")
	}
	if dir == "" {
		return
	}
	for _, suffix := range []string{"", ".cae"} {
		path := filepath.Join(dir, ".IdentityService", cacheName+suffix)
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			a.warn("the kept tokens can't be deleted: %v", err)
		}
	}
}
