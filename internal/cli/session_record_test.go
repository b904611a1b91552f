package cli

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"invoke-mgupload/internal/auth/authtest"
)

// sessionRecord is a recording of a session cmdlet.
type sessionRecord struct {
	ID, Cmdlet, Mode, PowerShell, Before, Note string
	Argv                                       []string
	Env, FilesBefore                           map[string]string
	Routes                                     []struct {
		Match, Text string
		Status      int
		JSON        json.RawMessage
		Headers     [][2]string
	}
	Probe []struct {
		Set   string
		Bound map[string]recordedValue
	}
	Errors []struct {
		ID, Category, Message string
		Terminating           bool
	}
	Formatted, Host, Stdout, Stderr string
	Verbose                         []string
	After                           *struct {
		Context        *struct{ Properties map[string]*recordedValue }
		RequestContext map[string]any
	}
	Exit *int
}

type recordedValue struct {
	Value any
	Items []struct{ Value any }
}

// plain is the value as JSON has it.
func (v *recordedValue) plain() any {
	switch {
	case v == nil:
		return nil
	case v.Items != nil:
		var list []any
		for _, item := range v.Items {
			list = append(list, item.Value)
		}
		return list
	}
	return v.Value
}

func sessionRecords(t *testing.T) []sessionRecord {
	t.Helper()
	data, err := os.ReadFile("../../parity-tests/testdata/goldens/session.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []sessionRecord
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 300 {
		t.Fatalf("%d records", len(list))
	}
	return list
}

// The secrets of the recordings: none may be seen anywhere.
var sessionSecrets = []string{"s3cret", "header-secret", "pfxpass", "opaque-token", "EwB.opaque"}

// stage is the world of a recording: a sign-in service, a machine, a home.
type stage struct {
	*world
	t       *testing.T
	home    string
	tokens  *authtest.Service
	machine *authtest.Machine
	replace *strings.Replacer
}

// newStage has the tokens, variables, files and answers of a record.
func newStage(t *testing.T, r sessionRecord) *stage {
	t.Helper()
	s := &stage{world: newWorld(t), t: t, tokens: authtest.New(t), machine: authtest.NewMachine(t)}
	s.home = s.Dir
	delete(s.variables, "MGUPLOAD_ACCESS_TOKEN")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	check(t, os.WriteFile(ca, s.tokens.CA(), 0o600))
	s.variables["MGUPLOAD_CA_FILE"] = ca
	for name, token := range sessionTokens() {
		s.variables[name] = token
	}
	s.variables["SECRET"] = "s3cret"
	files := appFiles(t)
	s.replace = strings.NewReplacer("https://127.0.0.1:{PORT}", s.tokens.URL, "http://127.0.0.1:{HTTP}", s.machine.URL,
		"{SESS}", files, "{THUMBPRINT}", appPair().thumbprint, "{APPTOKEN}", s.variables["APPTOKEN"], "{TOKEN}", s.variables["TOKEN"])
	for name, value := range r.Env {
		s.variables[name] = s.replace.Replace(value)
		t.Setenv(name, s.variables[name]) // azidentity reads some of them from the process
	}
	for name, text := range r.FilesBefore {
		s.seed(name, text, strings.HasPrefix(r.Cmdlet, "Get-"))
	}
	s.answer(r)
	return s
}

// seed writes a file of PowerShell's. What a cmdlet changes must be in this
// program's own file: it never writes PowerShell's.
func (s *stage) seed(name, text string, asItIs bool) {
	var f struct{ EnvironmentTable map[string]json.RawMessage }
	if !asItIs && json.Unmarshal([]byte(text), &f) == nil {
		name = ".config/invoke-mgupload/context.json"
		list := []json.RawMessage{}
		for _, e := range f.EnvironmentTable {
			list = append(list, e)
		}
		data, err := json.Marshal(map[string]any{"environments": list})
		check(s.t, err)
		text = string(data)
	}
	path := filepath.Join(s.home, name)
	check(s.t, os.MkdirAll(filepath.Dir(path), 0o700))
	check(s.t, os.WriteFile(path, []byte(text), 0o600))
}

// answer scripts the recorded answers.
func (s *stage) answer(r sessionRecord) {
	for _, route := range r.Routes {
		if strings.Contains(route.Match, "discovery/instance") || strings.Contains(route.Match, "devicecode") {
			continue
		}
		a := authtest.Answer{Status: max(200, route.Status), Body: s.replace.Replace(string(route.JSON) + route.Text), Header: map[string]string{}}
		for _, h := range route.Headers {
			a.Header[h[0]] = h[1]
		}
		if strings.Contains(route.Match, "msi") || strings.Contains(route.Match, "metadata") {
			s.machine.Script(a)
		} else {
			s.tokens.Script(a)
		}
	}
}

// do runs a command line and answers what it wrote and its exit status.
func (s *stage) do(words ...string) (stdout, stderr string, exit int) {
	s.t.Helper()
	s.stdout.Reset()
	s.stderr.Reset()
	s.Args = words
	exit = s.run(s.t)
	return s.stdout.String(), s.stderr.String(), exit
}

// noSecrets wants none of the recordings' secrets in a text or in the home.
func (s *stage) noSecrets(texts ...string) {
	s.t.Helper()
	check(s.t, filepath.WalkDir(filepath.Join(s.home, ".config"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // there need not be any
		}
		data, err := os.ReadFile(path)
		texts = append(texts, string(data))
		return err
	}))
	secrets := append([]string{s.variables["TOKEN"], s.variables["APPTOKEN"]}, sessionSecrets...)
	for _, text := range texts {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				s.t.Errorf("%q can be seen in:\n%s", secret, text)
			}
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sessionTokens are the recordings' tokens by the name of their variable.
func sessionTokens() map[string]string {
	type claims = map[string]any
	with := func(more claims) claims {
		c := claims{
			"appid": "00000000-0000-0000-0000-00000000a0a0", "tid": "00000000-0000-0000-0000-0000000071d0",
			"app_displayname": "gold app", "exp": 2145916800,
		}
		for name, v := range more {
			c[name] = v
		}
		return c
	}
	person := claims{"upn": "gold@gold.test", "scp": "PublicKeyInfrastructure.ReadWrite.All User.Read"}
	app := claims{"roles": []string{"PublicKeyInfrastructure.ReadWrite.All", "User.Read.All"}}
	expired, noexp, text := with(person), with(person), with(person)
	expired["exp"], text["exp"] = 1000000000, "2145916800"
	delete(noexp, "exp")
	both := with(claims{"scp": "User.Read", "roles": app["roles"]})
	two := jwtOf(claims{"appid": "00000000-0000-0000-0000-00000000a0a0", "exp": 2145916800})
	return map[string]string{
		"TOKEN": jwtOf(with(person)), "APPTOKEN": jwtOf(with(app)), "EXPIREDTOKEN": jwtOf(expired), "NOEXPTOKEN": jwtOf(noexp),
		"MINTOKEN": jwtOf(claims{"exp": 2145916800}), "EXPSTRTOKEN": jwtOf(text), "ROLESTOKEN": jwtOf(both),
		"EMPTYPAYLOAD": "eyJhbGciOiJub25lIn0..", "TEXTPAYLOAD": "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte("text")) + ".s",
		"TWOSEG": strings.TrimSuffix(two, ".signature"),
	}
}

func jwtOf(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err) // strings and numbers
	}
	return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString(payload) + ".signature"
}

// app is the recordings' certificate, CN=gold app cert.
type app struct {
	thumbprint string
	pem        []byte
	pfx, open  []byte // with password pfxpass, and without
}

var appPair = sync.OnceValue(func() app {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gold app cert"},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(err)
	cert, err := x509.ParseCertificate(der)
	must(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	a := app{thumbprint: fmt.Sprintf("%X", sha1.Sum(der))}
	a.pem = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	a.pfx, err = pkcs12.Modern.Encode(key, cert, nil, "pfxpass")
	must(err)
	a.open, err = pkcs12.Modern.Encode(key, cert, nil, "")
	must(err)
	return a
})

func appCerts(t *testing.T) []*x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(appPair().pem)
	cert, err := x509.ParseCertificate(block.Bytes)
	check(t, err)
	return []*x509.Certificate{cert}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// appFiles is a folder with the certificate as the recordings name it.
func appFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "tls"), 0o700))
	for name, data := range map[string][]byte{"tls/app.pfx": appPair().pfx, "tls/appboth.pem": appPair().pem, "hosts": []byte("127.0.0.1 localhost\n")} {
		check(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	return dir
}

// The parts of a recorded line that words can't have, and the additions for them.
var (
	tokenVariable = regexp.MustCompile(`-AccessToken \(ConvertTo-SecureString \$env:(\w+) -AsPlainText -Force\)`)
	tokenText     = regexp.MustCompile(`-AccessToken \(ConvertTo-SecureString '([^']*)' -AsPlainText -Force\)`)
	credential    = regexp.MustCompile(`-ClientSecretCredential \(\[pscredential\]::new\('([^']*)', \(ConvertTo-SecureString 's3cret' -AsPlainText -Force\)\)\)`)
	word          = regexp.MustCompile(`'((?:[^']|'')*)'|[^\s']+`)
)

// lines are the command lines of a recorded text; ok is false where it needs PowerShell.
func (s *stage) lines(text string) (lines [][]string, ok bool) {
	text = tokenVariable.ReplaceAllString(text, "--access-token-from env:$1")
	text = tokenText.ReplaceAllStringFunc(text, func(found string) string {
		s.variables["GIVEN"] = tokenText.FindStringSubmatch(found)[1]
		return "--access-token-from env:GIVEN"
	})
	text = credential.ReplaceAllString(text, "-ClientSecretCredential $1 --client-secret-from env:SECRET")
	if strings.Contains(text, "$goldCrt =") {
		s.storeCertificate()
		text = regexp.MustCompile(`(?m)^\$gold.*$`).ReplaceAllString(text, "")
	}
	text = strings.ReplaceAll(text, "-Certificate $goldCrt", "--certificate-file '"+filepath.Join(s.home, "app.pem")+"'")
	text = strings.ReplaceAll(text, " $true", ":$true") // an argument that is a Boolean, not a word
	for _, line := range strings.FieldsFunc(text, func(c rune) bool { return c == '\n' || c == ';' }) {
		line, silent := strings.CutSuffix(strings.TrimSpace(line), " | Out-Null")
		line, assigned := strings.CutPrefix(line, "$null = ")
		if line == "" {
			continue
		}
		var words []string
		for _, m := range word.FindAllStringSubmatch(s.replace.Replace(line), -1) {
			w := m[0]
			if strings.HasPrefix(w, "'") {
				w = strings.ReplaceAll(m[1], "''", "'")
			} else if strings.ContainsAny(strings.TrimSuffix(strings.TrimSuffix(w, ":$true"), ":$false"), "$()|[]@,") {
				return nil, false
			}
			words = append(words, w)
		}
		if silent || assigned {
			words = append(words, "--output", "list", "--error-format", "text") // told apart by the replay
		}
		lines = append(lines, words)
	}
	return lines, true
}

// storeCertificate puts the certificate where .NET has its store, and beside.
func (s *stage) storeCertificate() {
	store := filepath.Join(s.home, ".dotnet/corefx/cryptography/x509stores/my")
	check(s.t, os.MkdirAll(store, 0o700))
	check(s.t, os.WriteFile(filepath.Join(store, appPair().thumbprint+".pfx"), appPair().open, 0o600))
	check(s.t, os.WriteFile(filepath.Join(s.home, "app.pem"), appPair().pem, 0o600))
}

// errorsIn are the JSON error records of standard error, and the lines that are none.
func errorsIn(t *testing.T, stderr string) (records []record, rest string) {
	t.Helper()
	var other bytes.Buffer
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "{") {
			other.WriteString(line)
			continue
		}
		var rec record
		check(t, json.Unmarshal([]byte(line), &rec))
		records = append(records, rec)
	}
	return records, other.String()
}
