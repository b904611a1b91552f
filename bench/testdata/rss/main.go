// Command rss runs a program and writes the most memory that was resident of
// it, in bytes, to a file. Linux counts what a process's parent had resident
// when it was started as its own: so the parent must be a small one, this one.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

func main() {
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "rss:", err)
		status = 125
	}
	os.Exit(status)
}

// run takes the file, the program and its words, and answers the program's status.
func run(args []string) (int, error) {
	if len(args) < 2 {
		return 0, errors.New("usage: rss FILE PROGRAM [WORD...]")
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		return 0, err
	}
	if err := os.WriteFile(args[0], fmt.Append(nil, peak(cmd.ProcessState)), 0o600); err != nil {
		return 0, err
	}
	return cmd.ProcessState.ExitCode(), nil
}
