package cli

import (
	"strings"
	"testing"

	"invoke-mgupload/parity-tests/golden"
	"invoke-mgupload/pkg/pipeline"
)

// What the recorded error bodies say: code and message as the record has them.
func TestParseServiceErrorAsRecorded(t *testing.T) {
	checked := 0
	for _, r := range records(t, "httperror.") {
		if len(r.Errors) != 1 || len(r.Answers) == 0 {
			continue
		}
		a := r.Answers[len(r.Answers)-1]
		body := []byte(a.Body)
		if a.JSON != nil {
			body = a.JSON
		}
		if a.Gzip || a.Deflate || a.Status < 400 {
			continue
		}
		checked++
		e := parseServiceError(body)
		if strings.HasSuffix(r.Errors[0].Exception, "ParserException") {
			if e.json && string(body) != "null" {
				t.Errorf("%s: %q was read as an error", r.ID, body)
			}
			continue
		}
		code, message := shownError(e, a)
		wantCode, _, hasCode := strings.Cut(r.Errors[0].ID, ",")
		if !hasCode {
			wantCode = ""
		}
		if code != wantCode || message != r.Errors[0].Message {
			t.Errorf("%s: got %q, %q, want %q, %q", r.ID, code, message, wantCode, r.Errors[0].Message)
		}
		if action := r.Errors[0].Recommended; e.action != action && !strings.HasPrefix(action, "See service") {
			t.Errorf("%s: got action %q, want %q", r.ID, e.action, action)
		}
	}
	if checked < 50 {
		t.Errorf("only %d records were checked", checked)
	}
}

// shownError is the code and the message of the record that an answer becomes.
func shownError(e serviceError, a golden.Answer) (code, message string) {
	code, message = e.code, e.message
	if e.nested && e.hasCode && e.hasMessage {
		return code, "[" + code + "] : " + message
	}
	if !e.hasCode {
		code = pipeline.StatusName(a.Status)
	}
	if !e.hasMessage {
		message = fallback(a.Status)
	}
	return code, message
}

func TestIsErrorObject(t *testing.T) {
	for body, want := range map[string]bool{
		`{"error":{"code":"c","message":"m"}}`: true,
		`{"error":{"code":"c"}}`:               true,
		`{"Error":{"Message":"m"}}`:            true,
		`{"error":{}}`:                         false,
		`{"error":"text"}`:                     false,
		`{"error":null}`:                       false,
		`{"code":"c","message":"m"}`:           false,
		`{"id":"a"}`:                           false,
		`[{"error":{"code":"c"}}]`:             false,
		``:                                     false,
	} {
		if got := isErrorObject([]byte(body)); got != want {
			t.Errorf("%s: got %v", body, got)
		}
	}
}

func TestFallback(t *testing.T) {
	for status, want := range map[int]string{
		304: "The server responded with an unrecognized response, Status: NotModified",
		404: "The server responded with a Request Error, Status: NotFound",
		418: "The server responded with a Request Error, Status: 418",
		502: "The server responded with a Server Error, Status: BadGateway",
		600: "The server responded with an unrecognized response, Status: 600",
	} {
		if got := fallback(status); got != want {
			t.Errorf("%d: got %q, want %q", status, got, want)
		}
	}
}

func FuzzParseServiceError(f *testing.F) {
	for _, seed := range []string{`{"error":{"code":"c","message":"m","innerError":{"date":"d"}}}`, `{"properties":{"statusMessage":"m"}}`, `[]`, `null`, `{`, "\ufeff{}", `{"error":{"code":5}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e := parseServiceError(body)
		if !e.json && (e.nested || e.hasCode || e.hasMessage) {
			t.Errorf("%q says something though it is not JSON: %+v", body, e)
		}
		if e.code != "" && !e.hasCode || e.message != "" && !e.hasMessage {
			t.Errorf("%q: %+v", body, e)
		}
	})
}
