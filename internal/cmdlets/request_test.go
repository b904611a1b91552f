package cmdlets_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
)

// bindWords binds words for a cmdlet of any of its names.
func bindWords(name string, words []string) (*params.Bound, error) {
	return params.Parse(cmdlets.Find(name).Spec(), nil, words).Bind(context.Background(), params.Options{})
}

// mustBind binds words that are right.
func mustBind(t testing.TB, name string, words ...string) (*cmdlets.Cmdlet, *params.Bound) {
	t.Helper()
	b, err := bindWords(name, words)
	if err != nil {
		t.Fatalf("%s %q: %v", name, words, err)
	}
	return cmdlets.Find(name), b
}

// refusal is the message of a *cmdlets.Refusal that is not terminating, "" for no error.
func refusal(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *cmdlets.Refusal
	if !errors.As(err, &e) || e.Terminating || e.Category != "NotSpecified" || e.Target != "" {
		t.Fatalf("%#v is no refusal of the usual kind", err)
	}
	return e.Error()
}

const pkiPath = "/v1.0/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/"

func TestIDsAreEscapedAsEscapeDataStringDoes(t *testing.T) {
	for _, c := range []struct{ id, want string }{
		{"id-1", "id-1"},
		{"AZaz09-_.~", "AZaz09-_.~"},
		{"a b", "a%20b"},     // identity.id-space
		{"a/b", "a%2Fb"},     // identity.id-slash
		{"100%", "100%25"},   // identity.id-percent
		{"a%20b", "a%2520b"}, // identity.id-percent20: encoded again
		{"!*'();:@&=+$,?#[]", "%21%2A%27%28%29%3B%3A%40%26%3D%2B%24%2C%3F%23%5B%5D"},
		{"ü證😀", "%C3%BC%E8%AD%89%F0%9F%98%80"}, // identity.id-unicode
		{" ", "%20"},          // identity.id-blank: blank is not empty
		{"...", "..."},        // identity.id-dots
		{"../x", "..%2Fx"},    // identity.id-dotdot-slash
		{"\xff", "%EF%BF%BD"}, // as a lone surrogate, identity.id-lone-surrogate
		{"{certificateBasedAuthPki-id}", "%7BcertificateBasedAuthPki-id%7D"},
		{"$1", "%241"},
	} {
		row, b := mustBind(t, "pki", "-CertificateBasedAuthPkiId", c.id)
		if err := row.Check(b); err != nil {
			t.Errorf("%q: %v", c.id, err)
			continue
		}
		r, err := row.Build(b)
		if err != nil {
			t.Errorf("%q: %v", c.id, err)
			continue
		}
		if want := pkiPath + c.want + "/microsoft.graph.upload"; r.Path != want || r.Method != "POST" {
			t.Errorf("%q: %s %s, want %s", c.id, r.Method, r.Path, want)
		}
	}
}

func TestPathsOfTwoRoutes(t *testing.T) {
	const catalog = "/v1.0/identityGovernance/entitlementManagement/catalogs/c/"
	for _, c := range []struct {
		name  string
		words []string
		set   string
		want  string
	}{
		{"em-catalog-resource-role", []string{"-AccessPackageCatalogId", "c", "-AccessPackageResourceRoleId", "r", "-CustomDataProvidedResourceUploadSessionId", "s"},
			"Upload", catalog + "resourceRoles/r/resource/uploadSessions/s/microsoft.graph.uploadFile"},
		{"em-catalog-resource-role", []string{"-AccessPackageCatalogId", "c", "-AccessPackageResourceId", "x", "-AccessPackageResourceRoleId", "r", "-CustomDataProvidedResourceUploadSessionId", "s"},
			"Upload1", catalog + "resources/x/roles/r/resource/uploadSessions/s/microsoft.graph.uploadFile"},
		{"em-catalog-resource-scope", []string{"-AccessPackageCatalogId", "c", "-AccessPackageResourceScopeId", "o", "-CustomDataProvidedResourceUploadSessionId", "s"},
			"Upload1", catalog + "resourceScopes/o/resource/uploadSessions/s/microsoft.graph.uploadFile"},
		// D30: the keys choose, in either spelling.
		{"em-catalog-resource-role", []string{"-InputObject", `{"accessPackageCatalog-id":"c","AccessPackageResourceRoleId":"r","customDataProvidedResourceUploadSession-id":"s"}`},
			"UploadViaIdentity", catalog + "resourceRoles/r/resource/uploadSessions/s/microsoft.graph.uploadFile"},
		{"em-catalog-resource-role", []string{"-InputObject", `{"accessPackageCatalog-id":"c","accessPackageResource-id":"x","accessPackageResourceRole-id":"r","customDataProvidedResourceUploadSession-id":"s"}`},
			"UploadViaIdentity1", catalog + "resources/x/roles/r/resource/uploadSessions/s/microsoft.graph.uploadFile"},
	} {
		row, b := mustBind(t, c.name, c.words...)
		r, err := row.Build(b)
		if err != nil || b.Set != c.set || r.Path != c.want {
			t.Errorf("%s %q: set %s, %v\nhave %+v\nwant %s", c.name, c.words, b.Set, err, r, c.want)
			continue
		}
		if r.Body != nil { // semantics: the Governance actions take none
			t.Errorf("%s: body %q", c.name, r.Body)
		}
	}
}

func TestMissingIdentityKey(t *testing.T) {
	row, b := mustBind(t, "pki-beta", "-InputObject", `{"other":"x"}`)
	_, err := row.Build(b)
	var e *cmdlets.Refusal
	if !errors.As(err, &e) || !e.Terminating || e.Category != "InvalidArgument" ||
		e.Message != "InputObject has null value for InputObject.CertificateBasedAuthPkiId" ||
		e.Target != "Microsoft.Graph.Beta.PowerShell.Models.IdentityDirectoryManagementIdentity" {
		t.Errorf("%#v", err) // identity.missing
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, c := range []struct {
		words  string // separated by blanks
		id     string // "": accepted
		phrase string
	}{
		{`-CertificateBasedAuthPkiId .`, "MgUploadUnsafeId", "'.'"}, // D18, identity.id-dot
		{`-CertificateBasedAuthPkiId ..`, "MgUploadUnsafeId", "'..'"},
		{`-CertificateBasedAuthPkiId ...`, "", ""},
		{`-InputObject {"certificateBasedAuthPki-id":""}`, "MgUploadUnsafeId", "-InputObject"}, // identity.empty-value
		{`-InputObject {"certificateBasedAuthPki-id":".."}`, "MgUploadUnsafeId", "'..'"},
		{`-InputObject @{CertificateBasedAuthPkiId=$null}`, "MgUploadUnsafeId", "''"}, // identity.null-value
		{`-InputObject {"certificateBasedAuthPki-id":null}`, "", ""},                  // missing, found when the request is made
		{`-InputObject {"other":".."}`, "", ""},
		{`-CertificateBasedAuthPkiId i -Headers {"Host":"h"}`, "MgUploadHeaderNotAllowed", "'Host'"}, // D33
		{`-CertificateBasedAuthPkiId i -Headers {"transfer-ENCODING":"chunked"}`, "MgUploadHeaderNotAllowed", "'transfer-ENCODING'"},
		{`-CertificateBasedAuthPkiId i -Headers {"Connection":"close"}`, "MgUploadHeaderNotAllowed", ""},
		{`-CertificateBasedAuthPkiId i -Headers {"Upgrade":"h2c"}`, "MgUploadHeaderNotAllowed", ""},
		{`-CertificateBasedAuthPkiId i -Headers {"TE":"trailers"}`, "MgUploadHeaderNotAllowed", ""},
		{`-CertificateBasedAuthPkiId i -Headers {"Trailer":"x"}`, "MgUploadHeaderNotAllowed", ""},
		{`-CertificateBasedAuthPkiId i -Headers {"X":["a","b"]}`, "MgUploadHeaderValue", "'X'"}, // D34, headers.array
		{`-CertificateBasedAuthPkiId i -Headers {"X":{"a":1}}`, "MgUploadHeaderValue", "'X'"},
		{`-CertificateBasedAuthPkiId i -Headers {"If-Match":"etag","Accept":"not-a-type"}`, "", ""}, // D34
	} {
		row, b := mustBind(t, "pki", strings.Fields(c.words)...)
		err := row.Check(b)
		var e *params.Error
		switch {
		case c.id == "" && err != nil:
			t.Errorf("%s: %v", c.words, err)
		case c.id == "":
		case !errors.As(err, &e) || e.ID != c.id || !strings.Contains(e.Message, c.phrase) || e.Category != "InvalidArgument" || e.NonTerm:
			t.Errorf("%s: %#v, want %s with %s", c.words, err, c.id, c.phrase)
		}
	}
	// Governance: every id of the path is looked at, and only the route's own keys.
	row, b := mustBind(t, "em-catalog-resource", "-AccessPackageCatalogId", "c", "-AccessPackageResourceId", "..", "-CustomDataProvidedResourceUploadSessionId", "s")
	if row.Check(b) == nil {
		t.Error("a dot segment in the middle of the path is taken")
	}
}

func TestHeaders(t *testing.T) {
	const misused = "Misused header name, 'Content-Type'. Make sure request headers are used with HttpRequestMessage, response headers with HttpResponseMessage, and content headers with HttpContent objects."
	for _, c := range []struct{ headers, want, err string }{
		{`{"X-B":"b","X-A":"a"}`, "X-B: b|X-A: a", ""},                              // headers.two: order as given
		{`{"x-custom":"v"}`, "x-custom: v", ""},                                     // headers.lower
		{`{"X":""}`, "X: ", ""},                                                     // headers.empty-value
		{`{"X":5,"Y":true,"Z":false}`, "X: 5|Y: True|Z: False", ""},                 // headers.int, headers.bool
		{`{"X":1.50}`, "X: 1.50", ""},                                               // D21: the digits as typed
		{`{"X":"  v  "}`, "X: v", ""},                                               // headers.spaces-around
		{`{"X":"a\tb"}`, "X: a\tb", ""},                                             // headers.tab
		{`{"X":"a, b"}`, "X: a, b", ""},                                             // headers.comma
		{`{"X":null}`, "", "Object reference not set to an instance of an object."}, // headers.null-value
		{`{"X":null,"Content-Type":"x"}`, "", "Object reference not set to an instance of an object."},
		{`{"Content-Type":"text/plain","X":null}`, "", misused},                     // headers.content-type: the first bad one counts
		{`{"":"v"}`, "", "The value cannot be an empty string. (Parameter 'name')"}, // headers.name-empty
		{`{"X Y":"v"}`, "", "The header name 'X Y' has an invalid format."},         // headers.name-space
		{`{"X:":"v"}`, "", "The header name 'X:' has an invalid format."},           // headers.name-colon
		{`{"Grü":"v"}`, "", "The header name 'Grü' has an invalid format."},
		{`{"X":"a\nEvil: b"}`, "", "New-line or NUL characters are not allowed in header values."}, // headers.newline
		{`{"X":"a\r\n b"}`, "", "New-line or NUL characters are not allowed in header values."},
		{`{"X":"a\u0000b"}`, "", "New-line or NUL characters are not allowed in header values."},
		{`{"X":"grüße"}`, "", "Request headers must contain only ASCII characters."}, // headers.unicode
		{`{"X":"grüße","Y Z":"v"}`, "", "The header name 'Y Z' has an invalid format."},
		{`{"X":"a\u007fb"}`, "", "Request headers must contain only ASCII characters."}, // no legal field value
		{`@{'X-A'='a'; Y=5}`, "X-A: a|Y: 5", ""},
		{`{}`, "", ""},
	} {
		row, b := mustBind(t, "pki", "-CertificateBasedAuthPkiId", "i", "-Headers", c.headers)
		r, err := row.Build(b)
		if got := refusal(t, err); got != c.err {
			t.Errorf("%s: error %q, want %q", c.headers, got, c.err)
			continue
		}
		if c.err != "" {
			continue
		}
		var lines []string
		for _, h := range r.Header {
			lines = append(lines, h.Name+": "+h.Value)
		}
		if got := strings.Join(lines, "|"); got != c.want {
			t.Errorf("%s: %q, want %q", c.headers, got, c.want)
		}
	}
	for _, name := range strings.Fields("Allow Content-Disposition content-encoding Content-Language Content-Length Content-Location Content-MD5 Content-Range Expires Last-Modified") {
		row, b := mustBind(t, "pki", "-CertificateBasedAuthPkiId", "i", "-Headers", `{"`+name+`":"x"}`)
		if _, err := row.Build(b); !strings.HasPrefix(refusal(t, err), "Misused header name, '"+name+"'") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTarget(t *testing.T) {
	const model = "body = Microsoft.Graph.PowerShell.Models.Paths135Qp0QDirectoryPublickeyinfrastructureCertificatebasedauthconfigurationsCertificatebasedauthpkiIdMicrosoftGraphUploadPostRequestbodyContentApplicationJsonSchema }"
	for _, c := range []struct {
		name  string
		words []string
		want  string
	}{
		{"pki", []string{"-CertificateBasedAuthPkiId", "a b"}, "{ CertificateBasedAuthPkiId = a b, Headers = , " + model},
		{"pki", []string{"-CertificateBasedAuthPkiId", "i", "-Headers", "{}"}, "{ CertificateBasedAuthPkiId = i, Headers = System.Collections.Hashtable, " + model},
		{"pki", []string{"-InputObject", `{"certificateBasedAuthPki-id":"i"}`}, "{ Headers = , " + model},
		{"em-resource", []string{"-AccessPackageResourceId", "r", "-CustomDataProvidedResourceUploadSessionId", "s"},
			"{ AccessPackageResourceId = r, CustomDataProvidedResourceUploadSessionId = s, Headers =  }"},
	} {
		row, b := mustBind(t, c.name, c.words...)
		if got := row.Target(b); got != c.want {
			t.Errorf("%s %q:\nhave %s\nwant %s", c.name, c.words, got, c.want)
		}
	}
}

// FuzzEscape: every id comes back from the path as it was, and is one segment.
func FuzzEscape(f *testing.F) {
	n := 0
	for _, r := range loadGoldens(f) {
		words := r.Words()
		if r.Group == "identity" && len(words) > 1 && !strings.HasPrefix(words[1], "{") && !strings.HasPrefix(words[1], "@") && len(words[1]) < 2000 {
			f.Add(words[1])
			n++
		}
	}
	if n < 20 {
		f.Fatalf("only %d seeds among the records", n)
	}
	row := cmdlets.Find("pki")
	f.Fuzz(func(t *testing.T, id string) {
		// As a member of a literal any text gets past the binder, the empty one too.
		b, err := bindWords("pki", []string{"-InputObject", "@{CertificateBasedAuthPkiId='" + strings.ReplaceAll(id, "'", "''") + "'}"})
		if err != nil {
			t.Fatal(err)
		}
		if err := row.Check(b); (err != nil) != (id == "" || id == "." || id == "..") {
			t.Fatalf("%q: %v", id, err)
		}
		r, err := row.Build(b)
		if err != nil {
			t.Fatal(err)
		}
		segment, ok := strings.CutPrefix(r.Path, pkiPath)
		segment, ok2 := strings.CutSuffix(segment, "/microsoft.graph.upload")
		back, err := url.PathUnescape(segment)
		if !ok || !ok2 || err != nil || back != strings.Map(func(r rune) rune { return r }, id) || strings.Contains(segment, "/") {
			t.Fatalf("%q: %s, back %q, %v", id, r.Path, back, err)
		}
		for _, c := range []byte(segment) {
			if c <= ' ' || c >= 0x7f || strings.IndexByte(`!*'()+&=?#[]{}"<>\^|`, c) >= 0 {
				t.Fatalf("%q: %q is not escaped", id, c)
			}
		}
	})
}
