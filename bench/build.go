package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
)

// programs are the program under test, what it is compared with, and what
// measures its memory.
type programs struct{ upload, line, post, rss program }

// build builds the programs as they are released, into dir. Packages are named
// by import path, so that it works in any folder of the module. Each is copied
// once: what the linker has just written lies in memory in single pages, and
// starts up to a millisecond slower than the same bytes written or read in one go.
func build(ctx context.Context, dir string) (programs, error) {
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return programs{}, err
	}
	var p programs
	for _, b := range []struct {
		to  *program
		pkg string
	}{
		{&p.upload, "invoke-mgupload/cmd/invoke-mgupload"},
		{&p.line, "invoke-mgupload/bench/testdata/line"},
		{&p.post, "invoke-mgupload/bench/testdata/post"},
		{&p.rss, "invoke-mgupload/bench/testdata/rss"},
	} {
		file := filepath.Join(dir, path.Base(b.pkg))
		if runtime.GOOS == "windows" {
			file += ".exe"
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file+".linked", b.pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return programs{}, fmt.Errorf("build %s: %w\n%s", b.pkg, err, out)
		}
		if err := copyProgram(file, file+".linked"); err != nil {
			return programs{}, err
		}
		*b.to = program{path: file, env: []string{"HOME=" + home, "USERPROFILE=" + home}}
	}
	return p, nil
}

func copyProgram(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	// Not File.ReadFrom: the kernel's own copy may share the pages.
	_, err = io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, make([]byte, 1<<20))
	return err
}

// with is the program with one more variable.
func (p program) with(variable string) program {
	p.env = append(slices.Clone(p.env), variable)
	return p
}
