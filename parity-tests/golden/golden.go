// Package golden reads the golden records: what the real cmdlets did, one record per case.
package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Record is one case as it was recorded. A field that the record leaves out is the zero value;
// Raw holds the whole record for fields that have no name here.
type Record struct {
	Group      string             `json:"-"` // file the record is in, without its extension
	Raw        json.RawMessage    `json:"-"`
	ID         string             `json:"id"`
	Cmdlet     string             `json:"cmdlet"`
	Mode       string             `json:"mode"` // session, argv, probe, process or bare
	How        string             `json:"how"`  // mode process: command, script or file
	PowerShell string             `json:"powershell"`
	Argv       []string           `json:"argv"`     // nil where the words cannot say it, empty for no words
	ArgvJSON   []string           `json:"argvJSON"` // as Argv, with each hashtable as JSON text
	Stdin      *string            `json:"stdin"`    // nil: no standard input
	Before     string             `json:"before"`   // PowerShell that set the scene
	Connect    string             `json:"connect"`  // "": the mock, "none": not connected, else an endpoint
	Env        map[string]*string `json:"env"`
	TTY        *string            `json:"tty"`
	TimedOut   bool               `json:"timedOut"`
	Answers    []Answer           `json:"answers"`
	Requests   []Request          `json:"requests"`
	Output     []Output           `json:"output"`
	Host       string             `json:"host"`
	Errors     []Error            `json:"errors"`
	Warnings   []string           `json:"warnings"`
	Verbose    []string           `json:"verbose"`
	Success    *bool              `json:"success"` // nil means true
	RHV        *Variable          `json:"rhv"`
	Stdout     string             `json:"stdout"`
	Stderr     string             `json:"stderr"`
	Exit       *int               `json:"exit"`
	Observed   json.RawMessage    `json:"observed"` // mode probe: parameter set and bound values
	Probe      json.RawMessage    `json:"probe"`    // group session: the same
}

// Answer is one answer of the service, whole or broken on purpose.
type Answer struct {
	Name      string          `json:"-"` // entry of answers.json it stands for, "" when written out
	Status    int             `json:"status"`
	Reason    string          `json:"reason"` // "": the usual phrase
	Headers   [][2]string     `json:"headers"`
	Body      string          `json:"body"`
	JSON      json.RawMessage `json:"json"` // nil: Body counts
	Gzip      bool            `json:"gzip"`
	Deflate   bool            `json:"deflate"`
	Chunked   bool            `json:"chunked"`
	Delay     float64         `json:"delay"`      // seconds before the status line
	BodyDelay float64         `json:"body_delay"` // seconds before the body
	Cut       *int            `json:"cut"`        // bytes of the body that are sent before the connection is closed
	Close     bool            `json:"close"`      // closed without a word
	Reset     bool            `json:"reset"`      // TCP reset without a word
	Keep      *bool           `json:"keep"`       // nil means true: the connection is kept
	Interim   []int           `json:"interim"`    // statuses of the 1xx answers sent first
	Raw       *string         `json:"raw"`        // sent byte for byte (Latin-1), then closed
}

// Request is one request as it arrived.
type Request struct {
	Method   string  `json:"method"`
	Target   string  `json:"target"`
	Headers  Headers `json:"headers"`
	Body     string  `json:"body"`
	Answered any     `json:"answered"` // status, or how the answer was broken
	On       string  `json:"on"`       // "": the main listener
	Via      string  `json:"via"`      // proxy whose tunnel it came through
}

// Headers are a request's headers in order, or the standard ones of the README.
type Headers struct {
	Standard bool
	Fields   [][2]string
}

// UnmarshalJSON takes the word "standard" or a list of pairs.
func (h *Headers) UnmarshalJSON(text []byte) error {
	if string(text) == `"standard"` {
		h.Standard = true
		return nil
	}
	return json.Unmarshal(text, &h.Fields)
}

// Output is one object in the pipeline.
type Output struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
	JSON  string          `json:"json"` // a model's own JSON
}

// Error is one error record.
type Error struct {
	ID          string `json:"id"`
	Category    string `json:"category"`
	Info        string `json:"info"`
	Message     string `json:"message"`
	Exception   string `json:"exception"`
	Details     string `json:"details"`
	Recommended string `json:"recommended"`
	Target      string `json:"target"`
	Terminating bool   `json:"terminating"`
}

// Variable is the value of a response headers variable.
type Variable struct {
	Entries []struct {
		Key   string `json:"key"`
		Value struct {
			Items []struct {
				Value string `json:"value"`
			} `json:"items"`
		} `json:"value"`
	} `json:"entries"`
}

// Succeeded says what $? was, or for mode process whether the exit status was 0.
func (r Record) Succeeded() bool {
	if r.Mode == "process" {
		return r.Exit != nil && *r.Exit == 0
	}
	return r.Success == nil || *r.Success
}

// Load reads every record of a folder, groups in alphabetical order and records in the order of
// their file, each answer that is a name replaced by the entry of answers.json.
func Load(dir string) ([]Record, error) {
	var named map[string]Answer
	if err := read(filepath.Join(dir, "answers.json"), &named); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []Record
	for _, file := range files {
		group := strings.TrimSuffix(filepath.Base(file), ".json")
		if group == "answers" {
			continue
		}
		records, err := loadGroup(file, group, named)
		if err != nil {
			return nil, err
		}
		all = append(all, records...)
	}
	return all, nil
}

func loadGroup(file, group string, named map[string]Answer) ([]Record, error) {
	var texts []json.RawMessage
	if err := read(file, &texts); err != nil {
		return nil, err
	}
	records := make([]Record, len(texts))
	for i, text := range texts {
		r := &records[i]
		if err := json.Unmarshal(text, r); err != nil {
			return nil, fmt.Errorf("%s, record %d: %w", file, i, err)
		}
		r.Group, r.Raw = group, text
		for j, a := range r.Answers {
			if a.Name == "" {
				continue
			}
			whole, ok := named[a.Name]
			if !ok {
				return nil, fmt.Errorf("%s, %s: answers.json has no %q", file, r.ID, a.Name)
			}
			r.Answers[j] = whole
			r.Answers[j].Name = a.Name
		}
	}
	return records, nil
}

// UnmarshalJSON takes an answer, or the name of one as text.
func (a *Answer) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte(`"`)) {
		return json.Unmarshal(text, &a.Name)
	}
	type plain Answer
	return json.Unmarshal(text, (*plain)(a))
}

func read(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
