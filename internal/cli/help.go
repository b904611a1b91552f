package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
)

const shortUsage = `Usage: invoke-mgupload [Cmdlet] -Parameter value … [--addition value …]
       invoke-mgupload COMMAND

Try it without a tenant:
  invoke-mgupload --environment Emulator -CertificateBasedAuthPkiId 11111111-2222-3333-4444-555555555555 \
    -UploadUrl https://example.com/ca.p7b -Sha256FileHash $(printf '%064d' 0) -PassThru

Without a cmdlet, ` + "`pki`" + ` is meant. ` + "`invoke-mgupload help`" + ` says more, ` + "`invoke-mgupload list`" + ` shows the cmdlets.
`

func (p *program) longHelp() string {
	w := &strings.Builder{}
	fmt.Fprint(w, shortUsage, "\nCommands:\n")
	for _, v := range verbs {
		fmt.Fprintf(w, "  %-10s %s\n", v.name, v.help)
	}
	fmt.Fprint(w, "\nSession cmdlets, which sign in and keep what the others need:\n")
	for s := range cmdlets.Sessions() {
		fmt.Fprintf(w, "  %-21s %s\n", s.Name, s.Does)
	}
	fmt.Fprint(w, "\nAdditions, each also a variable (--max-retry is MGUPLOAD_MAX_RETRY):\n")
	printAdditions(w, ofUploads)
	fmt.Fprint(w, "\n`invoke-mgupload help Connect-MgGraph` has those for signing in.\n")
	fmt.Fprint(w, "\nExit status: 0 success, 1 an operation failed, 2 wrong words and nothing sent, 3 not connected, 130 interrupted.\n")
	return w.String()
}

func printAdditions(w io.Writer, commands scope) {
	for _, a := range additions {
		if a.Of&commands == 0 {
			continue
		}
		fmt.Fprintf(w, "  --%s", a.Name)
		if a.Value != "" {
			fmt.Fprintf(w, " %s", a.Value)
		}
		fmt.Fprintf(w, "\n      %s\n", a.Help)
	}
}

// helpWidth is the column at which help is wrapped.
const helpWidth = 80

// cmdletHelp prints the sections that PowerShell's -? prints (process.file-help),
// and behind them this program's additions.
func (p *program) cmdletHelp(w io.Writer, c *cmdlets.Cmdlet) error {
	var b strings.Builder
	section := func(title string, lines ...string) {
		b.WriteString(title + "\n")
		for _, line := range lines {
			for _, part := range strings.Split(wrap(line, helpWidth-5), "\n") {
				b.WriteString(strings.TrimRight("    "+part, " ") + "\n")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	section("NAME", c.Name)
	section("SYNOPSIS", c.Synopsis())
	var syntax []string
	for _, set := range setsInOrder(c) {
		syntax = append(syntax, syntaxOf(c, set), "")
	}
	section("SYNTAX", syntax[:len(syntax)-1]...)
	section("DESCRIPTION", c.Synopsis(), "POST "+c.Routes[0], "Least privileged permission: "+c.Permission)
	section("RELATED LINKS", "https://learn.microsoft.com/powershell/module/"+strings.ToLower(c.Module)+"/"+strings.ToLower(c.Name))
	section("REMARKS", "Short name: "+c.Short+". The command `invoke-mgupload help` lists the additions, which have GNU names.")
	_, err := io.WriteString(w, b.String())
	return err
}

// setsInOrder has the default set first, as PowerShell prints them.
func setsInOrder(c *cmdlets.Cmdlet) []string {
	spec := c.Spec()
	sets := []string{spec.DefaultSet}
	for _, s := range spec.Sets {
		if s != spec.DefaultSet {
			sets = append(sets, s)
		}
	}
	return sets
}

// syntaxOf is a set's line: mandatory parameters bare, the others in brackets.
func syntaxOf(c *cmdlets.Cmdlet, set string) string {
	var mandatory, optional []string
	spec := c.Spec()
	for i := range spec.Params {
		param := &spec.Params[i]
		at := slices.IndexFunc(param.In, func(m params.Membership) bool { return m.Set == set })
		if len(param.In) > 0 && at < 0 || param.Common && param.Name != "WhatIf" && param.Name != "Confirm" {
			continue
		}
		word := "-" + param.Name
		if param.Type != params.Switch {
			word += " <" + shortType(param) + ">"
		}
		if at >= 0 && param.In[at].Mandatory {
			mandatory = append(mandatory, word)
		} else {
			optional = append(optional, "["+word+"]")
		}
	}
	return strings.Join(slices.Concat([]string{c.Name}, mandatory, optional, []string{"[<CommonParameters>]"}), " ")
}

// shortType is a type without its namespace.
func shortType(p *params.Param) string {
	name := p.DotNet()
	return name[strings.LastIndexByte(name, '.')+1:]
}

// nearest are up to three names of cmdlets and verbs that resemble a word.
func nearest(word string) []string {
	type near struct {
		name string
		d    int
	}
	var found []near
	add := func(name string) {
		if d := distance(strings.ToLower(word), strings.ToLower(name)); d <= max(2, len(word)/4) {
			found = append(found, near{name, d})
		}
	}
	for c := range cmdlets.All() {
		add(c.Short)
		add(c.Name)
	}
	for s := range cmdlets.Sessions() {
		add(s.Name)
	}
	for _, v := range verbs {
		add(v.name)
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.d - b.d })
	var names []string
	for _, n := range found[:min(3, len(found))] {
		names = append(names, n.name)
	}
	return names
}

// distance is the number of edits that turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
