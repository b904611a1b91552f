package auth

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseRef(t *testing.T) {
	dir := t.TempDir()
	abs := filepath.Join(dir, "abs")
	for text, want := range map[string]Ref{
		"env:NAME": "env:NAME", "-": "-", "prompt": "prompt", "fd:3": "fd:3", "fd:03": "fd:3",
		"file:x": Ref("file:" + filepath.Join(dir, "x")), "file:" + abs: Ref("file:" + abs), "file:a:b": Ref("file:" + filepath.Join(dir, "a:b")),
		"env:": "", "env:A=B": "", "file:": "", "fd:": "", "fd:-1": "", "fd:x": "", "fd:99999999": "", "": "", "hunter2!": "", "base64:x": "",
	} {
		got, err := ParseRef(text, dir)
		if want == "" {
			e := kindOf(t, err, KindArgument, "env:NAME")
			if text != "" && text != "-" && strings.Contains(e.Error(), "hunter2") {
				t.Errorf("the text is repeated: %v", e)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestReadSecret(t *testing.T) {
	w := newWorld(t, func(e *Env) {
		e.Stdin = strings.NewReader("from stdin\n")
		e.OpenFD = func(n int) (io.ReadCloser, error) {
			if n != 3 {
				return nil, os.ErrInvalid
			}
			return io.NopCloser(strings.NewReader("from fd")), nil
		}
		e.Prompt = func(_ context.Context, text string) (string, error) { return "asked " + text, nil }
	})
	w.vars["S"] = "from env\n"
	file := w.writeFile("s", []byte("two lines\n\r\n"), 0o600)
	for _, c := range []struct {
		ref  Ref
		want string
	}{
		{"env:S", "from env"}, {Ref("file:" + file), "two lines\n"}, {"-", "from stdin"}, {"-", "from stdin"},
		{"fd:3", "from fd"}, {"fd:3", "from fd"}, {"prompt", "asked Client secret: "},
	} {
		got, err := w.ReadSecret(t.Context(), c.ref, "client secret")
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.ref, got, err, c.want)
		}
	}
	if len(w.warnings) != 0 {
		t.Errorf("warnings: %v", w.warnings)
	}
}

func TestReadSecretFailures(t *testing.T) {
	unix(t)
	w := newWorld(t)
	w.vars["EMPTY"] = "\n"
	for ref, text := range map[Ref]string{
		"env:UNSET":                "UNSET, which should hold the token, is not set or empty",
		"env:EMPTY":                "is empty",
		"file:/nowhere/x":          "the token can't be read",
		Ref("file:" + w.dir):       "the token can't be read",
		"-":                        "there is no standard input",
		"prompt":                   "no terminal",
		Ref("file:" + "/dev/zero"): "larger than 1 MiB",
	} {
		_, err := w.ReadSecret(t.Context(), ref, "token")
		kindOf(t, err, KindUnreadableFile, text)
	}
	_, err := w.ReadSecret(t.Context(), "", "token")
	kindOf(t, err, KindArgument, "no place")
}

func TestOpenFileWarns(t *testing.T) {
	unix(t)
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true} {
		w := newWorld(t)
		path := w.writeFile("s", []byte("x12345"), mode)
		if _, err := w.ReadSecret(t.Context(), Ref("file:"+path), "client secret"); err != nil {
			t.Fatal(err)
		}
		if (len(w.warnings) > 0) != warned {
			t.Errorf("%o: %v", mode, w.warnings)
		}
	}
	windows := newWorld(t, func(e *Env) { e.GOOS = "windows" })
	path := windows.writeFile("s", []byte("x12345"), 0o666)
	if _, err := windows.ReadSecret(t.Context(), Ref("file:"+path), "client secret"); err != nil || len(windows.warnings) > 0 {
		t.Errorf("%v, %v", err, windows.warnings)
	}
}

func TestPromptEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := newWorld(t, func(e *Env) {
		e.Prompt = func(ctx context.Context, _ string) (string, error) {
			cancel() // Ctrl-C
			<-ctx.Done()
			return "", ctx.Err()
		}
	})
	_, err := w.ReadSecret(ctx, "prompt", "client secret")
	if kindOf(t, err, KindCanceled); !errors.Is(err, context.Canceled) {
		t.Error("the cause is lost")
	}
}

func FuzzParseRef(f *testing.F) {
	f.Add("env:NAME")
	f.Add("file:../x")
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := ParseRef(s, "/d")
		if err != nil {
			if e := kindOf(t, err, KindArgument); len(s) > 16 && strings.Contains(e.Error(), s) {
				t.Error("the text is repeated")
			}
			return
		}
		if again, err := ParseRef(string(ref), "/other"); err != nil || again != ref {
			t.Errorf("%q became %q, then %q, %v", s, ref, again, err)
		}
	})
}
