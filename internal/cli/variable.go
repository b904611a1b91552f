package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"invoke-mgupload/pkg/params"
)

// variables are the variables a run sets. A process cannot set its parent's, so
// each goes to a file that a shell integration, or the caller, reads back.
type variables struct {
	dir                              string
	rhv, out, errs, warns, info      target
	outValues, errValues, warnValues []json.RawMessage
	headerValue                      http.Header
}

// target is a variable's name and whether it is appended to.
type target struct {
	name   string
	append bool
}

// newVariables checks, before anything is sent, that the files can be written,
// and clears the headers' variable, so that it never shows an old answer (D17).
func newVariables(r *run) (*variables, error) {
	v := &variables{dir: r.env.path(r.set.variables)}
	if r.set.variables == "" {
		v.dir = r.env.path(".")
	}
	v.rhv = variableTarget(r.bound, "ResponseHeadersVariable")
	v.out = variableTarget(r.bound, "OutVariable")
	v.errs = variableTarget(r.bound, "ErrorVariable")
	v.warns = variableTarget(r.bound, "WarningVariable")
	v.info = variableTarget(r.bound, "InformationVariable")
	if !v.any() || r.dry() {
		return v, nil
	}
	if err := v.writable(); err != nil {
		return nil, r.spec.Refuse("UnreadableFile", "--variables", "Variables cannot be written to %s: %v. Give another folder with --variables.", v.dir, err)
	}
	if v.rhv.name != "" {
		if err := os.Remove(v.path(v.rhv)); err != nil && !os.IsNotExist(err) {
			return nil, r.spec.Refuse("UnreadableFile", "--variables", "The variable %s cannot be cleared: %v.", v.rhv.name, err)
		}
	}
	return v, nil
}

// dry reports whether nothing will be sent, whatever comes.
func (r *run) dry() bool {
	on, given := r.bound.Switch("WhatIf")
	if !given {
		on, _ = parseFlag(r.set.whatIf)
	}
	return on || r.set.showRequest
}

func variableTarget(b *params.Bound, param string) target {
	name := b.String(param)
	t := target{append: strings.HasPrefix(name, "+")}
	name = strings.TrimPrefix(name, "+")
	if _, rest, scoped := strings.Cut(name, ":"); scoped {
		name = rest
	}
	t.name = name
	return t
}

func (v *variables) any() bool {
	return v.rhv.name+v.out.name+v.errs.name+v.warns.name+v.info.name != ""
}

func (v *variables) path(t target) string { return filepath.Join(v.dir, t.name+".mgvar.json") }

// writable makes and removes a file as write will.
func (v *variables) writable() error {
	f, err := os.CreateTemp(v.dir, ".mgvar-*")
	if err != nil {
		return err
	}
	return joined(f.Close(), os.Remove(f.Name()))
}

func joined(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// headers keeps an answer's headers, failures too: one value per line as received.
func (v *variables) headers(h http.Header) {
	if v.rhv.name != "" {
		v.headerValue = h.Clone()
	}
}

func (v *variables) output(value []byte) { keep(v.out, &v.outValues, value) }

func (v *variables) warning(text string) {
	value, err := json.Marshal(text)
	if err == nil {
		keep(v.warns, &v.warnValues, value)
	}
}

func (v *variables) error(rec *record) {
	value, err := json.Marshal(rec)
	if err == nil {
		keep(v.errs, &v.errValues, value)
	}
}

func keep(t target, values *[]json.RawMessage, value []byte) {
	if t.name != "" {
		*values = append(*values, value)
	}
}

// close writes the variables.
func (v *variables) close() error {
	var errs []error
	if v.headerValue != nil {
		errs = append(errs, v.write(v.rhv, v.headerValue))
	}
	for _, list := range []struct {
		target
		values []json.RawMessage
	}{{v.out, v.outValues}, {v.errs, v.errValues}, {v.warns, v.warnValues}, {v.info, nil}} {
		if list.name != "" {
			errs = append(errs, v.write(list.target, list.values))
		}
	}
	return joined(errs...)
}

// write replaces a variable's file at once, readable by its owner only.
func (v *variables) write(t target, value any) error {
	if list, ok := value.([]json.RawMessage); ok {
		old, err := v.old(t)
		if err != nil {
			return err
		}
		value = append(old, list...)
	}
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(v.dir, ".mgvar-*")
	if err != nil {
		return fmt.Errorf("the variable %s cannot be written: %w", t.name, err)
	}
	_, err = f.Write(append(data, '\n'))
	if err = joined(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), v.path(t))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("the variable %s cannot be written: %w", t.name, err)
	}
	return nil
}

// old is what an appended variable held.
func (v *variables) old(t target) ([]json.RawMessage, error) {
	list := []json.RawMessage{}
	if !t.append {
		return list, nil
	}
	data, err := os.ReadFile(v.path(t))
	if os.IsNotExist(err) {
		return list, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("the variable %s cannot be appended to: %w", t.name, err)
	}
	return list, nil
}
