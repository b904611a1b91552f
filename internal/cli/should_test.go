package cli

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"invoke-mgupload/parity-tests/golden"
	"invoke-mgupload/pkg/params"
)

var recorded = sync.OnceValues(func() ([]golden.Record, error) { return golden.Load("../../parity-tests/testdata/goldens") })

// records are the golden records whose id begins with a prefix.
func records(t *testing.T, prefix string) []golden.Record {
	t.Helper()
	all, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	var some []golden.Record
	for _, r := range all {
		if strings.HasPrefix(r.ID, prefix) {
			some = append(some, r)
		}
	}
	if len(some) == 0 {
		t.Fatalf("no record's id begins with %s", prefix)
	}
	return some
}

var (
	escape = regexp.MustCompile("\x1b\\[\\?1h|\x1b=")
	typed  = regexp.MustCompile(`("\): |Id: )[^\n]*\n`) // what the terminal echoes behind a prompt
)

// prompts is the text of a terminal that the program itself wrote.
func prompts(tty string) string {
	text := strings.ReplaceAll(escape.ReplaceAllString(tty, ""), "\r\n", "\n")
	for strings.HasSuffix(text, "\nTrue\n") { // is on standard output
		text = strings.TrimSuffix(text, "True\n")
	}
	return typed.ReplaceAllString(text, "$1")
}

// The recorded questions, at the recorded width of 120 columns.
func TestConfirmAsRecorded(t *testing.T) {
	const piped = `{"certificateBasedAuthPki-id":"a"}{"certificateBasedAuthPki-id":"b"}{"certificateBasedAuthPki-id":"c"}`
	for id, c := range map[string]struct {
		answers string
		stdin   string
		want    int // how many are done
	}{
		"process.confirm-tty-yes":       {"y\n", "", 1},
		"process.confirm-tty-no":        {"n\n", "", 0},
		"process.confirm-tty-all":       {"A\n", "", 1},
		"process.confirm-tty-none":      {"L\n", "", 0},
		"process.confirm-tty-default":   {"\n", "", 1},
		"process.confirm-tty-help-no":   {"?\nn\n", "", 0},
		"process.confirm-tty-word":      {"Yes to All\n", "", 1},
		"process.confirm-tty-bad-no":    {"q\nn\n", "", 0},
		"process.confirm-tty-three-all": {"n\nA\n", piped, 2},
	} {
		t.Run(id, func(t *testing.T) {
			r := records(t, id)[0]
			args := r.Argv
			if c.stdin != "" {
				args = []string{"-UploadUrl", "u", "-PassThru", "-Confirm"}
			}
			w := newWorld(t, args...).on(120, c.answers)
			if c.stdin != "" {
				w.pipe(c.stdin)
			}
			if status := w.run(t); status != Success {
				t.Errorf("exit status %d", status)
			}
			if got, want := w.stdout.String(), strings.Repeat("True\n", c.want); got != want {
				t.Errorf("got output %q, want %q", got, want)
			}
			if got, want := w.stderr.String(), prompts(*r.TTY); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// At 80 columns the line of choices breaks too.
func TestConfirmWrapsAsRecorded(t *testing.T) {
	r := records(t, "process.confirm-stdin-yes")[0]
	want, _, ok := strings.Cut(r.Stdout, "y\nTrue\n") // there the answer stands behind the colon
	if !ok {
		t.Fatalf("the record's output is %q", r.Stdout)
	}
	w := newWorld(t, r.Argv...).on(80, "y\n")
	w.run(t)
	if got := strings.TrimRight(w.stderr.String(), " "); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers string
		want    []bool
		asked   int
	}{
		{"yes, no, yes", "y\nn\nYES\n", []bool{true, false, true}, 3},
		{"to all", "n\nyes to all\n", []bool{false, true, true, true}, 2},
		{"to none", "\nNo to All\n", []bool{true, false, false, false}, 2},
		{"blanks around", "  n  \n", []bool{false}, 1},
		{"carriage return", "n\r\n", []bool{false}, 1},
		{"suspend asks again", "s\nn\n", []bool{false}, 1},
		{"no newline at the end", "n", []bool{false}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stderr bytes.Buffer
			opened := 0
			j := &judge{ask: true, msgs: &messages{w: &stderr}, console: func() (Console, error) {
				opened++
				return &person{Reader: strings.NewReader(c.answers), width: 80}, nil
			}}
			for i, want := range c.want {
				got, err := j.should(t.Context(), "sentence")
				if got != want || err != nil {
					t.Errorf("answer %d: got %v and %v, want %v", i, got, err, want)
				}
			}
			if asked := strings.Count(stderr.String(), "Are you sure"); asked != c.asked {
				t.Errorf("asked %d times, want %d", asked, c.asked)
			}
			if opened != 1 {
				t.Errorf("the terminal was opened %d times", opened)
			}
		})
	}
}

func TestJudgeWithoutAPerson(t *testing.T) {
	silent := &messages{w: &bytes.Buffer{}}
	none := &judge{ask: true, msgs: silent, console: func() (Console, error) { return nil, errors.New("no terminal") }}
	if _, err := none.should(t.Context(), "s"); !errors.Is(err, params.ErrNobodyToAsk) {
		t.Errorf("without a terminal: got %v", err)
	}
	gone := &judge{ask: true, msgs: silent, console: func() (Console, error) { return &person{strings.NewReader(""), 80}, nil }}
	if yes, err := gone.should(t.Context(), "s"); yes || !errors.Is(err, params.ErrNobodyToAsk) {
		t.Errorf("at the end of input: got %v and %v", yes, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	block := make(chan struct{})
	defer close(block)
	stuck := &judge{ask: true, msgs: silent, console: func() (Console, error) { return &person{blocked{block}, 80}, nil }}
	if yes, err := stuck.should(ctx, "s"); yes || !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: got %v and %v", yes, err)
	}
}

// blocked is input that does not come before the channel is closed.
type blocked struct{ until <-chan struct{} }

func (b blocked) Read([]byte) (int, error) {
	<-b.until
	return 0, errors.New("closed")
}

func TestPreferences(t *testing.T) {
	for _, c := range []struct {
		name       string
		args       []string
		set        settings
		wantWhatIf bool
		wantAsk    bool
	}{
		{"nothing", nil, settings{}, false, false},
		{"-WhatIf", []string{"-WhatIf"}, settings{}, true, false},
		{"a preference", nil, settings{whatIf: "True"}, true, false},
		{"a preference off", nil, settings{whatIf: "0"}, false, false},
		{"a switch beats it", []string{"-WhatIf:$false"}, settings{whatIf: "True"}, false, false},
		{"-Confirm", []string{"-Confirm"}, settings{}, false, true},
		{"Medium asks", nil, settings{confirm: "Medium"}, false, true},
		{"Low asks", nil, settings{confirm: "Low"}, false, true},
		{"High does not", nil, settings{confirm: "High"}, false, false},
		{"None does not", nil, settings{confirm: "None"}, false, false},
		{"-Confirm:$false beats Low", []string{"-Confirm:$false"}, settings{confirm: "Low"}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newJudge(bind(t, c.args...), c.set, nil, nil)
			if j.whatIf != c.wantWhatIf || j.ask != c.wantAsk {
				t.Errorf("got whatIf %v, ask %v", j.whatIf, j.ask)
			}
		})
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		line  string
		width int
		want  string
	}{
		{"", 5, ""},
		{"short", 5, "short"},
		{"one two", 5, "one \ntwo"},
		{"one two", 4, "one \ntwo"},
		{"one two", 3, "one\n \ntwo"},
		{"abcdefgh", 3, "abc\ndef\ngh"},
		{"a bcdefgh", 4, "a \nbcde\nfgh"},
		{"a b c d", 4, "a b \nc d"},
	} {
		if got := wrap(c.line, c.width); got != c.want {
			t.Errorf("wrap(%q, %d) is %q, want %q", c.line, c.width, got, c.want)
		}
	}
}

func TestPromptMandatoryAsRecorded(t *testing.T) {
	for id, c := range map[string]struct {
		answers string
		status  int
	}{
		"process.missing-tty":       {"typed-id\n", Success},
		"process.missing-tty-empty": {"\n", Usage},
	} {
		r := records(t, id)[0]
		w := newWorld(t, "-UploadUrl", "u", "-PassThru").on(120, c.answers)
		w.StdinKind = Terminal
		if status := w.run(t); status != c.status {
			t.Errorf("%s: exit status %d, want %d", id, status, c.status)
		}
		if got, want := w.stderr.String(), prompts(*r.TTY)+r.Stderr; got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", id, got, want)
		}
	}
}

func TestPromptMandatory(t *testing.T) {
	for _, c := range []struct {
		name, answers string
		want          []string
	}{
		{"all", "a\nb c\n", []string{"a", "b c"}},
		{"the input ends", "a\n", []string{"a"}},
		{"nothing", "", nil},
		{"escapes", "!!a\n!\"\"\n", []string{"!a", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stderr bytes.Buffer
			got, err := promptMandatory(t.Context(), &person{strings.NewReader(c.answers), 80}, &messages{w: &stderr}, "Cmd", []string{"One", "Two"})
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %q and %v, want %q", got, err, c.want)
			}
			if !strings.HasPrefix(stderr.String(), "\ncmdlet Cmd at command pipeline position 1\nSupply values for the following parameters:\nOne: ") {
				t.Errorf("asked %q", stderr.String())
			}
		})
	}
}
