package cli

// Exit statuses. They are part of the program's contract: changing one breaks scripts.
const (
	Success      = 0   // everything asked for was done, or shown by a dry run
	Failed       = 1   // an operation failed; a file that cannot be read or written is one
	Usage        = 2   // the words, or what is in files and variables, are wrong; nothing was sent
	NotConnected = 3   // no token could be had
	Interrupted  = 130 // an interrupt or a termination signal ended the run
)

// severity orders statuses for runs of several items: the worst one is the run's.
var severity = [...]int{Success, Usage, Failed, NotConnected, Interrupted}

// worse is the status that counts when both occur.
func worse(a, b int) int {
	for i := len(severity) - 1; i >= 0; i-- {
		if a == severity[i] || b == severity[i] {
			return severity[i]
		}
	}
	return Failed
}
