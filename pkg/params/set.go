package params

import (
	"context"
	"math/bits"
	"slices"
	"strings"
)

// allSets is the mask before any parameter has narrowed it. A cmdlet's own sets
// are its lowest bits.
const allSets = ^uint32(0)

func (c *Cmdlet) setBit(name string) uint32 {
	if i := slices.Index(c.Sets, name); i >= 0 {
		return 1 << i
	}
	return 0
}

func (c *Cmdlet) everySet() uint32 { return 1<<len(c.Sets) - 1 }

// setsOf is the mask of the sets a parameter belongs to.
func (c *Cmdlet) setsOf(p *Param) uint32 {
	if len(p.In) == 0 {
		return allSets
	}
	var m uint32
	for _, in := range p.In {
		m |= c.setBit(in.Set)
	}
	return m
}

// in is a parameter's place in a set, false if it has none there.
func (p *Param) in(set string) (Membership, bool) {
	if len(p.In) == 0 {
		return Membership{Set: set, Pipeline: p.Pipeline}, true
	}
	for _, m := range p.In {
		if m.Set == set {
			return m, true
		}
	}
	return Membership{}, false
}

// valid are the cmdlet's sets that the mask leaves.
func (b *Bound) valid() uint32 { return b.mask & b.Cmdlet.everySet() }

// decide narrows the sets after parameters were bound: no set left is an error,
// the default wins if takeDefault and it is left, and otherwise the mandatory
// parameters choose. While objects are to come (before), an open choice waits
// as long as one of the open sets has something for them to bind.
func (b *Bound) decide(before, takeDefault, pipeline bool) error {
	valid, def := b.valid(), b.Cmdlet.setBit(b.Cmdlet.DefaultSet)
	switch n := bits.OnesCount32(valid); {
	case n == 0 && len(b.Cmdlet.Sets) > 0:
		return b.Cmdlet.ambiguousSet()
	case n <= 1:
	case valid&def != 0:
		if takeDefault {
			b.mask = def
		}
	case before && (pipeline || b.canAwait()):
		return nil
	default:
		return b.chooseByMandatory()
	}
	b.name()
	return nil
}

// canAwait reports whether an unbound parameter of an open set takes pipeline
// objects. The binder asks this before it knows whether any will come.
func (b *Bound) canAwait() bool { return len(b.pipelineParams(b.valid())) > 0 }

// name sets Set when one set is left.
func (b *Bound) name() {
	b.Set = ""
	if v := b.valid(); bits.OnesCount32(v) == 1 {
		b.Set = b.Cmdlet.Sets[bits.TrailingZeros32(v)]
	}
}

// chooseByMandatory drops every open set with an unbound mandatory parameter;
// one must be left (sets.body-alone: none is).
func (b *Bound) chooseByMandatory() error {
	var left uint32
	for i, set := range b.Cmdlet.Sets {
		if bit := uint32(1) << i; b.valid()&bit != 0 && len(b.missing(set)) == 0 {
			left |= bit
		}
	}
	if bits.OnesCount32(left) > 1 {
		var err error
		if left, err = b.chooseByKeys(left); err != nil {
			return err
		}
	}
	if left == 0 {
		return b.Cmdlet.ambiguousSet()
	}
	b.mask = left
	b.name()
	return nil
}

// chooseByKeys lets the keys of a bound identity choose among open sets (D30):
// the one whose keys are all there, and of several the one that uses the most.
func (b *Bound) chooseByKeys(open uint32) (uint32, error) {
	identity := b.identity()
	if identity == nil {
		return 0, nil
	}
	var best uint32
	most, tie := 0, false
	for i, set := range b.Cmdlet.Sets {
		m, ok := identity.Param.in(set)
		if open&(1<<i) == 0 || !ok {
			continue
		}
		n := fits(identity.Value.(*Object), identity.Param, m.Keys)
		switch {
		case n == 0 || n < most:
		case n == most:
			tie = true
		default:
			best, most, tie = 1<<i, n, false
		}
	}
	if best == 0 || tie {
		return 0, b.Cmdlet.Refuse("AmbiguousIdentity", identity.Param.Name,
			"The keys of -%s fit none of the cmdlet's routes, or several: give the ids that one route needs: %s.", identity.Param.Name, b.routes(open, identity.Param))
	}
	return best, nil
}

// identity is the bound identity, nil if there is none.
func (b *Bound) identity() *Value {
	for i := range b.values {
		if b.values[i].Param.Type == Identity {
			return &b.values[i]
		}
	}
	return nil
}

// fits is the number of keys if the identity has them all, else 0.
func fits(o *Object, p *Param, keys []string) int {
	for _, key := range keys {
		if _, ok := p.Key(o, key); !ok {
			return 0
		}
	}
	return len(keys)
}

func (b *Bound) routes(open uint32, p *Param) string {
	var list []string
	for i, set := range b.Cmdlet.Sets {
		if m, ok := p.in(set); ok && open&(1<<i) != 0 {
			list = append(list, strings.Join(m.Keys, ", "))
		}
	}
	return strings.Join(list, "; or ")
}

// missing are the set's mandatory parameters that are not bound, in declared order.
func (b *Bound) missing(set string) []*Param {
	var out []*Param
	for i := range b.Cmdlet.Params {
		p := &b.Cmdlet.Params[i]
		if m, ok := p.in(set); ok && m.Mandatory && !b.Has(p.Name) {
			out = append(out, p)
		}
	}
	return out
}

// bindPositional gives plain words to parameters with positions: those of the
// default set first if it is still open, then those of the other open sets.
func (b *Bound) bindPositional(ctx context.Context, rest []item, o Options) ([]item, error) {
	for len(rest) > 0 {
		i := slices.IndexFunc(rest, func(it item) bool { return !it.named })
		if i < 0 {
			break
		}
		p := b.nextPositional()
		if p == nil {
			break
		}
		value, err := b.Cmdlet.convert(ctx, p, rest[i], o)
		if err != nil {
			return rest, err
		}
		b.bind(p, value)
		rest = slices.Delete(slices.Clone(rest), i, i+1)
	}
	return rest, nil
}

// nextPositional is the unbound parameter of lowest position, nil if there is none.
func (b *Bound) nextPositional() *Param {
	open := b.valid()
	if def := b.Cmdlet.setBit(b.Cmdlet.DefaultSet); open&def != 0 {
		open = def
	}
	var best *Param
	at := 0
	for i := range b.Cmdlet.Params {
		p := &b.Cmdlet.Params[i]
		if b.Has(p.Name) {
			continue
		}
		for _, m := range p.In {
			if m.Position > 0 && b.Cmdlet.setBit(m.Set)&open != 0 && (best == nil || m.Position < at) {
				best, at = p, m.Position
			}
		}
	}
	return best
}
