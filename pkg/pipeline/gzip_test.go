package pipeline_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	w.Close()
	return b.String()
}

func TestGzipAsks(t *testing.T) {
	for _, c := range []struct {
		given []string
		want  string
	}{
		{nil, "gzip"},
		{[]string{"br"}, "br, gzip"},
		{[]string{"br", "deflate;q=0.5"}, "br, deflate;q=0.5, gzip"},
		{[]string{"GZIP;q=0.1"}, "GZIP;q=0.1"},
		{[]string{""}, "gzip"},
	} {
		req := pipelinetest.Request(t.Context())
		if c.given != nil {
			req.Header["Accept-Encoding"] = c.given
		}
		s := newScript(t, status(204))
		resp, err := Gzip()(req, s)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := strings.Join(s.sent[0].Header["Accept-Encoding"], " | "); got != c.want {
			t.Errorf("given %q: asks for %q, want %q", c.given, got, c.want)
		}
	}
}

func TestGzipDecodes(t *testing.T) {
	whole := zipped("hello")
	for _, c := range []struct {
		name, coding, body, want string
		broken                   bool
	}{
		{"streams.debug-gzip", "gzip", whole, "hello", false},
		{"x-gzip", "X-GZIP", whole, "hello", false},
		{"two members", "gzip", whole + zipped("!"), "hello!", false},
		{"none", "", "plain", "plain", false},
		{"unknown", "br", "br", "br", false},
		{"empty", "gzip", "", "", false},
		{"model.bad-gzip", "gzip", "not gzip at all", "", true},
		{"cut", "gzip", whole[:len(whole)-9], "", true},
		{"bad sum", "gzip", whole[:len(whole)-8] + "xxxxxxxx", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, err := call(t.Context(), Gzip(), newScript(t, func() *http.Response {
				return pipelinetest.Answer(200, c.body, "Content-Encoding", c.coding, "Content-Length", "9")
			}))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if _, ours := errors.AsType[*TransportError](err); ours != c.broken || !c.broken && string(got) != c.want {
				t.Errorf("read %q and %v, want %q, broken %v", got, err, c.want, c.broken)
			}
			decoded := strings.HasSuffix(strings.ToLower(c.coding), "gzip")
			if gone := resp.Header.Get("Content-Length") == ""; gone != decoded { // rhv.model-gzip
				t.Errorf("headers %v of a body that was decoded: %v", resp.Header, decoded)
			}
		})
	}
}
