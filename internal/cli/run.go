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
	"time"

	"invoke-mgupload/internal/auth"
	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
	"invoke-mgupload/pkg/pipeline"
)

// run is one run of a cmdlet.
type run struct {
	*program
	ctx    context.Context // of the run, for questions in the middle of a report
	cmdlet *cmdlets.Cmdlet
	spec   *params.Cmdlet
	line   *params.Line
	set    settings
	auth   *auth.Auth

	bound  *params.Bound // what the words bound
	msgs   *messages
	out    *results
	judge  *judge
	vars   *variables
	action string // -ErrorAction
	debug  bool

	net       *network
	tokenWire http.RoundTripper

	origin *url.URL // of Graph
	sender pipeline.Sender
	server io.Closer // the emulator, once started

	status int
	cutOff atomic.Bool // an interrupt ended a request that may have reached the service
}

// cmdlet runs a cmdlet: words → binding → items → exit status.
func (p *program) cmdlet(ctx context.Context, c *cmdlets.Cmdlet, words []string) int {
	spec := c.Spec()
	r := &run{program: p, ctx: ctx, cmdlet: c, spec: spec, line: params.Parse(spec, additionsFor(c), words)}
	set, err := readSettings(&p.env, spec, r.line)
	r.set = set
	r.msgs = &messages{w: p.env.Stderr, json: set.jsonErrors, color: p.env.StderrKind == Terminal && p.env.Getenv("NO_COLOR") == ""}
	r.out = &results{w: p.env.Stdout, format: set.output, indent: p.env.StdoutKind == Terminal}
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
		if ctx.Err() != nil {
			return Interrupted
		}
		r.msgs.record(bindingRecord(c.Name, err))
		return Usage
	}
	defer r.close()
	return r.items(ctx)
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
	r.action = r.set.errorAction
	if a := bound.String("ErrorAction"); a != "" {
		r.action = a
	}
	r.debug = shows(bound, "Debug", r.set.debug)
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
	return promptMandatory(ctx, c, r.msgs, r.cmdlet.Name, names)
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
		r.deliver(r.call(ctx, r.bound, -1, "")())
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

// outcome is what came of one item.
type outcome struct {
	item     int64  // its number from 0; -1: there is no pipeline
	identity string // as it was piped
	line     []byte // the result to print; nil: none
	value    []byte // the same as JSON, for -OutVariable
	warnings []string
	headers  http.Header // of the answer, if one came
	err      error
}

// pipeline runs the call for each identity that comes, --throttle-limit of them
// at once, and delivers what came of them in their order.
func (r *run) pipeline(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := newItems(r.waiting(ctx))
	if r.set.throttleLimit <= 1 {
		for n := int64(0); ctx.Err() == nil; n++ {
			next, more := r.next(ctx, in, n)
			if next != nil && r.deliver(next()) || !more {
				return
			}
		}
		return
	}
	queue := make(chan chan outcome, r.set.throttleLimit-1)
	go r.feed(ctx, in, queue)
	for pending := range queue {
		if o := <-pending; ctx.Err() == nil && r.deliver(o) {
			cancel()
		}
	}
}

// feed starts a call for each item, as many at once as the queue holds.
func (r *run) feed(ctx context.Context, in *items, queue chan<- chan outcome) {
	defer close(queue)
	for n := int64(0); ctx.Err() == nil; n++ {
		next, more := r.next(ctx, in, n)
		if next != nil {
			pending := make(chan outcome, 1)
			queue <- pending
			go func() { pending <- next() }()
		}
		if !more {
			return
		}
	}
}

// next reads an item and makes a call of it; more is false behind the last one.
func (r *run) next(ctx context.Context, in *items, n int64) (call func() outcome, more bool) {
	failed := func(err error, identity string) func() outcome {
		return func() outcome { return outcome{item: n, identity: identity, err: err} }
	}
	text, err := in.next()
	switch {
	case ctx.Err() != nil:
		return nil, false
	case errors.Is(err, io.EOF) && n == 0 && !r.line.Given("InputObject"): // D29
		return func() outcome { return outcome{item: -1, err: r.missingIDs()} }, false
	case errors.Is(err, io.EOF):
		return nil, false
	case err != nil:
		return failed(r.inputRecord(err), ""), false
	}
	bound, err := r.bound.Accept(text)
	if err == nil {
		err = r.cmdlet.Check(bound)
	}
	if err != nil {
		return failed(err, text), true
	}
	return r.call(ctx, bound, n, text), true
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

// waiting is standard input for the pipeline: a read ends with the context, and
// after two seconds of silence a line says, once, what is waited for.
func (r *run) waiting(ctx context.Context) io.Reader {
	const patience = 2 * time.Second
	timer := time.AfterFunc(patience, func() {
		r.msgs.line("Waiting for identities on standard input: JSON objects such as {\"%s\":\"…\"}.", r.bound.Cmdlet.Param("InputObject").Members[0].Name)
	})
	return pump(ctx, r.env.Stdin, func() { timer.Stop() })
}

// call prepares one call: shall it be made, and with which request? What it
// answers makes it.
func (r *run) call(ctx context.Context, b *params.Bound, item int64, identity string) func() outcome {
	o := outcome{item: item, identity: identity}
	done := func(err error) func() outcome {
		o.err = err
		return func() outcome { return o }
	}
	sentence := r.cmdlet.Sentence(b.Set)
	if r.judge.whatIf || r.set.showRequest {
		var err error
		o.line, err = r.dryRun(b, sentence)
		return done(err)
	}
	yes, err := r.judge.should(ctx, sentence)
	if err != nil {
		return done(r.runRecord(b, err))
	}
	if !yes {
		return done(nil)
	}
	if !r.judge.ask && shows(r.bound, "Verbose", r.set.verbose) {
		r.msgs.marked("VERBOSE", sentence)
	}
	req, err := r.cmdlet.Build(b)
	if err != nil {
		return done(r.runRecord(b, err))
	}
	return func() outcome {
		r.exchange(ctx, b, req, &o)
		return o
	}
}

// dryRun says what would happen, and with --show-request the request itself or
// why there would be none.
func (r *run) dryRun(b *params.Bound, sentence string) ([]byte, error) {
	out := []byte("What if: " + sentence)
	if !r.set.showRequest {
		return out, nil
	}
	req, refusal := r.cmdlet.Build(b)
	block, err := r.showRequest(req, refusal)
	return append(append(out, '\n'), block...), err
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
		r.vars.errs.put(rec)
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
