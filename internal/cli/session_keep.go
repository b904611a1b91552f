package cli

import (
	"context"
	"time"

	"invoke-mgupload/internal/auth"
)

// signOut is Disconnect-MgGraph, which answers the context it ends.
func (s *session) signOut() error {
	c, err := s.auth.Disconnect()
	if err != nil {
		return err
	}
	return s.list(c.Fields())
}

// context is Get-MgContext; without a session it prints nothing (context.none).
func (s *session) context() error {
	c, ok, err := s.auth.Context()
	if err != nil || !ok {
		return err
	}
	return s.list(c.Fields())
}

// environments is Get-MgEnvironment.
func (s *session) environments() error {
	found := s.auth.Environments()
	if s.bound.Has("Name") {
		found = s.auth.FindEnvironment(s.bound.String("Name"))
	}
	return s.printEnvironments(found...)
}

func (s *session) printEnvironments(list ...auth.Environment) error {
	var rows [][]auth.Field
	for _, e := range list {
		rows = append(rows, []auth.Field{
			{Name: "Name", Value: e.Name}, {Name: "AzureADEndpoint", Value: e.AzureADEndpoint},
			{Name: "GraphEndpoint", Value: e.GraphEndpoint}, {Name: "Type", Value: e.Type},
		})
	}
	return s.table(rows)
}

// changeEnvironment is Add-, Set- and Remove-MgEnvironment. What is wrong with
// the words comes before the question whether to go on, the rest behind it
// (env.add-builtin-whatif).
func (s *session) changeEnvironment(ctx context.Context) error {
	name, azureAD, graph := s.bound.String("Name"), s.bound.String("AzureADEndpoint"), s.bound.String("GraphEndpoint")
	target, full := auth.RemoveTarget, false
	change := func() (auth.Environment, error) { return s.auth.RemoveEnvironment(name) }
	switch s.row.Name {
	case "Add-MgEnvironment":
		target, full = auth.AddTarget, true
		change = func() (auth.Environment, error) { return s.auth.AddEnvironment(name, azureAD, graph) }
	case "Set-MgEnvironment":
		target = auth.SetTarget
		change = func() (auth.Environment, error) { return s.auth.SetEnvironment(name, azureAD, graph) }
	}
	if target != auth.RemoveTarget {
		if err := auth.CheckEnvironment(full, name, azureAD, graph); err != nil {
			return err
		}
	}
	yes, err := s.should(ctx, name, target)
	if err != nil || !yes {
		return err
	}
	e, err := change()
	if err != nil {
		return err
	}
	return s.printEnvironments(e)
}

// should is ShouldProcess: a dry run only tells, -Confirm asks.
func (s *session) should(ctx context.Context, operation, target string) (bool, error) {
	sentence := `Performing the operation "` + operation + `" on target "` + target + `".`
	if s.judge.whatIf {
		s.out.write([]byte("What if: " + sentence + "\n"))
		return false, nil
	}
	yes, err := s.judge.should(ctx, sentence)
	if yes && !s.judge.ask && s.verbose {
		s.msgs.marked("VERBOSE", sentence)
	}
	return yes, err
}

// requestContext is Get- and Set-MgRequestContext. The latter has -WhatIf and
// does not look at it (rc.set-whatif).
func (s *session) requestContext() error {
	get := s.auth.RequestContext
	if s.row.Name == "Set-MgRequestContext" {
		get = func() (auth.RequestContext, error) { return s.auth.SetRequestContext(s.setRequestContext) }
	}
	now, err := get()
	if err != nil {
		return err
	}
	return s.table([][]auth.Field{{
		{Name: "ClientTimeout", Value: span(now.ClientTimeout)}, {Name: "RetryDelay", Value: now.RetryDelay},
		{Name: "MaxRetry", Value: now.MaxRetry}, {Name: "RetriesTimeLimit", Value: span(now.RetriesTimeLimit)},
	}})
}

func (s *session) setRequestContext(c *auth.RequestContext) {
	for name, member := range map[string]*int{
		"ClientTimeout": &c.ClientTimeout, "RetryDelay": &c.RetryDelay, "MaxRetry": &c.MaxRetry, "RetriesTimeLimit": &c.RetriesTimeLimit,
	} {
		if n, ok := s.bound.Get(name).(int64); ok {
			*member = int(n)
		}
	}
}

// keepContext makes an upload cmdlet obey what Set-MgRequestContext left, where
// neither words nor variables say otherwise.
func (r *run) keepContext() {
	c, err := r.auth.RequestContext()
	if err != nil {
		r.msgs.warn("%v", err)
		return
	}
	settings := reader{env: &r.env, spec: r.spec, line: r.line}
	keep := func(name string, apply func()) {
		if text, _ := settings.text(name); text == "" {
			apply()
		}
	}
	keep("max-retry", func() { r.set.maxRetry = c.MaxRetry })
	keep("retry-delay", func() { r.set.retryDelay = time.Duration(c.RetryDelay) * time.Second })
	keep("retries-time-limit", func() { r.set.retriesTimeLimit = time.Duration(c.RetriesTimeLimit) * time.Second })
	keep("client-timeout", func() { r.set.clientTimeout = time.Duration(c.ClientTimeout) * time.Second })
}
