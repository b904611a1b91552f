package parity

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"invoke-mgupload/parity-tests/golden"
)

const (
	goldens    = "testdata/goldens"
	ledgerFile = "testdata/ledger.txt"
)

var update = flag.Bool("update", false, "write testdata/ledger.txt anew; the golden records are never written")

// adjustments are the deviations that change a part of a record's expectation.
var adjustments = []string{"D02", "D03", "D04", "D05", "D06", "D14", "D15"}

func load(t *testing.T) []golden.Record {
	t.Helper()
	records, err := golden.Load(goldens)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// line is the ledger's entry for a record, "" for one that is compared as it is.
func line(r golden.Record) string {
	v := Judge(r)
	switch {
	case !v.Replayed() && v.Deviation == "":
		return "not replayed: " + v.Reason
	case !v.Replayed():
		return v.Deviation + " takes out: " + v.Reason
	case v.Fact != "":
		return v.Deviation + " turns around: " + string(v.Fact)
	}
	if by := slices.Sorted(maps.Keys(expect(r).applied)); len(by) > 0 {
		return strings.Join(by, " ") + " in part"
	}
	return ""
}

// TestLedger holds the list of all records that are not simply compared, so that a changed rule
// shows which records it moves.
func TestLedger(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Records that are not compared as they are, and why. Written by: go test ./parity-tests -run TestLedger -update\n")
	for _, r := range load(t) {
		if why := line(r); why != "" {
			fmt.Fprintf(&b, "%s\t%s\n", r.ID, why)
		}
	}
	if *update {
		if err := os.WriteFile(ledgerFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(ledgerFile)
	if err != nil {
		t.Fatal(err)
	}
	have, want := strings.Split(b.String(), "\n"), strings.Split(string(file), "\n")
	for _, l := range want {
		if !slices.Contains(have, l) {
			t.Errorf("no more: %s", l)
		}
	}
	for _, l := range have {
		if !slices.Contains(want, l) {
			t.Errorf("new: %s", l)
		}
	}
}

func TestEveryRuleSelectsARecord(t *testing.T) {
	used, applied := make([]int, len(ledger)), map[string]int{}
	for _, r := range load(t) {
		i := ruleOf(newCase(r))
		if i >= 0 {
			used[i]++
			continue
		}
		for d := range expect(r).applied {
			applied[d]++
		}
	}
	for i, n := range used {
		if n == 0 {
			t.Errorf("rule %d (%+v) selects nothing", i, ledger[i].verdict)
		}
	}
	if got := slices.Sorted(maps.Keys(applied)); !slices.Equal(got, adjustments) {
		t.Errorf("deviations that change a part: %v, want %v", got, adjustments)
	}
}

func TestEveryFactIsPromised(t *testing.T) {
	for _, l := range ledger {
		if _, ok := promised[l.verdict.Fact]; !ok && l.verdict.Replayed() {
			t.Errorf("%+v: nothing is known of this fact", l.verdict)
		}
		if (l.verdict.Reason == "") == (l.verdict.Fact == "") {
			t.Errorf("%+v: either a reason or a fact", l.verdict)
		}
	}
}

func TestStrict(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":1,"b":[{"a":2}]}`: true, `{}`: true, `"x"`: true,
		`{"a":1,"A":2}`: false, `{"b":[{"a":1,"a":1}]}`: false, `{"a":1,}`: false, `{"a":1}{}`: false, `{a:1}`: false, "\ufeff{}": false, ``: false,
	} {
		if strict(text) != want {
			t.Errorf("%s: %t", text, !want)
		}
	}
}
