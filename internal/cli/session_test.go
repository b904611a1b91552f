package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"invoke-mgupload/internal/auth"
	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
)

// The reasons why a recording is not run at all.
const (
	needsPowerShell = "needs PowerShell objects or its pipeline"
	waits           = "waits for real; internal/auth has it on a clock of its own"
	elsewhere       = "asks an address outside this machine; internal/auth has it"
	noBroker        = "Get- and Set-MgGraphOption switch a broker that is not used here"
	tokenStore      = "would use this system's own token store"
)

// The reasons why a recording that is run comes out differently.
const (
	storeText   = "D14: the documented sentence in place of .NET's about Unix stores"
	serviceText = "the service's own words, which the real cmdlet loses"
	moreText    = "D14: says which file and why"
	ownWords    = "D14: our words in place of a parser's or a trace"
	noDiscovery = "no instance discovery: the environment says where its sign-in service is"
	oneByOne    = "each command prints for itself, not a script for all of its commands"
)

// sessionLedger names, by patterns, the recordings that are not replayed, or
// that come out differently, each with its reason.
var sessionLedger = map[string]string{
	"session.option.*":                  noBroker,
	"session.env.get-list":              needsPowerShell,
	"session.env.add-list":              needsPowerShell,
	"session.env.add-pipeline":          needsPowerShell,
	"session.env.add-while-connected":   needsPowerShell,
	"session.env.remove-pipeline":       needsPowerShell,
	"session.rc.get-list":               needsPowerShell,
	"session.rc.get-json":               needsPowerShell,
	"session.rc.pipeline":               needsPowerShell,
	"session.context.json":              needsPowerShell,
	"session.context.table":             needsPowerShell,
	"session.context.list":              needsPowerShell,
	"session.context.select":            needsPowerShell,
	"session.token.null":                needsPowerShell,
	"session.secret.null":               needsPowerShell,
	"session.secret.empty-user":         needsPowerShell,
	"session.secret.context":            needsPowerShell,
	"session.device.scopes-array":       needsPowerShell,
	"session.device.default":            waits,
	"session.device.process":            waits,
	"session.device.record-exists":      waits,
	"session.device.record-broken":      waits,
	"session.device.context-disconnect": waits,
	"session.interactive.*":             waits,
	"session.secret.html-502":           waits,
	"session.secret.closed":             waits,
	"session.identity.closed":           waits,
	"session.identity.imds":             elsewhere,
	"session.identity.imds-notfound":    elsewhere,
	"session.identity.nothing":          elsewhere,
	"session.secret.global":             elsewhere,
	"session.secret.usgov":              elsewhere,
	"session.secret.debug":              elsewhere,
	"session.envvar.secret-global":      elsewhere,
	"session.secret.currentuser":        tokenStore,
	"session.secret.invalid-instance":   noDiscovery,
	"session.connect.thumb-notfound":    storeText,
	"session.connect.thumb-nothex":      storeText,
	"session.connect.subject-notfound":  storeText,
	"session.connect.timeout-negative":  storeText,
	"session.connect.tenant-bad-chars":  storeText,
	"session.context.after-notfound-*":  storeText,
	"session.cert.subject-without-cn":   storeText,
	"session.cert.refused":              serviceText,
	"session.secret.refused-40?":        serviceText,
	"session.secret.tenant-unknown":     serviceText,
	"session.envvar.secret-refused":     serviceText,
	"session.identity.appservice-400":   ownWords,
	"session.secret.html-200":           ownWords,
	"session.envvar.cert-pfx-wrong-*":   moreText,
	"session.envvar.cert-missing-file":  moreText,
	"session.process.env":               oneByOne,
	"session.cert.object":               "three of its errors are PowerShell's own, about showing the certificate",
	"session.process.connect-context":   oneByOne,
}

// notRun are the reasons that keep a recording from being run.
var notRun = []string{waits, elsewhere, noBroker, tokenStore}

// TestSessionAsRecorded replays the recordings of the session cmdlets against a
// sign-in service and a machine of our own.
func TestSessionAsRecorded(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("recorded on Linux: certificates are in .NET's store there")
	}
	used := map[string]bool{}
	for _, r := range sessionRecords(t) {
		if r.Mode == "probe" {
			continue // TestSessionBindsAsRecorded
		}
		reason := ""
		for pattern, why := range sessionLedger {
			if ok, _ := path.Match(pattern, r.ID); ok {
				reason = why
				used[pattern] = true
			}
		}
		t.Run(r.ID, func(t *testing.T) {
			if slices.Contains(notRun, reason) {
				return
			}
			s := newStage(t, r)
			lines, ok := s.script(r)
			if reason == needsPowerShell && !ok {
				return
			}
			if !ok || reason == needsPowerShell {
				t.Fatalf("translated to words: %t; the ledger says %q", ok, reason)
			}
			switch differences := s.replay(r, lines); {
			case reason == "" && len(differences) > 0:
				t.Error(strings.Join(differences, "\n"))
			case reason != "" && len(differences) == 0:
				t.Errorf("equal to the recording, but the ledger says %q", reason)
			}
		})
	}
	for pattern := range sessionLedger {
		if !used[pattern] {
			t.Errorf("no recording is %s", pattern)
		}
	}
}

// script are a record's command lines: what was set up first, then its own.
func (s *stage) script(r sessionRecord) ([][]string, bool) {
	before, ok := s.lines(r.Before)
	for _, words := range before {
		if _, stderr, exit := s.do(words...); exit != Success && ok {
			s.t.Fatalf("%v: exit status %d: %s", words, exit, stderr)
		}
	}
	if r.Argv == nil {
		own, translated := s.lines(r.PowerShell)
		return own, ok && translated
	}
	words := []string{r.Cmdlet}
	for _, w := range r.Argv {
		words = append(words, s.replace.Replace(w))
	}
	return [][]string{words}, ok
}

// replay runs command lines and answers how what they did differs from the record.
func (s *stage) replay(r sessionRecord, lines [][]string) (differences []string) {
	differ := func(what string, got, want any) {
		if !reflect.DeepEqual(got, want) {
			differences = append(differences, fmt.Sprintf("%s:\ngot  %q\nwant %q", what, fmt.Sprint(got), fmt.Sprint(want)))
		}
	}
	if r.Mode != "process" {
		s.variables["MGUPLOAD_ERROR_FORMAT"] = "json"
	}
	var stdout, stderr string
	exit := Success
	for _, words := range lines {
		out, err, status := s.do(words...)
		if !slices.Contains(words, "--output") {
			stdout += out
		}
		stderr, exit = stderr+err, worse(exit, status)
	}
	s.noSecrets(stdout, stderr)
	delete(s.variables, "MGUPLOAD_ERROR_FORMAT")
	if r.Mode == "process" {
		differ("standard output", comparable(r, stdout), comparable(r, r.Stdout))
		differ("standard error", stderr, r.Stderr)
		differ("success", exit == Success, *r.Exit == 0)
		return differences
	}
	differ("standard output", comparable(r, stdout), comparable(r, s.replace.Replace(r.Host+r.Formatted)))
	got, rest := errorsIn(s.t, stderr)
	differ("errors", sessionErrors(r, got), recordedErrors(r))
	differ("success", exit == Success, len(r.Errors) == 0)
	for _, text := range r.Verbose {
		differ("verbose", strings.Contains(rest, "VERBOSE: "+text+"\n"), true)
	}
	if r.After != nil {
		differ("context", s.contextNow(), s.recordedContext(r))
		differ("request context", s.requestContextNow(), r.After.RequestContext)
	}
	return differences
}

var (
	ofPowerShell = regexp.MustCompile(`(?m)^(PSHostVersion          : |WamEnabled             : ).*$`)
	newID        = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f-]{27},`)
)

// comparable is an output without what only PowerShell can say: its own version,
// and whether a broker is used. Where the order was random, lines are sorted.
func comparable(r sessionRecord, text string) string {
	text = ofPowerShell.ReplaceAllString(text, "$1")
	if strings.Contains(r.Note, "random") {
		lines := strings.Split(text, "\n")
		slices.Sort(lines)
		text = strings.Join(lines, "\n")
	}
	return text
}

func sessionErrors(r sessionRecord, list []record) (out []string) {
	for _, e := range list {
		id := newID.ReplaceAllString(e.ID, "{GUID},")
		out = append(out, fmt.Sprintf("%s %s %q %t", id, e.Category, e.Message, e.Terminating && r.Mode != "bare"))
	}
	return out
}

func recordedErrors(r sessionRecord) (out []string) {
	for _, e := range r.Errors {
		out = append(out, fmt.Sprintf("%s %s %q %t", e.ID, e.Category, e.Message, e.Terminating))
	}
	return out
}

// contextNow is Get-MgContext's object; nil if there is none.
func (s *stage) contextNow() map[string]any {
	stdout, stderr, exit := s.do("Get-MgContext", "--output", "json")
	if stdout == "" && exit == Success {
		return nil
	}
	var c map[string]any
	if err := json.Unmarshal([]byte(stdout), &c); err != nil {
		s.t.Fatalf("%v in %q, %q", err, stdout, stderr)
	}
	return withoutPowerShell(c)
}

func (s *stage) recordedContext(r sessionRecord) map[string]any {
	if r.After.Context == nil {
		return nil
	}
	c := map[string]any{}
	for name, v := range r.After.Context.Properties {
		c[name] = v.plain()
		if text, ok := c[name].(string); ok {
			c[name] = s.replace.Replace(text)
		}
	}
	return withoutPowerShell(c)
}

// withoutPowerShell drops what only PowerShell can say, and the secret and
// certificate, which are never shown here.
func withoutPowerShell(c map[string]any) map[string]any {
	for _, name := range []string{"PSHostVersion", "WamEnabled", "ClientSecret", "Certificate"} {
		delete(c, name)
	}
	return c
}

func (s *stage) requestContextNow() map[string]any {
	stdout, _, _ := s.do("Get-MgRequestContext", "--output", "json")
	var c map[string]any
	check(s.t, json.Unmarshal([]byte(stdout), &c))
	for _, name := range []string{"ClientTimeout", "RetriesTimeLimit"} {
		c[name] = auth.TimeSpan(int(c[name].(float64)))
	}
	return c
}

// TestSessionBindsAsRecorded replays what a script function with Connect-MgGraph's
// parameters was bound to.
func TestSessionBindsAsRecorded(t *testing.T) {
	n := 0
	for _, r := range sessionRecords(t) {
		if r.Mode != "probe" {
			continue
		}
		n++
		t.Run(r.ID, func(t *testing.T) {
			spec := cmdlets.FindSession(r.Cmdlet).Spec()
			spec.ID, spec.Compiled = "", false // the function's, not the cmdlet's
			b, err := params.Parse(spec, nil, r.Argv).Bind(context.Background(), params.Options{
				ReadFile: os.ReadFile,
				Password: func(context.Context, string) (string, error) { return "", params.ErrNobodyToAsk },
			})
			var got []record
			if err != nil {
				got = append(got, *bindingRecord(spec.Name, err))
			}
			if have, want := sessionErrors(r, got), recordedErrors(r); !slices.Equal(have, want) {
				t.Fatalf("errors:\ngot  %s\nwant %s", have, want)
			}
			if err != nil {
				return
			}
			want := r.Probe[len(r.Probe)-1]
			have := map[string]string{}
			for _, v := range b.Values() {
				have[v.Param.Name] = fmt.Sprint(v.Value)
			}
			recorded := map[string]string{}
			for name, v := range want.Bound {
				recorded[name] = strings.Replace(fmt.Sprint(v.plain()), "Infinity", "+Inf", 1)
			}
			if b.Set != want.Set || !reflect.DeepEqual(have, recorded) {
				t.Errorf("got %s %v\nwant %s %v", b.Set, have, want.Set, recorded)
			}
		})
	}
	if n < 50 {
		t.Errorf("%d recordings of binding", n)
	}
}
