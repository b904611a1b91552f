package emulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzBody sends any body to every action: an answer of the emulator is 2xx or 4xx, and JSON or empty.
func FuzzBody(f *testing.F) {
	paths := []string{
		pkiUpload, connector, keySet + "uploadCertificate", keySet + "uploadPkcs12", keySet + "uploadSecret", depToken, session,
	}
	for _, g := range goodBodies(f) {
		f.Add(g.body, g.contentType)
	}
	for _, body := range []string{"", "{}", "null", `{"uploadUrl":"http://[::1%25]"}`, `{"a@b":[{}]}`, formHead, `{"key":"MIAwgAYB"}`} {
		f.Add(body, "application/json")
		f.Add(body, formType)
	}
	e := newTest(f, nil)
	f.Fuzz(func(t *testing.T, body, contentType string) {
		for _, path := range paths {
			w := send(e, "POST", path, body, "Content-Type", contentType)
			checkAnswer(t, w)
		}
	})
}

// FuzzPath sends any path and fault.
func FuzzPath(f *testing.F) {
	f.Add(pkiUpload, "503;times=1")
	f.Add(session, "429;retry-after=2")
	f.Add("//%2F/..", "retry-after=x;")
	e := newTest(f, nil)
	f.Fuzz(func(t *testing.T, path, fault string) {
		if strings.Contains(fault, "slow") || strings.Contains(fault, "reset") || strings.HasPrefix(fault, "5") {
			t.Skip("these may wait, panic or answer 5xx")
		}
		r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
		r.URL.Path = path
		r.Header.Set("Authorization", "Bearer "+testToken)
		r.Header.Set("Emulator-Fault", fault)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code < 500 {
			checkAnswer(t, w)
		}
	})
}

func checkAnswer(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code >= 500 || w.Code < 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if w.Code == http.StatusNoContent {
		if w.Body.Len() != 0 {
			t.Fatalf("204 with a body: %s", w.Body)
		}
		return
	}
	if !json.Valid(w.Body.Bytes()) {
		t.Fatalf("not JSON: %s", w.Body)
	}
}

// FuzzBundle parses any file: certificates or an error.
func FuzzBundle(f *testing.F) {
	f.Add([]byte("-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----"))
	f.Add(newBundle(f, newECCertificate(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		certificates, err := parseBundle(data)
		if (err == nil) != (len(certificates) > 0) {
			t.Errorf("%d certificates and error %v", len(certificates), err)
		}
	})
}
