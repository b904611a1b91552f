package parity

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"invoke-mgupload/parity-tests/golden"
)

// Fact is what a deviation promises in place of the recorded behaviour.
type Fact string

const (
	factRefused Fact = "refused before sending"
	factUnsent  Fact = "fails without a request"
	factStopped Fact = "fails after one request"
	factTaken   Fact = "succeeds with one request"
	factArrives Fact = "the words arrive as given"
	factProxied Fact = "goes through the proxy"
)

// promised is what can be counted of a fact: requests, exit status, and whether an error is said.
var promised = map[Fact]struct {
	requests, exit int
	said           bool
}{
	factRefused: {0, 2, true},
	factUnsent:  {0, 1, true},
	factStopped: {1, 1, true},
	factTaken:   {1, 0, false},
	factArrives: {1, 0, false},
	factProxied: {1, 0, false},
}

// check compares what the tool did with what the deviation promises.
func check(v Verdict, r golden.Record, got seen) []Difference {
	want := promised[v.Fact]
	said := tellsErrors(r, got)
	as := v.Deviation + " " + string(v.Fact)
	if len(got.requests) != want.requests || got.Exit != want.exit || said != want.said {
		return []Difference{{as,
			fmt.Sprintf("%d requests, exit %d, an error: %t", want.requests, want.exit, want.said),
			fmt.Sprintf("%d requests, exit %d, an error: %t\n%s", len(got.requests), got.Exit, said, got.Stderr)}}
	}
	switch v.Fact {
	case factProxied:
		// Through a tunnel, or with the whole URL as its target where Graph is plain HTTP.
		if q := got.requests[0]; q.Via != "proxy" && q.On != "proxy" {
			return []Difference{{as, "through the proxy", "past it"}}
		}
	case factArrives:
		for _, w := range r.Words() {
			if changeable.MatchString(w) && !arrives(w, got.requests[0].Body) {
				return []Difference{{as, w, got.requests[0].Body}}
			}
		}
	}
	return nil
}

// changeable matches the words that the real cmdlet turns into something else.
var changeable = regexp.MustCompile(`^(null|\d{16,}|\d{4}-\d\d-\d\dT\S+|/Date\(.*)$`)

// arrives: the word is in the body as text or, bare, as a number.
func arrives(word, body string) bool {
	quoted, err := json.Marshal(word)
	if err != nil {
		return false
	}
	bare := regexp.MustCompile(`[^\d"]` + regexp.QuoteMeta(word) + `\b`)
	return strings.Contains(body, string(quoted)) || bare.MatchString(body)
}

// tellsErrors: there are error records, and each has an id and a message. In mode process the
// errors are text, and any text counts.
func tellsErrors(r golden.Record, got seen) bool {
	if r.Mode == "process" {
		for line := range strings.Lines(got.Stderr) {
			if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "VERBOSE: ") && !strings.HasPrefix(line, "DEBUG: ") {
				return true
			}
		}
		return false
	}
	errs := errorLines(got.Stderr)
	for _, e := range errs {
		if e.Message == "" {
			return false
		}
	}
	return len(errs) > 0
}
