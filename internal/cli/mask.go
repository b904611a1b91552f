package cli

import (
	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/pipeline"
)

// mask keeps the secrets of one request out of what is said about its answer:
// services and proxies echo what they were sent. What it hides is what a dump
// of the request would hide, and every secret that the sign-in has read.
type mask struct {
	run     *run
	req     *cmdlets.Request
	secrets []string // found when first needed: most answers say nothing
	ready   bool
}

// minSecret is the length below which a value is not looked for: a shorter one
// is part of ordinary words, and stars in their middle would tell it.
const minSecret = 4

// text is s with *** in the place of each secret.
func (m *mask) text(s string) string {
	if s == "" {
		return s
	}
	if !m.ready {
		m.collect(redactor())
	}
	return redactor().Text(m.run.auth.Scrub(s), m.secrets...)
}

func (m *mask) collect(red pipeline.Redactor) {
	m.ready = true
	values := red.HiddenIn(m.req.Body)
	for _, line := range m.req.Header {
		if red.Header(line.Name, line.Value) != line.Value {
			values = append(values, line.Value)
		}
	}
	for _, v := range values {
		if len(v) >= minSecret {
			m.secrets = append(m.secrets, v)
		}
	}
}

// record masks all that a record prints.
func (m *mask) record(e *record) {
	for _, s := range []*string{&e.Message, &e.ID, &e.Details, &e.Recommended, &e.Code, &e.RequestID} {
		*s = m.text(*s)
	}
	for i := range e.Headers {
		e.Headers[i][1] = m.text(e.Headers[i][1])
	}
}
