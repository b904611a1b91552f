// Package internal holds the program's own packages; its test holds the
// direction of their imports.
package internal

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "invoke-mgupload/"

// arrows are the imports between the program's packages: a package may import
// what stands behind it, and nothing else of the module.
var arrows = map[string][]string{
	"cmd/invoke-mgupload": {"internal/cli"},
	"internal/cli":        {"internal/auth", "internal/cmdlets", "internal/emulator", "internal/proxy", "pkg/params", "pkg/pipeline"},
	"internal/cmdlets":    {"pkg/params"},
	"internal/auth":       {},
	"internal/emulator":   {},
	"internal/proxy":      {},
	"pkg/params":          {},
	"pkg/pipeline":        {},
}

// reserved are packages that only some of ours may import themselves.
var reserved = []struct {
	pattern string // an import path, or one with /... for all below it
	only    []string
	reason  string
}{
	{"github.com/alecthomas/kong", []string{"internal/cli"}, "kong is the outer shell; parameters are bound by pkg/params"},
	{"github.com/Azure/azure-sdk-for-go/sdk/azidentity/...", []string{"internal/auth"}, "sign-in has one home"},
	{"github.com/AzureAD/...", []string{"internal/auth"}, "sign-in has one home"},
	{"github.com/hashicorp/go-retryablehttp", []string{"pkg/pipeline"}, "one step repeats requests, and no other code"},
	{"golang.org/x/term", []string{"internal/cli"}, "prompts go through cli's Console"},
}

// banned are packages that must not be linked into a package at all, however
// they get there.
var banned = []struct {
	from, pattern, reason string
}{
	{"pkg/params", "net/http", "binding must be usable alone, and start fast"},
	{"pkg/params", "github.com/...", "binding needs the standard library only"},
	{"internal/cmdlets", "net/http", "a request is a value here; sending is the pipeline's"},
	{"pkg/pipeline", "github.com/Azure/azure-sdk-for-go/...", "the pipeline takes tokens from an interface"},
	{"cmd/invoke-mgupload", "testing", "test helpers must not be in the program"},
}

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T) map[string]listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports,Deps", module+"cmd/...", module+"internal/...", module+"pkg/...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	packages := map[string]listed{}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if own, ok := strings.CutPrefix(p.ImportPath, module); ok {
			packages[own] = p
		}
	}
}

func matches(pattern, importPath string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return importPath == base || strings.HasPrefix(importPath, base+"/")
	}
	return pattern == importPath
}

// forTests reports whether a package only helps tests, as net/http/httptest does.
func forTests(name string) bool { return strings.HasSuffix(path.Base(name), "test") }

func TestDependencies(t *testing.T) {
	packages := list(t)
	for name := range arrows {
		if _, ok := packages[name]; !ok {
			t.Errorf("there is no package %s", name)
		}
	}
	for name, p := range packages {
		allowed, known := arrows[name]
		if !known && !forTests(name) && len(p.Imports) > 0 {
			t.Errorf("%s has no place among the arrows: give it one", name)
		}
		for _, imported := range p.Imports {
			own, isOwn := strings.CutPrefix(imported, module)
			if known && isOwn && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s; it may import %q", name, own, allowed)
			}
			for _, r := range reserved {
				if matches(r.pattern, imported) && !slices.Contains(r.only, name) && !forTests(name) {
					t.Errorf("%s imports %s, which is for %q: %s", name, imported, r.only, r.reason)
				}
			}
		}
	}
	for _, b := range banned {
		for _, dep := range packages[b.from].Deps {
			if matches(b.pattern, dep) {
				t.Errorf("%s depends on %s: %s", b.from, dep, b.reason)
			}
		}
	}
}
