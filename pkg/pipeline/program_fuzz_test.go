package pipeline

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzProgramMessage feeds what a program may print: what is accepted must make a request or an
// answer that can be written.
func FuzzProgramMessage(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `null`, `x`, `{"next":{}}`, `{"next":null}`, `{"response":{}}`, `{"response":{"status":204}}`,
		`{"next":{"method":"PATCH","url":"https://h/x","headers":{"a":"b","C":["d","e"],"f":null},"body":"{}"}}`,
		`{"next":{"method":"A B"}}`, `{"next":{"url":"//h"}}`, `{"next":{"url":"https://u:p@h/"}}`, `{"next":{"headers":{"a":1}}}`,
		`{"next":{"headers":{"a b":"c"}}}`, `{"next":{"headers":{"a":"b\r\nc: d"}}}`, `{"next":{"body":1}}`, `{"next":{"body":null}}`,
		`{"next":{"bodyBase64":"/w=="}}`, `{"response":{"status":99}}`, `{"response":{"status":204,"body":"x","bodyBase64":"eA=="}}`,
		"{\"next\":{\"body\":\"\xff\"}}", `{"next":{},"response":{}}`, `{"next":{"hedaers":{}}}`, `{"next":{"url":"https:///x"}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := readMessage(json.NewDecoder(strings.NewReader(text)))
		if err != nil {
			return
		}
		if m.Next != nil {
			checkRequest(t, m.Next)
		} else {
			checkResponse(t, m.Response)
		}
	})
}

func checkRequest(t *testing.T, c *requestChange) {
	req := &http.Request{Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: "graph.example", Path: "/x"}}
	out, err := c.request(req, []byte("{}"))
	if err != nil {
		return
	}
	if out.URL.Host == "" || out.URL.User != nil || out.URL.Scheme != "https" && out.URL.Scheme != "http" {
		t.Errorf("the request goes to %q", out.URL)
	}
	if out.Header.Get("Connection") != "" || out.Header.Get("Host") != "" {
		t.Errorf("the request has headers of the connection: %q", out.Header)
	}
	if _, err := http.NewRequest(out.Method, out.URL.String(), nil); err != nil {
		t.Errorf("accepted, but net/http says %v", err)
	}
	if err := out.Write(io.Discard); err != nil {
		t.Errorf("accepted, but net/http says %v", err)
	}
}

func checkResponse(t *testing.T, c *responseChange) {
	resp, err := c.response(&http.Response{Header: http.Header{}, Body: http.NoBody})
	if err != nil {
		return
	}
	if resp.StatusCode < 200 || resp.StatusCode > 599 || resp.Body == nil {
		t.Errorf("an answer with status %d and body %v", resp.StatusCode, resp.Body)
	}
	if err := resp.Write(io.Discard); err != nil {
		t.Errorf("accepted, but net/http says %v", err)
	}
}
