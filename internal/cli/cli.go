// Package cli is the program around the cmdlets: it finds out which command the
// words name, binds them, and carries results, errors and prompts to the streams.
//
// The way of a call, one file each:
//
//	words     → which command      cli.go, shell.go
//	          → settings           setting.go
//	          → bound parameters   run.go, with pkg/params
//	stdin     → identities         item.go
//	item      → request            run.go, with internal/cmdlets
//	          → shall it be sent?  should.go
//	request   → steps → answer     send.go, with pkg/pipeline
//	answer    → output, error      answer.go, output.go, report.go
//	          → exit status        exit.go
package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
)

// Main runs the program and answers its exit status. The context's end, or an
// interrupt that env.Notify reports, ends it with Interrupted.
func Main(ctx context.Context, env Env) int {
	p := &program{env: env}
	return p.shell(ctx, p.command())
}

// program is one run of the program.
type program struct{ env Env }

// command is what the words name: a verb or a cmdlet, and its words.
type command struct {
	verb    string // "" for a cmdlet
	cmdlet  *cmdlets.Cmdlet
	session *cmdlets.Session // a session cmdlet, in the place of cmdlet
	name    string           // the word that named it, if any
	unknown bool             // name names nothing
	words   []string
}

// command finds the first word that is neither an addition nor its value. If it
// does not begin with a dash it names the command; there being none, the
// program's own name may be a cmdlet's (a link), and else the default is meant.
func (p *program) command() command {
	args := p.env.Args
	link := strings.TrimSuffix(filepath.Base(p.env.Program), ".exe")
	if c := cmdlets.Find(link); c != nil {
		return command{cmdlet: c, words: args}
	}
	if s := cmdlets.FindSession(link); s != nil {
		return command{session: s, name: s.Name, words: args}
	}
	i := firstWord(args)
	if i == len(args) || strings.HasPrefix(args[i], "-") || args[i] == "" {
		return command{cmdlet: cmdlets.Default(), words: args}
	}
	words := append(append([]string{}, args[:i]...), args[i+1:]...)
	for _, verb := range verbs {
		if strings.EqualFold(verb.name, args[i]) {
			return command{verb: verb.name, name: args[i], words: words}
		}
	}
	if c := cmdlets.Find(args[i]); c != nil {
		return command{cmdlet: c, name: args[i], words: words}
	}
	if s := cmdlets.FindSession(args[i]); s != nil {
		return command{session: s, name: args[i], words: words}
	}
	return command{name: args[i], unknown: true, words: words}
}

// firstWord is the index of the first word that is no addition and no addition's value.
func firstWord(args []string) int {
	for i := 0; i < len(args); i++ {
		name, isAddition := strings.CutPrefix(args[i], "--")
		if !isAddition {
			return i
		}
		name, _, attached := strings.Cut(strings.Replace(name, ":", "=", 1), "=")
		a := findAddition(name)
		if a == nil {
			return i
		}
		if !a.Switch && !attached {
			i++
		}
	}
	return len(args)
}

// unknownCommand says which names are near.
func (p *program) unknownCommand(c command) int {
	near := nearest(c.name)
	fmt.Fprintf(p.env.Stderr, "invoke-mgupload: '%s' is neither a cmdlet nor a command.", c.name)
	if len(near) > 0 {
		fmt.Fprintf(p.env.Stderr, " Near names: %s.", strings.Join(near, ", "))
	}
	fmt.Fprintln(p.env.Stderr, " `invoke-mgupload list` shows all.")
	return Usage
}

// spec is the binder's view of a cmdlet with the additions its body members have.
func additionsFor(c *cmdlets.Cmdlet) []params.Addition {
	out := additionsOf(ofUploads)
	for _, m := range c.Body {
		if m.Type == params.String {
			out = append(out, params.Addition{Name: fromName(m.Name)})
		}
	}
	return out
}

// additionsOf are the additions of some commands, as the binder sees them.
func additionsOf(commands scope) []params.Addition {
	out := make([]params.Addition, 0, len(additions))
	for _, a := range additions {
		if a.Of&commands != 0 {
			out = append(out, params.Addition{Name: a.Name, Switch: a.Switch})
		}
	}
	return out
}

// fromName is the addition that gives a string member from elsewhere: --password-from.
func fromName(member string) string { return params.Kebab(member) + "-from" }
