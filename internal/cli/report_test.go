package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// The colours of PowerShell 7, line by line (process.http-error-color); the same
// error without them is process.error-tty.
func TestErrorColours(t *testing.T) {
	plain, colored := records(t, "process.error-tty")[0].Stderr, records(t, "process.http-error-color")[0].Stderr
	name, rest, _ := strings.Cut(plain, ": ")
	details, recommended, ok := strings.Cut(rest, "\n  Recommendation: ")
	if !ok {
		t.Fatalf("the record is %q", plain)
	}
	rec := &record{name: name, Message: "not shown", Details: details, Recommended: strings.TrimSuffix(recommended, "\n")}
	for _, c := range []struct {
		color bool
		want  string
	}{{false, plain}, {true, colored}} {
		var b bytes.Buffer
		(&messages{w: &b, color: c.color}).record(rec)
		if b.String() != c.want {
			t.Errorf("colour %v: got\n%q\nwant\n%q", c.color, b.String(), c.want)
		}
	}
}

func TestColourIsForTerminals(t *testing.T) {
	for _, c := range []struct {
		name    string
		kind    StreamKind
		noColor string
		want    bool
	}{{"a pipe", Stream, "", false}, {"a terminal", Terminal, "", true}, {"a terminal with NO_COLOR", Terminal, "1", false}} {
		w := newWorld(t, "-Nope")
		w.StderrKind, w.variables["NO_COLOR"] = c.kind, c.noColor
		w.run(t)
		if got := strings.Contains(w.stderr.String(), "\x1b["); got != c.want {
			t.Errorf("%s: coloured is %v", c.name, got)
		}
	}
}

// RFC 7234, 5.5, and as .NET reads it (streams.warning-header-bad).
func TestWarningTexts(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want []string
	}{
		{nil, nil},
		{[]string{`299 - "old"`}, []string{`299 - "old"`}},
		{[]string{`299 - "old"`, `199 host:80 "two words"`}, []string{`299 - "old"`, `199 host:80 "two words"`}},
		{[]string{`rubbish`, `299`, `299 -`, `299 - old`, `29 - "x"`, `abc - "x"`, `299 "x"`, `299 - "`}, nil},
	} {
		if got := warningTexts(c.in); !slices.Equal(got, c.want) {
			t.Errorf("warningTexts(%q) is %q, want %q", c.in, got, c.want)
		}
	}
	for _, r := range records(t, "streams.warning-header") {
		if len(r.Answers) == 0 || r.Mode != "session" {
			continue
		}
		var lines []string
		for _, h := range r.Answers[len(r.Answers)-1].Headers {
			if strings.EqualFold(h[0], "Warning") {
				lines = append(lines, h[1])
			}
		}
		if got, want := strings.Join(warningTexts(lines), ", "), strings.Join(r.Warnings, ", "); got != want {
			t.Errorf("%s: got %q, want %q", r.ID, got, want)
		}
	}
}

func TestShownIdentity(t *testing.T) {
	if got := shownIdentity("{\n  \"a\": 1\n}"); got != `{ "a": 1 }` {
		t.Errorf("got %q", got)
	}
	if got := []rune(shownIdentity(strings.Repeat("ü", 300))); len(got) != 201 || got[200] != '…' {
		t.Errorf("got %d runes", len(got))
	}
}
