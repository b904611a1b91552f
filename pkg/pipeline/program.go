package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	maxProgramOutput = 16 << 20 // of what a program prints in one run
	maxProgramAnswer = 64 << 20 // of an answer's body, which a program gets whole
	defaultGrace     = time.Second
)

// ProgramOptions are the settings of [Program].
type ProgramOptions struct {
	Path   string        // of the program, without arguments; a bare name is looked up on the PATH
	Dir    string        // where it runs, and where a relative Path begins; "": the current folder
	Env    []string      // its whole environment, NAME=value; nil: empty. Tokens and secrets stay out
	Stderr io.Writer     // gets its stderr in whole lines, as they come; must not block; nil: nobody
	Limit  time.Duration // for each of its turns, before the request and after the answer; 0: none
	Grace  time.Duration // from the end of the context to a kill, and for pipes left open; 0: 1 s
}

// ProgramError says that a program failed as a step.
type ProgramError struct {
	Path     string
	ExitCode int    // 0 if it ended well or never began, -1 if a signal or this package ended it
	Stderr   string // its last lines there, at most 4 KiB
	Answered int    // status of the answer if the request had been sent and answered, else 0
	Err      error  // an *exec.ExitError, or what was wrong with its output
}

func (e *ProgramError) Error() string {
	text := "the step " + printable(e.Path) + " failed"
	if e.Answered != 0 {
		text += fmt.Sprintf(" after the service had answered %d", e.Answered)
	}
	text += ": " + e.Err.Error()
	if said := strings.TrimSpace(terminalSafe(e.Stderr)); said != "" {
		text += ": " + said
	}
	return text
}

// Unwrap returns the cause.
func (e *ProgramError) Unwrap() error { return e.Err }

// Program returns a step that runs a program for each call.
//
// The program gets the request on stdin, one line of JSON, and prints one JSON value: either
//
//	{"next":{…}}      to send the request with these changes, of method, url, headers, body
//	{"response":{…}}  to answer in the service's place, with status, headers, body
//
// After next it gets the answer as a second line and the end of stdin, and may print one
// {"response":{…}} with changes to it. It must then end with status 0; all else, and whatever it
// prints beyond that, ends the call with a *[ProgramError]. The request is sent once at most, and
// not at all unless the program said so.
//
// A program sees no Authorization header, wherever in the chain it stands. When the context ends
// it is killed, with what it started, and the error is the context's. An answer whose body cannot
// be read passes as it is: the program sees the end of stdin in its place, and its word no longer counts.
func Program(o ProgramOptions) Step {
	if o.Grace <= 0 {
		o.Grace = defaultGrace
	}
	shown := new(sync.Mutex) // calls may run at once, and share o.Stderr
	return func(req *http.Request, next Sender) (*http.Response, error) {
		body, err := takeBody(req)
		if err != nil {
			return nil, err
		}
		p, err := startProgram(req.Context(), o, shown)
		if err != nil {
			return nil, err
		}
		defer p.end()
		return p.exchange(req, body, next)
	}
}

// takeBody reads and closes the body of req.
func takeBody(req *http.Request) ([]byte, error) {
	defer closeBody(req)
	if !hasBody(req) {
		return nil, nil
	}
	return io.ReadAll(req.Body)
}

func (p *program) exchange(req *http.Request, body []byte, next Sender) (*http.Response, error) {
	p.lines <- requestLine(req, body)
	said, err := p.said()
	if err != nil {
		return nil, p.outcome(err)
	}
	if said.Response != nil { // steps.short-circuit-204
		p.hangUp()
		return p.stand(said.Response, &http.Response{Request: req, Header: http.Header{}, Body: http.NoBody})
	}
	out, err := said.Next.request(req, body)
	if err == nil && !p.pause() {
		err = errOverdue
	}
	if err != nil {
		return nil, p.outcome(err)
	}
	resp, err := next.Send(out)
	if err != nil {
		return nil, err
	}
	return p.review(resp)
}

// stand makes what the program said of resp the answer, if nothing more follows.
func (p *program) stand(said *responseChange, resp *http.Response) (*http.Response, error) {
	resp, err := said.response(resp)
	if err == nil {
		err = p.silent()
	}
	if err = p.outcome(err); err != nil {
		return nil, err
	}
	return resp, nil
}

// review shows the program an answer.
func (p *program) review(resp *http.Response) (*http.Response, error) {
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	p.answered = resp.StatusCode
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProgramAnswer+1))
	_ = resp.Body.Close()
	if err != nil {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
		return resp, nil
	}
	if len(body) > maxProgramAnswer {
		return nil, p.outcome(errLargeAnswer)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	p.resume()
	p.lines <- responseLine(resp, body)
	p.lastLine()
	said, err := p.said()
	switch {
	case errors.Is(err, errNothing):
		said, err = message{Response: new(responseChange)}, nil
	case err == nil && said.Next != nil: // steps.send-twice
		err = errTwice
	}
	if err != nil {
		return nil, p.outcome(err)
	}
	return p.stand(said.Response, resp)
}
