package pipeline_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

var redactor = NewRedactor(DefaultHeaders(), DefaultMembers())

// dumped sends one request through a Dump and returns what was dumped and read.
func dumped(t *testing.T, req *http.Request, answer func() *http.Response) (blocks []string, read string) {
	t.Helper()
	step := Dump(func(text string) { blocks = append(blocks, text) }, redactor)
	resp, err := step(req, newScript(t, answer))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return blocks, string(b)
}

func TestDumpBlocks(t *testing.T) { // streams.debug-ok, streams.debug-password
	req := pipelinetest.Request(t.Context())
	req.Header.Set("Authorization", "Bearer eyJtoken")
	req.Header.Set("client-request-id", "1-2")
	req.Header["x-lower"] = []string{"hunter2"}
	got, _ := dumped(t, req, func() *http.Response {
		return pipelinetest.Answer(400, `{"error":{"message":"bad p and eyJtoken","password":"p","eyJtoken":true},"n":1}`,
			"Date", "Tue, 24 Feb 2026 12:00:00 GMT", "Content-Type", "application/json", "Vary", "a", "Vary", "b", "Set-Cookie", "s=hunter2")
	})
	want := []string{`============================ HTTP REQUEST ============================

HTTP Method:
POST

Absolute Uri:
https://graph.example/v1.0/things/1/upload?***

Headers:
Client-Request-Id             : 1-2
X-Lower                       : <hidden: 7 characters, SHA-256 f52fbd32>
X-User                        : <hidden: 4 characters, SHA-256 79f076ab>

Body:
{
  "password": "<hidden: 1 characters, SHA-256 148de9c5>",
  "uploadUrl": "u"
}

`, `============================ HTTP RESPONSE ============================

Status Code:
BadRequest

Headers:
Date                          : Tue, 24 Feb 2026 12:00:00 GMT
Set-Cookie                    : <hidden: 9 characters, SHA-256 `}
	if len(got) != 2 || got[0] != want[0] || !strings.HasPrefix(got[1], want[1]) {
		t.Fatalf("dumped\n%s\nwant\n%s", strings.Join(got, ""), strings.Join(want, ""))
	}
	for _, text := range []string{"eyJtoken", "hunter2", "bad p and"} {
		if strings.Contains(strings.Join(got, ""), text) {
			t.Errorf("the dump shows %q:\n%s", text, strings.Join(got, ""))
		}
	}
	if !strings.Contains(got[1], "\nVary                          : a,b\n\nBody:\n{\n") {
		t.Errorf("the answer's block is\n%s", got[1])
	}
}

func TestDumpBodies(t *testing.T) {
	big := strings.Repeat("0123456789", 20_000)
	for _, c := range []struct{ name, body, want string }{
		{"streams.debug-html-error", "<html><body>Bad Gateway</body></html>", "<html><body>Bad Gateway</body></html>\n\n"},
		{"empty", "", "\n\n"},
		{"BOM", "\ufeff{\"id\":\"x\"}", "{\n  \"id\": \"x\"\n}\n\n"},
		{"streams.debug-text-error-long", strings.Repeat("ü", 11_000), strings.Repeat("ü", 10240) + "\r\nDATA TRUNCATED DUE TO SIZE\r\n\n\n"},
		{"long text", big, big[:10240] + "\r\nDATA TRUNCATED DUE TO SIZE\r\n\n\n"},
		{"long JSON", `{"id":"` + big + `"}`, "<hidden: 65536 bytes that are not whole or not text>\n\n"},
		{"broken JSON", `{"password":"hunter2",}`, "<hidden: 23 bytes that are not whole or not text>\n\n"},
		{"not text", "a\xff\xfe", "<hidden: 3 bytes that are not whole or not text>\n\n"},
		{"escapes", "a\x1b[31mb", "a\uFFFD[31mb\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			blocks, read := dumped(t, pipelinetest.Request(t.Context()), func() *http.Response { return pipelinetest.Answer(200, c.body) })
			if _, got, _ := strings.Cut(blocks[1], "\nBody:\n"); c.body != "" && got != c.want {
				t.Errorf("dumped %.200q, want %.200q", got, c.want)
			}
			if read != c.body {
				t.Errorf("the body read after the dump has %d bytes, want %d", len(read), len(c.body))
			}
		})
	}
}

func TestDumpKeepsReadError(t *testing.T) {
	cut := errors.New("cut")
	resp, err := call(t.Context(), Dump(func(string) {}, redactor), SenderFunc(func(*http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader("abc"), errReader{cut})
		return &http.Response{StatusCode: 200, Body: io.NopCloser(body)}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); string(got) != "abc" || !errors.Is(err, cut) {
		t.Errorf("read %q, %v, want abc and %v", got, err, cut)
	}
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

func TestDumpWithoutAnswer(t *testing.T) {
	var blocks []string
	step := Dump(func(text string) { blocks = append(blocks, text) }, redactor)
	failure := errors.New("connection\nrefused")
	_, err := call(t.Context(), step, SenderFunc(func(*http.Request) (*http.Response, error) { return nil, failure }))
	if err != failure || len(blocks) != 2 || blocks[1] != "no answer: connection refused" {
		t.Errorf("error %v and blocks %q, want a request and a line", err, blocks)
	}
}

func TestDumpEverySend(t *testing.T) {
	var first []string
	chain := New(newScript(t, status(503), status(204)),
		Named{"retry", Retry(RetryOptions{Max: 1})},
		Named{"dump", Dump(func(text string) {
			line, _, _ := strings.Cut(strings.Trim(text, "= "), " =")
			first = append(first, line)
		}, redactor)})
	resp, err := chain.Send(pipelinetest.Request(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if want := []string{"HTTP REQUEST", "HTTP RESPONSE", "HTTP REQUEST", "HTTP RESPONSE"}; !slices.Equal(first, want) {
		t.Errorf("dumped %q, want %q", first, want)
	}
}
