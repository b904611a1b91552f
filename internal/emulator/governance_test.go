package emulator

import (
	"strings"
	"testing"
)

const (
	formType = "multipart/form-data; boundary=cut"
	formHead = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"grants.csv\"\r\nContent-Type: text/csv\r\n\r\n"
	formTail = "\r\n--cut--\r\n"
	csvHead  = "principalId,principalType,permissionId,permissionName,permissionDescription,permissionType\r\n"
)

func TestSessionAnswer(t *testing.T) {
	e := newTest(t, nil)
	want := `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.customDataProvidedResourceUploadSession",` +
		`"@odata.type":"#microsoft.graph.customDataProvidedResourceAccessReviewUploadSession","id":"ID","createdDateTime":"2026-02-24T12:00:00Z",` +
		`"data":{"@odata.type":"#microsoft.graph.customDataProvidedResourcePayloads.accessReviewContextData","reviewDefinitionId":"ID","reviewInstanceId":"ID"},` +
		`"files":[{"id":"request-1","name":"grants.csv","size":109,"uploadedDateTime":"2026-02-24T12:00:00Z"}],` +
		`"isUploadDone":false,"referenceId":"ID","stats":{"filesUploaded":1,"totalBytesUploaded":109},"status":"active"}`
	want = strings.ReplaceAll(want, "ID\"", SeededID+"\"")
	other := "--cut\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n"
	body := other + formHead + "\ufeff" + csvHead + "1,user,2,n,d,t" + formTail
	w := send(e, "POST", session, body, "Content-Type", formType)
	if got := w.Body.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSessionRefused(t *testing.T) {
	cases := []struct{ name, contentType, body, message string }{
		{"as the cmdlets send it", "", "", "part named 'file'"},
		{"JSON", "application/json", "{}", "send no body"},
		{"no boundary", "multipart/form-data", formHead + csvHead + formTail, "send no body"},
		{"no part", formType, "--cut--\r\n", "no part named 'file'"},
		{"other part", formType, strings.Replace(formHead, "\"file\"", "\"csv\"", 1) + csvHead + formTail, "no part named 'file'"},
		{"two files", formType, formHead + csvHead + "\r\n" + formHead + csvHead + formTail, "more than one part"},
		{"empty body", formType, "", "ended early"},
		{"cut in the file", formType, formHead + csvHead, "ended early"},
		{"cut in another part", formType, strings.Replace(formHead, "\"file\"", "\"csv\"", 1) + csvHead, "ended early"},
		{"empty file", formType, formHead + formTail, "isn't a CSV"},
		{"column missing", formType, formHead + "principalId,principalType\r\n" + formTail, "no column 'permissionId'"},
		{"short row", formType, formHead + csvHead + "1,2\r\n" + formTail, "isn't a CSV"},
		{"bare quote", formType, formHead + csvHead + "1\",2,3,4,5,6\r\n" + formTail, "isn't a CSV"},
	}
	e := newTest(t, nil)
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			w := send(e, "POST", session, tc.body, "Content-Type", tc.contentType)
			checkError(t, w, 400, "BadRequest", tc.message)
		})
	}
}
