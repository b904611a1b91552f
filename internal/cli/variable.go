package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// variables are the variables a run sets. A process cannot set its parent's, so
// each goes to a file that a shell integration, or the caller, reads back.
type variables struct {
	rhv                       string // path of the headers' file, "" for none
	last                      http.Header
	out, errs, warnings, info *listFile // nil: not asked for
}

// newVariables checks, before anything is sent, that the files can be written,
// and clears the headers' variable, so that it never shows an old answer (D17).
func newVariables(r *run) (*variables, error) {
	v := &variables{}
	if r.dry() {
		return v, nil
	}
	dir := r.env.path(r.set.variables)
	if r.set.variables == "" {
		dir = r.folder()
	}
	fail := func(err error) error {
		return r.spec.Refuse("UnreadableFile", "--variables", "Variables cannot be written to %s: %v. Give another folder with --variables.", dir, err)
	}
	if name := r.bound.String("ResponseHeadersVariable"); name != "" {
		v.rhv = variablePath(dir, name)
		if err := clearFile(v.rhv); err != nil {
			return nil, fail(err)
		}
	}
	for param, list := range map[string]**listFile{"OutVariable": &v.out, "ErrorVariable": &v.errs, "WarningVariable": &v.warnings, "InformationVariable": &v.info} {
		name := r.bound.String(param)
		if name == "" {
			continue
		}
		var err error
		if *list, err = newListFile(variablePath(dir, strings.TrimPrefix(name, "+")), strings.HasPrefix(name, "+")); err != nil {
			v.abandon()
			return nil, fail(err)
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

// variablePath is the file of a variable; a scope before its name means nothing here.
func variablePath(dir, name string) string {
	if _, rest, scoped := strings.Cut(name, ":"); scoped {
		name = rest
	}
	return filepath.Join(dir, name+".mgvar.json")
}

// clearFile removes a file once it is sure that a new one can be made beside it.
func clearFile(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".mgvar-*")
	if err != nil {
		return err
	}
	err = os.Remove(path)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// headers keeps an answer's headers, a failure's too: one value per line as received.
func (v *variables) headers(h http.Header) {
	if v.rhv != "" {
		v.last = h
	}
}

// close writes the variables.
func (v *variables) close() error {
	var errs []error
	if v.last != nil {
		errs = append(errs, writeHeaders(v.rhv, v.last))
	}
	for _, list := range []*listFile{v.out, v.errs, v.warnings, v.info} {
		errs = append(errs, list.close())
	}
	return errors.Join(errs...)
}

// abandon leaves the files as they were.
func (v *variables) abandon() {
	for _, list := range []*listFile{v.out, v.errs, v.warnings, v.info} {
		if list != nil {
			_ = list.temp.Close()
			_ = os.Remove(list.temp.Name())
		}
	}
}

func writeHeaders(path string, h http.Header) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".mgvar-*")
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return replace(f, path, enc.Encode(h))
}

// replace puts a temporary file, readable by its owner only, in the place of
// path, or removes it if it could not be written whole.
func replace(f *os.File, path string, err error) error {
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("the variable file %s cannot be written: %w", filepath.Base(path), err)
	}
	return nil
}

// listFile is a variable that holds a JSON array. Elements are written as they
// come, so that a long run needs no memory for them; the file takes its place
// at the end. A nil listFile takes elements and drops them.
type listFile struct {
	path  string
	temp  *os.File
	comma bool
	err   error
}

// newListFile begins an array; with more, with the elements the file has.
func newListFile(path string, more bool) (*listFile, error) {
	temp, err := os.CreateTemp(filepath.Dir(path), ".mgvar-*")
	if err != nil {
		return nil, err
	}
	l := &listFile{path: path, temp: temp}
	_, l.err = io.WriteString(temp, "[")
	if more && l.err == nil {
		l.err = l.copyOld()
	}
	if l.err != nil {
		_ = temp.Close()
		return nil, errors.Join(l.err, os.Remove(temp.Name()))
	}
	return l, nil
}

func (l *listFile) copyOld() error {
	old, err := os.Open(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer old.Close()
	dec := json.NewDecoder(old)
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return fmt.Errorf("%s is no JSON array to append to", filepath.Base(l.path))
	}
	for dec.More() {
		var element json.RawMessage
		if err := dec.Decode(&element); err != nil {
			return err
		}
		l.add(element)
	}
	return l.err
}

// add appends an element of JSON text.
func (l *listFile) add(element []byte) {
	if l == nil || l.err != nil {
		return
	}
	separator := "\n"
	if l.comma {
		separator = ",\n"
	}
	l.comma = true
	_, l.err = l.temp.Write(append([]byte(separator), element...))
}

// put appends a value.
func (l *listFile) put(value any) {
	if l == nil {
		return
	}
	element, err := json.Marshal(value)
	if err != nil {
		l.err = err
		return
	}
	l.add(element)
}

func (l *listFile) close() error {
	if l == nil {
		return nil
	}
	if l.err == nil {
		_, l.err = io.WriteString(l.temp, "\n]\n")
	}
	return replace(l.temp, l.path, l.err)
}
