package pipeline_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	. "invoke-mgupload/pkg/pipeline"
)

// actsVariable holds what this test binary does when it runs as a step: one act a line.
const actsVariable = "PIPELINE_TEST_ACTS"

func TestMain(m *testing.M) {
	acts, ok := os.LookupEnv(actsVariable)
	if !ok {
		os.Exit(m.Run())
	}
	in := bufio.NewReader(os.Stdin)
	for act := range strings.Lines(acts) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(act, "\n"), " ")
		if err := perform(verb, rest, in); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(99)
		}
	}
	os.Exit(0)
}

// perform does one act of a step.
func perform(verb, rest string, in *bufio.Reader) error {
	switch verb {
	case "read": // a line, shown on stderr after the word given
		text, err := in.ReadString('\n')
		if rest != "" {
			fmt.Fprintf(os.Stderr, "%s %s\n", rest, strings.TrimSuffix(text, "\n"))
		}
		if err != io.EOF {
			return err
		}
	case "drain": // stdin to its end
		_, err := io.Copy(io.Discard, in)
		return err
	case "print":
		fmt.Println(rest)
	case "error":
		fmt.Fprintln(os.Stderr, rest)
	case "blanks", "noise": // so many bytes on stdout, stderr
		n, err := strconv.Atoi(rest)
		to := map[string]io.Writer{"blanks": os.Stdout, "noise": os.Stderr}[verb]
		_, _ = io.WriteString(to, strings.Repeat(" ", n))
		return err
	case "large": // a next whose body has so many bytes
		n, err := strconv.Atoi(rest)
		fmt.Printf(`{"next":{"body":%q}}`+"\n", strings.Repeat("y", n))
		return err
	case "env":
		fmt.Fprintln(os.Stderr, strings.Join(os.Environ(), "|"))
	case "where":
		dir, err := os.Getwd()
		fmt.Fprintln(os.Stderr, filepath.Base(dir))
		return err
	case "exit":
		code, err := strconv.Atoi(rest)
		if err == nil {
			os.Exit(code)
		}
		return err
	case "hang": // until the listener at this address goes away
		return hang(rest)
	case "child": // that hangs, with this process's stdout and stderr
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), actsVariable+"=hang "+rest)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		return cmd.Start()
	default:
		return errors.New("unknown act " + verb)
	}
	return nil
}

func hang(addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, conn)
	return nil
}

// acting returns options for a program that performs the acts.
func acting(t testing.TB, acts ...string) ProgramOptions {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{actsVariable + "=" + strings.Join(acts, "\n"), "GORACE=atexit_sleep_ms=0"} // else 1 s at the end
	return ProgramOptions{Path: path, Env: env}
}

// noneLeft reports goroutines that outlive the test. It lets those go on that have only to return.
func noneLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 1_000_000 {
			if runtime.NumGoroutine() <= before {
				return
			}
			runtime.Gosched()
		}
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
	})
}

func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Error(err)
	}
	return string(b)
}
