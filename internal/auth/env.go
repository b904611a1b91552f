package auth

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Env is what the package knows of the world. The zero value is a world
// without variables, streams and prompts, on the real clock and network.
type Env struct {
	Getenv func(string) string // nil: nothing is set
	Home   string              // home folder; "" means ~/.mg and .NET's store are not looked at
	GOOS   string              // "" means this system

	Now   func() time.Time // nil: time.Now
	Stdin io.Reader        // read by "-"; nil: an error there
	// OpenFD opens an inherited descriptor for "fd:N"; nil: os.NewFile.
	OpenFD func(n int) (io.ReadCloser, error)
	// Prompt asks the terminal for a secret without echo. It returns when ctx
	// ends. nil: there is no terminal.
	Prompt func(ctx context.Context, text string) (string, error)
	// Stderr gets the device code prompt and what a browser prints. nil: dropped.
	Stderr io.Writer
	Warn   func(text string) // nil: dropped
	Debug  func(text string) // nil: dropped

	// TokenClient sends requests to Entra ID and to CI providers: proxy and CA
	// settings belong here. nil: the default transport.
	TokenClient *http.Client
	// LocalClient sends requests to the machine's own identity endpoints (IMDS,
	// App Service, Arc). It must not use a proxy. nil: a plain one without.
	LocalClient *http.Client
	// LookPath finds a program, as exec.LookPath does, which is used when nil.
	LookPath func(string) (string, error)
}

// Auth is one process's view of the session. It is safe for concurrent use.
type Auth struct {
	env       Env
	dir       string
	openCache func(name string) (azidentity.Cache, error)

	mu      sync.Mutex
	secrets []string // every secret read so far, to keep them out of texts
	piped   map[Ref]string
	warned  map[string]bool
}

// New returns an Auth that keeps its file in dir (see [ConfigDir]). It reads
// and sends nothing.
func New(dir string, env Env) *Auth {
	if env.Getenv == nil {
		env.Getenv = func(string) string { return "" }
	}
	if env.GOOS == "" {
		env.GOOS = runtime.GOOS
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.OpenFD == nil {
		env.OpenFD = openFD
	}
	if env.Stderr == nil {
		env.Stderr = io.Discard
	}
	if env.Warn == nil {
		env.Warn = func(string) {}
	}
	if env.Debug == nil {
		env.Debug = func(string) {}
	}
	if env.TokenClient == nil {
		env.TokenClient = &http.Client{}
	}
	if env.LocalClient == nil {
		env.LocalClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	}
	if env.LookPath == nil {
		env.LookPath = exec.LookPath
	}
	return &Auth{env: env, dir: dir, openCache: persistentCache, piped: map[Ref]string{}, warned: map[string]bool{}}
}

func openFD(n int) (io.ReadCloser, error) {
	f := os.NewFile(uintptr(n), fmt.Sprintf("fd:%d", n))
	if f == nil {
		return nil, os.ErrInvalid
	}
	return f, nil
}

// warn says a thing once, however often the same file is read.
func (a *Auth) warn(format string, args ...any) {
	text := a.scrub(fmt.Sprintf(format, args...))
	a.mu.Lock()
	said := a.warned[text]
	a.warned[text] = true
	a.mu.Unlock()
	if !said {
		a.env.Warn(text)
	}
}

func (a *Auth) debug(format string, args ...any) {
	a.env.Debug(a.scrub(fmt.Sprintf(format, args...)))
}

// remember keeps a secret so that scrub knows it.
func (a *Auth) remember(secret string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secrets = append(a.secrets, secret)
}

// Scrub returns text with *** in the place of every secret that was read or
// issued so far, the tokens among them.
func (a *Auth) Scrub(text string) string { return a.scrub(text) }

// scrub replaces every secret read so far: services and libraries echo what
// they were sent. Very short ones are left, since they occur in any text.
func (a *Auth) scrub(text string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.secrets {
		if len(s) >= 4 {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}
