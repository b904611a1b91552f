package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"invoke-mgupload/pkg/params"
)

// judge decides whether a call is made: PowerShell's ShouldProcess. What was
// answered "to All" holds for the rest of the run.
type judge struct {
	whatIf, ask   bool
	yesAll, noAll bool
	console       func() (Console, error)
	msgs          *messages
	open          Console
	lines         *bufio.Reader
}

func newJudge(b *params.Bound, s settings, console func() (Console, error), msgs *messages) *judge {
	j := &judge{console: console, msgs: msgs}
	if on, given := b.Switch("WhatIf"); given {
		j.whatIf = on
	} else {
		j.whatIf, _ = parseFlag(s.whatIf)
	}
	// The cmdlets' impact is Medium: a preference of Low or Medium asks, the default High does not.
	j.ask = s.confirm == "Low" || s.confirm == "Medium"
	if on, given := b.Switch("Confirm"); given {
		j.ask = on
	}
	return j
}

// should asks if asking is wanted. Where nobody can be asked the error is
// params.ErrNobodyToAsk.
func (j *judge) should(ctx context.Context, sentence string) (bool, error) {
	switch {
	case j.noAll:
		return false, nil
	case !j.ask || j.yesAll:
		return true, nil
	}
	answer, err := j.choose(ctx, "Confirm", "Are you sure you want to perform this action?\n"+sentence, confirmChoices)
	switch answer {
	case 'A':
		j.yesAll = true
	case 'L':
		j.noAll = true
	}
	return answer == 'Y' || answer == 'A', err
}

func (j *judge) close() {
	if j.open != nil {
		_ = j.open.Close()
	}
}

// choice is one answer to a question.
type choice struct {
	Key         byte
	Label, Help string
}

var confirmChoices = []choice{
	{'Y', "Yes", "Continue with only the next step of the operation."},
	{'A', "Yes to All", "Continue with all the steps of the operation."},
	{'N', "No", "Skip this operation and proceed with the next operation."},
	{'L', "No to All", "Skip this operation and all subsequent operations."},
	{'S', "Suspend", `Pause the current pipeline and return to the command prompt. Type "exit" to resume the pipeline.`},
}

var inquireChoices = []choice{
	{'Y', "Yes", "Continue with only the next step of the operation."},
	{'A', "Yes to All", "Continue with all the steps of the operation."},
	{'H', "Halt Command", "Stop this command."},
	{'S', "Suspend", `Pause the current pipeline and return to the command prompt. Type "exit" to resume the pipeline.`},
}

// choose asks on the controlling terminal until an answer is one of the choices.
// The first is the default. A process cannot be suspended from within: S asks again.
func (j *judge) choose(ctx context.Context, caption, message string, choices []choice) (byte, error) {
	if j.open == nil {
		c, err := j.console()
		if err != nil {
			return 0, params.ErrNobodyToAsk
		}
		j.open, j.lines = c, bufio.NewReader(c)
	}
	width := j.open.Width()
	j.msgs.write("\n" + caption + "\n")
	for _, line := range strings.Split(message, "\n") {
		j.msgs.write(wrap(line, width-1) + "\n")
	}
	for {
		j.msgs.write(choiceLine(choices, width))
		answer, err := readLine(ctx, j.lines)
		if err != nil {
			j.msgs.write("\n")
			if errors.Is(err, io.EOF) {
				err = params.ErrNobodyToAsk
			}
			return 0, err
		}
		answer = strings.TrimSpace(answer)
		if answer == "" {
			return choices[0].Key, nil
		}
		for _, c := range choices {
			if c.Key != 'S' && (strings.EqualFold(answer, c.Label) || strings.EqualFold(answer, string(c.Key))) {
				return c.Key, nil
			}
		}
		if answer == "?" {
			for _, c := range choices {
				j.msgs.line("%c - %s", c.Key, c.Help)
			}
		}
	}
}

// choiceLine is the line of choices; an item that would pass the last column
// begins a new line (process.confirm-stdin-yes).
func choiceLine(choices []choice, width int) string {
	var parts []string
	for _, c := range choices {
		parts = append(parts, fmt.Sprintf("[%c] %s  ", c.Key, c.Label))
	}
	parts = append(parts, "[?] Help ", fmt.Sprintf(`(default is "%c"): `, choices[0].Key))
	var out strings.Builder
	column := 0
	for _, p := range parts {
		if column+len(p) > width-1 {
			out.WriteString("\n")
			column = 0
		}
		out.WriteString(p)
		column += len(p)
	}
	return out.String()
}

// wrap breaks a line at blanks, and a longer word at the edge; the blank before
// a break stays.
func wrap(line string, width int) string {
	var out strings.Builder
	for len(line) > width {
		at := strings.LastIndexByte(line[:width], ' ') + 1
		if at == 0 {
			at = width
		}
		out.WriteString(line[:at] + "\n")
		line = line[at:]
	}
	return out.String() + line
}

// readLine reads a line unless the context ends first. The reader goroutine is
// then left waiting for a terminal that the process is about to leave.
func readLine(ctx context.Context, r *bufio.Reader) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := r.ReadString('\n')
		if text != "" {
			err = nil
		}
		done <- result{strings.TrimRight(text, "\r\n"), err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-done:
		return got.text, got.err
	}
}

// promptMandatory asks for missing mandatory parameters (process.missing-tty).
func promptMandatory(ctx context.Context, c Console, msgs *messages, cmdlet string, names []string) ([]string, error) {
	msgs.write("\ncmdlet " + cmdlet + " at command pipeline position 1\nSupply values for the following parameters:\n")
	lines := bufio.NewReader(c)
	var answers []string
	for _, name := range names {
		msgs.write(name + ": ")
		answer, err := readLine(ctx, lines)
		if errors.Is(err, io.EOF) {
			msgs.write("\n")
			return answers, nil
		}
		if err != nil {
			return nil, err
		}
		answers = append(answers, unescape(answer))
	}
	return answers, nil
}

// unescape undoes the prompt's own escapes: !!text is !text, !"" is empty.
func unescape(answer string) string {
	switch {
	case answer == `!""` || strings.EqualFold(answer, "!$null"):
		return ""
	case strings.HasPrefix(answer, "!!"):
		return answer[1:]
	}
	return answer
}
