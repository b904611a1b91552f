package cli

import (
	"slices"
	"strings"
	"testing"

	"invoke-mgupload/internal/cmdlets"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "abc", 0}, {"abc", "", 3}, {"", "ab", 2}, {"abc", "abd", 1}, {"abc", "abcd", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 2},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) is %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance(c.b, c.a); got != c.want {
			t.Errorf("distance(%q, %q) is %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	for _, c := range []struct {
		word  string
		first string // "": none is near
	}{
		{"pkii", "pki"}, {"PKI-bta", "pki-beta"}, {"lists", "list"}, {"api-conector", "api-connector"}, {"hlep", "help"},
		{"Invoke-MgUploadIdentityApiConnectorClientCertificat", "Invoke-MgUploadIdentityApiConnectorClientCertificate"},
		{"frobnicate", ""},
	} {
		got := nearest(c.word)
		if len(got) > 3 {
			t.Errorf("%d names are near %q", len(got), c.word)
		}
		if first := strings.Join(got[:min(1, len(got))], ""); first != c.first {
			t.Errorf("nearest to %q is %q, want %q", c.word, got, c.first)
		}
	}
}

// A cmdlet's help has PowerShell's sections in order (process.file-help), each
// set once, the default one first.
func TestCmdletHelp(t *testing.T) {
	for c := range cmdlets.All() {
		w := newWorld(t, c.Short, "-?")
		if status := w.run(t); status != Success {
			t.Fatalf("%s: exit status %d: %s", c.Name, status, w.stderr.String())
		}
		at := 0
		for _, title := range []string{"NAME", "SYNOPSIS", "SYNTAX", "DESCRIPTION", "RELATED LINKS", "REMARKS"} {
			next := strings.Index(w.stdout.String()[at:], "\n"+title+"\n")
			if next < 0 {
				t.Fatalf("%s: no section %s behind byte %d", c.Name, title, at)
			}
			at += next
		}
		for line := range strings.Lines(w.stdout.String()) {
			if len([]rune(strings.TrimSuffix(line, "\n"))) > helpWidth {
				t.Errorf("%s: longer than %d columns: %s", c.Name, helpWidth, line)
			}
		}
		if got := strings.Count(strings.Join(strings.Fields(w.stdout.String()), ""), "[<CommonParameters>]"); got != len(c.Spec().Sets) {
			t.Errorf("%s: %d lines of syntax for %d sets", c.Name, got, len(c.Spec().Sets))
		}
		if sets := setsInOrder(c); sets[0] != c.Spec().DefaultSet || len(slices.Compact(slices.Sorted(slices.Values(sets)))) != len(c.Spec().Sets) {
			t.Errorf("%s: sets %q", c.Name, sets)
		}
	}
}

// Every command's name is free: none is a cmdlet's.
func TestVerbs(t *testing.T) {
	for _, v := range verbs {
		if cmdlets.Find(v.name) != nil {
			t.Errorf("%s is also a cmdlet's name", v.name)
		}
	}
}

// A link's name is the cmdlet.
func TestMultiCall(t *testing.T) {
	for _, program := range []string{"Invoke-MgUploadIdentityApiConnectorClientCertificate", "invoke-mguploadidentityapiconnectorclientcertificate.exe", "/usr/bin/MgUploadIdentityApiConnectorClientCertificate"} {
		w := newWorld(t, "-IdentityApiConnectorId", "a", "-WhatIf")
		w.Program = program
		if status := w.run(t); status != Success || !strings.Contains(w.stdout.String(), "/identity/apiConnectors/") {
			t.Errorf("%s: exit status %d, output %q", program, status, w.stdout.String())
		}
	}
}
