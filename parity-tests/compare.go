package parity

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"invoke-mgupload/parity-tests/golden"
	"invoke-mgupload/parity-tests/mock"
)

// differences collects what is unequal.
type differences []Difference

func (d *differences) equal(want, have any, aspect string, args ...any) {
	if w, h := shown(want), shown(have); w != h {
		*d = append(*d, Difference{fmt.Sprintf(aspect, args...), w, h})
	}
}

func shown(v any) string {
	switch v.(type) {
	case string, []string:
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprint(v)
}

func compare(r golden.Record, want expectation, got seen) []Difference {
	var d differences
	d.requests(want, got)
	if !slices.Contains(want.exits, got.Exit) {
		d.equal(want.exits, got.Exit, "exit status")
	}
	if r.Mode == "process" {
		d.screen(r, got)
		return d
	}
	d.equal(whatIf(r.Host), whatIf(got.Stdout), "what if")
	d.output(r, want, got)
	d.errors(r, want, got)
	d.stream(r.Warnings, "WARNING: ", got)
	d.stream(r.Verbose, "VERBOSE: ", got)
	d.headersVariable(r, got)
	return d
}

func (d *differences) requests(want expectation, got seen) {
	d.equal(len(want.requests), len(got.requests), "request count")
	for i := range min(len(want.requests), len(got.requests)) {
		w, h := want.requests[i], got.requests[i]
		on := w.On
		if on == "" {
			on = "https"
		}
		d.equal([]string{w.Method, w.Target, on}, []string{h.Method, h.Target, h.On}, "request %d line", i)
		d.equal(masked(w.Body), got.mask(h.Body), "request %d body", i)
		d.equal(wantHeaders(w), sortedHeaders(h.Header, got.mask), "request %d headers", i)
	}
	ids := map[string]bool{}
	for i, h := range got.requests {
		for _, f := range h.Header {
			if strings.EqualFold(f[0], "client-request-id") {
				d.equal(false, ids[f[1]], "request %d has an old client-request-id", i)
				ids[f[1]] = true
			}
		}
	}
}

func whatIf(text string) []string {
	return linesWith(text, func(line string) bool { return strings.HasPrefix(line, "What if: ") })
}

func linesWith(text string, holds func(string) bool) []string {
	var all []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); holds(line) {
			all = append(all, line)
		}
	}
	return all
}

func (d *differences) output(r golden.Record, want expectation, got seen) {
	have := jsonValues(got.Stdout)
	if !slices.Contains(want.output, modelOutput) {
		d.equal(want.output, have, "output")
		return
	}
	d.equal(len(want.output), len(have), "output count")
	if len(r.Answers) != 1 || r.Answers[0].JSON == nil || len(have) == 0 {
		return
	}
	d.equal(oneJSON(r.Answers[0].JSON), have[0], "output")
}

// jsonValues are the values printed, without white space around their parts; what is no JSON ends
// the list as it is.
func jsonValues(stdout string) []string {
	text := strings.Join(linesWith(stdout, func(line string) bool { return !strings.HasPrefix(line, "What if: ") }), "\n")
	decoder := json.NewDecoder(strings.NewReader(text))
	var all []string
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if err == io.EOF {
			return all
		}
		if err != nil {
			return append(all, "not JSON: "+text)
		}
		all = append(all, oneJSON(value))
	}
}

// oneJSON is a value with its order, numbers and text kept, and one way to write the rest.
func oneJSON(text []byte) string {
	spaced, err := mock.Spaced(text)
	if err != nil {
		return "not JSON: " + string(text)
	}
	return string(spaced)
}

// printedError is an error record as --error-format json prints it.
type printedError struct {
	ID          string `json:"fullyQualifiedErrorId"`
	Category    string `json:"category"`
	Message     string `json:"message"`
	Details     string `json:"details"`
	Recommended string `json:"recommendedAction"`
	Terminating bool   `json:"terminating"`
}

func errorLines(stderr string) []printedError {
	var all []printedError
	for line := range strings.Lines(stderr) {
		var e printedError
		if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &e) == nil && e.ID != "" {
			all = append(all, e)
		}
	}
	return all
}

func (d *differences) errors(r golden.Record, want expectation, got seen) {
	have := errorLines(got.Stderr)
	d.equal(len(want.errors), len(have), "error count")
	for i := range min(len(want.errors), len(have)) {
		w, h := want.errors[i], have[i]
		if w.loose {
			d.equal(true, h.Message != "", "error %d has a message", i)
			continue
		}
		d.equal(masked(w.ID), got.mask(h.ID), "error %d id", i)
		d.equal(w.Category, h.Category, "error %d category", i)
		d.equal(masked(w.Message), got.mask(h.Message), "error %d message", i)
		d.equal(splitDetails(masked(w.Details)), splitDetails(got.mask(h.Details)), "error %d details", i)
		d.equal(w.Recommended, h.Recommended, "error %d recommended action", i)
		if r.Mode != "bare" { // at a prompt there is no try to tell it by
			d.equal(w.Terminating, h.Terminating, "error %d terminating", i)
		}
	}
}

var beforeColon = regexp.MustCompile(`\s*: `)

// splitDetails takes error details apart: the text before the headers, and the headers sorted and
// in lower case (D31), without those that the connection decides and the line D05 adds.
func splitDetails(details string) []string {
	head, tail, _ := strings.Cut(details, "\nHeaders:\n")
	var headers []string
	for line := range strings.Lines(tail) {
		line = strings.ToLower(strings.TrimRight(line, "\n"))
		if at := beforeColon.FindStringIndex(line); at != nil {
			line = line[:at[0]] + ": " + line[at[1]:]
		}
		dropped := slices.ContainsFunc([]string{"connection:", "transfer-encoding:", "attempts:"}, func(p string) bool { return strings.HasPrefix(line, p) })
		if strings.TrimSpace(line) != "" && !dropped {
			headers = append(headers, line)
		}
	}
	slices.Sort(headers)
	return append([]string{head}, headers...)
}

// stream compares a stream's lines. An empty recording says nothing, since only some were caught.
func (d *differences) stream(recorded []string, mark string, got seen) {
	if len(recorded) == 0 || strings.Contains(strings.Join(recorded, ""), "\n") {
		return
	}
	var want []string
	for _, text := range recorded {
		want = append(want, masked(mark+text))
	}
	have := linesWith(got.mask(got.Stderr), func(line string) bool { return strings.HasPrefix(line, mark) })
	d.equal(want, have, "%s", strings.ToLower(strings.TrimSuffix(mark, ": ")))
}
