package auth

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Ref says where a secret is to be found: "env:NAME", "file:PATH", "fd:N", "-"
// (standard input) or "prompt". The zero value is no place at all.
type Ref string

// secretLimit is far above any token or key file; it keeps a wrong path such
// as /dev/zero from filling the memory.
const secretLimit = 1 << 20

// ParseRef checks the form of a place. A relative file path is made absolute
// against dir, so that a stored place stays true in another folder.
func ParseRef(text, dir string) (Ref, error) {
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case text == "-" || text == "prompt":
		return Ref(text), nil
	case scheme == "env" && rest != "" && !strings.ContainsAny(rest, "=\x00"):
		return Ref(text), nil
	case scheme == "file" && rest != "":
		if !filepath.IsAbs(rest) {
			rest = filepath.Join(dir, rest)
		}
		return Ref("file:" + rest), nil
	case scheme == "fd":
		if n, err := strconv.ParseUint(rest, 10, 16); err == nil {
			return Ref("fd:" + strconv.FormatUint(n, 10)), nil
		}
	}
	// The text itself may be the secret: it is not repeated.
	return "", fail(KindArgument, "Use env:NAME, file:PATH, fd:N, - (standard input) or prompt.",
		"this is not a place where a secret can be found")
}

// Lasting reports whether a later process can read the place again.
func (r Ref) Lasting() bool {
	return strings.HasPrefix(string(r), "env:") || strings.HasPrefix(string(r), "file:")
}

// ReadSecret returns the secret at a place; what names it in messages
// ("client secret"). One newline at the end is cut. Descriptors, standard
// input and prompts are read once and remembered; files are read each time,
// since others rotate them.
func (a *Auth) ReadSecret(ctx context.Context, ref Ref, what string) (string, error) {
	a.mu.Lock()
	text, ok := a.piped[ref]
	a.mu.Unlock()
	if ok {
		return text, nil
	}
	data, err := a.readRef(ctx, ref, what)
	if err != nil {
		return "", err
	}
	text = strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return "", fail(KindUnreadableFile, "", "the %s at %s is empty", what, ref)
	}
	a.remember(text)
	if !ref.Lasting() {
		a.mu.Lock()
		a.piped[ref] = text
		a.mu.Unlock()
	}
	return text, nil
}

// readRef returns the bytes at a place.
func (a *Auth) readRef(ctx context.Context, ref Ref, what string) ([]byte, error) {
	scheme, rest, _ := strings.Cut(string(ref), ":")
	var data []byte
	var err error
	switch scheme {
	case "env":
		text := a.env.Getenv(rest)
		if text == "" {
			return nil, fail(KindUnreadableFile, "Set it, or name another place.",
				"the environment variable %s, which should hold the %s, is not set or empty", rest, what)
		}
		return []byte(text), nil
	case "file":
		data, err = a.readFile(rest, what)
	case "fd":
		data, err = a.readFD(rest)
	case "-":
		data, err = readAll(a.env.Stdin)
	case "prompt":
		data, err = a.prompt(ctx, what)
	default:
		return nil, fail(KindArgument, "", "no place is given for the %s", what)
	}
	if ctx.Err() != nil {
		return nil, canceled(ctx)
	}
	if err != nil {
		return nil, &Error{Kind: KindUnreadableFile, Err: err, Message: "the " + what + " can't be read: " + err.Error()}
	}
	return data, nil
}

func (a *Auth) readFile(path, what string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && a.openToOthers(st) {
		a.warn("%s, which holds the %s, can be read by other users: chmod 600 it", path, what)
	}
	return readAll(f)
}

func (a *Auth) readFD(number string) ([]byte, error) {
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, err
	}
	f, err := a.env.OpenFD(n)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}

func (a *Auth) prompt(ctx context.Context, what string) ([]byte, error) {
	if a.env.Prompt == nil {
		return nil, errors.New("there is no terminal to ask on; use env:NAME or file:PATH")
	}
	text, err := a.env.Prompt(ctx, strings.ToUpper(what[:1])+what[1:]+": ")
	return []byte(text), err
}

func readAll(r io.Reader) ([]byte, error) {
	if r == nil {
		return nil, errors.New("there is no standard input")
	}
	data, err := io.ReadAll(io.LimitReader(r, secretLimit+1))
	if err == nil && len(data) > secretLimit {
		err = errors.New("it is larger than 1 MiB")
	}
	return data, err
}
