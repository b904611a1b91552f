// Package params turns a program's words into a cmdlet's bound parameters, the
// way `pwsh -File script words…` does: names in any case, unique prefixes,
// aliases, -Name:value, switches, parameter sets, mandatory parameters, with
// PowerShell's error ids and sentences.
//
// The way of a word through the package:
//
//	Parse        words → items        lex.go, name.go
//	Line.Bind    items → values       bind.go, convert.go, number.go
//	             values → a set       set.go
//	Bound.Accept pipeline object → a further Bound   object.go
//
// Values of hashtable and object parameters are JSON texts (json.go), PowerShell
// data literals (literal.go) or files of either; both become an *Object.
//
// The package knows nothing of HTTP, reads no environment and writes nowhere.
package params
