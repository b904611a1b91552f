package auth

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

const contextFile = "context.json"

// file is what one user keeps between two commands. No field can hold a
// secret: places are kept, never values.
type file struct {
	Session      *session        `json:"session,omitempty"`
	Request      *RequestContext `json:"requestContext,omitempty"`
	Environments []Environment   `json:"environments,omitempty"`
}

// session is what a later command needs to get a token again.
type session struct {
	Method      string                           `json:"method"`
	Environment string                           `json:"environment"`
	Settings    Settings                         `json:"settings"`
	Context     Context                          `json:"context"`
	Record      *azidentity.AuthenticationRecord `json:"record,omitempty"`
	Cached      bool                             `json:"cached,omitempty"` // tokens are in the system's safe store
}

// ConfigDir returns the folder of the context file on a system:
// $XDG_CONFIG_HOME or ~/.config on Linux and its like, ~/Library/Application
// Support on macOS, %AppData% on Windows, each with invoke-mgupload below. ""
// means that neither variable nor home is known.
func ConfigDir(goos string, getenv func(string) string, home string) string {
	base := ""
	switch goos {
	case "windows":
		base = getenv("AppData")
	case "darwin":
		if home != "" {
			base = filepath.Join(home, "Library", "Application Support")
		}
	default:
		// The specification says to ignore a relative path.
		if base = getenv("XDG_CONFIG_HOME"); !filepath.IsAbs(base) {
			base = ""
		}
		if base == "" && home != "" {
			base = filepath.Join(home, ".config")
		}
	}
	if base == "" {
		return ""
	}
	return filepath.Join(base, "invoke-mgupload")
}

// load returns the stored file, an empty one if there is none. A file that
// can't be read is an error and counts as empty.
func (a *Auth) load() (file, error) {
	var f file
	if a.dir == "" {
		return f, nil
	}
	path := filepath.Join(a.dir, contextFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, &Error{Kind: KindStore, Err: err, Message: "the context file can't be read: " + err.Error()}
	}
	if st, err := os.Stat(path); err == nil && a.openToOthers(st) {
		a.warn("%s can be read or changed by other users: chmod 600 it", path)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return file{}, &Error{Kind: KindStore, Err: err,
			Message: "the context file " + path + " is damaged",
			Advice:  "Run Connect-MgGraph, which writes it anew, or delete it."}
	}
	return f, nil
}

// update loads the file, changes it and writes it back. A damaged file is
// replaced (env.get-broken-file) with a warning.
func (a *Auth) update(change func(*file) error) error {
	f, err := a.load()
	if err != nil {
		a.warn("%v; it is replaced", err)
	}
	if err := change(&f); err != nil {
		return err
	}
	return a.save(f)
}

func (a *Auth) save(f file) error {
	if a.dir == "" {
		return fail(KindStore, "Set HOME, XDG_CONFIG_HOME or AppData.", "there is no place for the context file")
	}
	data, err := json.MarshalIndent(f, "", "  ")
	if err == nil {
		err = writePrivate(a.dir, contextFile, append(data, '\n'))
	}
	if err != nil {
		return &Error{Kind: KindStore, Err: err, Message: "the context file can't be written: " + err.Error(),
			Advice: "Set XDG_CONFIG_HOME (AppData on Windows) to a folder of your own."}
	}
	return nil
}

// writePrivate replaces a file in one step, so that a reader or a crash sees
// the old one or the new one, readable by the owner only.
func writePrivate(dir, name string, data []byte) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, name+".*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), filepath.Join(dir, name))
}

// openToOthers tells whether group or others have any right on a file.
// Windows has no such bits.
func (a *Auth) openToOthers(st fs.FileInfo) bool {
	return a.env.GOOS != "windows" && st.Mode().IsRegular() && st.Mode().Perm()&0o077 != 0
}
