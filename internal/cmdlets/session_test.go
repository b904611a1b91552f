package cmdlets_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
)

// recordedSession is what Get-Command says of a session cmdlet.
type recordedSession struct {
	Name, Default         string
	Aliases               []string
	SupportsShouldProcess bool
	ParameterSets         []struct{ Name string }
	Parameters            []struct {
		Name, Type string
		Aliases    []string
		DontShow   bool
		Attributes []string
		Enum       []string
		Ranges     []struct{ Min, Max int64 }
		Sets       []struct {
			Set       string
			Mandatory bool
			Pipeline  bool
			Position  int
		}
	}
}

// elsewhere are recorded cmdlets that are not here: they switch Windows' Web
// Account Manager on and off, which this program does not use.
var elsewhere = []string{"Get-MgGraphOption", "Set-MgGraphOption"}

func readSessions(t *testing.T) []recordedSession {
	t.Helper()
	data, err := os.ReadFile("testdata/metadata-session.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []recordedSession
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestSessionSpecsAreWhatGetCommandSays(t *testing.T) {
	seen := 0
	for _, want := range readSessions(t) {
		s := cmdlets.FindSession(want.Name)
		if slices.Contains(elsewhere, want.Name) {
			if s != nil {
				t.Errorf("%s is in the table", want.Name)
			}
			continue
		}
		if s == nil || s.Name != want.Name {
			t.Errorf("%s is not in the table", want.Name)
			continue
		}
		seen++
		spec := s.Spec()
		if spec.DefaultSet != want.Default || !slices.Equal(s.Aliases, want.Aliases) || s.ShouldProcess != want.SupportsShouldProcess {
			t.Errorf("%s: default set %s, aliases %v, should process %t; recorded %s, %v, %t", want.Name,
				spec.DefaultSet, s.Aliases, s.ShouldProcess, want.Default, want.Aliases, want.SupportsShouldProcess)
		}
		var sets, have, recorded []string
		for _, set := range want.ParameterSets {
			sets = append(sets, set.Name)
		}
		if !slices.Equal(spec.Sets, sets) {
			t.Errorf("%s: sets %v, recorded %v", want.Name, spec.Sets, sets)
		}
		for i := range spec.Params {
			have = append(have, describeSession(&spec.Params[i]))
		}
		for i := range want.Parameters {
			recorded = append(recorded, describeRecorded(want, i))
		}
		for i := range max(len(have), len(recorded)) {
			if at(have, i) != at(recorded, i) {
				t.Errorf("%s, parameter %d:\nhave %v\nwant %v", want.Name, i, at(have, i), at(recorded, i))
			}
		}
	}
	if n := len(slices.Collect(cmdlets.Sessions())); n != seen || n != 9 {
		t.Errorf("the table has %d cmdlets, %d of them recorded", n, seen)
	}
}

func describeSession(p *params.Param) string {
	var in []string
	for _, m := range p.In {
		in = append(in, sessionMembership(m.Set, m.Mandatory, m.Pipeline, m.Position))
	}
	if len(p.In) == 0 {
		in = []string{sessionMembership("__AllParameterSets", false, p.Pipeline, 0)}
	}
	slices.Sort(in)
	return fmt.Sprintf("%s %s aliases %v hidden %t not empty %t enum %v from %d to %d in %v", p.Name, p.DotNet(), p.Aliases, p.Hidden, p.NotEmpty, p.Enum, p.Min, p.Max, in)
}

func describeRecorded(c recordedSession, i int) string {
	p := c.Parameters[i]
	var in []string
	for _, s := range p.Sets {
		in = append(in, sessionMembership(s.Set, s.Mandatory, s.Pipeline, max(0, s.Position+1)))
	}
	slices.Sort(in)
	var least, most int64
	for _, r := range p.Ranges {
		least, most = r.Min, r.Max
	}
	// On a number the attribute has nothing to refuse: the empty text is 0.
	notEmpty := p.Type == "System.String" && slices.Contains(p.Attributes, "ValidateNotNullOrEmptyAttribute")
	return fmt.Sprintf("%s %s aliases %v hidden %t not empty %t enum %v from %d to %d in %v", p.Name, p.Type, p.Aliases, p.DontShow, notEmpty, p.Enum, least, most, in)
}

func sessionMembership(set string, mandatory, pipeline bool, position int) string {
	return fmt.Sprintf("%s mandatory %t pipeline %t position %d", set, mandatory, pipeline, position)
}

func TestFindSession(t *testing.T) {
	for name, want := range map[string]string{
		"connect-mggraph": "Connect-MgGraph", "CONNECT-GRAPH": "Connect-MgGraph", "Disconnect-Graph": "Disconnect-MgGraph",
		"Get-MgContext": "Get-MgContext", "Get-MgGraphOption": "", "": "", "Connect": "",
	} {
		got := ""
		if s := cmdlets.FindSession(name); s != nil {
			got = s.Name
		}
		if got != want {
			t.Errorf("%q finds %q, want %q", name, got, want)
		}
	}
}

func TestSessionNamesAreNoOthers(t *testing.T) {
	for s := range cmdlets.Sessions() {
		for _, name := range append([]string{s.Name}, s.Aliases...) {
			if c := cmdlets.Find(name); c != nil {
				t.Errorf("%s also names %s", name, c.Name)
			}
		}
		if s.Does == "" || !strings.HasSuffix(s.Spec().ErrorID(), strings.ReplaceAll(s.Name, "-", "")) {
			t.Errorf("%s: synopsis %q, class %q", s.Name, s.Does, s.Class)
		}
	}
}
