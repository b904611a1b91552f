package params

import (
	"fmt"
	"slices"
	"strings"
)

// Error is a binding error: PowerShell's id, category and sentence, or ours
// where only this program has the error (ids that begin with MgUpload).
type Error struct {
	Cmdlet   string // Cmdlet.ErrorID
	ID       string // without the cmdlet, e.g. NamedParameterNotFound
	Category string
	Message  string
	Param    string // the parameter it is about, if any
	NonTerm  bool   // concerns one pipeline object; the next may follow
}

func (e *Error) Error() string { return e.Message }

// FullyQualifiedID is the id as PowerShell prints it.
func (e *Error) FullyQualifiedID() string { return e.ID + "," + e.Cmdlet }

// Categories of PowerShell's error records that binding uses.
const (
	InvalidArgument = "InvalidArgument"
	InvalidData     = "InvalidData"
	WriteError      = "WriteError"
)

func (c *Cmdlet) fail(id, category, param, format string, args ...any) *Error {
	return &Error{Cmdlet: c.ErrorID(), ID: id, Category: category, Param: param, Message: fmt.Sprintf(format, args...)}
}

// Refuse is an error that only this program has.
func (c *Cmdlet) Refuse(reason, param, format string, args ...any) *Error {
	return c.fail("MgUpload"+reason, InvalidArgument, param, format, args...)
}

// Setting is the error of an addition or variable whose value is no good.
func (c *Cmdlet) Setting(name, text string) *Error {
	return c.fail("CannotConvertArgumentNoMessage", InvalidArgument, name, "Cannot bind parameter '%s'. %s", name, text)
}

func (c *Cmdlet) likelyTypo(name, word string) *Error {
	if p, _ := c.lookup(name); c.isSecret(p) {
		word = "***"
	}
	return c.Refuse("LikelyTypo", name,
		"The value '%s' of -%s is nearly -WhatIf or -Confirm: it is refused so that a dry run never turns real. To send it as text, write -%s:%s.", word, name, name, word)
}

func (c *Cmdlet) ambiguousName(typed string, candidates []*Param) *Error {
	var list strings.Builder
	for _, p := range candidates {
		list.WriteString(" -" + p.Name)
	}
	return c.fail("AmbiguousParameter", InvalidArgument, "",
		"Parameter cannot be processed because the parameter name '%s' is ambiguous. Possible matches include:%s.", typed, list.String())
}

func (c *Cmdlet) missingArgument(p *Param) *Error {
	return c.fail("MissingArgument", InvalidArgument, p.Name,
		"Missing an argument for parameter '%s'. Specify a parameter of type '%s' and try again.", p.Name, p.DotNet())
}

func (c *Cmdlet) alreadyBound(name string) *Error {
	return c.fail("ParameterAlreadyBound", InvalidArgument, name,
		"Cannot bind parameter because parameter '%s' is specified more than once. To provide multiple values to parameters that can accept multiple values, use the array syntax. For example, \"-parameter value1,value2,value3\".", name)
}

func (c *Cmdlet) ambiguousSet() *Error {
	return c.fail("AmbiguousParameterSet", InvalidArgument, "",
		"Parameter set cannot be resolved using the specified named parameters. One or more parameters issued cannot be used together or an insufficient number of parameters were provided.")
}

// MissingMandatory is the error for mandatory parameters that were not given.
func (c *Cmdlet) MissingMandatory(names ...string) *Error {
	return c.fail("MissingMandatoryParameter", InvalidArgument, "",
		"Cannot process command because of one or more missing mandatory parameters: %s.", strings.Join(names, " "))
}

func (c *Cmdlet) unknownName(typed string) *Error {
	if name, _, ok := strings.Cut(typed, "="); ok && (c.HasSecret() || soundsSecret(name)) { // --pasword=…, --access-token=…
		typed = name + "=***"
	}
	return c.fail("NamedParameterNotFound", InvalidArgument, "",
		"A parameter cannot be found that matches parameter name '%s'.", typed)
}

// soundsSecret reports whether a name that is none was meant for a secret.
func soundsSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"token", "secret", "pass", "key", "credential"}, func(s string) bool { return strings.Contains(name, s) })
}

func (c *Cmdlet) positional(word string) *Error {
	return c.fail("PositionalParameterNotFound", InvalidArgument, "",
		"A positional parameter cannot be found that accepts argument '%s'.", word)
}

func (c *Cmdlet) notBound() *Error {
	e := c.fail("InputObjectNotBound", InvalidArgument, "",
		"The input object cannot be bound to any parameters for the command either because the command does not take pipeline input or the input and its properties do not match any of the parameters that take pipeline input.")
	e.NonTerm = true
	return e
}

func (c *Cmdlet) nullArgument(name string) *Error {
	return c.fail("ParameterArgumentValidationErrorNullNotAllowed", InvalidData, name,
		"Cannot bind argument to parameter '%s' because it is null.", name)
}

func (c *Cmdlet) emptyArgument(name string) *Error {
	return c.fail("ParameterArgumentValidationErrorEmptyStringNotAllowed", InvalidData, name,
		"Cannot bind argument to parameter '%s' because it is an empty string.", name)
}

func (c *Cmdlet) invalid(name, text string) *Error {
	return c.fail("ParameterArgumentValidationError", InvalidData, name, "Cannot validate argument on parameter '%s'. %s", name, text)
}

// transformation is a value that does not convert. A script function converts
// its own parameters by argument transformation; common parameters and those of
// compiled cmdlets are converted by the binder, which says it differently.
func (c *Cmdlet) transformation(p *Param, text string) *Error {
	if p.Common || c.Compiled {
		return c.fail("CannotConvertArgumentNoMessage", InvalidArgument, p.Name, "Cannot bind parameter '%s'. %s", p.Name, text)
	}
	return c.fail("ParameterArgumentTransformationError", InvalidData, p.Name,
		"Cannot process argument transformation on parameter '%s'. %s", p.Name, text)
}

// notText is the transformation error of a type that no text becomes.
func (c *Cmdlet) notText(p *Param) *Error {
	return c.transformation(p, fmt.Sprintf("Cannot convert the value of type \"System.String\" to type \"%s\".", p.DotNet()))
}

// noConversion is a transformation error without a cause.
func (c *Cmdlet) noConversion(p *Param, shown string) *Error {
	return c.transformation(p, fmt.Sprintf("Cannot convert the \"%s\" value of type \"System.String\" to type \"%s\".", shown, p.DotNet()))
}

// badConversion is a transformation error with a cause.
func (c *Cmdlet) badConversion(p *Param, shown, cause string) *Error {
	return c.transformation(p, fmt.Sprintf("Cannot convert value \"%s\" to type \"%s\". Error: \"%s\"", shown, p.DotNet(), cause))
}
