package parity

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"invoke-mgupload/internal/cli"
)

// runner is the implementation under test: the program named by PARITY_TOOL,
// else the one of this module, in process.
func runner(*testing.T) Runner {
	if tool := os.Getenv("PARITY_TOOL"); tool != "" {
		return program(tool)
	}
	return inProcess
}

func inProcess(ctx context.Context, in Invocation) Outcome {
	var stdout, stderr bytes.Buffer
	env := cli.Env{
		Program: "invoke-mgupload", Args: in.Args, Dir: in.Dir,
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		StdoutKind: cli.Stream, StderrKind: cli.Stream,
		Getenv: func(name string) string {
			if name == "MGUPLOAD_CA_FILE" { // crypto/x509 reads the variable once in a process
				name = "SSL_CERT_FILE"
			}
			return in.Env[name]
		},
		Now:          time.Now,
		OpenTerminal: func() (cli.Console, error) { return nil, errors.New("there is no terminal") },
		Notify:       context.WithCancel,
	}
	if in.Stdin != nil {
		env.Stdin, env.StdinKind = strings.NewReader(*in.Stdin), cli.Stream
	}
	exit := cli.Main(ctx, env)
	return Outcome{Exit: exit, Stdout: stdout.String(), Stderr: stderr.String()}
}
