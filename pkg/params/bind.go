package params

import (
	"context"
	"errors"
	"slices"
)

// Login is a user name and a password, a PSCredential.
type Login struct{ User, Password string }

// Options are what binding may need beyond the words. The zero value binds
// without files, prompts and pipeline.
type Options struct {
	// ReadFile reads the file of an @FILE value; nil: there are none.
	ReadFile func(name string) ([]byte, error)
	// ReadStdin reads standard input whole, for @-; nil: it is not to be had.
	ReadStdin func() ([]byte, error)
	// Password asks for a credential's password; nil: nobody can be asked.
	Password func(ctx context.Context, user string) (string, error)
	// Prompt asks for missing mandatory parameters, one answer each; nil: nobody can be asked.
	Prompt func(ctx context.Context, names []string) ([]string, error)
	// Pipeline says that objects will follow, so that parameters they can
	// bind are not missing yet.
	Pipeline bool
	// From are the parameters that pipeline objects may bind; nil: all that can.
	From []string
}

// Bound is a cmdlet with its parameters bound.
type Bound struct {
	Cmdlet *Cmdlet
	Set    string // the parameter set; "" while pipeline objects must decide
	values []Value
	mask   uint32
	from   []string
}

// Value is a bound parameter.
type Value struct {
	Param *Param
	Value any // the Go type of Param.Type
}

// Values are the bound parameters in the order they were bound.
func (b *Bound) Values() []Value { return b.values }

// Get is a parameter's value, nil if it was not given.
func (b *Bound) Get(name string) any {
	for i := range b.values {
		if b.values[i].Param.Name == name {
			return b.values[i].Value
		}
	}
	return nil
}

// Has reports whether a parameter was given.
func (b *Bound) Has(name string) bool {
	return slices.ContainsFunc(b.values, func(v Value) bool { return v.Param.Name == name })
}

// String is a parameter's text, "" if it was not given.
func (b *Bound) String(name string) string { s, _ := b.Get(name).(string); return s }

// Switch reports a switch's value and whether it was given.
func (b *Bound) Switch(name string) (on, given bool) {
	on, given = b.Get(name).(bool)
	return on, given
}

// Object is the value of a hashtable or object parameter, nil if not given.
func (b *Bound) Object(name string) *Object { o, _ := b.Get(name).(*Object); return o }

// Bind binds a line. Its error is an *Error, or the context's.
func (l *Line) Bind(ctx context.Context, o Options) (*Bound, error) {
	if l.err != nil {
		return nil, l.err
	}
	if err := l.oneStdin(); err != nil {
		return nil, err
	}
	b := &Bound{Cmdlet: l.cmdlet, mask: allSets, from: o.From}
	rest, err := l.bindNamed(ctx, b, o)
	if err != nil {
		return nil, err
	}
	if err := b.decide(true, false, o.Pipeline); err != nil {
		return nil, err
	}
	rest, err = b.bindPositional(ctx, rest, o)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 { // the first leftover decides which error (binder.119, binder.120)
		if it := rest[0]; it.named {
			return nil, l.cmdlet.unknownName(it.typed)
		}
		return nil, l.cmdlet.positional(l.shownWord(rest[0]))
	}
	if o.Pipeline {
		err = b.awaitObjects()
	} else if err = b.decide(false, true, false); err == nil {
		err = b.needMandatory(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	// The dropped word is refused last: where PowerShell finds an error of its
	// own nothing would have run anyway (binderreal.144).
	if l.dropped != nil {
		return nil, l.dropped
	}
	return b, nil
}

// shownWord is a leftover word as an error shows it. Right behind a secret's
// value it may be the rest of that secret, torn off by a missing quote.
func (l *Line) shownWord(it item) string {
	secret := false
	for i := range l.items {
		if !l.items[i].named && secret && l.items[i].value == it.value {
			return "***"
		}
		secret = l.items[i].named && l.cmdlet.isSecret(l.items[i].param) || secret && !l.items[i].named
	}
	return it.value
}

// isSecret reports whether a parameter's value must not be shown.
func (c *Cmdlet) isSecret(p *Param) bool {
	if p == nil {
		return false
	}
	for i := range c.Params {
		for _, m := range c.Params[i].Members {
			if m.Secret && m.Name == p.Name {
				return true
			}
		}
	}
	return p.Type == Secure || p.Type == Credential
}

// oneStdin refuses a second reader of standard input before anything is read.
func (l *Line) oneStdin() *Error {
	reader := ""
	take := func(name string) *Error {
		if reader != "" {
			return l.cmdlet.Refuse("StdinTwice", name, "Standard input can be read once only: both %s and %s want it.", reader, name)
		}
		reader = name
		return nil
	}
	for _, it := range l.items {
		if it.param != nil && it.value == "@-" && it.param.takesData() {
			if err := take("-" + it.param.Name); err != nil {
				return err
			}
		}
	}
	if l.additions["access-token-from"] == "-" {
		return take("--access-token-from")
	}
	return nil
}

// StdinTaken reports whether a value or an addition reads standard input whole;
// -InputObject @- does not, it is the pipeline.
func (l *Line) StdinTaken() bool {
	for _, it := range l.items {
		if it.param != nil && it.value == "@-" && it.param.takesData() && it.param.Type != Identity {
			return true
		}
	}
	return l.additions["access-token-from"] == "-"
}

func (p *Param) takesData() bool {
	return p.Type == Hashtable || p.Type == Dictionary || p.Type == Body || p.Type == Identity
}

// bindNamed binds the items with names, in order, and answers the others.
func (l *Line) bindNamed(ctx context.Context, b *Bound, o Options) (rest []item, err error) {
	for _, it := range l.items {
		if !it.named {
			rest = append(rest, it)
			continue
		}
		p := it.param
		if p == nil {
			found, several := l.cmdlet.lookup(it.typed)
			if several != nil {
				return nil, l.cmdlet.ambiguousName(it.typed, several)
			}
			p = found
		}
		if p == nil {
			rest = append(rest, it)
			continue
		}
		if b.Has(p.Name) {
			name := p.Name
			if it.attached { // binder records quote what was typed for -name:value and for switches
				name = it.typed
			}
			return nil, l.cmdlet.alreadyBound(name)
		}
		if p.Type == Identity && it.value == "@-" && o.Pipeline {
			continue // the pipeline will bind it
		}
		if it.read != nil {
			if it.value, err = it.read(); errors.As(err, new(*Error)) {
				return nil, err
			} else if err != nil {
				return nil, l.cmdlet.Refuse("UnreadableFile", p.Name, "Cannot read the value of -%s: %v.", p.Name, err)
			}
		}
		value, err := l.cmdlet.convert(ctx, p, it, o)
		if err != nil {
			return nil, err
		}
		b.bind(p, value)
	}
	return rest, nil
}

func (b *Bound) bind(p *Param, value any) {
	b.values = append(b.values, Value{p, value})
	b.mask &= b.Cmdlet.setsOf(p)
}

// needMandatory asks for what the chosen set still needs, or fails.
func (b *Bound) needMandatory(ctx context.Context, o Options) error {
	missing := b.missing(b.Set)
	if len(missing) == 0 {
		return nil
	}
	names := make([]string, len(missing))
	for i, p := range missing {
		names[i] = p.Name
	}
	if o.Prompt == nil {
		return b.Cmdlet.MissingMandatory(names...)
	}
	answers, err := o.Prompt(ctx, names)
	if err != nil {
		return err
	}
	if len(answers) < len(names) { // the input ended
		return b.Cmdlet.MissingMandatory(names...)
	}
	for i, p := range missing {
		value, err := b.Cmdlet.convert(ctx, p, item{value: answers[i], hasValue: true}, o)
		if err != nil {
			return err
		}
		b.bind(p, value)
	}
	return nil
}
