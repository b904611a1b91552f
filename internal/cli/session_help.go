package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
)

// tellSession answers --version and help of a session cmdlet.
func (p *program) tellSession(version bool, row *cmdlets.Session) int {
	var err error
	if version {
		err = (&versionCommand{program: p}).Run()
	} else {
		err = p.sessionHelp(p.env.Stdout, row)
	}
	if err != nil {
		return Failed
	}
	return Success
}

// sessionHelp prints a session cmdlet's help.
func (p *program) sessionHelp(w io.Writer, row *cmdlets.Session) error {
	spec := row.Spec()
	var b strings.Builder
	fmt.Fprintf(&b, "\nNAME\n    %s\n\nSYNOPSIS\n%s\n\nSYNTAX\n", row.Name, indented(row.Does))
	for _, set := range spec.Sets {
		fmt.Fprintf(&b, "%s\n\n", indented(syntax(spec, set)))
	}
	if len(row.Aliases) > 0 {
		fmt.Fprintf(&b, "ALIASES\n    %s\n\n", strings.Join(row.Aliases, ", "))
	}
	b.WriteString("ADDITIONS, each also a variable unless it is about the proxy\n")
	printAdditions(&b, scopeOf(row))
	if row.Name == connectName {
		b.WriteString("\nREMARKS\n" + indented("No secret is taken as a word: -AccessToken and the password of -ClientSecretCredential have additions that say where the secret is. "+
			"Such a place is kept for later commands; a secret never is. With env: or file: later commands read it again, else the sign-in ends with this command.") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func indented(text string) string {
	lines := strings.Split(wrap(text, helpWidth-5), "\n")
	for i := range lines {
		lines[i] = "    " + strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// syntax is a set's line as Get-Command -Syntax writes it: parameters with
// positions first and their names in brackets, optional ones in brackets.
func syntax(c *params.Cmdlet, set string) string {
	type word struct {
		text     string
		position int
	}
	var positional, named []word
	for i := range c.Params {
		p := &c.Params[i]
		at := slices.IndexFunc(p.In, func(m params.Membership) bool { return m.Set == set })
		if len(p.In) > 0 && at < 0 || p.Common && p.Name != "WhatIf" && p.Name != "Confirm" {
			continue
		}
		var m params.Membership
		if at >= 0 {
			m = p.In[at]
		}
		w := word{"-" + p.Name, m.Position}
		if m.Position > 0 && p.Type != params.Switch {
			w.text = "[" + w.text + "]"
		}
		if p.Type != params.Switch {
			w.text += " <" + keyword(p) + ">"
		}
		if !m.Mandatory {
			w.text = "[" + w.text + "]"
		}
		if m.Position > 0 {
			positional = append(positional, w)
		} else {
			named = append(named, w)
		}
	}
	slices.SortStableFunc(positional, func(a, b word) int { return a.position - b.position })
	line := []string{c.Name}
	for _, w := range append(positional, named...) {
		line = append(line, w.text)
	}
	return strings.Join(append(line, "[<CommonParameters>]"), " ")
}

// keyword is a type as a syntax line names it.
func keyword(p *params.Param) string {
	name := shortType(p)
	switch name {
	case "X509Certificate2", "ContextScope":
		return name
	case "Int32":
		return "int"
	case "Boolean":
		return "bool"
	}
	return strings.ToLower(name)
}
