package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"invoke-mgupload/internal/auth/authtest"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// browserURL makes the test binary play xdg-open (see TestBrowser).
const browserURL = "AUTH_TEST_BROWSER"

func TestMain(m *testing.M) {
	switch os.Getenv(browserURL) {
	case "":
	case "fail":
		os.Exit(3)
	default:
		os.Exit(playBrowser(os.Getenv(browserURL), os.Args[len(os.Args)-1]))
	}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		for _, prefix := range []string{"AZURE", "IDENTITY_", "IMDS_", "MSI_", "ACTIONS_", "SYSTEM_", "MGUPLOAD_"} {
			if strings.HasPrefix(name, prefix) {
				os.Unsetenv(name)
			}
		}
	}
	os.Exit(m.Run())
}

// world is an Auth with everything around it under the test's control.
type world struct {
	*Auth
	t       *testing.T
	service *authtest.Service
	machine *authtest.Machine

	mu       sync.Mutex
	vars     map[string]string
	stderr   bytes.Buffer
	warnings []string
	debugs   []string
}

type option func(*Env)

// newWorld has an environment "mock" whose sign-in service is authtest's, and
// no safe token store.
func newWorld(t *testing.T, options ...option) *world {
	t.Helper()
	w := &world{t: t, service: authtest.New(t), machine: authtest.NewMachine(t), vars: map[string]string{}}
	home := t.TempDir()
	env := Env{
		Getenv: func(name string) string { return w.vars[name] },
		Home:   home, GOOS: "linux",
		Stderr:      &w.stderr,
		Warn:        func(s string) { w.note(&w.warnings, s) },
		Debug:       func(s string) { w.note(&w.debugs, s) },
		TokenClient: w.service.Client(),
		LocalClient: w.machine.Client(),
		LookPath:    func(name string) (string, error) { return "", os.ErrNotExist },
	}
	for _, o := range options {
		o(&env)
	}
	w.Auth = New(filepath.Join(home, "config"), env)
	w.openCache = func(string) (azidentity.Cache, error) { return azidentity.Cache{}, errors.New("none in tests") }
	if _, err := w.AddEnvironment("mock", w.service.URL, "https://graph.gold.test"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) note(list *[]string, s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*list = append(*list, s)
}

// set sets a variable, for the libraries that read the process's own too.
func (w *world) set(name, value string) {
	w.vars[name] = value
	w.t.Setenv(name, value)
}

func (w *world) writeFile(name string, data []byte, mode os.FileMode) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, data, mode); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// again is the same user's next process.
func (w *world) again() *world {
	next := &world{t: w.t, service: w.service, machine: w.machine, vars: w.vars}
	env := w.env
	env.Warn = func(s string) { next.note(&next.warnings, s) }
	env.Debug = func(s string) { next.note(&next.debugs, s) }
	env.Stderr = &next.stderr
	next.Auth = New(w.dir, env)
	next.openCache = w.openCache
	return next
}

func (w *world) token(c Choice) (string, error) {
	source, err := w.Source(context.Background(), c)
	if err != nil {
		return "", err
	}
	return source.Token(context.Background(), TokenRequest{})
}

// kindOf fails unless err is an *Error, and returns it.
func kindOf(t *testing.T, err error, kind Kind, texts ...string) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error is %T %v, want *Error", err, err)
	}
	if e.Kind != kind {
		t.Errorf("kind %d, want %d: %v", e.Kind, kind, e)
	}
	for _, text := range texts {
		if !strings.Contains(e.Error(), text) {
			t.Errorf("error %q lacks %q", e, text)
		}
	}
	if strings.Contains(e.Message, "\n") {
		t.Errorf("message has several lines: %q", e.Message)
	}
	return e
}

// pair is a certificate and key for tests.
type pair struct {
	cert *x509.Certificate
	key  any
}

var makePair = sync.OnceValue(func() pair { return newPair(pkix.Name{CommonName: "gold app cert"}, 0, false) })

// newPair makes a certificate that became valid shift ago and is good for a day.
func newPair(subject pkix.Name, shift time.Duration, elliptical bool) pair {
	var key, public any
	if elliptical {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
		key, public = k, &k.PublicKey
	} else {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		must(err)
		key, public = k, &k.PublicKey
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: subject,
		NotBefore: time.Now().Add(-time.Hour - shift), NotAfter: time.Now().Add(23*time.Hour - shift),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	must(err)
	cert, err := x509.ParseCertificate(der)
	must(err)
	return pair{cert, key}
}

// unix skips what needs a shell script, file modes or Unix paths.
func unix(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a Unix")
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func playBrowser(caFile, address string) int {
	pool := x509.NewCertPool()
	ca, err := os.ReadFile(caFile)
	if err == nil && pool.AppendCertsFromPEM(ca) {
		fmt.Println("chatter of a browser")
		err = authtest.Browse(clientTrusting(pool), address)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	return 0
}

func clientTrusting(pool *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}
