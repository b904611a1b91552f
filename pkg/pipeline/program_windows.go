package pipeline

import (
	"os"
	"os/exec"
	"sync"

	"golang.org/x/sys/windows"
)

// processTree is a program and what it started: a job object.
type processTree struct {
	cmd *exec.Cmd
	job windows.Handle

	mu      sync.Mutex
	adopted bool
	ended   bool
}

// newProcessTree prepares cmd, which is not started yet, to end with what it starts.
func newProcessTree(cmd *exec.Cmd) (*processTree, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, err
	}
	t := &processTree{cmd: cmd, job: job}
	cmd.Cancel = func() error {
		t.kill()
		return cmd.Process.Kill() // it may not be in the job
	}
	return t, nil
}

// adopt puts the program into the job. A process that may not be put into one, inside some
// sandboxes, is killed without its children.
func (t *processTree) adopt(p *os.Process) {
	const access = windows.PROCESS_SET_QUOTA | windows.PROCESS_TERMINATE
	h, err := windows.OpenProcess(access, false, uint32(p.Pid))
	if err != nil {
		return
	}
	defer windows.CloseHandle(h)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.adopted = windows.AssignProcessToJobObject(t.job, h) == nil
	if t.adopted && t.ended { // the context ended in between
		_ = windows.TerminateJobObject(t.job, 1)
	}
}

// kill ends all that is in the job.
func (t *processTree) kill() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.adopted {
		_ = windows.TerminateJobObject(t.job, 1)
	}
}

func (t *processTree) close() { _ = windows.CloseHandle(t.job) }
