package pipeline_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

// What the program is shown: the request as the real steps see it (steps.inspect-request), and no
// token wherever it stands.
func TestProgramSees(t *testing.T) {
	noneLeft(t)
	for _, c := range []struct {
		name, body, answer, request, response string
	}{
		{"text", "{\n  \"a\": \"<ü>\"\n}", "yes",
			`"body":"{\n  \"a\": \"<ü>\"\n}"}`, `{"status":200,"headers":{"X-A":["1","2"]},"body":"yes"}`},
		{"none", "", "", `}`, `{"status":200,"headers":{"X-A":["1","2"]}}`},
		{"no text", "\xff", "\xfe", `"bodyBase64":"/w=="}`, `{"status":200,"headers":{"X-A":["1","2"]},"bodyBase64":"/g=="}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), "POST", "https://graph.example/v1.0/a%20b?c=1&d=2", strings.NewReader(c.body))
			req.Header.Set("X-User", "u")
			req.Header.Set("Authorization", "Bearer secret")
			o := acting(t, "read >", `print {"next":{}}`, "read <")
			var shown bytes.Buffer
			o.Stderr = &shown
			s := newScript(t, func() *http.Response { return pipelinetest.Answer(200, c.answer, "X-A", "1", "X-A", "2") })
			resp, err := Program(o)(req, s)
			if err != nil {
				t.Fatal(err)
			}
			if got := readAll(t, resp); got != c.answer {
				t.Errorf("the answer is %q, want %q", got, c.answer)
			}
			comma := ","
			if c.body == "" {
				comma = ""
			}
			want := `> {"method":"POST","url":"https://graph.example/v1.0/a%20b?c=1&d=2","headers":{"X-User":["u"]}` + comma + c.request + "\n< " + c.response + "\n"
			if got := shown.String(); got != want {
				t.Errorf("the program read\n%swant\n%s", got, want)
			}
			if s.sent[0].Body != c.body || s.sent[0].Header.Get("Authorization") != "Bearer secret" {
				t.Errorf("sent %+v, want the request unchanged", s.sent[0])
			}
		})
	}
}

func TestProgramChangesRequest(t *testing.T) {
	const target = "https://graph.example/v1.0/things/1/upload?a=b"
	const payload = `{"password":"p","uploadUrl":"u"}`
	kept := http.Header{"Content-Type": {"application/json"}, "X-User": {"kept"}}
	for _, c := range []struct {
		name, next string
		want       sent
	}{
		{"nothing", `{}`, sent{Method: "POST", URL: target, Body: payload, Header: kept}},
		{"steps.change-method", `{"method":"PATCH"}`, sent{Method: "PATCH", URL: target, Body: payload, Header: kept}},
		{"steps.change-uri", `{"url":"https://graph.example/beta?x=%2F"}`, sent{Method: "POST", URL: "https://graph.example/beta?x=%2F", Body: payload, Header: kept}},
		{"steps.change-body", `{"body":"{\"x\":1}","headers":{"content-type":"text/plain"}}`,
			sent{Method: "POST", URL: target, Body: `{"x":1}`, Header: http.Header{"Content-Type": {"text/plain"}, "X-User": {"kept"}}}},
		{"base64", `{"bodyBase64":"/w=="}`, sent{Method: "POST", URL: target, Body: "\xff", Header: kept}},
		{"no body", `{"body":null}`, sent{Method: "POST", URL: target, Header: kept}},
		{"steps.add-header", `{"headers":{"X-Step":["v","w"],"x-one":"o","x-user":null,"Content-Type":[]}}`,
			sent{Method: "POST", URL: target, Body: payload, Header: http.Header{"X-Step": {"v", "w"}, "X-One": {"o"}}}},
		{"all said again", `{"method":"POST","url":"` + target + `","headers":{"X-User":["kept"]},"body":"{}"}`,
			sent{Method: "POST", URL: target, Body: "{}", Header: kept}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, status(503), status(200))
			// Retry behind the step: a changed body must be there for each send.
			chain := New(s, Named{"program", Program(acting(t, `print {"next":`+c.next+`}`))}, Named{"retry", Retry(RetryOptions{Max: 1})})
			resp, err := chain.Send(pipelinetest.Request(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if len(s.sent) != 2 {
				t.Fatalf("%d sends, want 2", len(s.sent))
			}
			s.sent[1].Header.Del("Retry-Attempt")
			for _, got := range s.sent {
				got.At = 0
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("sent %+v, want %+v", got, c.want)
				}
			}
		})
	}
}

func TestProgramAnswers(t *testing.T) {
	noneLeft(t)
	for _, c := range []struct {
		name  string
		acts  []string
		sends int
		want  string // status, headers, body
	}{
		{"steps.short-circuit-204", []string{`print {"response":{"status":204}}`}, 0, `204 map[] `},
		{"steps.short-circuit-typed", []string{"read", `print {"response":{"status":200,"headers":{"x-fake":"1"},"body":"b"}}`, "drain"}, 0, `200 map[X-Fake:[1]] b`},
		{"passes", []string{`print {"next":{}}`, "read", "drain", "blanks 9"}, 1, `200 map[Content-Length:[4] X:[y]] body`},
		{"changes", []string{`print {"next":{}}`, "drain", `print {"response":{"status":201,"headers":{"x":null,"z":"1"},"body":"longer"}}`}, 1, `201 map[Z:[1]] longer`},
		{"changes nothing", []string{`print {"next":{}}`, "drain", `print {"response":{}}`}, 1, `200 map[Content-Length:[4] X:[y]] body`},
		{"takes the body away", []string{`print {"next":{}}`, "drain", `print {"response":{"body":null}}`}, 1, `200 map[X:[y]] `},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, status(200, "X", "y", "Content-Length", "4"))
			resp, err := call(t.Context(), Program(acting(t, c.acts...)), s)
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%d %v %s", resp.StatusCode, resp.Header, readAll(t, resp))
			if got != c.want || len(s.sent) != c.sends {
				t.Errorf("%s after %d sends, want %s after %d", got, len(s.sent), c.want, c.sends)
			}
		})
	}
}

func TestProgramErrors(t *testing.T) {
	noneLeft(t)
	secret := strings.Repeat("x", 100) // stands for what a program may spill
	for _, c := range []struct {
		name  string
		acts  []string
		sends int
		code  int
		says  string
	}{
		{"steps.throw", []string{"read", "error cannot sign", "error no key", "exit 3"}, 0, 3, "failed: exit status 3: cannot sign\nno key"},
		{"status wins over output", []string{"print usage: x", "exit 2"}, 0, 2, "failed: exit status 2"},
		{"status after an answer of its own", []string{`print {"response":{"status":204}}`, "exit 4"}, 0, 4, "failed: exit status 4"},
		{"status after the send", []string{`print {"next":{}}`, "drain", "exit 5"}, 1, 5, "failed after the service had answered 200: exit status 5"},
		{"steps.return-null", []string{"read"}, 0, 0, "it printed nothing"},
		{"steps.return-string", []string{"print " + secret}, 0, 0, "not JSON at byte 1"},
		{"cut", []string{`print {"next":{"body":"` + secret + `"`}, 0, 0, "ends inside a JSON value"},
		{"scalar", []string{`print "` + secret + `"`}, 0, 0, "not understood"},
		{"neither", []string{`print {}`}, 0, 0, "members next and response"},
		{"null", []string{`print {"next":null}`}, 0, 0, "members next and response"},
		{"both", []string{`print {"next":{},"response":{"status":204}}`}, 0, 0, "members next and response"},
		{"misspelt", []string{`print {"next":{"haeders":{}}}`}, 0, 0, "haeders"},
		{"status in next", []string{`print {"next":{"status":204}}`}, 0, 0, "status"},
		{"two answers", []string{`print {"response":{"status":204}} {"response":{"status":204}}`}, 0, 0, "more after its answer"},
		{"text after an answer", []string{`print {"response":{"status":204}}`, "print " + secret}, 0, 0, "more after its answer"},
		{"steps.send-twice", []string{`print {"next":{}}`, "read", `print {"next":{}}`}, 1, 0, "a second time"},
		{"steps.write-output-extra", []string{`print {"next":{}}`, "read", "print done"}, 1, 0, "not JSON"},
		{"two changes", []string{`print {"next":{}}`, "drain", `print {"response":{}}{"response":{}}`}, 1, 0, "more after its answer"},
		{"no status", []string{`print {"response":{"body":"x"}}`}, 0, 0, "status"},
		{"bad status", []string{`print {"response":{"status":600}}`}, 0, 0, "status"},
		{"bad status later", []string{`print {"next":{}}`, "drain", `print {"response":{"status":100}}`}, 1, 0, "status"},
		{"bad method", []string{`print {"next":{"method":"A B"}}`}, 0, 0, "method"},
		{"bad URL", []string{`print {"next":{"url":"/v1.0"}}`}, 0, 0, "url"},
		{"other scheme", []string{`print {"next":{"url":"ftp://h/"}}`}, 0, 0, "url"},
		{"password in URL", []string{`print {"next":{"url":"https://u:` + secret + `@h/"}}`}, 0, 0, "url"},
		{"connection header", []string{`print {"next":{"headers":{"te":"x"}}}`}, 0, 0, "Te cannot be set"},
		{"header name", []string{`print {"next":{"headers":{"a b":"x"}}}`}, 0, 0, "header name"},
		{"header twice", []string{`print {"next":{"headers":{"a":"x","A":"y"}}}`}, 0, 0, "twice"},
		{"header value", []string{`print {"next":{"headers":{"a":"` + secret + `\r\nb: c"}}}`}, 0, 0, "control character"},
		{"header number", []string{`print {"next":{"headers":{"a":1}}}`}, 0, 0, "must be a string"},
		{"body is JSON", []string{`print {"next":{"body":{"a":1}}}`}, 0, 0, "not a string"},
		{"two bodies", []string{`print {"next":{"body":"","bodyBase64":""}}`}, 0, 0, "both body and bodyBase64"},
		{"bad base64", []string{`print {"next":{"bodyBase64":"` + secret + `!"}}`}, 0, 0, "not base64"},
		{"not UTF-8", []string{"print {\"next\":{\"body\":\"\xff\"}}"}, 0, 0, "not UTF-8"},
		{"too much", []string{"blanks 16777217", `print {"next":{}}`, "exit 0"}, 0, 0, "more than 16 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := acting(t, c.acts...)
			o.Grace = time.Minute // the programs end by themselves
			s := newScript(t, status(200))
			resp, err := call(t.Context(), Program(o), s)
			closing(t, resp)
			e, ok := errors.AsType[*ProgramError](err)
			if !ok || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret) {
				t.Fatalf("error %v, want one that says %q", err, c.says)
			}
			answered := c.sends * 200
			if e.ExitCode != c.code || e.Answered != answered || e.Path != o.Path || len(s.sent) != c.sends {
				t.Errorf("%+v after %d sends, want exit code %d, answered %d after %d", e, len(s.sent), c.code, answered, c.sends)
			}
		})
	}
}
