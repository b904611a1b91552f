package cli

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"invoke-mgupload/internal/auth"
	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
	"invoke-mgupload/pkg/pipeline"
)

// Bounds on what is held of an answer.
const (
	maxModel = 8 << 20 // a model's JSON
	maxError = 1 << 20 // an error's
	snippet  = 200     // characters of a text that is not JSON
)

// answer turns the service's answer into output or an error. An error's text is
// masked before it is cut, so that no cut leaves a part of a secret.
func (r *run) answer(b *params.Bound, resp *http.Response, o *outcome, hide *mask) {
	o.headers = resp.Header
	if o.err = r.warnings(b, resp.Header, o); o.err != nil {
		return
	}
	for i := range o.warnings {
		o.warnings[i] = hide.text(o.warnings[i])
	}
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		body, _ := readUpTo(resp.Body, maxError) // what was read is what there is to say
		o.err = r.serviceRecord(b, resp, []byte(hide.text(string(body))))
	case r.cmdlet.Output == "":
		r.accepted(b, o)
	default:
		o.err = r.model(b, resp, o, hide)
	}
}

func readUpTo(body io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(body, limit))
}

// accepted is the answer of a cmdlet that returns nothing: its body is never
// read, whatever it is (passthru.200-json-with-error, extra.pki-200-html).
func (r *run) accepted(b *params.Bound, o *outcome) {
	if on, given := b.Switch("PassThru"); given && on { // D04
		o.value, o.line = []byte("true"), r.out.boolean()
	}
}

// model is the answer of a cmdlet that returns an object.
func (r *run) model(b *params.Bound, resp *http.Response, o *outcome, hide *mask) error {
	body, err := readUpTo(resp.Body, maxModel+1)
	unreadable := func(why string) error {
		return r.unreadable(b, resp, why, []byte(hide.text(string(body[:min(len(body), maxError)]))))
	}
	if err != nil {
		return unreadable(fmt.Sprintf("its answer could not be read: %v", pipeline.Explain(err, resp.Request)))
	}
	if len(body) > maxModel {
		return unreadable(fmt.Sprintf("its answer is larger than %d MiB", maxModel>>20))
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	switch {
	case len(text) == 0:
		return nil
	case !json.Valid(text):
		return unreadable("its answer is not JSON")
	case text[0] == '[': // governance.answer.200-array: no output and no error
		return nil
	case text[0] != '{':
		return unreadable("its answer is not a JSON object")
	case isErrorObject(text): // D16
		return r.serviceRecord(b, resp, []byte(hide.text(string(body))))
	}
	o.value = text
	if o.line, err = r.out.object(text); err != nil {
		return unreadable("its answer could not be printed")
	}
	return nil
}

// unreadable is the error of an upload that the service accepted with an answer
// nobody can read (D06).
func (r *run) unreadable(b *params.Bound, resp *http.Response, why string, body []byte) *record {
	rec := r.newRecord(b, pipeline.StatusName(resp.StatusCode), "InvalidOperation", "The service accepted the upload, but "+why+".")
	rec.Details = rec.Message + "\n\n" + statusDetails(resp, body) // text prints details in place of the message
	return r.withAnswer(rec, resp)
}

// statusDetails are the details of D06: the status and the beginning of the text.
func statusDetails(resp *http.Response, body []byte) string {
	shown := 0
	text := strings.Map(func(c rune) rune {
		if shown >= snippet || !unicode.IsPrint(c) {
			return -1
		}
		shown++
		return c
	}, string(body))
	return fmt.Sprintf("Status: %d (%s)\n\n%s", resp.StatusCode, pipeline.StatusName(resp.StatusCode), text)
}

// runRecord is the record of an error of the run, ids and categories as recorded.
func (r *run) runRecord(b *params.Bound, err error) error {
	var rec *record
	var binding *params.Error
	var refusal *cmdlets.Refusal
	var sign *auth.Error
	switch {
	case errors.As(err, &rec) || errors.As(err, &binding) || errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &refusal):
		rec = r.newRecord(b, "", refusal.Category, refusal.Message)
		rec.Terminating, rec.Target = refusal.Terminating, refusal.Target
	case errors.As(err, &sign):
		rec = r.newRecord(b, "", "NotSpecified", sign.Error())
		rec.status = NotConnected
		switch sign.Kind {
		case auth.KindArgument:
			rec = bindingRecord(r.cmdlet.Name, r.spec.Setting("--auth", sign.Error()))
		case auth.KindUnreadableFile:
			rec = bindingRecord(r.cmdlet.Name, r.spec.Refuse("UnreadableFile", "", "%s", sign.Error()))
			rec.status = NotConnected // it is the token that could not be had
		}
	default:
		rec = r.newRecord(b, "", "NotSpecified", err.Error())
		var untrusted x509.UnknownAuthorityError
		if errors.As(err, &untrusted) {
			rec.Recommended = "If the certificate is your organization's own, give its authority with --ca-file."
		}
		var token *pipeline.TokenError
		if errors.As(err, &token) {
			rec.status = NotConnected
		}
	}
	return rec
}

// newRecord is a record of a run-time error; the code stands before the class in its id.
func (r *run) newRecord(b *params.Bound, code, category, message string) *record {
	id := r.cmdlet.Class(b.Set)
	if code != "" {
		id = code + "," + id
	}
	return &record{
		name: r.cmdlet.Inner(b.Set), status: Failed, Cmdlet: r.cmdlet.Name, ParameterSet: b.Set,
		Message: message, ID: id, Category: category,
	}
}

// serviceRecord is the record of an error answer (semantics of the block: httperror.400).
func (r *run) serviceRecord(b *params.Bound, resp *http.Response, body []byte) *record {
	e := parseServiceError(body)
	status := pipeline.StatusName(resp.StatusCode)
	var rec *record
	switch {
	case e.hasCode && e.hasMessage && e.nested:
		rec = r.newRecord(b, e.code, "InvalidOperation", "["+e.code+"] : "+e.message)
		rec.Recommended = "See service error codes: https://learn.microsoft.com/graph/errors"
		rec.Details = r.block(resp, e)
	default:
		code, message := status, fallback(resp.StatusCode)
		if e.hasCode {
			code = e.code
		}
		if e.hasMessage {
			message = e.message
		}
		rec = r.newRecord(b, code, "InvalidOperation", message)
		rec.Details, rec.Recommended = message, e.action
		if !e.json && len(bytes.TrimSpace(body)) > 0 { // D06
			rec.Details = statusDetails(resp, body)
		}
	}
	rec.Code = e.code
	rec.Target = r.cmdlet.Target(b)
	return r.withAnswer(rec, resp)
}

// withAnswer adds what every error with an answer has.
func (r *run) withAnswer(rec *record, resp *http.Response) *record {
	rec.Status = resp.StatusCode
	rec.RequestID = resp.Header.Get("request-id")
	rec.Headers = shownAnswerHeaders(resp.Header)
	if n := pipeline.Attempts(resp); n > 1 { // D05
		rec.Attempts = n
		if !strings.HasSuffix(rec.Details, "\n") {
			rec.Details += "\n\n"
		}
		rec.Details += fmt.Sprintf("Attempts: %d\n\n", n)
	}
	return rec
}

// block is the text of a service error.
func (r *run) block(resp *http.Response, e serviceError) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\nStatus: %d (%s)\nErrorCode: %s\nDate: %s\n\nHeaders:\n",
		e.message, resp.StatusCode, pipeline.StatusName(resp.StatusCode), e.code, e.date)
	lines := 0
	for _, name := range sortedNames(resp.Header) {
		if contentHeader(name) || name == "Authorization" {
			continue
		}
		fmt.Fprintf(&out, "%-30s: %s\n", name, shownAnswerHeader(name, strings.Join(resp.Header[name], ",")))
		lines++
	}
	if lines == 0 { // httperror.no-headers
		out.WriteString("\n")
	}
	out.WriteString("\n")
	return out.String()
}

// shownAnswerHeader hides cookies; other headers of an answer are what support asks for.
func shownAnswerHeader(name, value string) string {
	if name == "Set-Cookie" || name == "Authorization" || name == "Proxy-Authenticate" {
		return "***"
	}
	return value
}

func shownAnswerHeaders(h http.Header) [][2]string {
	var out [][2]string
	for _, name := range sortedNames(h) {
		for _, value := range h[name] {
			out = append(out, [2]string{name, shownAnswerHeader(name, value)})
		}
	}
	return out
}

// contentHeader reports whether .NET counts a header of an answer to its body.
func contentHeader(name string) bool {
	return strings.HasPrefix(name, "Content-") || slices.Contains([]string{"Allow", "Expires", "Last-Modified"}, name)
}

func fallback(status int) string {
	kind := "an unrecognized response"
	switch {
	case status >= 400 && status < 500:
		kind = "a Request Error"
	case status >= 500 && status < 600:
		kind = "a Server Error"
	}
	return fmt.Sprintf("The server responded with %s, Status: %s", kind, pipeline.StatusName(status))
}

// warnings passes on the answer's Warning headers. With -WarningAction Stop they
// are an error (streams.warning-stop).
func (r *run) warnings(b *params.Bound, h http.Header, o *outcome) error {
	texts := warningTexts(h["Warning"])
	if len(texts) == 0 {
		return nil
	}
	action := b.String("WarningAction")
	if action == "" {
		action = r.set.warning
	}
	text := strings.Join(texts, ", ")
	switch action {
	case "SilentlyContinue", "Ignore":
	case "Stop":
		rec := r.newRecord(b, "ActionPreferenceStop", "OperationStopped",
			`The running command stopped because the preference variable "WarningPreference" or common parameter is set to Stop: `+text)
		rec.Terminating = true
		return rec
	default:
		o.warnings = []string{text}
	}
	return nil
}
