package params_test

import (
	"strings"
	"testing"

	"invoke-mgupload/pkg/params"
)

func BenchmarkBind(b *testing.B) {
	c := send()
	words := []string{"-ThingId", "a", "-Url", "https://h/f.p7b", "-Password", "p", "-WhatIf", "--show-request"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := params.Parse(c, additions, words).Bind(b.Context(), params.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAccept(b *testing.B) {
	bound, err := params.Parse(send(), additions, []string{"-Url", "u"}).Bind(b.Context(), params.Options{Pipeline: true, From: []string{"InputObject"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bound.Accept(`{"thing-id":"01234567-89ab-cdef-0123-456789abcdef"}`); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseJSON(b *testing.B) {
	text := `{"list":[` + strings.Repeat(`{"name":"a value","n":12.5,"ok":true},`, 1000) + `null]}`
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := params.ParseJSON(text); err != nil {
			b.Fatal(err)
		}
	}
}
