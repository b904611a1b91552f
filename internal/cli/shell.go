package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"
)

// verb is a row: a command that is not a cmdlet.
type verb struct {
	name, help string
	command    func(*program) any // a kong command with a Run(context.Context) error
}

var verbs = []verb{
	{"list", "List the cmdlets, their short names and what they do.", func(p *program) any { return &listCommand{program: p} }},
	{"help", "Help for a cmdlet or command.", func(p *program) any { return &helpCommand{program: p} }},
	{"version", "Print the version.", func(p *program) any { return &versionCommand{program: p} }},
	{"emulator", "Run the emulator of the upload family as a server.", func(p *program) any { return &emulatorCommand{program: p} }},
}

// exitStatus is the error of a command that has already said what there is to say.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// cmdletCommand hands a cmdlet's words over as they are: kong knows neither
// -Name value nor prefixes.
type cmdletCommand struct {
	program *program
	command command
	Words   []string `arg:"" optional:""`
}

// Run runs the cmdlet.
func (c *cmdletCommand) Run(ctx context.Context) error {
	if c.command.session != nil {
		return exitStatus(c.program.session(ctx, c.command.session, c.command.words))
	}
	return exitStatus(c.program.cmdlet(ctx, c.command.cmdlet, c.command.words))
}

// shell runs the named command. Only that command is built: the table of all of
// them would cost more than a dry run.
func (p *program) shell(ctx context.Context, c command) int {
	if c.unknown {
		return p.unknownCommand(c)
	}
	if c.verb == "" && c.name == "" && len(c.words) == 0 && p.env.StdinKind == Terminal {
		fmt.Fprint(p.env.Stderr, shortUsage)
		return Usage
	}
	if status, done := p.global(c); done {
		return status
	}
	name, help, tags, target := "cmdlet", "", `cmd:"" passthrough:""`, any(&cmdletCommand{program: p, command: c})
	words := []string{name}
	for _, v := range verbs {
		if v.name == c.verb {
			name, help, tags, target = v.name, v.help, `cmd:""`, v.command(p)
			words = append([]string{name}, c.words...)
		}
	}
	var root struct{}
	exited := -1
	options := []kong.Option{kong.Name("invoke-mgupload"), kong.DynamicCommand(name, help, "", target, tags),
		kong.Writers(p.env.Stdout, p.env.Stderr), kong.Exit(func(code int) { exited = code })}
	if c.verb == "" { // a cmdlet's --help is its own
		options = append(options, kong.NoDefaultHelp())
	}
	k, err := kong.New(&root, options...)
	if err != nil {
		fmt.Fprintf(p.env.Stderr, "invoke-mgupload: %v\n", err)
		return Failed
	}
	kctx, err := k.Parse(words)
	if exited >= 0 { // --help was answered
		return exited
	}
	if err != nil {
		fmt.Fprintf(p.env.Stderr, "invoke-mgupload %s: %v\n", c.verb, err)
		return Usage
	}
	kctx.BindTo(ctx, (*context.Context)(nil))
	err = kctx.Run()
	var status exitStatus
	switch {
	case err == nil:
		return Success
	case errors.As(err, &status):
		return int(status)
	case ctx.Err() != nil:
		return Interrupted
	}
	fmt.Fprintf(p.env.Stderr, "invoke-mgupload %s: %v\n", c.verb, err)
	return Failed
}

// global answers --help, --version and -h where no command is named.
func (p *program) global(c command) (status int, done bool) {
	if c.name != "" || len(c.words) != 1 {
		return 0, false
	}
	switch c.words[0] {
	case "--version":
		return p.tell(true, nil), true
	case "--help", "-h":
		if _, err := io.WriteString(p.env.Stdout, shortUsage); err != nil {
			return Failed, true
		}
		return Success, true
	}
	return 0, false
}
