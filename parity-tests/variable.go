package parity

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"invoke-mgupload/parity-tests/golden"
)

var (
	rhvWord      = regexp.MustCompile(`(?i)^--?(rhv|responseheadersvariable)$`)
	plainName    = regexp.MustCompile(`^(?:\w+:)?\w+$`)
	listSpace    = regexp.MustCompile(`([;,])\s+`)
	byConnection = []string{"transfer-encoding", "connection", "date", "content-length"}
)

// headersVariable compares the response headers variable. After a failure the recording says
// nothing, since only the tool sets it then (D17).
func (d *differences) headersVariable(r golden.Record, got seen) {
	name := variableOf(r)
	if name == "" || !r.Succeeded() || r.RHV == nil || len(r.RHV.Entries) == 0 {
		return
	}
	want := map[string][]string{}
	for _, e := range r.RHV.Entries {
		for _, item := range e.Value.Items {
			if strings.ContainsFunc(item.Value, func(c rune) bool { return c >= 0x80 }) {
				return // rhv.unicode-header: the recorded side read the bytes as Latin-1
			}
			want[e.Key] = append(want[e.Key], item.Value)
		}
	}
	text, ok := got.variables[name]
	if !ok {
		d.equal(name, "", "response headers variable")
		return
	}
	var have map[string][]string
	if err := json.Unmarshal(text, &have); err != nil {
		d.equal("names with lists of values", string(text), "response headers variable")
		return
	}
	d.equal(flatHeaders(want, masked), flatHeaders(have, got.mask), "response headers variable")
}

// variableOf is the name given to -ResponseHeadersVariable, without its scope.
func variableOf(r golden.Record) string {
	words := r.Words()
	for i := 1; i < len(words); i++ {
		if rhvWord.MatchString(words[i-1]) && plainName.MatchString(words[i]) {
			return words[i][strings.LastIndex(words[i], ":")+1:]
		}
	}
	return ""
}

// flatHeaders writes each header on one line: names in lower case, values joined, since the
// recorded values were parsed and written anew (D31).
func flatHeaders(headers map[string][]string, mask func(string) string) []string {
	joined := map[string]string{}
	for name, values := range headers {
		if name = strings.ToLower(name); !slices.Contains(byConnection, name) {
			joined[name] = mask(listSpace.ReplaceAllString(strings.Join(values, ","), "$1"))
			if name == "server" { // rhv.multi-headers: its products were made a list
				joined[name] = strings.ReplaceAll(joined[name], " ", ",")
			}
		}
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(joined)) {
		all = append(all, fmt.Sprintf("%s: %s", name, joined[name]))
	}
	return all
}
