package parity

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"invoke-mgupload/parity-tests/golden"
	"invoke-mgupload/parity-tests/mock"
)

// oracle is a tool that knows the record: it does what is expected and, where a test wants it,
// one thing else. It proves that the replayer accepts parity and sees what is not.
type oracle struct {
	record golden.Record
	fill   func(string) string
	spoil  spoiler
}

// spoiler changes what the oracle does; nil leaves it right.
type spoiler func(*expectation, *Outcome, map[string]json.RawMessage)

func (o oracle) run(_ context.Context, in Invocation) Outcome {
	want, out, vars := expect(o.record), Outcome{}, map[string]json.RawMessage{}
	if v := Judge(o.record); v.Fact != "" {
		return o.turn(v.Fact)
	}
	out.Exit = want.exits[0]
	o.print(want, &out)
	if o.record.RHV != nil {
		vars[variableOf(o.record)] = o.headers()
	}
	if o.spoil != nil {
		o.spoil(&want, &out, vars)
	}
	for i, q := range want.requests {
		o.send(q, i)
	}
	for name, text := range vars {
		if err := os.WriteFile(filepath.Join(in.Env["MGUPLOAD_VARIABLES"], name+".mgvar.json"), text, 0o600); err != nil {
			out.Stderr += err.Error()
		}
	}
	return out
}

func (o oracle) print(want expectation, out *Outcome) {
	r := o.record
	if r.Mode == "process" {
		out.Stdout, out.Stderr = r.Stdout, o.fill(r.Stderr)
		return
	}
	for _, line := range whatIf(r.Host) {
		out.Stdout += line + "\n"
	}
	for _, text := range want.output {
		if text == modelOutput {
			text = `{"id": 1}`
			if len(r.Answers) == 1 && r.Answers[0].JSON != nil {
				text = string(r.Answers[0].JSON)
			}
		}
		out.Stdout += text + "\n"
	}
	for _, line := range r.Warnings {
		out.Stderr += "WARNING: " + line + "\n"
	}
	for _, line := range r.Verbose {
		out.Stderr += "VERBOSE: " + line + "\n"
	}
	for _, e := range want.errors {
		p := printedError{e.ID, e.Category, o.fill(e.Message), o.fill(e.Details), e.Recommended, e.Terminating}
		if e.loose {
			p = printedError{ID: "Ours", Message: "in our words"}
		}
		text, _ := json.Marshal(p)
		out.Stderr += string(text) + "\n"
	}
}

func (o oracle) headers() json.RawMessage {
	all := map[string][]string{}
	for _, e := range o.record.RHV.Entries {
		for _, item := range e.Value.Items {
			all[e.Key] = append(all[e.Key], o.fill(item.Value))
		}
	}
	text, _ := json.Marshal(all)
	return text
}

// turn does what the deviation promises.
func (o oracle) turn(f Fact) Outcome {
	p := promised[f]
	out := Outcome{Exit: p.exit}
	if p.said {
		out.Stderr = `{"fullyQualifiedErrorId":"Ours","message":"in our words"}` + "\n"
	}
	q := golden.Request{Method: "POST", Target: "/", Headers: golden.Headers{Standard: true}}
	if f == factProxied {
		q.Via = "proxy"
	}
	for _, w := range o.record.Words() {
		text, _ := json.Marshal(w)
		q.Body += string(text)
	}
	for i := range p.requests {
		o.send(q, i)
	}
	return out
}

// send puts a recorded request on the wire. An answer that is broken is no concern of its.
func (o oracle) send(q golden.Request, number int) {
	port := map[string]string{"": "{PORT}", "https": "{PORT}", "other": "{OTHER}", "http": "{HTTP}", "proxy": "{PROXY}"}[q.On]
	at := o.fill("127.0.0.1:" + port)
	through := at
	if q.Via == "proxy" {
		through = o.fill("127.0.0.1:{PROXY}")
	}
	c, err := net.Dial("tcp", through)
	if err != nil && q.On == "other" {
		c, err = net.Dial("tcp", o.fill("127.0.0.2:{OTHER}"))
	}
	if err != nil {
		return
	}
	defer c.Close()
	if q.Via == "proxy" {
		fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", at)
		if _, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "CONNECT"}); err != nil {
			return
		}
	}
	if q.On == "" || q.On == "https" || q.On == "other" {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // only the replayer is tested here
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", q.Method, o.fill(q.Target))
	for _, header := range wantHeaders(q) {
		fresh := fmt.Sprintf("00000000-0000-0000-0000-%012d", number)
		b.WriteString(strings.NewReplacer("{GUID}", fresh, "{TOKEN}", token).Replace(o.fill(header)) + "\r\n")
	}
	fmt.Fprintf(c, "%s\r\n%s", b.String(), q.Body)
	in := bufio.NewReader(c)
	for { // past 100 Continue and its like: the request has arrived when the answer has
		if answer, err := http.ReadResponse(in, nil); err != nil || answer.StatusCode >= 200 {
			return
		}
	}
}

// TestOracleHasParity replays everything against the oracle: no record may ask the impossible.
func TestOracleHasParity(t *testing.T) {
	if testing.Short() {
		t.Skip("replays every record")
	}
	replayAll(t, func(r golden.Record, m *mock.Mock) Runner { return oracle{record: r, fill: m.Fill}.run })
}

// TestReplayerSees spoils one aspect at a time.
func TestReplayerSees(t *testing.T) {
	s := newStages(t)
	records := load(t)
	for _, c := range []struct {
		name, id, aspect string
		spoil            spoiler
	}{
		{"no request", "matrix.Pki.UploadExpanded.ok", "request count", func(x *expectation, _ *Outcome, _ map[string]json.RawMessage) { x.requests = nil }},
		{"a request too many", "whatif.special-id", "request count", func(x *expectation, _ *Outcome, _ map[string]json.RawMessage) {
			x.requests = []golden.Request{{Method: "POST", Target: "/", Headers: golden.Headers{Standard: true}}}
		}},
		{"another target", "matrix.Pki.UploadExpanded.ok", "request 0 line", func(x *expectation, _ *Outcome, _ map[string]json.RawMessage) { x.requests[0].Target += "x" }},
		{"another body", "matrix.Pki.UploadExpanded.ok", "request 0 body", func(x *expectation, _ *Outcome, _ map[string]json.RawMessage) {
			x.requests[0].Body = strings.ToUpper(x.requests[0].Body)
		}},
		{"a header missing", "headers.lower", "request 0 headers", func(x *expectation, _ *Outcome, _ map[string]json.RawMessage) { x.requests[0].Headers.Standard = true }},
		{"exit 0 on failure", "httperror.400", "exit status", func(_ *expectation, o *Outcome, _ map[string]json.RawMessage) { o.Exit = 0 }},
		{"exit 1 where binding failed", "sets.positional", "exit status", func(_ *expectation, o *Outcome, _ map[string]json.RawMessage) { o.Exit = 1 }},
		{"no error record", "httperror.400", "error count", func(_ *expectation, o *Outcome, _ map[string]json.RawMessage) { o.Stderr = "" }},
		{"another message", "httperror.400", "error 0 message", func(_ *expectation, o *Outcome, _ map[string]json.RawMessage) {
			o.Stderr = strings.Replace(o.Stderr, "contains invalid values", "is bad", 2)
		}},
		{"a header lost in the details", "httperror.400", "error 0 details", func(_ *expectation, o *Outcome, _ map[string]json.RawMessage) {
			o.Stderr = strings.Replace(o.Stderr, "x-ms-resource-unit ", "x ", 1)
		}},
		{"not terminating", "sets.positional", "error 0 terminating", func(_ *expectation, o *Outcome, _ map[string]json.RawMessage) {
			o.Stderr = strings.Replace(o.Stderr, "true", "false", 1)
		}},
		{"another What if", "whatif.special-id", "what if", func(_ *expectation, o *Outcome, _ map[string]json.RawMessage) { o.Stdout = "What if: nothing\n" }},
		{"no output", "passthru.pki-200", "output", func(_ *expectation, o *Outcome, _ map[string]json.RawMessage) { o.Stdout = "" }},
		{"a number rounded", "model.minimal", "output", func(_ *expectation, o *Outcome, _ map[string]json.RawMessage) { o.Stdout = "{}" }},
		{"no variable", "rhv.plain", "response headers variable", func(_ *expectation, _ *Outcome, vars map[string]json.RawMessage) { delete(vars, "h") }},
		{"a value lost", "rhv.plain", "response headers variable", func(_ *expectation, _ *Outcome, vars map[string]json.RawMessage) { vars["h"] = []byte(`{}`) }},
		{"words on the screen", "process.ok", "stdout", func(_ *expectation, o *Outcome, _ map[string]json.RawMessage) { o.Stdout = "done\n" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := slices.IndexFunc(records, func(r golden.Record) bool { return r.ID == c.id })
			if i < 0 || !Judge(records[i]).Replayed() {
				t.Fatalf("%s is not replayed", c.id)
			}
			m := s.take(t)
			o := oracle{record: records[i], fill: m.Fill, spoil: c.spoil}
			different, err := Replay(t.Context(), o.run, records[i], Stage{Mock: m, Dir: t.TempDir(), CAFile: s.caFile})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(different, func(d Difference) bool { return d.Aspect == c.aspect }) {
				t.Errorf("%q is not among %+v", c.aspect, different)
			}
		})
	}
}

// TestBrokenPromises: a fact that is not kept is a difference, whatever else is right.
func TestBrokenPromises(t *testing.T) {
	post := mock.Request{Method: "POST", Body: `{"uploadUrl": "null"}`}
	said := `{"fullyQualifiedErrorId":"X","message":"m"}`
	words := golden.Record{Argv: []string{"-UploadUrl", "null"}}
	for _, c := range []struct {
		fact  Fact
		got   seen
		keeps bool
	}{
		{factRefused, seen{Outcome: Outcome{Exit: 2, Stderr: said}}, true},
		{factRefused, seen{Outcome: Outcome{Exit: 2}}, false},
		{factRefused, seen{Outcome: Outcome{Exit: 1, Stderr: said}}, false},
		{factRefused, seen{Outcome: Outcome{Exit: 2, Stderr: said}, requests: []mock.Request{post}}, false},
		{factTaken, seen{requests: []mock.Request{post}}, true},
		{factTaken, seen{requests: []mock.Request{post}, Outcome: Outcome{Stderr: said}}, false},
		{factArrives, seen{requests: []mock.Request{post}}, true},
		{factArrives, seen{requests: []mock.Request{{Body: `{"uploadUrl": "x"}`}}}, false},
		{factProxied, seen{requests: []mock.Request{{Via: "proxy"}}}, true},
		{factProxied, seen{requests: []mock.Request{{On: "proxy"}}}, true},
		{factProxied, seen{requests: []mock.Request{post}}, false},
	} {
		if kept := len(check(Verdict{Fact: c.fact}, words, c.got)) == 0; kept != c.keeps {
			t.Errorf("%s, %+v: kept %t", c.fact, c.got.Outcome, kept)
		}
	}
}
