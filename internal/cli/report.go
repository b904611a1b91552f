package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"invoke-mgupload/pkg/params"
)

// record is an error as PowerShell keeps it.
type record struct {
	name         string      // what stands before the colon: the cmdlet, or its private one
	status       int         // exit status it asks for
	Cmdlet       string      `json:"cmdlet,omitempty"`
	ParameterSet string      `json:"parameterSet,omitempty"`
	Item         *int64      `json:"item,omitempty"`
	Identity     string      `json:"identity,omitempty"`
	Message      string      `json:"message"`
	ID           string      `json:"fullyQualifiedErrorId"`
	Category     string      `json:"category"`
	Details      string      `json:"details,omitempty"`
	Recommended  string      `json:"recommendedAction,omitempty"`
	Terminating  bool        `json:"terminating,omitempty"`
	Status       int         `json:"status,omitempty"`
	Code         string      `json:"code,omitempty"`
	RequestID    string      `json:"requestId,omitempty"`
	Attempts     int         `json:"attempts,omitempty"`
	Headers      [][2]string `json:"headers,omitempty"`
	Target       string      `json:"target,omitempty"`
}

func (e *record) Error() string { return e.Message }

// bindingRecord is the record of a binding error.
func bindingRecord(cmdlet string, err error) *record {
	var e *params.Error
	if !errors.As(err, &e) {
		return &record{name: cmdlet, Cmdlet: cmdlet, status: Usage, Message: err.Error(), ID: "MgUploadInvalidSetting," + cmdlet,
			Category: params.InvalidArgument, Terminating: true}
	}
	status := Usage
	if e.ID == "MgUploadUnreadableFile" { // the words are right, the machine failed
		status = Failed
	}
	return &record{name: cmdlet, Cmdlet: cmdlet, status: status, Message: e.Message, ID: e.FullyQualifiedID(),
		Category: e.Category, Terminating: !e.NonTerm}
}

// messages writes everything that goes to standard error, a line at a time.
// It may be used from several goroutines.
type messages struct {
	mu    sync.Mutex
	w     io.Writer
	json  bool // error records as JSON
	color bool
}

// line writes one line.
func (m *messages) line(format string, args ...any) {
	m.write(fmt.Sprintf(format, args...) + "\n")
}

func (m *messages) write(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	// There is nobody to tell that standard error cannot be written.
	_, _ = io.WriteString(m.w, text)
}

// marked writes a text of the verbose, debug or warning stream.
func (m *messages) marked(mark, text string) {
	out := mark + ": " + text
	if m.color {
		out = "\x1b[33;1m" + out + "\x1b[0m"
	}
	m.write(out + "\n")
}

func (m *messages) warn(format string, args ...any) {
	m.marked("WARNING", fmt.Sprintf(format, args...))
}

// record writes an error record as asked for.
func (m *messages) record(e *record) {
	if m.json {
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(e); err != nil {
			m.line("%s", e.Message)
			return
		}
		m.write(b.String())
		return
	}
	text := e.Message
	if e.Details != "" {
		text = e.Details
	}
	out := paint(m.color, e.name+": ", text)
	if e.Recommended != "" {
		out = paint(m.color, e.name+": ", text+"\n") + recommendation(m.color, e.Recommended)
	}
	m.write(out + "\n")
}

// paint colours an error as PowerShell 7 does, line by line (process.http-error-color).
func paint(color bool, name, text string) string {
	if !color {
		return name + text
	}
	const red, off = "\x1b[31;1m", "\x1b[0m"
	lines := strings.Split(text, "\n")
	if name != "" {
		name = red + name
	}
	lines[0] = name + red + lines[0] + off
	for i := 1; i < len(lines); i++ {
		lines[i] = red + red + lines[i] + off
	}
	return strings.Join(lines, "\n")
}

func recommendation(color bool, text string) string {
	return paint(color, "", "  Recommendation: "+text)
}

// outputRecord is the error of results that could not be written: a full disk,
// a closed pipe. The upload may well be done.
func (r *run) outputRecord(err error) *record {
	text := fmt.Sprintf("Standard output cannot be written: %v.", err)
	if r.sender != nil {
		text += " What was done is done."
	}
	return &record{name: r.spec.Name, Cmdlet: r.spec.Name, status: Failed, Terminating: true, Category: "WriteError",
		ID: "MgUploadOutput," + r.spec.Name, Message: text}
}

// inputRecord is the error of an input that cannot be read further.
func (r *run) inputRecord(err error) *record {
	rec := bindingRecord(r.cmdlet.Name, r.spec.Refuse("InvalidJson", "InputObject", "%v. Nothing behind it was read.", err))
	var syntax *inputError
	if !errors.As(err, &syntax) {
		rec.status, rec.Message = Failed, fmt.Sprintf("Standard input cannot be read: %v.", err)
	}
	return rec
}

// class is the .NET class that the ids of run-time errors carry.
func (r *run) class(set string) string {
	if r.cmdlet == nil {
		return r.spec.ErrorID()
	}
	return r.cmdlet.Class(set)
}

// inquire asks what to do about an error, for -ErrorAction Inquire. Where nobody
// can be asked, that is the error (streams.ea-Inquire-http).
func (r *run) inquire(rec *record) *record {
	answer, err := r.judge.choose(r.ctx, "Confirm", rec.Message, inquireChoices)
	switch {
	case err != nil:
		rec.ID, rec.Category, rec.Message = "InvalidOperation,"+r.class(rec.ParameterSet), "InvalidOperation", params.ErrNobodyToAsk.Error()
		rec.Details, rec.Recommended, rec.Terminating = "", "", true
	case answer == 'H':
		rec.Message = "The running command stopped because the user selected the Stop option."
		rec.Details, rec.Recommended, rec.Terminating = "", "", true
	case answer == 'A':
		r.action = "Continue"
	}
	return rec
}

// shownIdentity is a piped identity as an error shows it.
func shownIdentity(text string) string {
	const limit = 200
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return text
}

// warningTexts are the Warning headers that have the form of RFC 7234, 5.5:
// code, agent, quoted text. Others are dropped (streams.warning-header-bad).
func warningTexts(values []string) []string {
	var out []string
	for _, v := range values {
		code, rest, _ := strings.Cut(v, " ")
		agent, text, _ := strings.Cut(rest, " ")
		if len(code) == 3 && strings.Trim(code, "0123456789") == "" && agent != "" && len(text) > 1 && text[0] == '"' && strings.HasSuffix(text, `"`) {
			out = append(out, v)
		}
	}
	return out
}
