package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
)

// bind binds words to the default cmdlet, an id among them.
func bind(t *testing.T, args ...string) *params.Bound {
	t.Helper()
	c := cmdlets.Default()
	b, err := params.Parse(c.Spec(), additionsFor(c), append([]string{"-CertificateBasedAuthPkiId", "a"}, args...)).Bind(t.Context(), params.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read reads the settings of words and variables.
func read(variables map[string]string, args ...string) (settings, error) {
	c := cmdlets.Default()
	env := Env{Getenv: func(name string) string { return variables[name] }}
	return readSettings(&env, c.Spec(), params.Parse(c.Spec(), additionsFor(c), args))
}

func TestParseFlag(t *testing.T) {
	for _, c := range []struct {
		text   string
		on, ok bool
	}{
		{"", false, true}, {"0", false, true}, {"false", false, true}, {"FALSE", false, true}, {"$false", false, true},
		{"1", true, true}, {"true", true, true}, {"True", true, true}, {"$true", true, true},
		{"yes", false, false}, {"on", false, false}, {"2", false, false}, {" true", false, false}, {"$", false, true},
	} {
		if on, ok := parseFlag(c.text); on != c.on || ok != c.ok {
			t.Errorf("parseFlag(%q) is %v, %v, want %v, %v", c.text, on, ok, c.on, c.ok)
		}
	}
}

func TestSettingsDefaults(t *testing.T) {
	s, err := read(nil)
	if err != nil {
		t.Fatal(err)
	}
	// retry.context-get
	if s.maxRetry != 3 || s.retryDelay != 3*time.Second || s.retriesTimeLimit != 0 || s.clientTimeout != 300*time.Second {
		t.Errorf("got %d, %v, %v, %v", s.maxRetry, s.retryDelay, s.retriesTimeLimit, s.clientTimeout)
	}
	if s.showRequest || s.jsonErrors || s.output != "" || s.throttleLimit != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestSettingsBounds(t *testing.T) {
	for _, c := range []struct {
		name, value string
		ok          bool
	}{
		{"max-retry", "0", true}, {"max-retry", "10", true}, {"max-retry", "11", false}, {"max-retry", "-1", false}, {"max-retry", "1.0", false},
		{"retry-delay", "180", true}, {"retry-delay", "181", false},
		{"client-timeout", "86400", true}, {"client-timeout", "86401", false},
		{"retries-time-limit", "0", true}, {"retries-time-limit", "x", false},
		{"output", "json", true}, {"output", "JSON", false},
		{"error-format", "text", true}, {"error-format", "xml", false},
	} {
		_, err := read(nil, "--"+c.name, c.value)
		if (err == nil) != c.ok {
			t.Errorf("--%s %s: got error %v", c.name, c.value, err)
		}
		if err != nil && !strings.Contains(err.Error(), "--"+c.name) {
			t.Errorf("--%s %s: the error does not name the word: %v", c.name, c.value, err)
		}
		_, err = read(map[string]string{variable(c.name): c.value})
		if (err == nil) != c.ok {
			t.Errorf("%s=%s: got error %v", variable(c.name), c.value, err)
		}
		if err != nil && !strings.Contains(err.Error(), variable(c.name)) {
			t.Errorf("%s=%s: the error does not name the variable: %v", variable(c.name), c.value, err)
		}
	}
}

func TestWordsBeatVariables(t *testing.T) {
	for _, c := range []struct {
		name         string
		variables    map[string]string
		args         []string
		env, origin  string
		wantConflict bool
	}{
		{"a word", map[string]string{"MGUPLOAD_ENVIRONMENT": "China"}, []string{"--environment", "USGov"}, "USGov", "", false},
		{"across a pair", map[string]string{"MGUPLOAD_ENDPOINT": "https://x"}, []string{"--environment", "China"}, "China", "", false},
		{"the other way", map[string]string{"MGUPLOAD_ENVIRONMENT": "China"}, []string{"--endpoint", "https://x"}, "", "https://x", false},
		{"two words", nil, []string{"--endpoint", "https://x", "--environment", "China"}, "", "", true},
		{"two variables", map[string]string{"MGUPLOAD_ENVIRONMENT": "China", "MGUPLOAD_ENDPOINT": "https://x"}, nil, "", "", true},
		{"an empty variable is not set", map[string]string{"MGUPLOAD_ENVIRONMENT": "", "MGUPLOAD_ENDPOINT": "https://x"}, nil, "", "https://x", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := read(c.variables, c.args...)
			var conflict *params.Error
			if errors.As(err, &conflict) != c.wantConflict {
				t.Fatalf("got error %v", err)
			}
			if !c.wantConflict && (s.environment != c.env || s.endpoint != c.origin) {
				t.Errorf("got %q and %q, want %q and %q", s.environment, s.endpoint, c.env, c.origin)
			}
		})
	}
}

// An unreadable setting must not hide how errors are to be printed.
func TestSettingsKeepTheErrorFormat(t *testing.T) {
	s, err := read(map[string]string{"MGUPLOAD_OUTPUT": "rubbish"}, "--error-format", "json")
	if err == nil || !s.jsonErrors {
		t.Errorf("got %v and error %v", s.jsonErrors, err)
	}
}

func TestPreferenceSpelling(t *testing.T) {
	s, err := read(map[string]string{"MGUPLOAD_ERROR_ACTION_PREFERENCE": "silentlycontinue"})
	if err != nil || s.errorAction != "SilentlyContinue" {
		t.Errorf("got %q and %v", s.errorAction, err)
	}
}

// No addition may hide a parameter or stand twice, and each says what it does.
func TestAdditions(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range additions {
		if seen[a.Name] || a.Help == "" || a.Switch == (a.Value != "") {
			t.Errorf("--%s: twice %v, help %q, value %q", a.Name, seen[a.Name], a.Help, a.Value)
		}
		seen[a.Name] = true
		if a.Of&ofUploads == 0 {
			continue
		}
		for c := range cmdlets.All() {
			for _, p := range c.Spec().Params {
				if params.Kebab(p.Name) == a.Name {
					t.Errorf("--%s is also -%s of %s", a.Name, p.Name, c.Name)
				}
			}
		}
	}
}
