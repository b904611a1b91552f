package cmdlets_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
)

// metadata is what Get-Command says of a cmdlet.
type metadata struct {
	Name, Module, Default string
	OutputType            []string
	Parameters            []struct {
		Name, Type string
		Aliases    []string
		DontShow   bool
		Attributes []string
		Sets       []struct {
			Set                         string
			Mandatory, Pipeline, ByName bool
			Position                    int
		}
	}
}

// fact is what the API description and the help pages say of a cmdlet.
type fact struct {
	Name, APIVersion, Module, HTTPMethod string
	Routes                               []struct {
		SDKTemplate    string
		PathParameters []struct{ Template, Parameter, Type string }
		ParameterSets  []string
	}
	RequestBody *struct {
		BodyParameterType string
		Properties        []struct{ JSON, Parameter, PSType string }
	}
	IdentityInterface string
	Output            struct {
		Kind  string
		Model string
	}
	Permission            string
	SupportsShouldProcess bool
}

func readRecorded[T any](t *testing.T, file string) []T {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var rows []T
	if err := json.NewDecoder(z).Decode(&rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 56 {
		t.Fatalf("%s has %d cmdlets, not 56", file, len(rows))
	}
	return rows
}

func TestSpecsAreWhatGetCommandSays(t *testing.T) {
	for _, want := range readRecorded[metadata](t, "metadata.json.gz") {
		c := cmdlets.Find(want.Name)
		if c == nil || c.Name != want.Name {
			t.Errorf("%s is not in the table", want.Name)
			continue
		}
		spec := c.Spec()
		if c.Module != want.Module || spec.DefaultSet != want.Default || spec.Name != want.Name {
			t.Errorf("%s: module %s, default set %s; recorded %s, %s", spec.Name, c.Module, spec.DefaultSet, want.Module, want.Default)
		}
		if kind := outputType(c); !slices.Equal(want.OutputType, []string{kind}) {
			t.Errorf("%s: output %s, recorded %s", c.Name, kind, want.OutputType)
		}
		compareParams(t, spec, want)
	}
}

func compareParams(t *testing.T, spec *params.Cmdlet, want metadata) {
	t.Helper()
	sets := map[string]bool{}
	var have, recorded []string
	for i := range spec.Params {
		have = append(have, describe(&spec.Params[i]))
	}
	for _, p := range want.Parameters {
		var in []string
		for _, s := range p.Sets {
			if s.ByName || s.Position >= 0 {
				t.Errorf("%s -%s: by name %t, position %d: this is not expected anywhere", spec.Name, p.Name, s.ByName, s.Position)
			}
			name := s.Set
			if name == "__AllParameterSets" {
				name = "*"
			} else {
				sets[name] = true
			}
			in = append(in, membership(name, s.Mandatory, s.Pipeline))
		}
		slices.Sort(in)
		notNull := slices.Contains(p.Attributes, "ValidateNotNullAttribute")
		recorded = append(recorded, fmt.Sprintf("%s %s aliases %v hidden %t not null %t in %v", p.Name, p.Type, p.Aliases, p.DontShow, notNull, in))
	}
	for i := range max(len(have), len(recorded)) {
		if i >= len(have) || i >= len(recorded) || have[i] != recorded[i] {
			t.Errorf("%s, parameter %d:\nhave %v\nwant %v", spec.Name, i, at(have, i), at(recorded, i))
			break
		}
	}
	if len(sets) != len(spec.Sets) || slices.ContainsFunc(spec.Sets, func(s string) bool { return !sets[s] }) {
		t.Errorf("%s: sets %v, recorded %v", spec.Name, spec.Sets, sets)
	}
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "none"
}

func describe(p *params.Param) string {
	in := []string{membership("*", false, p.Pipeline)}
	if len(p.In) > 0 {
		in = nil
		for _, m := range p.In {
			in = append(in, membership(m.Set, m.Mandatory, m.Pipeline))
		}
		slices.Sort(in)
	}
	return fmt.Sprintf("%s %s aliases %v hidden %t not null %t in %v", p.Name, p.DotNet(), p.Aliases, p.Hidden, p.NotNull, in)
}

func membership(set string, mandatory, pipeline bool) string {
	return fmt.Sprintf("%s mandatory %t pipeline %t", set, mandatory, pipeline)
}

// outputType is the .NET type of a cmdlet's results.
func outputType(c *cmdlets.Cmdlet) string {
	if c.Output == "" {
		return "System.Boolean"
	}
	return namespace(c) + "Models.IMicrosoftGraph" + strings.ToUpper(c.Output[:1]) + c.Output[1:]
}

func namespace(c *cmdlets.Cmdlet) string {
	if c.Version == cmdlets.Beta {
		return "Microsoft.Graph.Beta.PowerShell."
	}
	return "Microsoft.Graph.PowerShell."
}

func TestRowsAreWhatTheAPISays(t *testing.T) {
	for _, want := range readRecorded[fact](t, "facts.json.gz") {
		c := cmdlets.Find(want.Name)
		if c == nil {
			t.Errorf("%s is not in the table", want.Name)
			continue
		}
		permission, _, _ := strings.Cut(want.Permission, " ") // some have a remark behind it
		for what, pair := range map[string][2]string{
			"version":    {c.Version, want.APIVersion},
			"module":     {c.Module, want.Module},
			"method":     {"POST", want.HTTPMethod},
			"identity":   {namespace(c) + "Models." + c.Identity, want.IdentityInterface},
			"output":     {c.Output, want.Output.Model},
			"permission": {c.Permission, permission},
			"body":       {bodyOf(c), bodyRecorded(want)},
			"-WhatIf":    {"true", fmt.Sprint(want.SupportsShouldProcess)},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s, %s:\nhave %s\nwant %s", c.Name, what, pair[0], pair[1])
			}
		}
		compareRoutes(t, c, want)
	}
}

// bodyOf is a body's type and its members in the order of the wire.
func bodyOf(c *cmdlets.Cmdlet) string {
	if len(c.Body) == 0 {
		return c.BodyType
	}
	text := c.BodyType
	for _, m := range c.Body {
		text += fmt.Sprintf(" %s/%s:%s", m.Name, m.JSON, (&params.Param{Type: m.Type}).DotNet())
	}
	return text
}

func bodyRecorded(f fact) string {
	if f.RequestBody == nil {
		return ""
	}
	text := f.RequestBody.BodyParameterType
	for _, p := range f.RequestBody.Properties {
		text += fmt.Sprintf(" %s/%s:%s", p.Parameter, p.JSON, p.PSType)
	}
	return text
}

func compareRoutes(t *testing.T, c *cmdlets.Cmdlet, want fact) {
	t.Helper()
	if len(c.Routes) != len(want.Routes) {
		t.Errorf("%s has %d routes, recorded %d", c.Name, len(c.Routes), len(want.Routes))
		return
	}
	spec := c.Spec()
	identity := spec.Param("InputObject")
	for i, r := range want.Routes {
		if c.Routes[i] != r.SDKTemplate {
			t.Errorf("%s, route %d:\nhave %s\nwant %s", c.Name, i, c.Routes[i], r.SDKTemplate)
		}
		for _, set := range r.ParameterSets {
			if !strings.Contains(c.Sentence(set), "'POST "+r.SDKTemplate+"'") {
				t.Errorf("%s, set %s does not take route %s", c.Name, set, r.SDKTemplate)
			}
		}
		for _, key := range r.PathParameters {
			p := spec.Param(key.Parameter)
			if p == nil || !slices.ContainsFunc(p.In, func(m params.Membership) bool { return m.Mandatory && slices.Contains(r.ParameterSets, m.Set) }) {
				t.Errorf("%s: -%s is not mandatory on route %d", c.Name, key.Parameter, i)
			}
			if !slices.ContainsFunc(identity.Members, func(m params.Member) bool { return m.Name == key.Parameter && m.JSON == key.Template }) {
				t.Errorf("%s: the identity lacks %s, %s", c.Name, key.Parameter, key.Template)
			}
		}
	}
}

func TestInvariantsOfRows(t *testing.T) {
	verbs := strings.Fields("list help version completion init man links emulator connect-mggraph disconnect-mggraph get-mgcontext " +
		"add-mgenvironment get-mgenvironment set-mgenvironment remove-mgenvironment set-mgrequestcontext get-mgrequestcontext")
	taken := map[string]string{}
	n := 0
	for c := range cmdlets.All() {
		n++
		for _, name := range []string{c.Name, strings.TrimPrefix(c.Name, "Invoke-"), c.Short} {
			low := strings.ToLower(name)
			if by, twice := taken[low]; twice || slices.Contains(verbs, low) || name == "" {
				t.Errorf("%s: the name %q is taken by %s or a verb", c.Name, name, by)
			}
			taken[low] = c.Name
			if found := cmdlets.Find(strings.ToUpper(name)); found != c {
				t.Errorf("Find(%q) is not %s", strings.ToUpper(name), c.Name)
			}
		}
		checkRow(t, c)
	}
	if n != 56 {
		t.Errorf("All has %d cmdlets, not 56", n)
	}
	if cmdlets.Find("") != nil || cmdlets.Find("Invoke-") != nil || cmdlets.Find("pk") != nil {
		t.Error("Find answers for a name that is none")
	}
	if cmdlets.Default().Short != "pki" {
		t.Errorf("the default is %s", cmdlets.Default().Short)
	}
	for range cmdlets.All() { // stops when told to
		break
	}
}

func checkRow(t *testing.T, c *cmdlets.Cmdlet) {
	t.Helper()
	spec := c.Spec()
	if c.Short != strings.ToLower(c.Short) || strings.HasSuffix(c.Short, "-beta") != (c.Version == cmdlets.Beta) {
		t.Errorf("%s: the short name %s does not say its version, or has capitals", c.Name, c.Short)
	}
	if !slices.Contains(spec.Sets, spec.DefaultSet) || c.Synopsis() == "" || c.Permission == "" || len(c.Routes) == 0 {
		t.Errorf("%s: no default set, synopsis, permission or route", c.Name)
	}
	if c.SecondIsDefault && len(c.Routes) != 2 || (len(c.Body) == 0) != (c.BodyType == "") {
		t.Errorf("%s: the row contradicts itself", c.Name)
	}
	names := map[string]bool{}
	for _, p := range spec.Params {
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			if low := strings.ToLower(name); names[low] {
				t.Errorf("%s: -%s is there twice", c.Name, name)
			} else {
				names[low] = true
			}
		}
		if kebab := "-" + params.Kebab(p.Name); names[kebab] {
			t.Errorf("%s: -%s is there twice", c.Name, kebab)
		} else {
			names[kebab] = true
		}
		for _, m := range p.In {
			if !slices.Contains(spec.Sets, m.Set) {
				t.Errorf("%s -%s is in set %s, which does not exist", c.Name, p.Name, m.Set)
			}
		}
	}
	for _, route := range c.Routes {
		if strings.Count(route, "{") != strings.Count(route, "-id}") || !strings.HasPrefix(route, "/") || !strings.Contains(route, "/microsoft.graph.upload") {
			t.Errorf("%s: odd route %s", c.Name, route)
		}
		for _, segment := range strings.Split(route, "/") { // an id is a whole segment, once
			if strings.ContainsAny(segment, "{}") && (segment[0] != '{' || strings.Count(route, segment) != 1) {
				t.Errorf("%s: odd id %s", c.Name, segment)
			}
		}
	}
}

func TestSecretsAreMarked(t *testing.T) {
	secrets := strings.Fields("password pkcs12Value key k depToken")
	for c := range cmdlets.All() {
		for _, m := range c.Body {
			if m.Secret != slices.Contains(secrets, m.JSON) {
				t.Errorf("%s: %s secret %t", c.Name, m.JSON, m.Secret)
			}
		}
		if has := slices.ContainsFunc(c.Body, func(m params.Member) bool { return m.Secret }); c.Spec().HasSecret() != has {
			t.Errorf("%s: HasSecret is %t", c.Name, !has)
		}
	}
}

func TestInnerNames(t *testing.T) {
	for _, c := range []struct{ short, set, inner, class string }{
		{"pki", "UploadExpanded", "Invoke-MgUploadDirectoryPublicKeyInfrastructureCertificateBasedAuthConfiguration_UploadExpanded",
			"Microsoft.Graph.PowerShell.Cmdlets.InvokeMgUploadDirectoryPublicKeyInfrastructureCertificateBasedAuthConfiguration_UploadExpanded"},
		{"keyset-secret-beta", "UploadViaIdentity", "Invoke-MgBetaUploadTrustFrameworkKeySetSecret_UploadViaIdentity",
			"Microsoft.Graph.Beta.PowerShell.Cmdlets.InvokeMgBetaUploadTrustFrameworkKeySetSecret_UploadViaIdentity"},
	} {
		row := cmdlets.Find(c.short)
		if row.Inner(c.set) != c.inner || row.Class(c.set) != c.class {
			t.Errorf("%s: %s, %s", c.short, row.Inner(c.set), row.Class(c.set))
		}
	}
}
