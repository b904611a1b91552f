package cli

import (
	"context"
	"strings"

	"invoke-mgupload/internal/auth"
	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
)

const connectName = "Connect-MgGraph"

// signIn is Connect-MgGraph.
func (s *session) signIn(ctx context.Context) error {
	if _, err := s.network(); err != nil { // wrong words are told before a session is ended
		return err
	}
	req := s.request()
	s.debugLine("[Authentication]: %s chosen: parameter set '%s'.", req.Method, s.bound.Set)
	c, err := s.auth.Connect(ctx, req)
	if err != nil {
		return err
	}
	// The welcome is for people: who asks for JSON or a list gets nothing mixed into it.
	if quiet, _ := s.bound.Switch("NoWelcome"); !quiet && s.set.output == "" {
		s.out.write([]byte(c.Welcome() + "\n"))
		s.vars.out.put(c.Welcome())
	}
	return nil
}

// request is what the words say of signing in.
func (s *session) request() auth.Request {
	b := s.bound
	device, _ := b.Switch("UseDeviceCode")
	chain, _ := b.Switch("SendCertificateChain")
	scopes, _ := b.Get("Scopes").([]string)
	req := auth.Request{
		Method:      auth.MethodOfSet(b.Set, device),
		Environment: b.String("Environment"), ContextScope: b.String("ContextScope"),
		Settings: auth.Settings{
			TenantID: b.String("TenantId"), ClientID: b.String("ClientId"), Scopes: scopes, LoginHint: b.String("LoginHint"),
			AccessTokenFrom: auth.Ref(b.String("AccessToken")), ClientSecretFrom: s.secretFrom,
			CertificateFrom:       s.certificateFrom(),
			CertificateThumbprint: b.String("CertificateThumbprint"), CertificateSubjectName: b.String("CertificateSubjectName"),
			SendCertificateChain: chain,
		},
	}
	if login, ok := b.Get("ClientSecretCredential").(params.Login); ok {
		req.ClientID = login.User
	}
	if req.CertificateFrom != "" {
		req.CertificatePasswordFrom, _ = s.place("certificate-password-from") // fromElsewhere has checked it
	}
	if seconds, ok := b.Get("ClientTimeout").(float64); ok {
		req.ClientTimeout = &seconds
	}
	return req
}

// certificateFrom is the place of the certificate: --certificate-file's, or the
// file that -Certificate names.
func (s *session) certificateFrom() auth.Ref {
	text := s.bound.String("Certificate")
	if text == "" || s.certificateAdded {
		return auth.Ref(text)
	}
	ref, err := auth.ParseRef("file:"+text, s.folder())
	if err != nil {
		return ""
	}
	return ref
}

// fromElsewhere gives secrets' parameters the places that additions name, as if
// those were the parameters' values: they choose a parameter set, and exclude
// what the set does not have. A variable does so only where the words allow it.
func (s *session) fromElsewhere() error {
	for _, name := range []string{"client-secret-from", "certificate-password-from"} {
		if _, err := s.place(name); err != nil {
			return err
		}
	}
	if _, word := s.line.Addition("client-secret-from"); word && !s.line.Given("ClientSecretCredential") {
		return s.spec.Refuse("Conflict", "--client-secret-from", "--client-secret-from needs the client id it belongs to: give -ClientSecretCredential CLIENTID.")
	}
	if err := s.addCertificate(); err != nil {
		return err
	}
	if _, word := s.line.Addition("certificate-password-from"); word && !s.line.Given("Certificate") {
		return s.spec.Refuse("Conflict", "--certificate-password-from", "--certificate-password-from needs a certificate: give --certificate-file.")
	}
	token, err := s.place("access-token-from")
	if _, word := s.line.Addition("access-token-from"); err != nil || token == "" || !word && !s.line.Fits(cmdlets.SetToken) {
		return err
	}
	return s.line.Add("AccessToken", func() (string, error) { return string(token), nil })
}

// addCertificate binds --certificate-file to -Certificate.
func (s *session) addCertificate() error {
	from, word := s.reader().text("certificate-file")
	fits := s.line.Fits(cmdlets.SetCertificate) && s.line.Given("ClientId") &&
		!s.line.Given("Certificate") && !s.line.Given("CertificateThumbprint") && !s.line.Given("CertificateSubjectName")
	switch {
	case from == "" || !word && !fits:
		return nil
	case s.line.Given("Certificate"):
		return s.spec.Refuse("Conflict", "Certificate", "-Certificate and --certificate-file both name a certificate: give one.")
	}
	if !hasScheme(from) {
		from = "file:" + from
	}
	ref, err := auth.ParseRef(from, s.folder())
	if err != nil {
		return s.spec.Setting("--certificate-file", "Give a path, or env:NAME.")
	}
	s.certificateAdded = true
	return s.line.Add("Certificate", func() (string, error) { return string(ref), nil })
}

// hasScheme reports whether a place is no bare path.
func hasScheme(text string) bool {
	scheme, _, ok := strings.Cut(text, ":")
	return text == "-" || ok && (scheme == "env" || scheme == "file" || scheme == "fd")
}

// place is the place that an addition or its variable names; "" is none.
func (s *session) place(name string) (auth.Ref, error) {
	text, _ := s.reader().text(name)
	if text == "" {
		return "", nil
	}
	ref, err := auth.ParseRef(text, s.folder())
	if err != nil { // the text is not shown: it may be the secret itself
		return "", s.spec.Setting("--"+name, "Give the place of the secret, never the secret: env:NAME, file:PATH, fd:N, - or prompt.")
	}
	return ref, nil
}

func (s *session) reader() *reader { return &reader{env: &s.env, spec: s.spec, line: s.line} }

// clientSecret finds the place of the secret of -ClientSecretCredential. The
// secret itself is read when it is needed.
func (s *session) clientSecret(context.Context, string) (password string, err error) {
	if s.secretFrom, err = s.place("client-secret-from"); err != nil || s.secretFrom != "" {
		return "", err
	}
	c, err := s.env.OpenTerminal()
	if err != nil {
		return "", params.ErrNobodyToAsk
	}
	s.secretFrom = "prompt"
	return "", c.Close()
}
