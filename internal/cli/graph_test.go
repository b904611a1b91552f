package cli

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// graph is the service of a script: it gives the answers of an archive file in
// order and writes down what arrives.
type graph struct {
	server *httptest.Server

	mu      sync.Mutex
	hanging chan struct{} // closed when a request meets the answer that never comes
	answers []graphAnswer
	surplus int // requests that no answer was left for
	arrived int
	log     strings.Builder
	ids     map[string]int
}

type graphAnswer struct {
	status int // 0: none ever comes; -1: the connection is cut in the body
	header [][2]string
	body   string
}

type graphKey struct{}

func graphOf(ts *testscript.TestScript) *graph { return ts.Value(graphKey{}).(*graph) }

// cmdGraph starts the service and looks at what it got:
//
//	graph start ANSWERS     sets GRAPH, MGUPLOAD_ENDPOINT and MGUPLOAD_ACCESS_TOKEN
//	graph requests FILE     writes what arrived; every answer must have been used, and none was missing
//	graph idle              nothing must have arrived
func cmdGraph(ts *testscript.TestScript, neg bool, args []string) {
	g := graphOf(ts)
	switch {
	case !neg && len(args) == 2 && args[0] == "start":
		g.start(ts, ts.ReadFile(args[1]))
	case !neg && len(args) == 2 && args[0] == "requests":
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.surplus > 0 || len(g.answers) > 0 {
			ts.Fatalf("%d requests too many, %d answers not used; arrived:\n%s", g.surplus, len(g.answers), g.log.String())
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(g.log.String()), 0o644))
	case !neg && len(args) == 1 && args[0] == "idle":
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.arrived > 0 {
			ts.Fatalf("requests arrived:\n%s", g.log.String())
		}
	default:
		ts.Fatalf("usage: graph start ANSWERS | graph requests FILE | graph idle")
	}
}

func (g *graph) start(ts *testscript.TestScript, answers string) {
	if g.server != nil {
		g.server.Close()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.arrived, g.surplus = 0, 0
	g.log.Reset()
	g.ids, g.hanging = map[string]int{}, make(chan struct{})
	g.server = httptest.NewServer(g)
	ts.Defer(g.server.Close)
	// The same place under another name: another origin.
	other := strings.Replace(g.server.URL, "127.0.0.1", "localhost", 1)
	answers = strings.NewReplacer("{GRAPH}", g.server.URL, "{OTHER}", other).Replace(answers)
	var err error
	g.answers, err = parseAnswers(answers)
	ts.Check(err)
	ts.Setenv("GRAPH", g.server.URL)
	ts.Setenv("MGUPLOAD_ENDPOINT", g.server.URL)
	ts.Setenv("MGUPLOAD_ACCESS_TOKEN", "opaque-token")
}

// hangs is closed once a request waits for the answer that never comes.
func (g *graph) hangs() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.hanging
}

// parseAnswers reads answers one after another: a line "HTTP 404" (or "HTTP
// hang", "HTTP cut"), header lines, an empty line, the body up to the next.
func parseAnswers(text string) ([]graphAnswer, error) {
	var out []graphAnswer
	inBody := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if status, ok := strings.CutPrefix(line, "HTTP "); ok {
			n := map[string]int{"hang": 0, "cut": -1}
			code, special := n[status]
			if !special {
				var err error
				if code, err = strconv.Atoi(status); err != nil {
					return nil, err
				}
			}
			out, inBody = append(out, graphAnswer{status: code}), false
			continue
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("an answer begins with HTTP, not with %q", line)
		}
		a := &out[len(out)-1]
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case inBody:
			a.body += line + "\n"
		case line == "":
			inBody = true
		default:
			a.header = append(a.header, [2]string{name, value})
		}
	}
	for i := range out {
		out[i].body = strings.TrimRight(out[i].body, "\n")
	}
	return out, nil
}

func (g *graph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	a, ok := g.take(r, string(body))
	if !ok {
		http.Error(w, "no answer is left", http.StatusTeapot)
		return
	}
	if a.status == 0 {
		<-r.Context().Done()
		return
	}
	h := w.Header()
	h["Date"], h["Content-Type"] = nil, nil // not the server's own
	for _, line := range a.header {
		h[http.CanonicalHeaderKey(line[0])] = append(h[http.CanonicalHeaderKey(line[0])], line[1])
	}
	if a.status < 0 {
		h.Set("Content-Length", strconv.Itoa(len(a.body)+1))
		a.status = http.StatusOK
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body) // the client may be gone
}

// take writes a request down and takes the next answer.
func (g *graph) take(r *http.Request, body string) (graphAnswer, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.arrived++
	fmt.Fprintf(&g.log, "%s %s\n", r.Method, r.RequestURI)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			fmt.Fprintf(&g.log, "%s: %s\n", name, g.steady(name, value))
		}
	}
	fmt.Fprintf(&g.log, "\n%s\n\n", body)
	if len(g.answers) == 0 {
		g.surplus++
		return graphAnswer{}, false
	}
	a := g.answers[0]
	g.answers = g.answers[1:]
	if a.status == 0 {
		close(g.hanging)
	}
	return a, true
}

var guid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// steady is a header's value with a number in the place of each new id, and
// without version and system.
func (g *graph) steady(name, value string) string {
	switch {
	case name == "Client-Request-Id" && guid.MatchString(value):
		if g.ids[value] == 0 {
			g.ids[value] = len(g.ids) + 1
		}
		return fmt.Sprintf("<id %d>", g.ids[value])
	case name == "User-Agent" && value == userAgent():
		return strings.NewReplacer(version(), "<version>", runtime.GOOS, "<os>", runtime.GOARCH, "<arch>").Replace(value)
	case name == "Sdkversion":
		return strings.Replace(value, version(), "<version>", 1)
	}
	return value
}
