package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync/atomic"

	"invoke-mgupload/internal/auth"
	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
	"invoke-mgupload/pkg/pipeline"
)

// run is one run of a cmdlet. That of a session cmdlet is part of a session, and has no cmdlet.
type run struct {
	*program
	ctx    context.Context // of the run, for questions in the middle of a report
	cmdlet *cmdlets.Cmdlet
	spec   *params.Cmdlet
	line   *params.Line
	set    settings
	auth   *auth.Auth

	bound   *params.Bound // what the words bound
	msgs    *messages
	out     *results
	judge   *judge
	vars    *variables
	action  string // -ErrorAction
	debug   bool
	verbose bool

	saidSet string // the set that said is for
	said    []byte // a What if: line

	net       *network
	tokenWire http.RoundTripper

	origin *url.URL // of Graph
	sender pipeline.Sender
	server io.Closer // the emulator, once started

	status int
	hinted bool        // the permission was named
	cutOff atomic.Bool // an interrupt ended a request that may have reached the service
}

// cmdlet runs a cmdlet: words → binding → items → exit status.
func (p *program) cmdlet(ctx context.Context, c *cmdlets.Cmdlet, words []string) int {
	spec := c.Spec()
	r := &run{program: p, ctx: ctx, cmdlet: c, spec: spec, line: params.Parse(spec, additionsFor(c), words)}
	set, err := readSettings(&p.env, spec, r.line)
	r.obey(set)
	if help, version := r.asked(words); help || version {
		return p.tell(version, c)
	}
	if !r.brief() {
		var stop context.CancelFunc
		ctx, stop = p.env.Notify(ctx)
		defer stop()
		r.ctx = ctx
	}
	r.auth = r.newAuth()
	if err == nil {
		err = r.bind(ctx)
	}
	if err != nil {
		return r.refused(ctx, err)
	}
	defer r.close()
	return r.items(ctx)
}

// obey makes the streams what the settings say.
func (r *run) obey(set settings) {
	r.set = set
	r.msgs = &messages{w: r.env.Stderr, json: set.jsonErrors, color: r.env.StderrKind == Terminal && r.env.Getenv("NO_COLOR") == ""}
	r.out = &results{w: r.env.Stdout, format: set.output, indent: r.env.StdoutKind == Terminal}
}

// refused reports that the words could not be bound, and answers the status.
func (r *run) refused(ctx context.Context, err error) int {
	if ctx.Err() != nil {
		return Interrupted
	}
	rec := bindingRecord(r.spec.Name, err)
	r.msgs.record(rec)
	return rec.status
}

// asked reports whether help or the version is asked for.
func (r *run) asked(words []string) (help, version bool) {
	_, h := r.line.Addition("help")
	_, v := r.line.Addition("version")
	return h || slices.Contains(words, "-?") || len(words) == 1 && words[0] == "-h", v
}

// brief reports whether the run is a dry one that waits for nothing. It then
// does without a watch for signals, which costs a third of a dry run's time: the
// system's own way with an interrupt leaves nothing behind.
func (r *run) brief() bool {
	on, ok := parseFlag(r.set.whatIf)
	if r.line.Given("WhatIf") {
		word, _ := r.line.Word("WhatIf")
		on, ok = parseFlag(word)
	}
	return (ok && on || r.set.showRequest) && !r.takesPipeline() && !r.line.Asks()
}

// bind binds the words and checks what no pipeline object can mend.
func (r *run) bind(ctx context.Context) error {
	if err := r.fromElsewhere(ctx); err != nil {
		return err
	}
	o := params.Options{
		ReadFile:  func(name string) ([]byte, error) { return os.ReadFile(r.env.path(name)) },
		ReadStdin: func() ([]byte, error) { return io.ReadAll(r.env.Stdin) },
		Password:  r.proxyPassword,
		Pipeline:  r.takesPipeline(),
		From:      []string{"InputObject"},
	}
	if o.Pipeline && r.line.StdinTaken() {
		return r.spec.Refuse("StdinTwice", "InputObject", "Standard input can be read once only: it is the pipeline here, since no id is among the words, and another value wants it too.")
	}
	if r.env.StdinKind == Terminal {
		o.Prompt = r.promptMandatory
	}
	bound, err := r.line.Bind(ctx, o)
	if err != nil {
		return err
	}
	r.bound = bound
	if err := r.cmdlet.Check(bound); err != nil {
		return err
	}
	return r.settle()
}

// settle reads the common parameters, which may override the settings.
func (r *run) settle() (err error) {
	r.action = r.set.errorAction
	if a := r.bound.String("ErrorAction"); a != "" {
		r.action = a
	}
	r.debug = shows(r.bound, "Debug", r.set.debug)
	r.verbose = shows(r.bound, "Verbose", r.set.verbose)
	r.vars, err = newVariables(r)
	return err
}

// shows reports whether a stream is shown: its switch, or its preference.
func shows(b *params.Bound, name, preference string) bool {
	if on, given := b.Switch(name); given {
		return on
	}
	return preference == "Continue" || preference == "Inquire" || preference == "Stop"
}

// takesPipeline reports whether identities will come on standard input: none of
// the id parameters and no -InputObject is among the words (D07), or
// -InputObject @- is. So a loop that reads a list never loses it.
func (r *run) takesPipeline() bool {
	if word, ok := r.line.Word("InputObject"); ok {
		return word == "@-"
	}
	if r.line.Given("InputObject") || r.env.StdinKind != Stream {
		return false
	}
	for i := range r.spec.Params {
		p := &r.spec.Params[i]
		if p.Type == params.String && p.MandatoryAnywhere() && r.line.Given(p.Name) {
			return false
		}
	}
	return true
}

func (r *run) promptMandatory(ctx context.Context, names []string) ([]string, error) {
	c, err := r.env.OpenTerminal()
	if err != nil {
		return nil, nil
	}
	defer c.Close()
	return promptMandatory(ctx, c, r.msgs, r.spec.Name, names)
}

// items runs the call for each identity, or once.
func (r *run) items(ctx context.Context) int {
	if on, _ := r.bound.Switch("Break"); on { // D19
		r.msgs.warn("-Break: there is no debugger to wait for; going on.")
	}
	r.judge = newJudge(r.bound, r.set, r.env.OpenTerminal, r.msgs)
	r.debugLine("[CmdletBeginProcessing]: - %s begin processing with parameterSet '%s'.", r.cmdlet.Name, r.bound.Set)
	if err := r.connect(ctx); err != nil {
		r.deliver(outcome{item: -1, err: err})
	} else if r.takesPipeline() {
		r.pipeline(ctx)
	} else {
		r.deliver(r.perform(ctx, r.prepare(job{item: -1, bound: r.bound})))
	}
	r.debugLine("[CmdletEndProcessing]: - %s end processing.", r.cmdlet.Name)
	r.finish()
	if ctx.Err() == nil {
		return r.status
	}
	if r.cutOff.Load() {
		r.msgs.line("Interrupted while a request was under way: the service may have done it.")
	}
	return Interrupted
}

// missingIDs is the error of an input that holds no identity.
func (r *run) missingIDs() error {
	var names []string
	for i := range r.spec.Params {
		p := &r.spec.Params[i]
		if slices.ContainsFunc(p.In, func(m params.Membership) bool { return m.Set == r.spec.DefaultSet && m.Mandatory }) {
			names = append(names, p.Name)
		}
	}
	return r.spec.MissingMandatory(names...)
}

// dryRun says what would happen, and with --show-request the request itself or
// why there would be none. A long list asks for the same line again and again.
func (r *run) dryRun(j job) ([]byte, error) {
	if set := j.bound.Set; r.saidSet != set {
		r.saidSet, r.said = set, []byte("What if: "+r.cmdlet.Sentence(set)+"\n")
	}
	if !r.set.showRequest {
		return r.said, nil
	}
	block, err := r.showRequest(j.request, j.refusal)
	return slices.Concat(r.said, block, []byte("\n")), err
}

// deliver prints what came of an item and says whether the run ends with it.
func (r *run) deliver(o outcome) (stop bool) {
	if o.headers != nil {
		r.vars.headers(o.headers)
	}
	for _, text := range o.warnings {
		r.msgs.warn("%s", text)
		r.vars.warnings.put(text)
	}
	if o.value != nil {
		r.vars.out.add(o.value)
	}
	if o.line != nil {
		r.out.write(o.line)
		if r.out.err != nil {
			o.err = r.outputRecord(r.out.err)
		}
	}
	if o.err == nil || errors.Is(o.err, context.Canceled) {
		return o.err != nil
	}
	var rec *record
	if !errors.As(o.err, &rec) {
		rec = bindingRecord(r.cmdlet.Name, o.err)
	}
	if o.item >= 0 {
		rec.Item, rec.Identity = &o.item, shownIdentity(o.identity)
	}
	r.status = worse(r.status, rec.status)
	return r.report(rec, o.item >= 0)
}

// report prints a record as -ErrorAction asks and says whether it ends the run.
func (r *run) report(rec *record, more bool) (stop bool) {
	binding := rec.Terminating && rec.name == r.cmdlet.Name
	if !binding {
		if r.action != "Ignore" { // streams.error-variable-ignore
			r.vars.errs.put(rec)
		}
		switch r.action {
		case "SilentlyContinue", "Ignore":
			return rec.status == Interrupted || r.out.err != nil
		case "Stop":
			rec.Terminating = true
		case "Inquire":
			rec = r.inquire(rec)
		}
	}
	r.msgs.record(rec)
	if rec.Status == http.StatusForbidden && !r.hinted {
		r.hinted = true
		r.msgs.line("The least privileged permission for this call is %s.", r.cmdlet.Permission)
	}
	// An identity without its key fails alone (D32): its record is terminating,
	// the run is not.
	return r.out.err != nil || rec.Terminating && (r.action == "Stop" || r.action == "Inquire" || !more)
}

// debugLine writes a line of the debug stream.
func (r *run) debugLine(format string, args ...any) {
	if r.debug {
		r.msgs.marked("DEBUG", fmt.Sprintf(format, args...))
	}
}

// finish writes what is written at the end of a run.
func (r *run) finish() {
	if err := r.vars.close(); err != nil {
		r.status = worse(r.status, Failed)
		r.msgs.record(r.newRecord(r.bound, "", "WriteError", err.Error()))
	}
}

func (r *run) close() {
	if r.judge != nil {
		r.judge.close()
	}
	if r.net != nil {
		r.net.close()
	}
	if r.server != nil {
		_ = r.server.Close()
	}
}
