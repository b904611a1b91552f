package cli

import (
	"context"
	"errors"
	"os"

	"invoke-mgupload/internal/auth"
	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
	"invoke-mgupload/pkg/pipeline"
)

// session is one run of a session cmdlet: a run whose work is internal/auth's.
//
//	words → settings, additions  session.go, session_connect.go
//	      → bound parameters     session.go, with pkg/params
//	      → the cmdlet's work    session_connect.go, session_keep.go
//	      → output               session_output.go
type session struct {
	*run
	row              *cmdlets.Session
	secretFrom       auth.Ref // where the secret of -ClientSecretCredential is
	certificateAdded bool     // the certificate is --certificate-file's
}

// session runs a session cmdlet: words → binding → work → exit status.
func (p *program) session(ctx context.Context, row *cmdlets.Session, words []string) int {
	ctx, stop := p.env.Notify(ctx)
	defer stop()
	spec := row.Spec()
	r := &run{program: p, ctx: ctx, spec: spec, line: params.Parse(spec, additionsOf(scopeOf(row)), words)}
	set, err := readSessionSettings(&p.env, spec, r.line)
	r.obey(set)
	if help, version := r.asked(words); help || version {
		return p.tellSession(version, row)
	}
	r.auth = r.newAuth()
	s := &session{run: r, row: row}
	defer r.close()
	if err == nil {
		err = s.bind(ctx)
	}
	if err != nil {
		return r.refused(ctx, err)
	}
	return s.work(ctx)
}

// scopeOf says which additions a session cmdlet has.
func scopeOf(row *cmdlets.Session) scope {
	if row.Name == connectName {
		return ofConnect
	}
	return ofSession
}

// readSessionSettings reads what session cmdlets have of the additions, and the
// preferences. Like readSettings it never fails as a whole.
func readSessionSettings(env *Env, spec *params.Cmdlet, line *params.Line) (settings, error) {
	r := reader{env: env, spec: spec, line: line}
	var s settings
	s.jsonErrors = r.choice("error-format", "text", "json") == "json"
	s.output = r.choice("output", "json", "list")
	s.variables, _ = r.text("variables")
	s.readPreferences(&r)
	if spec.Name == connectName {
		s.caFile, _ = r.text("ca-file")
		s.proxyPasswordFrom, _ = r.text("proxy-password-from")
		s.proxy.address, s.proxy.given = line.Addition("proxy")
		if user, given := line.Addition("proxy-credential"); given {
			s.proxy.login = &params.Login{User: user}
		}
		s.proxy.useDefault, _ = parseFlag(wordOf(line, "proxy-use-default-credentials"))
	}
	return s, r.err
}

func wordOf(line *params.Line, name string) string {
	word, _ := line.Addition(name)
	return word
}

// bind binds the words and reads the common parameters.
func (s *session) bind(ctx context.Context) error {
	if s.row.Name == connectName {
		if err := s.fromElsewhere(); err != nil {
			return err
		}
	}
	o := params.Options{
		ReadFile: func(name string) ([]byte, error) { return os.ReadFile(s.env.path(name)) },
		Password: s.clientSecret,
	}
	if s.env.StdinKind == Terminal {
		o.Prompt = s.promptMandatory
	}
	bound, err := s.line.Bind(ctx, o)
	if err != nil {
		return err
	}
	s.bound = bound
	if err := s.settle(); err != nil {
		return err
	}
	if login := s.set.proxy.login; login != nil {
		login.Password, err = s.proxyPassword(ctx, login.User)
	}
	return err
}

// work does what the cmdlet is for and reports what became of it.
func (s *session) work(ctx context.Context) int {
	if on, _ := s.bound.Switch("Break"); on { // D19
		s.msgs.warn("-Break: there is no debugger to wait for; going on.")
	}
	s.judge = newJudge(s.bound, s.set, s.env.OpenTerminal, s.msgs)
	err := s.act(ctx)
	if err == nil && s.out.err != nil {
		err = s.outputRecord(s.out.err)
	}
	if err != nil && ctx.Err() == nil {
		s.fail(err)
	}
	if err := s.vars.close(); err != nil {
		s.fail(s.newFailure("", "WriteError", err.Error()))
	}
	if ctx.Err() != nil {
		return Interrupted
	}
	return s.status
}

// act is the cmdlet's own work.
func (s *session) act(ctx context.Context) error {
	switch s.row.Name {
	case connectName:
		return s.signIn(ctx)
	case "Disconnect-MgGraph":
		return s.signOut()
	case "Get-MgContext":
		return s.context()
	case "Get-MgEnvironment":
		return s.environments()
	case "Add-MgEnvironment", "Set-MgEnvironment", "Remove-MgEnvironment":
		return s.changeEnvironment(ctx)
	case "Get-MgRequestContext", "Set-MgRequestContext":
		return s.requestContext()
	}
	panic("cli: no work for " + s.row.Name)
}

// fail prints an error as a record.
func (s *session) fail(err error) {
	rec := s.failure(err)
	s.status = worse(s.status, rec.status)
	if !rec.Terminating {
		s.report(rec, false)
		return
	}
	s.vars.errs.put(rec) // -ErrorAction has no say in terminating errors
	s.msgs.record(rec)
}

// failure is the record of an error of the work: ids and categories as recorded.
func (s *session) failure(err error) *record {
	var rec *record
	var sign *auth.Error
	var binding *params.Error
	switch {
	case errors.As(err, &rec):
		return rec
	case errors.As(err, &binding):
		return bindingRecord(s.spec.Name, err)
	case errors.As(err, &sign):
		return s.authFailure(sign)
	case errors.Is(err, params.ErrNobodyToAsk):
		rec = s.newFailure("InvalidOperation", "InvalidOperation", err.Error())
		rec.Terminating = true
		return rec
	}
	return s.newFailure("", "NotSpecified", err.Error())
}

func (s *session) authFailure(err *auth.Error) *record {
	shown := err.Kind.Record()
	if shown.ID == "{GUID}" {
		shown.ID = pipeline.NewID()
	}
	rec := s.newFailure(shown.ID, shown.Category, err.Message)
	rec.Terminating, rec.Recommended, rec.status = shown.Terminating, err.Advice, statusOf(err.Kind)
	return rec
}

// statusOf is the exit status of a failure of internal/auth.
func statusOf(k auth.Kind) int {
	switch k {
	case auth.KindArgument, auth.KindNoEnvironment:
		return Usage
	case auth.KindSignIn, auth.KindTimeout, auth.KindNotConnected:
		return NotConnected
	case auth.KindCanceled:
		return Interrupted
	}
	return Failed
}

// newFailure is a record of a run-time error; the first part of its id may be empty.
func (s *session) newFailure(id, category, message string) *record {
	class := s.spec.ErrorID()
	if id != "" {
		id += ","
	}
	return &record{
		name: s.spec.Name, status: Failed, Cmdlet: s.spec.Name, ParameterSet: s.bound.Set,
		Message: message, ID: id + class, Category: category,
	}
}
