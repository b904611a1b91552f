package cmdlets_test

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/parity-tests/golden"
	"invoke-mgupload/pkg/params"
)

var goldens = sync.OnceValues(func() ([]golden.Record, error) { return golden.Load("../../parity-tests/testdata/goldens") })

// loadGoldens are the golden records, read once.
func loadGoldens(t testing.TB) []golden.Record {
	t.Helper()
	records, err := goldens()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// turned are the probes that a deviation turns around, by number, with the id
// of the error that takes the record's place, "" where the words now bind.
var turned = map[string]struct{ deviation, id string }{
	"074": {"D08", "MgUploadEmptyValueWord"},
	"075": {"D08", "MgUploadEmptyValueWord"},
	"150": {"D22", ""},
	"153": {"D23", ""},
}

// observed is what a probe reports. With objects in the pipeline there can be
// both an error and what was bound before.
type observed struct {
	Error        *struct{ ID, Message string }
	ParameterSet string
	Bound        map[string]any
}

// TestProbes binds the words of every probe record and compares set, values
// and error with what PowerShell's own binder did.
func TestProbes(t *testing.T) {
	n, used := 0, map[string]bool{}
	for _, r := range loadGoldens(t) {
		if r.Group != "binder" {
			continue
		}
		n++
		number := r.ID[len("binder."):][:3]
		used[number] = true
		t.Run(r.ID, func(t *testing.T) {
			var want observed
			if err := json.Unmarshal(r.Observed, &want); err != nil {
				t.Fatal(err)
			}
			bound, err := probe(t, r)
			if d, ok := turned[number]; ok {
				checkTurned(t, d.deviation, d.id, err)
				return
			}
			compareProbe(t, want, r, bound, err)
		})
	}
	if n != 160 {
		t.Errorf("%d probes, not 160", n)
	}
	for number := range turned {
		if !used[number] {
			t.Errorf("the ledger names probe %s, which does not exist", number)
		}
	}
}

// probe binds a record's words, and the lines of its standard input.
func probe(t *testing.T, r golden.Record) (*params.Bound, error) {
	spec := cmdlets.Find(r.Cmdlet).Spec()
	bound, err := params.Parse(spec, nil, r.Words()).Bind(t.Context(), params.Options{Pipeline: r.Stdin != nil})
	if err != nil || r.Stdin == nil {
		return bound, err
	}
	for line := range strings.Lines(*r.Stdin) {
		next, err := bound.Accept(strings.TrimSpace(line))
		if err != nil {
			return bound, err
		}
		bound = next
	}
	return bound, nil
}

func checkTurned(t *testing.T, deviation, id string, err error) {
	t.Helper()
	var e *params.Error
	switch errors.As(err, &e); {
	case id == "" && err != nil:
		t.Errorf("%s: %v", deviation, err)
	case id != "" && (e == nil || e.ID != id):
		t.Errorf("%s: %v, want %s", deviation, err, id)
	}
}

func compareProbe(t *testing.T, want observed, r golden.Record, bound *params.Bound, err error) {
	t.Helper()
	if (want.Error != nil) != (err != nil) {
		t.Fatalf("error %v, recorded %+v", err, want.Error)
	}
	if want.Error != nil {
		var e *params.Error
		if !errors.As(err, &e) {
			t.Fatalf("%T is no *params.Error", err)
		}
		recorded := r.Errors[len(r.Errors)-1]
		if e.FullyQualifiedID() != want.Error.ID || e.Message != want.Error.Message || e.Category != recorded.Category || e.NonTerm == recorded.Terminating {
			t.Errorf("have %s, %s, %s, non-terminating %t\nwant %s, %s, %s, terminating %t", e.FullyQualifiedID(), e.Message, e.Category, e.NonTerm,
				want.Error.ID, want.Error.Message, recorded.Category, recorded.Terminating)
		}
	}
	if want.Bound == nil {
		return
	}
	if bound == nil {
		t.Fatal("nothing is bound")
	}
	if have := plain(bound); bound.Set != want.ParameterSet || !reflect.DeepEqual(have, want.Bound) {
		t.Errorf("have %q %v\nwant %q %v", bound.Set, have, want.ParameterSet, want.Bound)
	}
}

// plain is what was bound in the probes' form: {"$object": …} is an object.
func plain(b *params.Bound) map[string]any {
	out := map[string]any{}
	for _, v := range b.Values() {
		out[v.Param.Name] = plainValue(v.Value)
	}
	return out
}

func plainValue(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case *params.Object:
		members := map[string]any{}
		for _, e := range v.Members {
			members[e.Name] = plainValue(e.Value)
		}
		return map[string]any{"$object": members}
	}
	return v
}

// TestProbesInAnyOrder: the order of named parameters does not matter to what
// is bound (of several errors the first counts, so only successes are turned).
func TestProbesInAnyOrder(t *testing.T) {
	n := 0
	for _, r := range loadGoldens(t) {
		if r.Group != "binder" || r.Stdin != nil || len(r.Errors) > 0 || !slices.ContainsFunc(r.Argv, func(w string) bool { return w != "" }) {
			continue
		}
		turnedWords := turn(r.Argv)
		if turnedWords == nil {
			continue
		}
		n++
		one, err1 := bindWords(r.Cmdlet, r.Argv)
		two, err2 := bindWords(r.Cmdlet, turnedWords)
		if err1 != nil || err2 != nil || one.Set != two.Set || !maps.EqualFunc(plain(one), plain(two), func(a, b any) bool { return reflect.DeepEqual(a, b) }) {
			t.Errorf("%s: %q %v\n%q %v", r.ID, r.Argv, err1, turnedWords, err2)
		}
	}
	if n < 10 {
		t.Errorf("only %d probes were turned", n)
	}
}

// turn reverses the order of -Name value pairs, nil where the words are others.
func turn(words []string) []string {
	if len(words)%2 != 0 || len(words) < 4 {
		return nil
	}
	var out []string
	for i := len(words) - 2; i >= 0; i -= 2 {
		if !strings.HasPrefix(words[i], "-") || strings.Contains(words[i], ":") || strings.HasPrefix(words[i+1], "-") {
			return nil
		}
		out = append(out, words[i], words[i+1])
	}
	return out
}
