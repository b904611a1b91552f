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
		r.fail(err)
	} else if r.takesPipeline() {
		r.pipeline(ctx)
	} else {
		r.fail(r.call(ctx, r.bound))
	}
	r.debugLine("[CmdletEndProcessing]: - %s end processing.", r.cmdlet.Name)
	r.finish()
	if ctx.Err() != nil {
		return Interrupted
	}
	return r.status
}

// pipeline runs the call for each identity that comes.
func (r *run) pipeline(ctx context.Context) {
	in := newItems(r.waiting(r.env.Stdin))
	for n := int64(0); ctx.Err() == nil; n++ {
		text, err := in.next()
		if err == io.EOF {
			if n == 0 && !r.line.Given("InputObject") { // D29
				r.fail(r.missingIDs())
			}
			return
		}
		if err != nil {
			r.failItem(r.inputRecord(err), n, "")
			return
		}
		bound, err := r.bound.Accept(text)
		if err == nil {
			err = r.cmdlet.Check(bound)
		}
		if err == nil {
			err = r.call(ctx, bound)
		}
		if err != nil && r.failItem(err, n, text) {
			return
		}
	}
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

// waiting tells on standard error, once and after two seconds, what a silent
// standard input is waited for.
func (r *run) waiting(in io.Reader) io.Reader {
	const patience = 2 * time.Second
	timer := time.AfterFunc(patience, func() {
		r.msgs.line("Waiting for identities on standard input: JSON objects such as {\"%s\":\"…\"}.", r.bound.Cmdlet.Param("InputObject").Members[0].Name)
	})
	return &firstRead{in, timer}
}

type firstRead struct {
	io.Reader
	timer *time.Timer
}

func (f *firstRead) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	f.timer.Stop()
	return n, err
}

// call makes one call: request → shall it be sent? → answer → output.
func (r *run) call(ctx context.Context, b *params.Bound) error {
	sentence := r.cmdlet.Sentence(b.Set)
	if r.judge.whatIf || r.set.showRequest {
		return r.dryRun(b, sentence)
	}
	yes, err := r.judge.should(ctx, sentence)
	if err != nil {
		return r.runRecord(b, err)
	}
	if !yes {
		return nil
	}
	if !r.judge.ask && shows(r.bound, "Verbose", r.set.verbose) {
		r.msgs.marked("VERBOSE", sentence)
	}
	req, err := r.cmdlet.Build(b)
	if err != nil {
		return r.runRecord(b, err)
	}
	return r.exchange(ctx, b, req)
}

// dryRun prints what would happen, and with --show-request the request itself
// or why there would be none.
func (r *run) dryRun(b *params.Bound, sentence string) error {
	out := "What if: " + sentence
	if r.set.showRequest {
		req, refusal := r.cmdlet.Build(b)
		block, err := r.showRequest(req, refusal)
		if err != nil {
			return err
		}
		out += "\n" + string(block)
	}
	r.out.write([]byte(out))
	return r.out.err
}

// fail reports an error that belongs to no pipeline item.
func (r *run) fail(err error) { r.failItem(err, -1, "") }

// failItem reports an error and says whether it ends the run. The preference
// changes what is printed, not the status.
func (r *run) failItem(err error, item int64, identity string) (stop bool) {
	if err == nil {
		return false
	}
	var rec *record
	if !errors.As(err, &rec) {
		rec = bindingRecord(r.cmdlet.Name, err)
	}
	if errors.Is(err, context.Canceled) {
		return true
	}
	if r.out.err != nil && err == r.out.err {
		rec = r.outputRecord(err)
	}
	if item >= 0 {
		rec.Item, rec.Identity = &item, shownIdentity(identity)
	}
	r.status = worse(r.status, rec.status)
	return r.report(rec, item >= 0)
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
	if r.server != nil {
		_ = r.server.Close()
	}
}
