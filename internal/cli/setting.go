package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
)

// addition is a row: a word this program has beside PowerShell's, which is also
// the variable MGUPLOAD_<NAME>.
type addition struct {
	Name     string
	Of       scope // which commands have it
	Switch   bool
	WordOnly bool   // has no variable
	Value    string // what the value is, for help
	Help     string
}

// scope is a set of commands.
type scope int

// The commands that additions belong to.
const (
	ofUploads scope = 1 << iota
	ofConnect       // Connect-MgGraph
	ofSession       // the other session cmdlets
	ofAll     = ofUploads | ofConnect | ofSession
)

var additions = []addition{
	{Name: "show-request", Of: ofUploads, Switch: true, Help: "With -WhatIf, or in its place: print the request that would be sent, secrets hidden."},
	{Name: "output", Of: ofAll, Value: "json|list", Help: "How results are printed: json also for booleans, list as Name : value lines."},
	{Name: "error-format", Of: ofAll, Value: "text|json", Help: "How errors are printed: as PowerShell prints them, or one JSON object a line."},
	{Name: "environment", Of: ofUploads, Value: "NAME", Help: "The cloud: Global, USGov, USGovDoD, China, BleuCloud, DelosCloud, GovSGCloud, or Emulator."},
	{Name: "endpoint", Of: ofUploads, Value: "ORIGIN", Help: "The Graph endpoint, in place of the environment's: https://host[:port]; http on loopback only."},
	{Name: "access-token-from", Of: ofUploads | ofConnect, Value: "SOURCE", Help: "Where the access token is: env:NAME, file:PATH, fd:N or -."},
	{Name: "client-secret-from", Of: ofConnect, Value: "SOURCE", Help: "Where the secret of -ClientSecretCredential is: env:NAME, file:PATH, fd:N, - or prompt."},
	{Name: "certificate-file", Of: ofConnect, Value: "SOURCE", Help: "The certificate of an app with its key, PFX or PEM: a path, or env:NAME with either in base64."},
	{Name: "certificate-password-from", Of: ofConnect, Value: "SOURCE", Help: "Where the password of the certificate is: env:NAME, file:PATH, fd:N, - or prompt."},
	{Name: "auth", Of: ofUploads, Value: "METHOD", Help: "How to sign in without Connect-MgGraph; `help auth` lists the methods."},
	{Name: "proxy", Of: ofConnect, WordOnly: true, Value: "URL", Help: "The proxy to sign in through; HTTPS_PROXY if not given. It is not kept: uploads have -Proxy."},
	{Name: "proxy-credential", Of: ofConnect, WordOnly: true, Value: "USER", Help: "Who signs in to the proxy."},
	{Name: "proxy-use-default-credentials", Of: ofConnect, Switch: true, WordOnly: true, Help: "Sign in to the proxy as the user of this process."},
	{Name: "proxy-password-from", Of: ofUploads | ofConnect, Value: "SOURCE", Help: "Where the password of the proxy user is: env:NAME, file:PATH, fd:N or prompt."},
	{Name: "ca-file", Of: ofUploads | ofConnect, Value: "PATH", Help: "Certificate authorities to trust beside the system's, as PEM."},
	{Name: "variables", Of: ofAll, Value: "DIR", Help: "Where -ResponseHeadersVariable and the common variables are written as NAME.mgvar.json."},
	{Name: "max-retry", Of: ofUploads, Value: "N", Help: "How often a request answered 429, 503 or 504 is repeated: 0 to 10, 3 if not given."},
	{Name: "retry-delay", Of: ofUploads, Value: "SECONDS", Help: "The first wait before a repeat, doubled each time: 0 to 180, 3 if not given."},
	{Name: "retries-time-limit", Of: ofUploads, Value: "SECONDS", Help: "What the waits may add up to; 0, the default, for no limit."},
	{Name: "client-timeout", Of: ofUploads, Value: "SECONDS", Help: "How long a call may take, waits included: 300 if not given."},
	{Name: "throttle-limit", Of: ofUploads, Value: "N", Help: "How many requests of piped identities may be under way at once: 1 if not given. The service takes one upload of certificate authorities at a time."},
	{Name: "help", Of: ofAll, Switch: true, WordOnly: true, Help: "This text."},
	{Name: "version", Of: ofAll, Switch: true, WordOnly: true, Help: "The version."},
}

// findAddition finds an addition by its exact name, --…-from of any cmdlet's
// body member among them.
func findAddition(name string) *addition {
	for i := range additions {
		if additions[i].Name == name {
			return &additions[i]
		}
	}
	if !strings.HasSuffix(name, "-from") {
		return nil
	}
	for c := range cmdlets.All() {
		for _, m := range c.Body {
			if m.Type == params.String && fromName(m.Name) == name {
				return &addition{Name: name, Value: "SOURCE"}
			}
		}
	}
	return nil
}

// variable is the environment variable of an addition.
func variable(name string) string {
	return "MGUPLOAD_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// settings are what additions and variables say, read and checked.
type settings struct {
	showRequest       bool
	output            string
	jsonErrors        bool
	environment       string
	endpoint          string
	accessTokenFrom   string
	auth              string
	proxyPasswordFrom string
	caFile            string
	variables         string
	maxRetry          int
	retryDelay        time.Duration
	retriesTimeLimit  time.Duration
	clientTimeout     time.Duration
	throttleLimit     int
	proxy             proxyWords // of Connect-MgGraph; uploads have parameters for it

	whatIf, verbose, debug, confirm, errorAction, warning string // preferences
}

// reader reads settings: words beat variables. The first unreadable one is kept.
type reader struct {
	env  *Env
	spec *params.Cmdlet
	line *params.Line
	err  error
}

// text is an addition's value, and whether it was a word.
func (r *reader) text(name string) (value string, word bool) {
	if v, ok := r.line.Addition(name); ok {
		return v, true
	}
	return r.env.Getenv(variable(name)), false
}

func (r *reader) fail(name, value, want string) {
	if r.err == nil {
		source := "--" + name
		if _, word := r.text(name); !word {
			source = variable(name)
		}
		r.err = r.spec.Setting(source, fmt.Sprintf("The value '%s' is not %s.", value, want))
	}
}

func (r *reader) flag(name string) bool {
	v, _ := r.text(name)
	on, ok := parseFlag(v)
	if !ok {
		r.fail(name, v, "true, false, 1 or 0")
	}
	return on
}

func parseFlag(v string) (on, ok bool) {
	switch strings.ToLower(strings.TrimPrefix(v, "$")) {
	case "true", "1":
		return true, true
	case "", "false", "0":
		return false, true
	}
	return false, false
}

func (r *reader) choice(name string, values ...string) string {
	v, _ := r.text(name)
	if v != "" && !slices.Contains(values, v) {
		r.fail(name, v, strings.Join(values, " or "))
	}
	return v
}

func (r *reader) number(name string, fallback, limit int) int {
	v, _ := r.text(name)
	if v == "" {
		return fallback
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > limit {
		r.fail(name, v, fmt.Sprintf("a whole number from 0 to %d", limit))
		return fallback
	}
	return n
}

// preference is one of PowerShell's preference variables.
func (r *reader) preference(name string, values ...string) string {
	variable := "MGUPLOAD_" + name + "_PREFERENCE"
	v := r.env.Getenv(variable)
	for _, known := range values {
		if strings.EqualFold(v, known) {
			return known
		}
	}
	if v != "" && r.err == nil {
		r.err = r.spec.Setting(variable, fmt.Sprintf("The value '%s' is not one of %s.", v, strings.Join(values, ", ")))
	}
	return ""
}

// exclude drops of two additions that exclude each other the one that is only a
// variable; two words together are a conflict.
func (r *reader) exclude(a, b string, av, bv *string) error {
	_, aw := r.text(a)
	_, bw := r.text(b)
	switch {
	case *av == "" || *bv == "":
	case aw == bw:
		return r.spec.Refuse("Conflict", "--"+a, "--%s and --%s exclude each other: give one.", a, b)
	case aw:
		*bv = ""
	default:
		*av = ""
	}
	return nil
}

const day = 24 * 60 * 60

// readSettings never fails as a whole, so that an error about one setting can be
// reported as the others say.
func readSettings(env *Env, spec *params.Cmdlet, line *params.Line) (settings, error) {
	r := reader{env: env, spec: spec, line: line}
	var s settings
	s.jsonErrors = r.choice("error-format", "text", "json") == "json"
	s.showRequest = r.flag("show-request")
	s.output = r.choice("output", "json", "list")
	s.environment, _ = r.text("environment")
	s.endpoint, _ = r.text("endpoint")
	s.accessTokenFrom, _ = r.text("access-token-from")
	s.auth, _ = r.text("auth")
	s.proxyPasswordFrom, _ = r.text("proxy-password-from")
	s.caFile, _ = r.text("ca-file")
	s.variables, _ = r.text("variables")
	s.maxRetry = r.number("max-retry", 3, 10)
	s.retryDelay = time.Duration(r.number("retry-delay", 3, 180)) * time.Second
	s.retriesTimeLimit = time.Duration(r.number("retries-time-limit", 0, day)) * time.Second
	s.clientTimeout = time.Duration(r.number("client-timeout", 300, day)) * time.Second
	s.throttleLimit = r.number("throttle-limit", 1, 256)
	s.readPreferences(&r)
	if err := r.exclude("environment", "endpoint", &s.environment, &s.endpoint); err != nil && r.err == nil {
		r.err = err
	}
	return s, r.err
}

func (s *settings) readPreferences(r *reader) {
	actions := []string{"SilentlyContinue", "Stop", "Continue", "Inquire", "Ignore", "Break"}
	s.whatIf = r.preference("WHATIF", "True", "False", "1", "0", "$true", "$false")
	s.verbose = r.preference("VERBOSE", actions...)
	s.debug = r.preference("DEBUG", actions...)
	s.confirm = r.preference("CONFIRM", "None", "Low", "Medium", "High")
	s.errorAction = r.preference("ERROR_ACTION", actions...)
	s.warning = r.preference("WARNING", actions...)
}
