package auth

import (
	"os"
	"path/filepath"
	"testing"
)

const (
	aad   = "https://aad.gold.test"
	graph = "https://graph.gold.test"
)

func TestOrigin(t *testing.T) {
	for _, c := range []struct {
		in, out string
		ok      bool
	}{
		{"https://aad.gold.test", aad, true},
		{"HTTPS://AAD.Gold.Test/x?y#z", aad, true},
		{"https://aad.gold.test:443/", aad, true},
		{"http://graph.gold.test:8080/", "http://graph.gold.test:8080", true}, // env.add-http
		{"ftp://aad.gold.test", "ftp://aad.gold.test", true},                  // env.add-ftp
		{"mailto:x@y.test", "", true},
		{"urn:x:y", "", true},                                // env.add-urn
		{"https://[::1]:8443/x", "https://[::1]:8443", true}, // env.add-ipv6
		{"https://[::1]", "https://[::1]", true},
		{"https://bücher.test", "https://bücher.test", true}, // env.add-ipv6
		{"https://user:secret@aad.gold.test", aad, true},     // no secret in a file
		{"graph.gold.test", "", false},                       // env.add-bad-graph
		{"x", "", false},                                     // env.add-bad-both
		{"https://aad gold.test", "", false},                 // env.add-spaces-url
		{"https://", "", false},
		{"https://a.test/`x`", "", false},
		{"", "", false},
		{"https://:8080", "", false},
		{"//aad.gold.test", "", false},
		{"https://a.test:99999999/%zz", "", false},
		{"https://a.test:8443", "https://a.test:8443", true},
		{"http://a.test:443", "http://a.test:443", true}, // not the default of http
		{"ftp://a.test:21/x", "ftp://a.test", true},
		{"https://A.TEST:0443", "https://a.test:0443", true}, // as given
		{"custom-scheme://h/p", "custom-scheme://h", true},
		{"https://xn--bcher-kva.test", "https://xn--bcher-kva.test", true},
	} {
		got, ok := origin(c.in)
		if got != c.out || ok != c.ok {
			t.Errorf("origin(%q) = %q, %v; want %q, %v", c.in, got, ok, c.out, c.ok)
		}
	}
}

func FuzzOrigin(f *testing.F) {
	for _, s := range []string{aad, "https://[::1]:1/x", "urn:x:y", "https://u:p@h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, ok := origin(s)
		if !ok || once == "" {
			return
		}
		if twice, ok := origin(once); !ok || twice != once {
			t.Errorf("origin(%q) = %q, but of that %q, %v", s, once, twice, ok)
		}
	})
}

func TestEnvironmentCmdlets(t *testing.T) {
	add := func(w *world, name, x, y string) (Environment, error) { return w.AddEnvironment(name, x, y) }
	set := func(w *world, name, x, y string) (Environment, error) { return w.SetEnvironment(name, x, y) }
	remove := func(w *world, name, _, _ string) (Environment, error) { return w.RemoveEnvironment(name) }
	const badURL = "has an invalid endpoint URL. Please use a valid URL with a network protocol i.e. [protocol]://[resource-name]."
	for _, c := range []struct {
		record        string
		do            func(*world, string, string, string) (Environment, error)
		name, x, y    string
		want          Environment
		kind          Kind
		text          string
		before, after bool // "My Cloud" exists
	}{
		{record: "env.add", do: add, name: "my", x: aad, y: graph, want: Environment{"my", aad, graph, "User-defined"}},
		{record: "env.add-builtin", do: add, name: "Global", x: aad, y: graph, kind: KindBuiltin, text: "Cannot add built-in environment Global."},
		{record: "env.add-builtin-lower", do: add, name: "china", x: aad, y: graph, kind: KindBuiltin, text: "Cannot add built-in environment china."},
		{record: "emulator", do: add, name: "emulator", x: aad, y: graph, kind: KindBuiltin, text: "Cannot add built-in environment emulator."},
		{record: "env.add-bad-graph", do: add, name: "my", x: aad, y: "graph.gold.test", kind: KindArgument, text: "Parameter 'GraphEndpoint' " + badURL},
		{record: "env.add-bad-both", do: add, name: "my", x: "x", y: "y", kind: KindArgument, text: "Parameter 'AzureADEndpoint' " + badURL},
		{record: "env.add-blank-name", do: add, name: " ", x: aad, y: graph, kind: KindArgument, text: "Must specify 'Name'."},
		{record: "env.add-duplicate-case", do: add, name: "MY CLOUD", x: "https://new.test", y: "https://newgraph.test", before: true, after: true,
			want: Environment{"My Cloud", "https://new.test", "https://newgraph.test", "User-defined"}},
		{record: "env.set", do: set, name: "My Cloud", x: "https://new.test/x", y: "https://newgraph.test/y", before: true, after: true,
			want: Environment{"My Cloud", "https://new.test", "https://newgraph.test", "User-defined"}},
		{record: "env.set-aad-only", do: set, name: "my cloud", x: "https://new.test", before: true, after: true,
			want: Environment{"My Cloud", "https://new.test", graph, "User-defined"}},
		{record: "env.set-graph-only", do: set, name: "My Cloud", y: "https://new.test", before: true, after: true,
			want: Environment{"My Cloud", aad, "https://new.test", "User-defined"}},
		{record: "env.set-unknown", do: set, name: "new", x: aad, y: graph, want: Environment{"new", aad, graph, "User-defined"}},
		{record: "env.set-unknown-half", do: set, name: "new", x: aad, kind: KindArgument, text: "Parameter 'GraphEndpoint or AzureADEndpoint' " + badURL},
		{record: "env.set-unknown-name-only", do: set, name: "new", kind: KindArgument, text: "Parameter 'GraphEndpoint or AzureADEndpoint' " + badURL},
		{record: "env.set-builtin", do: set, name: "Global", x: aad, kind: KindBuiltin, text: "Cannot change built-in environment Global."},
		{record: "env.set-builtin-lower", do: set, name: "usgov", kind: KindBuiltin, text: "Cannot change built-in environment usgov."},
		{record: "env.remove-case", do: remove, name: "MY cloud", before: true, want: Environment{"My Cloud", aad, graph, "User-defined"}},
		{record: "env.remove-builtin", do: remove, name: "Global", kind: KindBuiltin, text: "Cannot remove built-in environment Global."},
		{record: "process.env", do: remove, name: "my", kind: KindNotFound, text: "Environment my not found. (Parameter 'name')"},
	} {
		t.Run(c.record, func(t *testing.T) {
			w := newWorld(t)
			if c.before {
				if _, err := w.AddEnvironment("My Cloud", aad, graph); err != nil {
					t.Fatal(err)
				}
			}
			got, err := c.do(w, c.name, c.x, c.y)
			if c.kind != 0 {
				if e := kindOf(t, err, c.kind); e.Message != c.text {
					t.Errorf("message %q, want %q", e.Message, c.text)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
			if stored := w.again().FindEnvironment("my cloud"); (len(stored) == 1) != c.after {
				t.Errorf("afterwards My Cloud is %v", stored)
			}
		})
	}
}

func TestBuiltinEnvironments(t *testing.T) {
	w := newWorld(t)
	if got := w.FindEnvironment("usgov"); len(got) != 1 || got[0].Name != "USGov" { // env.get-name-usgov
		t.Errorf("usgov: %v", got)
	}
	if got := w.FindEnvironment("Germany"); got != nil { // env.get-name-Germany
		t.Errorf("Germany: %v", got)
	}
	if err := CheckEnvironment(false, "new", "", ""); err != nil { // it is asked first whether to go on
		t.Error(err)
	}
	_, err := w.Environment("Germany") // connect.germany
	kindOf(t, err, KindNoEnvironment, "Unable to find environment with name 'Germany'. Use Get-MgEnvironment to list available environments.")
	if e, err := w.Environment(""); err != nil || e.Name != "Global" {
		t.Errorf("default: %v, %v", e, err)
	}
}

// The file of the real module, as it may be found.
func TestPowerShellEnvironments(t *testing.T) {
	for _, c := range []struct{ record, text, name, aad, typ string }{
		{"env.get-with-user", `{"EnvironmentTable": {"My Cloud": {"Name": "My Cloud", "AzureADEndpoint": "https://aad.gold.test", "GraphEndpoint": "https://graph.gold.test", "Type": "User-defined"}}}`,
			"my cloud", aad, "User-defined"},
		{"bom", "\ufeff" + `{"EnvironmentTable": {"x": {"Name": "x", "AzureADEndpoint": "https://aad.gold.test"}}}`, "x", aad, ""},
		{"env.get-file-unknown-fields", `{"Other":1,"EnvironmentTable":{"x":{"Name":"x","AzureADEndpoint":"https://a.test/","Foo":2}}}`, "x", "https://a.test/", ""},
		{"overrides built-in", `{"EnvironmentTable":{"Global":{"Name":"Global","AzureADEndpoint":"https://a.test"}}}`, "global", "https://a.test", ""},
		{"env.get-broken-file", "{broken", "Global", "https://login.microsoftonline.com", "Built-in"},
		{"env.get-file-array", "[]", "Global", "https://login.microsoftonline.com", "Built-in"},
		{"env.get-file-null", "null", "Global", "https://login.microsoftonline.com", "Built-in"},
		{"env.get-empty-file", "", "Global", "https://login.microsoftonline.com", "Built-in"},
	} {
		t.Run(c.record, func(t *testing.T) {
			w := newWorld(t)
			path := filepath.Join(w.env.Home, ".mg", "mg.context.json")
			must(os.MkdirAll(filepath.Dir(path), 0o755))
			must(os.WriteFile(path, []byte(c.text), 0o644))
			got := w.FindEnvironment(c.name)
			if len(got) != 1 || got[0].AzureADEndpoint != c.aad || got[0].Type != c.typ {
				t.Errorf("got %+v", got)
			}
			if _, err := w.AddEnvironment("mine", aad, graph); err != nil {
				t.Fatal(err)
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != c.text {
				t.Errorf("PowerShell's file was changed: %q, %v", now, err)
			}
		})
	}
}

func TestRemoveEnvironmentOfPowerShell(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(w.env.Home, ".mg", "mg.context.json")
	must(os.MkdirAll(filepath.Dir(path), 0o755))
	must(os.WriteFile(path, []byte(`{"EnvironmentTable":{"x":{"Name":"x"}}}`), 0o644))
	_, err := w.RemoveEnvironment("X")
	kindOf(t, err, KindNotFound, "remove it there")
}
