package params

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// convert makes an item's text the parameter's value and validates it.
func (c *Cmdlet) convert(ctx context.Context, p *Param, it item, o Options) (any, error) {
	switch p.Type {
	case String, Secure, Variable, URI:
		return c.convertText(p, it)
	case Switch, Bool:
		return c.convertSwitch(p, it)
	case Int32, Int64, Double:
		return c.convertNumber(p, it)
	case Enum:
		return c.convertEnum(p, it.value)
	case StringArray: // one word is one element (session.bind.scopes-comma)
		return []string{it.value}, nil
	case Steps:
		return strings.Split(it.value, ","), nil
	case File:
		return c.convertFile(p, it, o)
	case Credential:
		return c.convertCredential(ctx, p, it, o)
	case Hashtable, Dictionary, Body, Identity:
		return c.convertData(p, it, o)
	}
	return nil, c.noConversion(p, c.shown(p, it.value))
}

// shown is a value as a message may show it: *** where it may hold a secret.
func (c *Cmdlet) shown(p *Param, text string) string {
	switch {
	case (p.Type == Body || p.Type == Hashtable) && c.HasSecret():
		return "***"
	case p.Type == Dictionary: // Name: value or a bare token, typed where a hashtable is wanted
		if i := strings.IndexAny(text, ":= "); i >= 0 {
			return text[:i+1] + "***"
		}
	}
	return text
}

func (c *Cmdlet) convertText(p *Param, it item) (any, error) {
	if p.Type == Secure {
		if it.read != nil {
			return it.value, nil
		}
		return nil, c.notText(p)
	}
	if p.NotEmpty && it.value == "" {
		return nil, c.invalid(p.Name, "The argument is null or empty. Provide an argument that is not null or empty, and then try the command again.")
	}
	if p.Type == String && p.MandatoryAnywhere() {
		if it.value == "" {
			return nil, c.emptyArgument(p.Name)
		}
		if v, err := ParseJSON(it.value); err == nil && !c.Compiled { // governance.id.array: no id is a JSON array
			if _, array := v.([]any); array {
				return nil, c.transformation(p, "Cannot convert value to type System.String.")
			}
		}
	}
	if p.Type == Variable {
		return it.value, c.checkVariable(p, it.value)
	}
	return it.value, nil
}

// readOnly are names that PowerShell does not let a variable have, or that
// would break a shell that takes the variables over.
var readOnly = []string{"true", "false", "null", "pid", "error", "home", "host", "executioncontext", "shellid", "pshome",
	"psversiontable", "pscmdlet", "psitem", "args", "input", "this", "matches", "psedition", "iscoreclr", "islinux", "ismacos", "iswindows"}

// checkVariable refuses a name no shell could give a variable (D27), before
// anything is sent for it. The common variables may begin with + to append.
func (c *Cmdlet) checkVariable(p *Param, text string) error {
	name := text
	if p.Common {
		name = strings.TrimPrefix(name, "+")
	} else if name == "" { // sets.rhv-empty: as if absent
		return nil
	}
	scope, rest, scoped := strings.Cut(name, ":")
	if scoped && slices.Contains([]string{"global", "script", "local", "private"}, strings.ToLower(scope)) {
		name = rest
	} else if scoped && p.Common && rest != "" { // binder.180-drive-qualified-variable-name
		return c.invalid(p.Name, fmt.Sprintf("Cannot validate argument '%s' because it is not a valid variable name.", name))
	}
	if !isVariableName(name) || slices.Contains(readOnly, strings.ToLower(name)) {
		return c.Refuse("InvalidVariableName", p.Name,
			"'%s' is no name for the variable of -%s: use letters, digits and _, with an optional scope such as global:, and none of PowerShell's read-only names.", text, p.Name)
	}
	return nil
}

func isVariableName(s string) bool {
	for i, r := range s {
		if r != '_' && (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9' || i == 0) {
			return false
		}
	}
	return s != ""
}

func (c *Cmdlet) convertSwitch(p *Param, it item) (any, error) {
	if it.boolean {
		return it.value == "True", nil
	}
	const advice = "Boolean parameters accept only Boolean values and numbers, such as $True, $False, 1 or 0."
	switch {
	case p.Common: // switch.WhatIf-text; the sentence ends with a blank
		return nil, c.fail("CannotConvertArgument", InvalidArgument, p.Name,
			"Cannot convert 'System.String' to the type '%s' required by parameter '%s'. ", p.DotNet(), p.Name)
	case c.Compiled: // session.refuse.chain-true
		return nil, c.fail("CannotConvertArgument", InvalidArgument, p.Name,
			"Cannot convert 'System.String' to the type '%s' required by parameter '%s'. ", p.DotNet(), p.Name)
	}
	return nil, c.transformation(p, fmt.Sprintf("Cannot convert value \"System.String\" to type \"%s\". %s", p.DotNet(), advice))
}

func (c *Cmdlet) convertNumber(p *Param, it item) (any, error) {
	text := it.value
	if it.boolean { // 14.4: $true converts to 1
		text = map[string]string{"True": "1", "False": "0"}[text]
	}
	if p.Type == Double {
		return c.convertDouble(p, text)
	}
	if strings.TrimSpace(text) == "" && !p.Common && !c.Compiled { // D25
		return nil, c.Refuse("InvalidNumber", p.Name,
			"-%s is empty: an unset variable would send 0, which is a date in 1970. Give a number, or leave -%s out.", p.Name, p.Name)
	}
	bits, name := 64, "Int64"
	if p.Type == Int32 {
		bits, name = 32, "Int32"
	}
	n, cause := parseInteger(text, bits, name)
	if cause != "" {
		return nil, c.badConversion(p, text, cause)
	}
	if p.Max > 0 && n < p.Min {
		return nil, c.invalid(p.Name, fmt.Sprintf("The %d argument is less than the minimum allowed range of %d. Supply an argument that is greater than or equal to %d and then try the command again.", n, p.Min, p.Min))
	}
	if p.Max > 0 && n > p.Max {
		return nil, c.invalid(p.Name, fmt.Sprintf("The %d argument is greater than the maximum allowed range of %d. Supply an argument that is less than or equal to %d and then try the command again.", n, p.Max, p.Max))
	}
	return n, nil
}

func (c *Cmdlet) convertDouble(p *Param, text string) (any, error) {
	t := strings.TrimSpace(text)
	if t == "" {
		return 0.0, nil
	}
	if r, ok := parseRational(t); ok {
		f, _ := r.Float64()
		return f, nil
	}
	if f, err := strconv.ParseFloat(t, 64); err == nil {
		return f, nil
	}
	return nil, c.badConversion(p, text, "The input string '"+text+"' was not in a correct format.")
}

// convertEnum takes a number, a name in any case, a unique prefix of one, or
// several names between commas, whose numbers are then joined bit by bit.
func (c *Cmdlet) convertEnum(p *Param, text string) (any, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil {
		n = 0
		for _, name := range strings.Split(text, ",") {
			i, cause := p.enumerator(strings.TrimSpace(name))
			if cause != "" {
				return nil, c.badConversion(p, text, cause)
			}
			n |= int64(i)
		}
	}
	if n < 0 || n >= int64(len(p.Enum)) { // session.bind.scope-number-9
		return nil, c.transformation(p, fmt.Sprintf("Cannot convert value \"%s\" to type \"%s\" due to enumeration values that are not valid. Specify one of the following enumeration values and try again. The possible enumeration values are \"%s\".",
			text, p.DotNet(), strings.Join(p.Enum, ",")))
	}
	return c.checkPreference(p, p.Enum[n])
}

// enumerator is the number of a name or of a unique prefix; the cause says why
// there is none. The empty name is a prefix of all (session.bind.scope-empty).
func (p *Param) enumerator(name string) (number int, cause string) {
	var prefixed []string
	for i, known := range p.Enum {
		if strings.EqualFold(known, name) {
			return i, ""
		}
		if hasPrefixFold(known, name) {
			number, prefixed = i, append(prefixed, known)
		}
	}
	switch len(prefixed) {
	case 1:
		return number, ""
	case 0:
		return 0, fmt.Sprintf("Unable to match the identifier name %s to a valid enumerator name. Specify one of the following enumerator names and try again:\n%s",
			name, strings.Join(p.Enum, ", "))
	}
	return 0, fmt.Sprintf("The identifier name %s cannot be processed because it is either too similar or identical to the following enumerator names: %s. Use a more specific identifier name.",
		name, strings.Join(prefixed, ", "))
}

func (c *Cmdlet) checkPreference(p *Param, name string) (any, error) {
	if p.Common && name == "Suspend" { // binder.173-erroraction-suspend
		return nil, c.fail("ParameterBindingFailed", WriteError, p.Name,
			"Cannot bind parameter '%s' to the target. Exception setting \"%s\": \"The Suspend ActionPreference value is reserved for future use and is not supported at this time. For more information about preference variables, see the Help topic, \"about_Preference_Variables.\"\"", p.Name, p.Name)
	}
	return name, nil
}

// ErrNobodyToAsk is what Options.Password may answer where no terminal is;
// PowerShell's sentence for it is then the error's.
var ErrNobodyToAsk = errors.New("PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.")

func (c *Cmdlet) convertCredential(ctx context.Context, p *Param, it item, o Options) (any, error) {
	err := ErrNobodyToAsk
	if o.Password != nil {
		var password string
		if password, err = o.Password(ctx, it.value); err == nil {
			return Login{User: it.value, Password: password}, nil
		}
	}
	if errors.Is(err, ErrNobodyToAsk) && c.Compiled { // session.refuse.secret-clientid
		return nil, c.notText(p)
	}
	if errors.Is(err, ErrNobodyToAsk) {
		return nil, c.transformation(p, ErrNobodyToAsk.Error())
	}
	return nil, err
}

// convertFile takes the name of a file that can be read.
func (c *Cmdlet) convertFile(p *Param, it item, o Options) (any, error) {
	if it.read != nil {
		return it.value, nil
	}
	err := errors.New("it cannot be read here")
	if o.ReadFile != nil {
		_, err = o.ReadFile(it.value)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist): // session.refuse.certificate-text
		return nil, c.badConversion(p, it.value, "error:10000080:BIO routines::no such file")
	case err != nil:
		return nil, c.badConversion(p, it.value, err.Error())
	}
	return it.value, nil
}

// convertData makes an *Object of JSON text, @FILE, @- or a data literal.
func (c *Cmdlet) convertData(p *Param, it item, o Options) (any, error) {
	text, fromFile, err := c.dataText(p, it.value, o)
	if err != nil {
		return nil, err
	}
	var object *Object
	switch trimmed := strings.TrimSpace(text); {
	case isLiteral(text):
		if object, err = ParseLiteral(text); err != nil {
			return nil, c.badData("InvalidLiteral", p, "the data literal", err)
		}
	case strings.HasPrefix(trimmed, "{"):
		v, err := ParseJSON(text)
		if err != nil {
			return nil, c.badData("InvalidJson", p, "the JSON text", eatenQuotes(trimmed, err))
		}
		object, _ = v.(*Object)
	case strings.HasPrefix(trimmed, "System.Collections.") || strings.HasPrefix(trimmed, "System.Object"):
		return nil, c.Refuse("InvalidJson", p.Name,
			"-%s is the text '%s': PowerShell has turned a hashtable into the name of its type. Give JSON text, or a file of it as @FILE.", p.Name, trimmed)
	case fromFile:
		return nil, c.Refuse("InvalidJson", p.Name, "The data of -%s is neither a JSON object nor a data literal @{…}.", p.Name)
	case p.Type == Identity: // identity.text: any other text converts to null
		return nil, c.nullArgument(p.Name)
	default:
		return nil, c.noConversion(p, c.shown(p, text))
	}
	return object, c.checkMembers(p, object)
}

// dataText is the text of a data value, read from its file if it names one.
func (c *Cmdlet) dataText(p *Param, value string, o Options) (text string, fromFile bool, err error) {
	if !strings.HasPrefix(value, "@") || strings.HasPrefix(value, "@{") {
		return value, false, nil
	}
	var data []byte
	name := value[1:]
	switch {
	case name == "-" && o.ReadStdin != nil:
		name = "standard input"
		data, err = o.ReadStdin()
	case name != "-" && o.ReadFile != nil:
		data, err = o.ReadFile(name)
	default:
		err = errors.New("it cannot be read here")
	}
	if err != nil {
		return "", true, c.Refuse("UnreadableFile", p.Name, "Cannot read the value of -%s from %s: %v.", p.Name, name, err)
	}
	return strings.TrimPrefix(string(data), "\ufeff"), true, nil
}

func (c *Cmdlet) badData(reason string, p *Param, what string, err error) error {
	return c.Refuse(reason, p.Name, "-%s: %s is not valid: %v.", p.Name, what, err)
}

// eatenQuotes explains JSON whose quotes a shell has removed.
func eatenQuotes(text string, err error) error {
	if rest := strings.TrimSpace(text[1:]); rest != "" && isNameByte(rest[0]) {
		return fmt.Errorf("%w; a shell seems to have removed the quotes: put the text in single quotes, or in a file given as @FILE", err)
	}
	return err
}

// checkMembers refuses declared members of the wrong type in JSON text (D24),
// and converts them in a literal as a hashtable's are (body.number-for-string).
func (c *Cmdlet) checkMembers(p *Param, o *Object) error {
	for i := range o.Members {
		e := &o.Members[i]
		for _, m := range p.Members {
			if !strings.EqualFold(m.JSON, e.Name) && !strings.EqualFold(m.Name, e.Name) {
				continue
			}
			value, ok := m.convert(e.Value, o.Literal)
			if !ok {
				kind := map[Type]string{String: "a string", Int64: "a whole number that an Int64 holds"}[m.Type]
				return c.Refuse("InvalidMember", p.Name, "-%s: the member '%s' must be %s.", p.Name, e.Name, kind)
			}
			e.Value = value
		}
	}
	return nil
}

// convert makes a value the member's type; nil means absent.
func (m *Member) convert(v any, literal bool) (any, bool) {
	switch v := v.(type) {
	case nil:
		if literal && m.Type == String { // body.null-value: ToString of null is the empty text
			return "", true
		}
		return nil, true
	case Number:
		if _, ok := v.Int64(); m.Type == Int64 {
			return v, ok
		}
	case string:
		if m.Type == String {
			return v, true
		}
		if !literal || strings.TrimSpace(v) == "" {
			return nil, false
		}
		n, cause := parseInteger(v, 64, "Int64")
		return Number(strconv.FormatInt(n, 10)), cause == ""
	}
	if literal && m.Type == String {
		return Text(v), true
	}
	return nil, false
}

// convertObject makes a pipeline object a parameter's value; nil: it does not
// convert, and another parameter may take it.
func (c *Cmdlet) convertObject(p *Param, v any) (any, error) {
	given, ok := v.(*Object)
	if !ok || p.Type != Body && p.Type != Identity {
		return nil, nil
	}
	// Two parameters may take the same object, each with conversions of its own.
	o := &Object{Members: slices.Clone(given.Members), Literal: given.Literal}
	if err := c.checkMembers(p, o); err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.NonTerm = true
		}
		return nil, err
	}
	return o, nil
}
