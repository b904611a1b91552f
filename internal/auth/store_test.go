package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigDir(t *testing.T) {
	unix(t) // what counts as an absolute path
	for _, c := range []struct {
		goos string
		vars map[string]string
		home string
		want string
	}{
		{"linux", map[string]string{"XDG_CONFIG_HOME": "/x"}, "/h", "/x/invoke-mgupload"},
		{"linux", map[string]string{"XDG_CONFIG_HOME": "relative"}, "/h", "/h/.config/invoke-mgupload"},
		{"linux", nil, "/h", "/h/.config/invoke-mgupload"},
		{"freebsd", nil, "/h", "/h/.config/invoke-mgupload"},
		{"linux", nil, "", ""},
		{"darwin", map[string]string{"XDG_CONFIG_HOME": "/x"}, "/h", "/h/Library/Application Support/invoke-mgupload"},
		{"windows", map[string]string{"AppData": "/roaming"}, "/h", "/roaming/invoke-mgupload"},
		{"windows", nil, "/h", ""},
	} {
		got := ConfigDir(c.goos, func(n string) string { return c.vars[n] }, c.home)
		if filepath.ToSlash(got) != c.want {
			t.Errorf("%s %v: %q, want %q", c.goos, c.vars, got, c.want)
		}
	}
}

func TestFileIsPrivate(t *testing.T) {
	unix(t)
	w := newWorld(t)
	path := filepath.Join(w.dir, contextFile)
	for p, mode := range map[string]os.FileMode{path: 0o600, w.dir: 0o700} {
		st, err := os.Stat(p)
		if err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", p, st.Mode(), err)
		}
	}
	if left, _ := filepath.Glob(path + ".*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
	must(os.Chmod(path, 0o644))
	if _, _, err := w.Context(); err != nil || len(w.warnings) != 1 || !strings.Contains(w.warnings[0], "chmod 600") {
		t.Errorf("%v, %v", err, w.warnings)
	}
}

func TestBrokenFile(t *testing.T) {
	for _, text := range []string{"{broken", "", "[]", `{"session": 5}`, "\x00\x01"} {
		w := newWorld(t)
		path := filepath.Join(w.dir, contextFile)
		must(os.WriteFile(path, []byte(text), 0o600))
		_, _, err := w.Context()
		kindOf(t, err, KindStore, "is damaged", "Connect-MgGraph")
		_, err = w.Source(t.Context(), Choice{})
		kindOf(t, err, KindStore, "is damaged")
		if len(w.Environments()) != 7 {
			t.Error("environments are gone")
		}
		if _, err := w.AddEnvironment("my", aad, graph); err != nil || len(w.warnings) != 1 {
			t.Errorf("%v, %v", err, w.warnings)
		}
		if _, ok, err := w.Context(); ok || err != nil {
			t.Errorf("not repaired: %v", err)
		}
	}
}

func TestUnwritableFile(t *testing.T) {
	blocker := filepath.Join(t.TempDir(), "file")
	must(os.WriteFile(blocker, nil, 0o600))
	_, err := New(filepath.Join(blocker, "dir"), Env{}).AddEnvironment("my", aad, graph)
	kindOf(t, err, KindStore, "can't be")
	_, err = New("", Env{}).AddEnvironment("my", aad, graph)
	kindOf(t, err, KindStore, "no place")
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"session":{"method":"browser","environment":"Global","record":{"version":"1.0"}}}`))
	f.Add([]byte(`{"requestContext":{"MaxRetry":1}}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		must(os.WriteFile(filepath.Join(dir, contextFile), data, 0o600))
		a := New(dir, Env{})
		if _, _, err := a.Context(); err != nil {
			kindOf(t, err, KindStore)
		}
		if _, err := a.Source(t.Context(), Choice{Environment: "nope"}); err == nil {
			t.Error("no environment nope, but a source")
		}
	})
}

func TestRequestContext(t *testing.T) {
	w := newWorld(t)
	if rc, err := w.RequestContext(); err != nil || rc != (RequestContext{300, 3, 3, 0}) {
		t.Errorf("default: %+v, %v", rc, err)
	}
	rc, err := w.SetRequestContext(func(c *RequestContext) { c.MaxRetry, c.RetriesTimeLimit = 9, 60 })
	if want := (RequestContext{300, 3, 9, 60}); err != nil || rc != want {
		t.Errorf("set: %+v, %v", rc, err)
	}
	if rc, err := w.again().RequestContext(); err != nil || rc.MaxRetry != 9 {
		t.Errorf("next process: %+v, %v", rc, err)
	}
}

func TestTimeSpan(t *testing.T) {
	for seconds, want := range map[int]string{
		300: "00:05:00", 0: "00:00:00", 100000: "1.03:46:40", 2147483647: "24855.03:14:07", -1: "-00:00:01", // rc.*, connect.timeout-negative
	} {
		if got := TimeSpan(seconds); got != want {
			t.Errorf("%d: %s, want %s", seconds, got, want)
		}
	}
}

func TestClientTimeout(t *testing.T) {
	for in, want := range map[float64]int{0: 0, 7: 7, 0.2: 1, 1.5: 2, -1: -1} {
		if got, err := clientTimeout(in); got != want || err != nil {
			t.Errorf("%v: %d, %v", in, got, err)
		}
	}
	_, err := clientTimeout(1e300)
	kindOf(t, err, KindSignIn, "TimeSpan overflowed because the duration is too long.")
}
