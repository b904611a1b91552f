package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"text/tabwriter"

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
	Topic   string `arg:"" optional:"" help:"A cmdlet, a command, or nothing."`
}

// Run prints the topic's help.
func (c *helpCommand) Run() error {
	p := c.program
	if c.Topic == "" {
		_, err := io.WriteString(p.env.Stdout, p.longHelp())
		return err
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

// emulatorCommand serves the emulator until it is interrupted.
type emulatorCommand struct {
	program *program
	Listen  string `help:"Address to listen on; loopback only." default:"127.0.0.1:0"`
	Token   string `help:"The one access token it takes. It is not a secret, and real tokens are refused." default:"emulator"`
}

// Run serves.
func (c *emulatorCommand) Run(ctx context.Context) error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil || !isLoopback(host) {
		fmt.Fprintln(c.program.env.Stderr, "invoke-mgupload emulator: --listen must be a loopback address such as 127.0.0.1:8080")
		return exitStatus(Usage)
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.program.env.Stderr, "The emulator listens on http://%s. In another shell:\n  export MGUPLOAD_ENDPOINT=http://%s MGUPLOAD_ACCESS_TOKEN=%s\n", l.Addr(), l.Addr(), c.Token)
	ctx, stop := c.program.env.Notify(ctx)
	defer stop()
	server := &http.Server{Handler: newEmulator(c.Token, c.program.env.Now, serverJobLength)}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
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
