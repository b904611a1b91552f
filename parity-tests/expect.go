package parity

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"invoke-mgupload/parity-tests/golden"
)

// expectation is a record with the deviations applied that change a part of it.
type expectation struct {
	requests []golden.Request
	exits    []int // any of them
	errors   []wantError
	output   []string        // JSON values in order, modelOutput for a model
	applied  map[string]bool // deviations that changed something
}

// wantError is an expected error record. A loose one only has to have an id and a message, since
// its words are ours.
type wantError struct {
	golden.Error
	loose bool
}

// modelOutput stands for a model: the service's own JSON is printed instead (D15).
const modelOutput = "model"

func expect(r golden.Record) expectation {
	x := expectation{requests: sent(r.Requests), applied: map[string]bool{}}
	if i := slices.IndexFunc(x.requests, func(q golden.Request) bool { return q.Answered == float64(401) }); i >= 0 && len(x.requests) > 1 {
		x.applied["D20"] = true
		x.requests = x.requests[:1]
	}
	x.exits = exits(r, x.requests)
	x.output = x.outputOf(r)
	if !quiet(r) {
		x.errors = x.errorsOf(r)
	}
	return x
}

func sent(all []golden.Request) []golden.Request {
	return slices.DeleteFunc(slices.Clone(all), func(q golden.Request) bool { return q.Method == "" || q.Method == "CONNECT" })
}

const notConnected = "Authentication needed"

// exits maps a recorded end to the exit statuses of D09. Two are allowed where the record does not
// tell whether the words or the operation were at fault.
func exits(r golden.Record, requests []golden.Request) []int {
	switch {
	case r.Succeeded():
		return []int{0}
	case r.Mode == "process":
		first, _, _ := strings.Cut(r.Stderr, "\n")
		if strings.Contains(r.Stderr, notConnected) {
			return []int{3}
		}
		if strings.Contains(first, "_Upload") { // the class that sends, so binding was over
			return []int{1}
		}
		if r.Stderr == "" { // process.http-error-silent: the errors were not to be shown
			return []int{1, 2}
		}
		return []int{2}
	case bindingFailed(r) && len(requests) == 0:
		return []int{2}
	case slices.ContainsFunc(r.Errors, func(e golden.Error) bool { return strings.HasPrefix(e.Message, notConnected) }):
		return []int{3}
	}
	return []int{1, 2}
}

// bindingFailed: an error id that ends in the cmdlet's own name comes from PowerShell's binder.
func bindingFailed(r golden.Record) bool {
	return slices.ContainsFunc(r.Errors, func(e golden.Error) bool { return strings.HasSuffix(e.ID, ","+r.Cmdlet) })
}

var quietWord = regexp.MustCompile(`(?i)(-ea|-erroraction) (silentlycontinue|ignore|0|4)\b`)

// quiet: the caller asked for no error lines; those of the binder come all the same
// (streams.eap-global-silent).
func quiet(r golden.Record) bool {
	asked := quietWord.MatchString(strings.Join(r.Words(), " ")) || strings.Contains(r.Before, "'SilentlyContinue'")
	return asked && !bindingFailed(r)
}

var passThruOff = regexp.MustCompile(`(?i)^--?pas\w*:(\$false|false)$`)

func (x *expectation) outputOf(r golden.Record) []string {
	off := slices.ContainsFunc(r.Words(), passThruOff.MatchString)
	var out []string
	for _, o := range r.Output {
		switch {
		case o.Type == "System.Boolean" && off && string(o.Value) == "true":
			x.applied["D04"] = true
		case o.Type == "System.Boolean":
			out = append(out, string(o.Value))
		case strings.Contains(o.Type, ".Models."):
			x.applied["D15"] = true
			out = append(out, modelOutput)
		}
	}
	return out
}

func (x *expectation) errorsOf(r golden.Record) []wantError {
	var all []wantError
	for _, e := range r.Errors {
		if e.Message == "The pipeline has been stopped." {
			x.applied["D03"] = true
			continue
		}
		if by := looseBy(r, e); by != "" {
			x.applied[by] = true
			all = append(all, wantError{loose: true})
			continue
		}
		if whole := wholeHeaders(e.Details, r.Answers); whole != e.Details {
			x.applied["D02"] = true
			e.Details = whole
		}
		all = append(all, wantError{Error: e})
	}
	return all
}

var (
	parserMessage  = regexp.MustCompile(`^(?:Expected |.*(?:was expected|Unexpected|expected))`)
	transportCase  = regexp.MustCompile(`bad-gzip|bad-charset|redirect`)
	transportError = regexp.MustCompile(`^System\.(Net|Threading\.Tasks|Security\.Authentication|IO)`)
)

// looseBy is the deviation that words this error in its own way, "" for none.
func looseBy(r golden.Record, e golden.Error) string {
	switch {
	case strings.HasPrefix(e.Message, "PowerShell is in NonInteractive mode"):
		return "D14"
	case strings.HasPrefix(e.Message, "Too many retries performed"):
		return "D05"
	case parserMessage.MatchString(e.Message) && e.Details == "" && e.ID != "" && !strings.Contains(e.ID, ","):
		return "D06"
	case r.Group == "network" || transportCase.MatchString(r.ID) || transportError.MatchString(e.Exception):
		return "D14"
	}
	return ""
}

var headerLine = regexp.MustCompile(`^(\S+)\s*: (.*)$`)

// wholeHeaders gives the last header of error details back the character it lost (D02).
func wholeHeaders(details string, answers []golden.Answer) string {
	end := strings.LastIndex(details, "\n\n")
	if end < 0 {
		return details
	}
	start := strings.LastIndex(details[:end], "\n") + 1
	line := headerLine.FindStringSubmatch(details[start:end])
	if line == nil {
		return details
	}
	failures := slices.DeleteFunc(slices.Clone(answers), func(a golden.Answer) bool { return a.Status < 400 })
	for _, a := range append(failures, answers...) { // pipeline.piped-json-rhv-three: only the failure's value is meant
		for _, h := range a.Headers {
			lost, ok := strings.CutPrefix(h[1], line[2])
			if strings.EqualFold(h[0], line[1]) && ok && len([]rune(lost)) == 1 {
				return details[:end] + lost + details[end:]
			}
		}
	}
	return details
}

// ours are the headers that differ on purpose (D11, D12, D13) or that the connection decides.
var ours = []string{"user-agent", "sdkversion", "featureflag", "accept-encoding", "host", "connection"}

// wantHeaders are the headers of a recorded request, without ours, in lower case and sorted.
func wantHeaders(q golden.Request) []string {
	fields := q.Headers.Fields
	if q.Headers.Standard {
		fields = [][2]string{
			{"cache-control", "no-store, no-cache"}, {"authorization", "Bearer {TOKEN}"}, {"client-request-id", "{GUID}"},
			{"content-type", "application/json"}, {"content-length", strconv.Itoa(len(q.Body))},
		}
	}
	return sortedHeaders(fields, func(v string) string { return v })
}

func sortedHeaders(fields [][2]string, mask func(string) string) []string {
	var all []string
	for _, f := range fields {
		if name := strings.ToLower(f[0]); !slices.Contains(ours, name) {
			all = append(all, name+": "+mask(f[1]))
		}
	}
	slices.Sort(all)
	return all
}
