package auth

import (
	"context"
	"strings"
)

// Choice is what the words of one command say about signing in.
type Choice struct {
	AccessTokenFrom Ref      // --access-token-from
	Method          string   // --auth
	Environment     string   // --environment; "" means the session's, else Global
	Settings        Settings // goes with Method
}

const textNotConnected = "Authentication needed. Please call Connect-MgGraph."

// Source finds out how to get tokens: from a token named by word, the method
// named by word, a token in MGUPLOAD_ACCESS_TOKEN, the session of
// Connect-MgGraph, or what the surroundings offer, in this order. If there is
// nothing, the error's kind is KindNotConnected. Unless a person has to sign in
// (--auth browser, device-code), it asks for no token yet, and the only
// request it may send goes to the machine's own identity endpoint.
func (a *Auth) Source(ctx context.Context, c Choice) (*Source, error) {
	if c.AccessTokenFrom != "" && c.Method != "" && c.Method != MethodAccessToken {
		return nil, fail(KindArgument, "Leave one of them out.", "--access-token-from and --auth exclude each other")
	}
	switch {
	case c.AccessTokenFrom != "":
		c.Method, c.Settings.AccessTokenFrom = MethodAccessToken, c.AccessTokenFrom
	case c.Method == "" && a.env.Getenv(AccessTokenVariable) != "":
		c.Method = MethodAccessToken
	}
	if c.Method != "" {
		m, err := methodNamed(c.Method)
		if err != nil {
			return nil, err
		}
		return a.begin(ctx, m, c)
	}
	f, err := a.load()
	if err != nil {
		return nil, err
	}
	if f.Session != nil {
		return a.resume(ctx, f.Session, c.Environment)
	}
	m, err := a.choose(ctx, c.Settings)
	if err != nil {
		return nil, err
	}
	return a.begin(ctx, m, c)
}

// choose takes the first method the surroundings offer and says why.
func (a *Auth) choose(ctx context.Context, s Settings) (method, error) {
	for _, m := range methods() {
		if m.offered == nil {
			continue
		}
		ok, why := m.offered(ctx, a, s)
		if ctx.Err() != nil {
			return method{}, canceled(ctx)
		}
		if ok {
			a.debug("[Authentication]: %s chosen: %s", m.Name, why)
			return m, nil
		}
		a.debug("[Authentication]: %s not chosen: %s", m.Name, why)
	}
	return method{}, fail(KindNotConnected, "", textNotConnected)
}

// begin starts a method that no session stands behind. A person is asked at
// once, if the method needs one: this process is all there is.
func (a *Auth) begin(ctx context.Context, m method, c Choice) (*Source, error) {
	if m.Name != MethodAccessToken { // which has a variable of its own
		if err := checkWords(m, Request{Settings: c.Settings}); err != nil {
			return nil, err
		}
	}
	env, err := a.Environment(c.Environment)
	if err != nil {
		return nil, err
	}
	r := &request{Settings: c.Settings, env: env, seen: &seen{}}
	if m.Asks {
		source, _, err := a.signIn(ctx, m, r)
		return source, err
	}
	return a.open(ctx, m, r)
}

// resume goes on with the session of Connect-MgGraph.
func (a *Auth) resume(ctx context.Context, s *session, environment string) (*Source, error) {
	m, err := methodNamed(s.Method)
	if err != nil {
		return nil, fail(KindNotConnected, "Run Connect-MgGraph again.", "the stored session is of an unknown kind")
	}
	env, err := a.Environment(environment)
	if err != nil {
		return nil, err
	}
	if environment != "" && !strings.EqualFold(env.Name, s.Environment) {
		return nil, fail(KindNotConnected, "Run Connect-MgGraph -Environment "+env.Name+".",
			"the session is in environment '%s', not in '%s'", s.Environment, env.Name)
	}
	if !s.lasting() {
		return nil, fail(KindNotConnected, "Run Connect-MgGraph with a secret in a variable or file, or -ContextScope CurrentUser.",
			"the sign-in ended with the Connect-MgGraph command: nothing safe was there to keep it")
	}
	r := &request{Settings: s.Settings, env: env, record: s.Record, keep: s.Cached, seen: &seen{}}
	return a.open(ctx, m, r)
}

// lasting tells whether a later process can get a token without asking.
func (s *session) lasting() bool {
	switch s.Method {
	case MethodBrowser, MethodDeviceCode:
		return s.Cached && s.Record != nil
	case MethodAccessToken:
		return s.Settings.AccessTokenFrom.Lasting()
	case MethodClientSecret:
		return s.Settings.ClientSecretFrom.Lasting()
	case MethodCertificate:
		from, password := s.Settings.CertificateFrom, s.Settings.CertificatePasswordFrom
		return (from == "" || from.Lasting()) && (password == "" || password.Lasting())
	}
	return true
}

// open builds the credential. It reads secrets but sends nothing.
func (a *Auth) open(ctx context.Context, m method, r *request) (*Source, error) {
	if m.Name != MethodAccessToken && m.Name != MethodManagedIdentity && m.Name != MethodAzureCLI {
		if err := checkAuthority(r.env); err != nil {
			return nil, err
		}
	}
	cred, err := m.open(ctx, a, r)
	if err != nil {
		return nil, a.failure(ctx, m, r, 0, err)
	}
	return newSource(a, m, r, cred), nil
}
