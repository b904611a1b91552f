package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite what the scripts compare with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"invoke-mgupload": func() { os.Exit(Main(context.Background(), System())) },
	})
}

// TestScript runs the program as a user does: testdata/script/README.md has the commands.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			env.Values[graphKey{}] = &graph{}
			env.Setenv("VERSION", version())
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":    cmdStatus,
			"graph":     cmdGraph,
			"interrupt": cmdInterrupt,
			"jsonerr":   cmdJSONError,
		},
	})
}

// cmdStatus runs a program and wants an exact exit status: status 2 prog args…
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N prog args…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitStatusOf(ts, ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func exitStatusOf(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("the program did not run: %v", err)
	}
	if exit != nil {
		return exit.ExitCode()
	}
	return Success
}

// cmdInterrupt runs a program, interrupts it once the mock has its request, and
// wants the status of an interrupt: interrupt prog args…
func cmdInterrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: interrupt prog args…")
	}
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = scriptEnv(ts)
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Start())
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	select {
	case <-graphOf(ts).hangs():
		ts.Check(cmd.Process.Signal(os.Interrupt))
		err = <-exited
	case err = <-exited:
		ts.Fatalf("the program ended before its request came: %v", err)
	}
	if got := exitStatusOf(ts, err); got != Interrupted {
		ts.Fatalf("exit status %d, want %d", got, Interrupted)
	}
}

// scriptEnv is the part of a script's environment that the program reads.
func scriptEnv(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "MGUPLOAD_ENDPOINT", "MGUPLOAD_ACCESS_TOKEN", "MGUPLOAD_RETRY_DELAY", "MGUPLOAD_VARIABLES"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// cmdJSONError wants a member of a JSON error line of stderr, counted from 0, to
// have a value: jsonerr N member value; or not to be there: ! jsonerr N member
func cmdJSONError(ts *testscript.TestScript, neg bool, args []string) {
	if neg && len(args) != 2 || !neg && len(args) != 3 {
		ts.Fatalf("usage: jsonerr N member value, or ! jsonerr N member")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var lines []map[string]any
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		if strings.HasPrefix(line, "{") {
			var e map[string]any
			ts.Check(json.Unmarshal([]byte(line), &e))
			lines = append(lines, e)
		}
	}
	if n >= len(lines) {
		ts.Fatalf("stderr has %d JSON lines, no number %d", len(lines), n)
	}
	value, there := lines[n][args[1]]
	switch {
	case neg && there:
		ts.Fatalf("%s is %v, want none", args[1], value)
	case !neg && !there:
		ts.Fatalf("there is no %s in %v", args[1], lines[n])
	case !neg && fmt.Sprint(value) != args[2]:
		ts.Fatalf("%s is %q, want %q", args[1], fmt.Sprint(value), args[2])
	}
}
