// Package parity replays golden records against an implementation of the cmdlets and says where it
// differs from the real ones.
package parity

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"invoke-mgupload/parity-tests/golden"
	"invoke-mgupload/parity-tests/mock"
)

// Invocation is one start of the tool.
type Invocation struct {
	Args  []string          // the cmdlet's name first
	Stdin *string           // nil: nothing to read, not a pipe
	Env   map[string]string // the whole environment
	Dir   string            // current folder, an absolute path
}

// Outcome is what a start of the tool left behind.
type Outcome struct {
	Exit           int
	Stdout, Stderr string
}

// Runner starts the tool and returns when it has ended, or soon after ctx has.
type Runner func(ctx context.Context, in Invocation) Outcome

// Stage is where a record is replayed: a mock nobody else uses meanwhile, an empty folder, and the
// file with the certificate that the tool has to trust.
type Stage struct {
	Mock   *mock.Mock
	Dir    string
	CAFile string
}

// Difference is an aspect in which the tool was not what was expected of it.
type Difference struct{ Aspect, Want, Have string }

// seen is all there is to compare.
type seen struct {
	Outcome
	requests  []mock.Request             // without the proxies' CONNECT
	variables map[string]json.RawMessage // by name
	mask      func(string) string
}

// token is a made-up access token of the usual shape; it says when it ends (2037).
var token = strings.Join([]string{
	"eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0",
	"eyJhdWQiOiJodHRwczovL2dyYXBoLm1pY3Jvc29mdC5jb20iLCJhcHBfZGlzcGxheW5hbWUiOiJnb2xkIGFwcCIsImV4cCI6MjE0NTkxNjgwMH0",
	"c2ln",
}, ".")

// Replay runs one record and compares it, or what its deviation says, with what the tool did.
// No difference means parity. Records that the ledger takes out must not be given.
func Replay(ctx context.Context, run Runner, r golden.Record, on Stage) ([]Difference, error) {
	env, err := environment(r, on)
	if err != nil {
		return nil, err
	}
	words := []string{r.Cmdlet}
	for _, w := range r.Words() {
		words = append(words, on.Mock.Fill(w))
	}
	on.Mock.Begin(r.Answers)
	outcome := run(ctx, Invocation{Args: words, Stdin: r.Stdin, Env: env, Dir: on.Dir})
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return []Difference{{"time", "an end", "none in time"}}, nil
	}
	got := seen{Outcome: outcome, mask: func(text string) string { return masked(on.Mock.Mask(text)) }}
	for _, q := range on.Mock.Requests() {
		if q.Method != "CONNECT" {
			got.requests = append(got.requests, q)
		}
	}
	if got.variables, err = variables(env["MGUPLOAD_VARIABLES"]); err != nil {
		return nil, err
	}
	if v := Judge(r); v.Fact != "" {
		return check(v, r, got), nil
	}
	return compare(r, expect(r), got), nil
}

var guid = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)

// masked puts tokens where runs differ.
func masked(text string) string {
	return strings.ReplaceAll(guid.ReplaceAllString(text, "{GUID}"), token, "{TOKEN}")
}

func variables(dir string) (map[string]json.RawMessage, error) {
	const suffix = ".mgvar.json"
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		return nil, err
	}
	all := map[string]json.RawMessage{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		all[strings.TrimSuffix(filepath.Base(file), suffix)] = text
	}
	return all, nil
}

var (
	contextNumber = regexp.MustCompile(`-(\w+) (\d+)`)
	preference    = regexp.MustCompile(`\$global:(\w+)Preference = [$'](\w+)`)
)

var contextNames = map[string]string{
	"RetryDelay": "RETRY_DELAY", "MaxRetry": "MAX_RETRY", "RetriesTimeLimit": "RETRIES_TIME_LIMIT", "ClientTimeout": "CLIENT_TIMEOUT",
}

var preferenceNames = map[string]string{
	"WhatIf": "WHATIF", "Confirm": "CONFIRM", "ErrorAction": "ERROR_ACTION", "Debug": "DEBUG", "Verbose": "VERBOSE", "Warning": "WARNING",
}

// environment says to the tool, in its documented variables, what the recording set up in PowerShell.
func environment(r golden.Record, on Stage) (map[string]string, error) {
	env := map[string]string{
		"HOME": on.Dir, "TMPDIR": on.Dir, "NO_COLOR": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8",
		"SSL_CERT_FILE":      on.CAFile,
		"MGUPLOAD_VARIABLES": filepath.Join(on.Dir, "vars"),
		"MGUPLOAD_ENDPOINT":  on.Mock.Fill("https://127.0.0.1:{PORT}"),
	}
	if r.Mode != "process" { // there the text on the screen is what was recorded
		maps.Copy(env, map[string]string{"MGUPLOAD_OUTPUT": "json", "MGUPLOAD_ERROR_FORMAT": "json"})
	}
	if strings.HasPrefix(r.Connect, "http") {
		env["MGUPLOAD_ENDPOINT"] = on.Mock.Fill(r.Connect)
	}
	if r.Connect != "none" {
		env["MGUPLOAD_ACCESS_TOKEN"] = token
	}
	for _, m := range contextNumber.FindAllStringSubmatch(r.Before, -1) {
		if name, ok := contextNames[m[1]]; ok {
			env["MGUPLOAD_"+name] = m[2]
		}
	}
	for _, m := range preference.FindAllStringSubmatch(r.Before, -1) {
		if name, ok := preferenceNames[m[1]]; ok {
			env["MGUPLOAD_"+name+"_PREFERENCE"] = m[2]
		}
	}
	for name, value := range r.Env {
		if value != nil && strings.HasSuffix(strings.ToLower(name), "_proxy") {
			env[name] = on.Mock.Fill(*value)
		}
	}
	return env, os.MkdirAll(env["MGUPLOAD_VARIABLES"], 0o700)
}
