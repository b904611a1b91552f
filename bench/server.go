package main

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
)

// failEvery: of so many items the last fails.
const failEvery = 100

// failure is Graph's answer for an object that is not there.
const failure = `{"error":{"code":"Request_ResourceNotFound","message":"Resource does not exist.","innerError":{"date":"2025-01-01T00:00:00","request-id":"00000000-0000-0000-0000-000000000000"}}}`

// graph answers uploads and checks that they come one after another.
type graph struct {
	failing bool // items fail, see failEvery

	mu       sync.Mutex
	requests int64
	astray   int64 // requests for another item than the next
}

func (g *graph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	item := itemOf(r.URL.Path)
	g.mu.Lock()
	if r.Method != http.MethodPost || item != g.requests {
		g.astray++
	}
	g.requests++
	g.mu.Unlock()
	if g.failing && fails(item) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, failure)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// fails reports whether item i is one of those that fail.
func fails(i int64) bool { return i%failEvery == failEvery-1 }

// itemOf is the number of the item that a path is for, -1 if it is none's.
func itemOf(target string) int64 {
	name := path.Base(path.Dir(target))
	i, err := strconv.ParseInt(name[strings.LastIndexByte(name, '-')+1:], 10, 64)
	if err != nil || name != id(i) {
		return -1
	}
	return i
}

// take answers the counts and starts them anew.
func (g *graph) take() (requests, astray int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	requests, astray = g.requests, g.astray
	g.requests, g.astray = 0, 0
	return requests, astray
}

// writeCA writes the certificate of a TLS server where --ca-file can read it.
func writeCA(s *httptest.Server, file string) error {
	block := &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}
	return os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
}
