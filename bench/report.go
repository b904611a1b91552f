package main

import (
	"fmt"
	"io"
)

// unit is what stands behind a figure's number.
type unit string

const (
	times  unit = "×"
	ms     unit = " ms"
	us     unit = " µs"
	mb     unit = " MB" // millions of bytes
	pieces unit = ""
)

func (u unit) format(v float64) string {
	if u == pieces {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f%s", v, u)
}

// bound is what a figure may be at most, or at least. The zero value bounds nothing.
type bound struct {
	limit   float64
	atLeast bool
}

// figure is one row of the report.
type figure struct {
	name  string
	value float64
	unit  unit
	bound bound
	note  string // what it was made from
}

// exceeded reports whether the bound does not hold.
func (f figure) exceeded() bool {
	switch {
	case f.bound == bound{}:
		return false
	case f.bound.atLeast:
		return f.value < f.bound.limit
	}
	return f.value > f.bound.limit
}

func (f figure) limits() string {
	switch {
	case f.bound == bound{}:
		return ""
	case f.bound.atLeast:
		return "≥ " + f.unit.format(f.bound.limit)
	}
	return "≤ " + f.unit.format(f.bound.limit)
}

// print writes the row; one that is out of bounds has a mark.
func (f figure) print(w io.Writer) {
	mark := " "
	if f.exceeded() {
		mark = "!"
	}
	fmt.Fprintf(w, "%-46s %10s %s %-10s  %s\n", f.name, f.unit.format(f.value), mark, f.limits(), f.note)
}
