//go:build !windows

package pipeline

import (
	"os"
	"os/exec"
	"syscall"
)

// processTree is a program and what it started: a process group. The terminal's Ctrl-C does not
// reach the group; the end of the context does.
type processTree struct{ cmd *exec.Cmd }

// newProcessTree prepares cmd, which is not started yet, to lead a group and end with it.
func newProcessTree(cmd *exec.Cmd) (*processTree, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	t := &processTree{cmd}
	cmd.Cancel = func() error { return t.signal(syscall.SIGTERM) }
	return t, nil
}

func (t *processTree) adopt(*os.Process) {}

// kill ends what is left of the group.
func (t *processTree) kill() { _ = t.signal(syscall.SIGKILL) }

func (t *processTree) close() {}

func (t *processTree) signal(s syscall.Signal) error {
	err := syscall.Kill(-t.cmd.Process.Pid, s)
	if err == syscall.ESRCH {
		return os.ErrProcessDone
	}
	return err
}
