package params

import "strings"

// Cmdlet is what the binder knows of a command.
type Cmdlet struct {
	Name       string
	ID         string // what stands after the comma of an error id; empty: Name
	Compiled   bool   // a compiled cmdlet words failed conversions differently from a script function
	DefaultSet string
	Sets       []string // every named set; a cmdlet has at most 32
	Params     []Param  // in declared order, which is the order of lists in messages
}

// Param is one parameter. The zero value of the optional fields is the common
// case: in every set, optional, by name only.
type Param struct {
	Name     string
	Aliases  []string
	Type     Type
	TypeName string       // the .NET name shown in messages; empty: the type's own
	In       []Membership // empty: every set, optional
	Pipeline bool         // for a parameter of every set: takes objects from the pipeline
	Common   bool         // a common or ShouldProcess parameter
	NotNull  bool         // refuses null and empty arrays
	NotEmpty bool         // refuses the empty text
	Hidden   bool         // not offered by completion
	Min, Max int64        // bounds of an Int32 when Max > 0
	Enum     []string     // names of an Enum, numbered from 0
	Members  []Member     // of Body and Identity
}

// Membership places a parameter in one set.
type Membership struct {
	Set       string
	Mandatory bool
	Pipeline  bool
	Position  int      // 1 is the first; 0: by name only
	Keys      []string // for an Identity: the keys the set needs, in path order
}

// Member is a member of a request body, or a key of an identity.
type Member struct {
	Name   string // PowerShell's spelling
	JSON   string // the spelling on the wire, or in a route template
	Type   Type   // String or Int64
	Secret bool   // the value is never shown
}

// Type says how words become a value, and which Go type holds it.
type Type int

// The types of parameters.
const (
	String      Type = iota // string
	Switch                  // bool
	Bool                    // bool, needs a value
	Int32                   // int64
	Int64                   // int64
	Double                  // float64
	URI                     // string, any text
	Enum                    // string, one of Param.Enum
	Variable                // string, a variable name
	StringArray             // []string
	Hashtable               // *Object
	Dictionary              // *Object
	Body                    // *Object
	Identity                // *Object
	Credential              // Login
	Steps                   // []string, program names
	Secure                  // string; words never convert, what Line.Add gives is taken
	File                    // string, the name of a file that can be read, or what Line.Add gives
	Opaque                  // nothing a word can give
)

var typeNames = [...]string{
	String: "System.String", Switch: "System.Management.Automation.SwitchParameter", Bool: "System.Boolean",
	Int32: "System.Int32", Int64: "System.Int64", Double: "System.Double", URI: "System.Uri", Enum: "System.Enum",
	Variable: "System.String", StringArray: "System.String[]", Hashtable: "System.Collections.Hashtable",
	Dictionary: "System.Collections.IDictionary", Body: "System.Object", Identity: "System.Object",
	Credential: "System.Management.Automation.PSCredential", Steps: "System.Object[]",
	Secure: "System.Security.SecureString", File: "System.IO.FileInfo", Opaque: "System.Object",
}

// DotNet is the parameter's type as messages name it.
func (p *Param) DotNet() string {
	if p.TypeName != "" {
		return p.TypeName
	}
	return typeNames[p.Type]
}

// MandatoryAnywhere reports whether some set requires the parameter.
func (p *Param) MandatoryAnywhere() bool {
	for _, m := range p.In {
		if m.Mandatory {
			return true
		}
	}
	return false
}

// Keys are the keys of an identity that a set needs, in path order.
func (p *Param) Keys(set string) []string {
	m, _ := p.in(set)
	return m.Keys
}

// Key is an identity's value for a key, in any case; null counts as missing. JSON
// text may spell it as PowerShell or as the route does (D23), a hashtable only
// as PowerShell does (identity.json-name-in-hashtable).
func (p *Param) Key(o *Object, name string) (any, bool) {
	for _, m := range p.Members {
		if m.Name != name {
			continue
		}
		if v, ok := o.Get(m.Name); ok && v != nil {
			return v, true
		}
		if v, ok := o.Get(m.JSON); ok && v != nil && !o.Literal {
			return v, true
		}
	}
	return nil, false
}

// ErrorID is what stands after the comma of the cmdlet's binding errors.
func (c *Cmdlet) ErrorID() string {
	if c.ID != "" {
		return c.ID
	}
	return c.Name
}

// Param finds a parameter by its full name, nil if there is none.
func (c *Cmdlet) Param(name string) *Param {
	for i := range c.Params {
		if strings.EqualFold(c.Params[i].Name, name) {
			return &c.Params[i]
		}
	}
	return nil
}

// HasSecret reports whether a parameter or a request body of the cmdlet carries
// a secret.
func (c *Cmdlet) HasSecret() bool {
	for i := range c.Params {
		if c.Params[i].Type == Secure {
			return true
		}
		if c.Params[i].Type != Body {
			continue
		}
		for _, m := range c.Params[i].Members {
			if m.Secret {
				return true
			}
		}
	}
	return false
}

var actionPreferences = []string{"SilentlyContinue", "Stop", "Continue", "Inquire", "Ignore", "Suspend", "Break"}

// Common are the parameters PowerShell adds to every advanced function, in its order.
func Common() []Param {
	action := func(name, alias string) Param {
		return Param{Name: name, Aliases: []string{alias}, Type: Enum, Enum: actionPreferences, Common: true,
			TypeName: "System.Management.Automation.ActionPreference"}
	}
	variable := func(name, alias string) Param {
		return Param{Name: name, Aliases: []string{alias}, Type: Variable, Common: true}
	}
	return []Param{
		{Name: "Verbose", Aliases: []string{"vb"}, Type: Switch, Common: true},
		{Name: "Debug", Aliases: []string{"db"}, Type: Switch, Common: true},
		action("ErrorAction", "ea"), action("WarningAction", "wa"), action("InformationAction", "infa"), action("ProgressAction", "proga"),
		variable("ErrorVariable", "ev"), variable("WarningVariable", "wv"), variable("InformationVariable", "iv"), variable("OutVariable", "ov"),
		{Name: "OutBuffer", Aliases: []string{"ob"}, Type: Int32, Max: 1<<31 - 1, Common: true},
		variable("PipelineVariable", "pv"),
	}
}

// ShouldProcess are the parameters of a cmdlet that supports -WhatIf.
func ShouldProcess() []Param {
	return []Param{
		{Name: "WhatIf", Aliases: []string{"wi"}, Type: Switch, Common: true},
		{Name: "Confirm", Aliases: []string{"cf"}, Type: Switch, Common: true},
	}
}
