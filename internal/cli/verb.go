package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"invoke-mgupload/internal/auth"
	"invoke-mgupload/internal/cmdlets"
)

// versionCommand prints the version.
type versionCommand struct{ program *program }

// Run prints it.
func (c *versionCommand) Run() error {
	_, err := fmt.Fprintf(c.program.env.Stdout, "invoke-mgupload %s\n", version())
	return err
}

// listCommand lists the cmdlets.
type listCommand struct {
	program *program
	Output  string `help:"json: one JSON object a line." enum:",json" default:""`
}

// Run prints the table.
func (c *listCommand) Run() error {
	w := tabwriter.NewWriter(c.program.env.Stdout, 0, 8, 2, ' ', 0)
	for row := range cmdlets.All() {
		if c.Output == "json" {
			line, err := json.Marshal(map[string]any{"name": row.Name, "short": row.Short, "module": row.Module, "routes": row.Routes, "permission": row.Permission})
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\n", line)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\n", row.Short, row.Name)
	}
	if c.Output == "" {
		fmt.Fprint(w, "\nSession cmdlets:\n")
		for s := range cmdlets.Sessions() {
			fmt.Fprintf(w, "%s\t%s\n", s.Name, strings.Join(s.Aliases, ", "))
		}
	}
	return w.Flush()
}

// helpCommand prints help.
type helpCommand struct {
	program *program
	Topic   string `arg:"" optional:"" help:"A cmdlet, a command, auth, or nothing."`
}

// Run prints the topic's help.
func (c *helpCommand) Run() error {
	p := c.program
	if c.Topic == "" {
		_, err := io.WriteString(p.env.Stdout, p.longHelp())
		return err
	}
	if strings.EqualFold(c.Topic, "auth") {
		w := tabwriter.NewWriter(p.env.Stdout, 0, 8, 2, ' ', 0)
		for _, m := range auth.Methods() {
			fmt.Fprintf(w, "%s\t%s\n", m.Name, m.Needs)
		}
		return w.Flush()
	}
	if row := cmdlets.Find(c.Topic); row != nil {
		return p.cmdletHelp(p.env.Stdout, row)
	}
	if s := cmdlets.FindSession(c.Topic); s != nil {
		return p.sessionHelp(p.env.Stdout, s)
	}
	for _, v := range verbs {
		if strings.EqualFold(v.name, c.Topic) {
			fmt.Fprintf(p.env.Stdout, "invoke-mgupload %s: %s\nRun `invoke-mgupload %s --help` for its flags.\n", v.name, v.help, v.name)
			return nil
		}
	}
	return exitStatus(p.unknownCommand(command{name: c.Topic}))
}

// tell answers --version and help of a cmdlet.
func (p *program) tell(version bool, c *cmdlets.Cmdlet) int {
	var err error
	if version {
		err = (&versionCommand{program: p}).Run()
	} else {
		err = p.cmdletHelp(p.env.Stdout, c)
	}
	if err != nil {
		return Failed
	}
	return Success
}
