package parity

import (
	"regexp"
	"slices"
	"strings"

	"invoke-mgupload/parity-tests/golden"
)

// ownWords are failures whose text is ours (D03, D05, D06, D14).
var ownWords = []string{"Connection refused", "Expected literal", "Too many retries", "canceled", "pipeline has been stopped"}

// screen compares what a shell saw in mode process. Debug and verbose text is on stderr here (D10),
// so a case that asks for them is compared by its requests and its exit status only.
func (d *differences) screen(r golden.Record, got seen) {
	chatty := slices.ContainsFunc(r.Words(), func(w string) bool {
		w = strings.ToLower(w)
		return strings.HasPrefix(w, "-debug") || strings.HasPrefix(w, "-verbose")
	})
	if chatty {
		return
	}
	want := linesWith(r.Stdout, func(line string) bool {
		return strings.TrimSpace(line) != "" && !startsWithAny(line, "DEBUG:", "VERBOSE:", "WARNING:")
	})
	table := slices.ContainsFunc(want, func(line string) bool { return startsWithAny(line, "--", "D  ", "Id  ") })
	if !table { // D15: JSON in place of a table
		d.equal(want, linesWith(got.Stdout, func(line string) bool { return strings.TrimSpace(line) != "" }), "stdout")
	}
	worded := slices.ContainsFunc(ownWords, func(w string) bool { return strings.Contains(r.Stderr, w) })
	if r.How == "command" && strings.TrimSpace(r.Stderr) != "" && !worded {
		d.equal(splitScreen(masked(r.Stderr), r.Answers), splitScreen(got.mask(got.Stderr), r.Answers), "stderr")
	}
}

func startsWithAny(line string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) })
}

var manyLines = regexp.MustCompile(`\n{2,}`)

// splitScreen takes an error's text apart as splitDetails does, the recommendation last.
func splitScreen(text string, answers []golden.Answer) []string {
	body, recommendation, found := strings.Cut(strings.TrimRight(text, "\n "), "\n  Recommendation:")
	if found {
		body = wholeHeaders(strings.TrimRight(body, "\n ")+"\n\n", answers)
	}
	body = strings.TrimRight(manyLines.ReplaceAllString(body, "\n\n"), "\n ")
	return append(splitDetails(body), recommendation)
}
