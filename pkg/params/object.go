package params

import (
	"context"
	"math/bits"
	"slices"
)

// awaitObjects checks, before any object is read, that objects can complete a
// set: sets with a mandatory parameter that neither words nor objects can bind
// are closed. With none left, the mandatory parameters are missing.
func (b *Bound) awaitObjects() error {
	var left uint32
	for i, set := range b.Cmdlet.Sets {
		bit := uint32(1) << i
		if b.valid()&bit == 0 {
			continue
		}
		ok := true
		for _, p := range b.missing(set) {
			m, _ := p.in(set)
			ok = ok && m.Pipeline && b.mayBind(p)
		}
		if ok {
			left |= bit
		}
	}
	if left == 0 {
		if err := b.decide(false, true, false); err != nil {
			return err
		}
		return b.needMandatory(context.Background(), Options{})
	}
	b.mask = left
	b.name()
	return nil
}

// mayBind reports whether objects may bind a parameter at all (Options.From).
func (b *Bound) mayBind(p *Param) bool { return b.from == nil || slices.Contains(b.from, p.Name) }

// pipelineParams are the unbound parameters of the given sets that take objects.
func (b *Bound) pipelineParams(sets uint32) []*Param {
	var out []*Param
	for i := range b.Cmdlet.Params {
		p := &b.Cmdlet.Params[i]
		if b.Has(p.Name) || !b.mayBind(p) {
			continue
		}
		for j, set := range b.Cmdlet.Sets {
			if m, ok := p.in(set); ok && m.Pipeline && sets&(1<<j) != 0 {
				out = append(out, p)
				break
			}
		}
	}
	return out
}

// Accept binds one pipeline object given as text, on top of what the words
// bound; b itself stays as it is, ready for the next object. Text is converted
// to every unbound pipeline parameter of the open sets that takes it, of the
// default set first (binder.190 binds two parameters from one object).
// An error concerns this object only.
func (b *Bound) Accept(text string) (*Bound, error) {
	v, err := ParseJSON(text)
	if err != nil {
		v = text
	}
	return b.AcceptValue(v)
}

// AcceptValue is Accept for an object that was parsed before.
func (b *Bound) AcceptValue(v any) (*Bound, error) {
	o := &Bound{Cmdlet: b.Cmdlet, Set: b.Set, mask: b.mask, from: b.from, values: slices.Clip(b.values)}
	groups := []uint32{b.valid()}
	if def := b.Cmdlet.setBit(b.Cmdlet.DefaultSet); b.valid()&def != 0 && b.valid() != def {
		groups = []uint32{def, b.valid() &^ def}
	}
	bound := false
	for _, sets := range groups {
		for _, p := range o.pipelineParams(sets) {
			value, err := b.Cmdlet.convertObject(p, v)
			if err != nil {
				return nil, err
			}
			if value != nil {
				o.bind(p, value)
				bound = true
			}
		}
		if bound {
			break
		}
	}
	if !bound {
		return nil, b.nullOrNotBound()
	}
	if err := o.decide(false, true, false); err != nil {
		return nil, err
	}
	return o, nil
}

// nullOrNotBound is the error for an object that nothing takes. Where only the
// identity is left, text converts to null instead (pipeline.plain-text).
func (b *Bound) nullOrNotBound() *Error {
	params := b.pipelineParams(b.valid())
	var identity *Param
	for _, p := range params {
		if p.Type == Identity {
			identity = p
		}
		if p.Type == Body {
			return b.Cmdlet.notBound()
		}
	}
	if identity == nil || bits.OnesCount32(b.valid()) == 0 {
		return b.Cmdlet.notBound()
	}
	err := b.Cmdlet.nullArgument(identity.Name)
	err.NonTerm = true
	return err
}
