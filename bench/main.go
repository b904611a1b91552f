// Command bench measures the program against the least that a Go program can
// do, and prints ratios of one run: they mean the same on any machine, where
// milliseconds do not.
//
//	go run ./bench            all figures, about two minutes
//	go run ./bench -quick     fewer and shorter runs
//	go run ./bench -full      the long pipeline with a million calls
//	go run ./bench -check     exit status 1 when a bound does not hold
//	go run ./bench -only start,call
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// options are what the words ask for.
type options struct {
	check bool
	only  []string
	size  size
}

// size is how much is measured.
type size struct {
	starts int     // runs of a dry run, and of the empty program
	calls  int     // runs of one call
	rounds int     // runs of a pipeline of calls
	piped  int64   // its length
	memory []int64 // lengths of piped dry runs
	long   int64   // length of the pipeline whose counts must be exact
}

var (
	normal = size{starts: 200, calls: 100, rounds: 5, piped: 20_000, memory: []int64{1, 10_000, 1_000_000}, long: 100_000}
	quick  = size{starts: 40, calls: 20, rounds: 3, piped: 5_000, memory: []int64{1, 10_000, 100_000}, long: 10_000}
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	exceeded, err := measure(ctx, o, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	if exceeded > 0 {
		fmt.Fprintf(stdout, "\n%d out of bounds (!)\n", exceeded)
		if o.check {
			return 1
		}
	}
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{size: normal}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	short := flags.Bool("quick", false, "fewer and shorter runs")
	full := flags.Bool("full", false, "the long pipeline with a million calls")
	only := flags.String("only", "", "`groups` to measure, separated by commas: "+strings.Join(groupNames(), ", "))
	flags.BoolVar(&o.check, "check", false, "exit status 1 when a bound does not hold")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *short {
		o.size = quick
	}
	if *full {
		o.size.long = 1_000_000
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(groupNames(), name) {
			return o, usage(stderr, "-only: there is no group %q, only %s", name, strings.Join(groupNames(), ", "))
		}
	}
	if flags.NArg() > 0 {
		return o, usage(stderr, "no word is taken but flags: %q", flags.Arg(0))
	}
	return o, nil
}

func usage(stderr io.Writer, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	fmt.Fprintln(stderr, "bench:", err)
	return err
}

// measure builds the programs and prints each figure when it is known.
func measure(ctx context.Context, o options, w io.Writer) (exceeded int, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b, err := newBench(ctx, dir, o.size)
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(w, "%s %s/%s, %d CPUs\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, g := range groups {
		if len(o.only) > 0 && !slices.Contains(o.only, g.name) {
			continue
		}
		figures, err := g.measure(b, ctx)
		for _, f := range figures {
			f.print(w)
			if f.exceeded() {
				exceeded++
			}
		}
		if err != nil {
			return exceeded, fmt.Errorf("%s: %w", g.name, err)
		}
	}
	return exceeded, nil
}
