package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
)

// job is a call that can be made: everything about it that does not depend on
// the calls before it.
type job struct {
	item     int64  // its number from 0; -1: there is no pipeline
	identity string // as it was piped
	bound    *params.Bound
	request  *cmdlets.Request
	refusal  error // why there is no request; a dry run passes over it
	err      error // why there is no call at all
}

// outcome is what came of a job.
type outcome struct {
	item     int64
	identity string
	line     []byte // the result to print, with its newline; nil: none
	value    []byte // the same as JSON, for -OutVariable
	warnings []string
	headers  http.Header // of the answer, if one came
	err      error
}

// pipeline makes a call for each identity that comes. The next one is read while
// a call is under way, so a list costs little more than its requests.
func (r *run) pipeline(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := make(chan job, 16) // a few ahead, so that reading and sending seldom wait for each other
	go r.read(ctx, jobs)
	if r.set.throttleLimit > 1 && !r.judge.ask && r.sender != nil { // a dry run has no sender
		r.several(ctx, cancel, jobs)
		return
	}
	if r.env.OneByOne != nil {
		r.env.OneByOne()
	}
	for {
		select {
		case j, more := <-jobs:
			if !more || r.deliver(r.perform(ctx, j)) {
				return
			}
		case <-ctx.Done(): // the reader may be left in a read that nothing ends
			return
		}
	}
}

// several makes --throttle-limit calls at once and delivers what comes of them
// in the order of the items.
func (r *run) several(ctx context.Context, cancel context.CancelFunc, jobs <-chan job) {
	queue := make(chan chan outcome, r.set.throttleLimit-1)
	go func() {
		defer close(queue)
		for {
			select {
			case j, more := <-jobs:
				if !more {
					return
				}
				pending := make(chan outcome, 1)
				queue <- pending
				go func() { pending <- r.perform(ctx, j) }()
			case <-ctx.Done():
				return
			}
		}
	}()
	for pending := range queue {
		if o := <-pending; ctx.Err() == nil && r.deliver(o) {
			cancel()
		}
	}
}

// read makes jobs of the identities on standard input. It ends at the end of the
// input, at an error of it, or with the context.
func (r *run) read(ctx context.Context, jobs chan<- job) {
	defer close(jobs)
	stdin := r.patient(r.env.Stdin)
	defer stdin.timer.Stop()
	in := newItems(stdin)
	for n := int64(0); ; n++ {
		j, more := r.next(in, n)
		if j == nil {
			return
		}
		select {
		case jobs <- *j:
		case <-ctx.Done():
			return
		}
		if !more {
			return
		}
	}
}

// next makes a job of the next identity; nil behind the last one.
func (r *run) next(in *items, n int64) (j *job, more bool) {
	value, text, err := in.next()
	j = &job{item: n, identity: text}
	switch {
	case errors.Is(err, io.EOF) && n == 0 && !r.line.Given("InputObject"): // D29
		return &job{item: -1, err: r.missingIDs()}, false
	case errors.Is(err, io.EOF):
		return nil, false
	case err != nil:
		j.err = r.inputRecord(err)
		return j, false
	}
	if j.bound, j.err = r.bound.AcceptValue(value); j.err == nil {
		j.err = r.cmdlet.Check(j.bound)
	}
	if j.err == nil {
		*j = r.prepare(*j)
	}
	return j, true
}

// patient is standard input, with a line after two seconds of silence that says
// what is waited for.
func (r *run) patient(in io.Reader) *firstRead {
	const patience = 2 * time.Second
	timer := time.AfterFunc(patience, func() {
		r.msgs.line("Waiting for identities on standard input: JSON objects such as {\"%s\":\"…\"}.", r.bound.Cmdlet.Param("InputObject").Members[0].Name)
	})
	return &firstRead{in, timer}
}

// firstRead stops a timer once something has come.
type firstRead struct {
	io.Reader
	timer *time.Timer
}

func (f *firstRead) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	f.timer.Stop()
	return n, err
}

// prepare makes the request of a job.
func (r *run) prepare(j job) job {
	if !r.judge.whatIf || r.set.showRequest {
		j.request, j.refusal = r.cmdlet.Build(j.bound)
	}
	return j
}

// perform makes the call of a job, if it shall be made.
func (r *run) perform(ctx context.Context, j job) outcome {
	o := outcome{item: j.item, identity: j.identity, err: j.err}
	if j.err != nil {
		return o
	}
	if r.judge.whatIf || r.set.showRequest {
		o.line, o.err = r.dryRun(j)
		return o
	}
	sentence := ""
	if r.judge.ask || r.verbose {
		sentence = r.cmdlet.Sentence(j.bound.Set)
	}
	yes, err := r.judge.should(ctx, sentence)
	if err == nil && yes {
		if !r.judge.ask && r.verbose {
			r.msgs.marked("VERBOSE", sentence)
		}
		err = j.refusal
	}
	switch {
	case err != nil:
		o.err = r.runRecord(j.bound, err)
	case yes:
		r.exchange(ctx, j, &o)
	}
	return o
}
