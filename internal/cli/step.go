package cli

import (
	"net/url"
	"slices"
	"strings"

	"invoke-mgupload/pkg/pipeline"
)

// userSteps are the programs of -HttpPipelinePrepend, the last one outermost,
// then those of -HttpPipelineAppend in their order (steps.all-four). They stand
// before everything else: they see the request once per call and without a token.
func (r *run) userSteps() []pipeline.Named {
	prepend, _ := r.bound.Get("HttpPipelinePrepend").([]string)
	add, _ := r.bound.Get("HttpPipelineAppend").([]string)
	prepend = slices.Clone(prepend)
	slices.Reverse(prepend)
	var steps []pipeline.Named
	for _, path := range append(prepend, add...) {
		steps = append(steps, pipeline.Named{Name: path, Step: pipeline.Program(pipeline.ProgramOptions{
			Path: path, Dir: r.env.Dir, Env: r.stepEnvironment(), Stderr: stepStderr{r.msgs}, Limit: r.set.clientTimeout,
		})})
	}
	return steps
}

// stepStderr passes on what a step writes to its standard error.
type stepStderr struct{ msgs *messages }

func (w stepStderr) Write(p []byte) (int, error) {
	w.msgs.write(string(p))
	return len(p), nil
}

// secretVariables hold what a step must not be handed.
var secretVariables = []string{"MGUPLOAD_ACCESS_TOKEN", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD",
	"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SYSTEM_ACCESSTOKEN", "IDENTITY_HEADER", "MSI_SECRET"}

// stepEnvironment is the environment of a step: this program's, without the
// variables that hold secrets or that a source such as env:NAME points at.
func (r *run) stepEnvironment() []string {
	if r.env.Environ == nil {
		return nil
	}
	hidden := slices.Clone(secretVariables)
	for _, source := range r.line.Additions() {
		if name, ok := strings.CutPrefix(source, "env:"); ok {
			hidden = append(hidden, name)
		}
	}
	var out []string
	for _, entry := range r.env.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if target, ok := strings.CutPrefix(value, "env:"); ok && strings.HasPrefix(name, "MGUPLOAD_") {
			hidden = append(hidden, target)
		}
	}
	for _, entry := range r.env.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if !oneOf(name, hidden) && !holdsPassword(name, value) {
			out = append(out, entry)
		}
	}
	return out
}

func oneOf(name string, list []string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
}

// holdsPassword knows proxy variables with a password in their address.
func holdsPassword(name, value string) bool {
	if !strings.HasSuffix(strings.ToLower(name), "_proxy") {
		return false
	}
	u, err := url.Parse(value)
	return err != nil || u.User != nil
}
