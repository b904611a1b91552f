package emulator

import (
	"context"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func getStatus(t *testing.T, e *Emulator) pkiAnswer {
	t.Helper()
	w := send(e, "GET", pkiPath, "")
	var a pkiAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 {
		t.Fatal(w.Code, err)
	}
	return a
}

func TestJobLife(t *testing.T) {
	c := newClock()
	e := newTest(t, func(o *Options) { o.Now = c.Now; o.JobLength = time.Minute })
	if a := getStatus(t, e); a.Status != "succeeded" || a.LastModifiedDateTime != "2026-02-24T12:00:00Z" {
		t.Errorf("before: %+v", a)
	}
	c.advance(time.Hour)
	if w := send(e, "POST", pkiUpload, pkiBody); w.Code != 204 || w.Body.Len() != 0 {
		t.Fatal(w.Code, w.Body)
	}
	if a := getStatus(t, e); a.Status != "running" || a.LastModifiedDateTime != "2026-02-24T12:00:00Z" {
		t.Errorf("after the 204: %+v", a)
	}
	c.advance(59 * time.Second)
	// beta shows the same object
	beta := "/beta" + strings.TrimPrefix(pkiUpload, "/v1.0")
	if w := send(e, "POST", beta, pkiBody); w.Code != 400 || !strings.Contains(w.Body.String(), "in progress") {
		t.Errorf("second upload: %d %s", w.Code, w.Body)
	}
	c.advance(time.Second)
	if a := getStatus(t, e); a.Status != "succeeded" || a.StatusDetails != nil || a.LastModifiedDateTime != "2026-02-24T13:01:00Z" {
		t.Errorf("at the end: %+v", a)
	}
	if w := send(e, "POST", beta, pkiBody); w.Code != 204 {
		t.Errorf("next upload: %d %s", w.Code, w.Body)
	}
}

func TestPKIShape(t *testing.T) {
	e := newTest(t, nil)
	const want = `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/$entity",` +
		`"id":"11111111-2222-3333-4444-555555555555","deletedDateTime":null,"displayName":"Emulated PKI",` +
		`"lastModifiedDateTime":"2026-02-24T12:00:00Z","status":"succeeded","statusDetails":null}`
	if got := send(e, "GET", pkiPath, "").Body.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPKIBody(t *testing.T) {
	body := func(url, hash string) string {
		return fmt.Sprintf(`{"uploadUrl":%s,"sha256FileHash":%s}`, url, hash)
	}
	const u, h = `"https://ca.example/ca.p7b"`, `"` + testHash + `"`
	cases := []struct{ name, body, message string }{
		{"empty object", `{}`, "are: uploadUrl, sha256FileHash."},
		{"no hash", `{"uploadUrl":` + u + `}`, "are: sha256FileHash."},
		{"no url", `{"sha256FileHash":` + h + `}`, "are: uploadUrl."},
		{"null url", body("null", h), "are: uploadUrl."},
		{"empty url", body(`""`, h), "'uploadUrl': it is empty"},
		{"empty hash", body(u, `""`), "'sha256FileHash': it is empty"},
		{"short hash", body(u, `"ABC"`), "64 hex"},
		{"63 digits", body(u, `"`+testHash[1:]+`"`), "64 hex"},
		{"70 digits", body(u, `"`+testHash+`ABCDEF"`), "64 hex"},
		{"hash of letters", body(u, `"`+strings.Repeat("g", 64)+`"`), "64 hex"},
		{"relative url", body(`"/ca.p7b"`, h), "http or https"},
		{"ftp", body(`"ftp://ca.example/ca.p7b"`, h), "http or https"},
		{"no host", body(`"https:///ca.p7b"`, h), "http or https"},
		{"bad url", body(`"https://ca example\u0000/"`, h), "http or https"},
		{"number", body("5", h), "'uploadUrl': an Edm.String is needed"},
		{"array", body(u, `["`+testHash+`"]`), "'sha256FileHash': an Edm.String is needed"},
		{"bool", body("true", h), "Edm.String"},
		{"unknown", `{"uploadUrl":` + u + `,"sha256FileHash":` + h + `,"extra":1}`, "'extra' in the request payload is not a valid parameter for the operation 'upload'"},
		{"other case", `{"UploadUrl":` + u + `,"sha256FileHash":` + h + `}`, "'UploadUrl' in the request payload"},
		{"twice", `{"uploadUrl":` + u + `,"uploadUrl":` + u + `,"sha256FileHash":` + h + `}`, "'uploadUrl' is given twice"},
		{"nothing", ``, "Unable to read JSON"},
		{"cut", `{"uploadUrl":`, "Unable to read JSON"},
		{"trailing", pkiBody + `x`, "Unable to read JSON"},
		{"two values", pkiBody + `{}`, "Unable to read JSON"},
		{"array body", `[]`, "Unable to read JSON"},
		{"null body", `null`, "Unable to read JSON"},
		{"comment", `{/* */}`, "Unable to read JSON"},
		{"comma", `{"uploadUrl":` + u + `,}`, "Unable to read JSON"},
	}
	e := newTest(t, nil)
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			checkError(t, send(e, "POST", pkiUpload, tc.body), 400, "Request_BadRequest", tc.message)
		})
	}
}

func TestPKIBodyTaken(t *testing.T) {
	e := newTest(t, nil)
	for name, body := range map[string]string{
		"plain":      pkiBody,
		"lower case": strings.Replace(pkiBody, testHash, strings.ToLower(testHash), 1),
		"annotation": `{"@odata.type":"#x","uploadUrl@odata.type":"#String",` + pkiBody[1:],
		"http":       strings.Replace(pkiBody, "https", "http", 1),
	} {
		if w := send(e, "POST", pkiUpload, body); w.Code != 204 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestContentType(t *testing.T) {
	cases := []struct {
		contentType string
		status      int
	}{
		{"application/json", 204},
		{"application/json; charset=utf-8", 204},
		{"Application/JSON;odata.metadata=minimal", 204},
		{"", 400},
		{"text/plain", 400},
		{"application/x-www-form-urlencoded", 400},
		{"application/jsonx", 400},
	}
	e := newTest(t, nil)
	for _, tc := range cases {
		t.Run(tc.contentType, func(t *testing.T) {
			w := send(e, "POST", pkiUpload, pkiBody, "Content-Type", tc.contentType)
			if w.Code != tc.status {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if tc.status == 400 {
				checkError(t, w, 400, "Request_BadRequest", "Content-Type")
			}
		})
	}
}

// newBundle returns a PKCS#7 file of certificates.
func newBundle(t testing.TB, certificates ...[]byte) []byte {
	t.Helper()
	var all []byte
	for _, c := range certificates {
		all = append(all, c...)
	}
	type content struct{ Type asn1.ObjectIdentifier }
	signed, err := asn1.Marshal(struct {
		Version      int
		Algorithms   asn1.RawValue
		Content      content
		Certificates asn1.RawValue
		Signers      asn1.RawValue
	}{
		1, asn1.RawValue{Tag: 17, IsCompound: true}, content{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}},
		asn1.RawValue{Class: 2, IsCompound: true, Bytes: all}, asn1.RawValue{Tag: 17, IsCompound: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, asn1.RawValue{Class: 2, IsCompound: true, Bytes: signed}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The file was made with openssl crl2pkcs7, from two certificates.
func TestBundleOfOpenSSL(t *testing.T) {
	data, err := os.ReadFile("testdata/openssl.p7b")
	if err != nil {
		t.Fatal(err)
	}
	certificates, err := parseBundle(data)
	if err != nil || len(certificates) != 2 {
		t.Errorf("%d certificates, error %v", len(certificates), err)
	}
}

func uploadBody(data []byte) string {
	return fmt.Sprintf(`{"uploadUrl":"https://ca.example/ca.p7b?sig=url-secret","sha256FileHash":"%X"}`, sha256.Sum256(data))
}

func TestFetchedJob(t *testing.T) {
	a := newFixture(t)
	good := newBundle(t, a.certificate)
	many := make([][]byte, maxAuthorities+1)
	for i := range many {
		many[i] = a.certificate
	}
	boom := errors.New("url-secret")
	cases := []struct {
		name    string
		file    []byte
		open    error
		read    error
		body    string
		status  string
		details string
	}{
		{name: "DER", file: good, status: "succeeded"},
		{name: "PEM", file: pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: good}), status: "succeeded"},
		{name: "unreachable", open: boom, status: "failed", details: "can't be read"},
		{name: "cut off", file: good, read: boom, status: "failed", details: "can't be read"},
		{name: "too long", file: make([]byte, maxBundle+1), status: "failed", details: "more than 2097152 bytes"},
		{name: "other hash", file: good, body: pkiBody, status: "failed", details: "isn't sha256FileHash"},
		{name: "text", file: []byte("<html>"), status: "failed", details: "isn't a PKCS#7"},
		{name: "certificate", file: a.certificate, status: "failed", details: "isn't a PKCS#7"},
		{name: "no certificate", file: newBundle(t), status: "failed", details: "isn't a PKCS#7"},
		{name: "251", file: newBundle(t, many...), status: "failed", details: "more than 250"},
		{name: "big one", file: newBundle(t, newBigCertificate(t)), status: "failed", details: "more than 8192 bytes"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			closed := false
			e := newTest(t, func(o *Options) {
				o.Fetch = func(_ context.Context, url string) (io.ReadCloser, error) {
					if tc.open != nil {
						return nil, tc.open
					}
					r := io.MultiReader(strings.NewReader(string(tc.file)), endWith{tc.read})
					return file{r, &closed}, nil
				}
			})
			body := tc.body
			if body == "" {
				body = uploadBody(tc.file)
			}
			if w := send(e, "POST", pkiUpload, body); w.Code != 204 {
				t.Fatal(w.Code, w.Body)
			}
			got := getStatus(t, e)
			details := ""
			if got.StatusDetails != nil {
				details = *got.StatusDetails
			}
			if got.Status != tc.status || !strings.Contains(details, tc.details) || strings.Contains(details, "url-secret") {
				t.Errorf("%s %q", got.Status, details)
			}
			if tc.open == nil && !closed {
				t.Error("the file is left open")
			}
		})
	}
}

// endWith is a reader with nothing but its end: an error, or io.EOF if that is nil.
type endWith struct{ err error }

func (e endWith) Read([]byte) (int, error) {
	if e.err == nil {
		return 0, io.EOF
	}
	return 0, e.err
}

type file struct {
	io.Reader
	closed *bool
}

func (f file) Close() error {
	*f.closed = true
	return nil
}

func TestDuplicateIsRefused(t *testing.T) {
	a, b := newFixture(t), newFixture(t)
	var current []byte
	e := newTest(t, func(o *Options) {
		o.Fetch = func(context.Context, string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(string(current))), nil
		}
	})
	steps := []struct {
		file   []byte
		status int
	}{
		{newBundle(t, a.certificate, a.certificate), 400},
		{newBundle(t, a.certificate), 204},
		{newBundle(t, b.certificate, a.certificate), 400},
		{newBundle(t, b.certificate), 204}, // nothing of the refused file was kept
	}
	for i, s := range steps {
		current = s.file
		w := send(e, "POST", pkiUpload, uploadBody(s.file))
		if w.Code != s.status {
			t.Errorf("step %d: %d %s", i, w.Code, w.Body)
		}
		if s.status == 400 {
			checkError(t, w, 400, "Request_BadRequest", "Duplicate Certificate exists")
		}
	}
}

func TestFetchingCountsAsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		e := newTest(t, func(o *Options) {
			o.Fetch = func(context.Context, string) (io.ReadCloser, error) {
				<-release
				return nil, io.ErrUnexpectedEOF
			}
		})
		go send(e, "POST", pkiUpload, pkiBody)
		synctest.Wait()
		if a := getStatus(t, e); a.Status != "running" {
			t.Errorf("while fetching: %s", a.Status)
		}
		if w := send(e, "POST", pkiUpload, pkiBody); w.Code != 400 {
			t.Errorf("second upload: %d", w.Code)
		}
		close(release)
		synctest.Wait()
		if a := getStatus(t, e); a.Status != "failed" {
			t.Errorf("afterwards: %s", a.Status)
		}
	})
}
