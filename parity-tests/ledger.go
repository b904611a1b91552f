package parity

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"invoke-mgupload/parity-tests/golden"
)

// Verdict says how a record is treated. The zero value: compared, and expected to be equal.
type Verdict struct {
	Deviation string // number in the table of deviations, "" where the recording itself is the reason
	Reason    string // why the record is taken out, "" when it is replayed
	Fact      Fact   // what must hold instead of the record, "" when it is compared
}

// Replayed says whether the record is run at all.
func (v Verdict) Replayed() bool { return v.Reason == "" }

// Judge looks a record up in the ledger: the first rule that selects it counts.
func Judge(r golden.Record) Verdict {
	if i := ruleOf(newCase(r)); i >= 0 {
		return ledger[i].verdict
	}
	return Verdict{}
}

func ruleOf(c *testCase) int {
	return slices.IndexFunc(ledger, func(l rule) bool { return l.selects(c) })
}

// rule is a line of the ledger. Rules go by what a record holds, so that new records find their
// place; a record's name serves where only the name tells.
type rule struct {
	verdict Verdict
	selects func(*testCase) bool
}

// testCase is a record with what the rules look at.
type testCase struct {
	golden.Record
	words, lower []string
	text         string // the words joined
	bodies       string // recorded bodies joined
	targets      string
}

func newCase(r golden.Record) *testCase {
	c := &testCase{Record: r, words: r.Words()}
	for _, w := range c.words {
		c.lower = append(c.lower, strings.ToLower(w))
	}
	c.text = strings.Join(c.words, " ")
	for _, q := range r.Requests {
		c.bodies += q.Body + " "
		c.targets += q.Target + " "
	}
	return c
}

func takenOut(deviation, reason string, selects func(*testCase) bool) rule {
	return rule{Verdict{Deviation: deviation, Reason: reason}, selects}
}

func turned(deviation string, fact Fact, selects func(*testCase) bool) rule {
	return rule{Verdict{Deviation: deviation, Fact: fact}, selects}
}

// ledger names every record that is not simply compared. Order matters: what cannot be run at all,
// then what a deviation turns around, then what a deviation takes out.
var ledger = slices.Concat(notReplayable, turnedAround, takenOutByDeviation)

var notReplayable = []rule{
	takenOut("", "needs PowerShell objects", func(c *testCase) bool { return c.words == nil }),
	takenOut("", "a session cmdlet, replayed elsewhere", func(c *testCase) bool { return c.Group == "session" }),
	takenOut("", "binding only, replayed elsewhere", func(c *testCase) bool { return c.Mode == "probe" }),
	takenOut("", "no argument of a program can hold it", func(c *testCase) bool { return strings.Contains(c.text, "\x00") }),
	takenOut("D19", "waits for a debugger", func(c *testCase) bool { return c.TimedOut || c.has("-break", "--break") }),
	takenOut("", "the PowerShell host's own doing", func(c *testCase) bool {
		return c.How == "file" || c.How == "script" || c.TTY != nil || c.named("color", "process.confirm")
	}),
	takenOut("", "needs PowerShell objects", func(c *testCase) bool {
		return c.Argv == nil && strings.Contains(strings.ToLower(c.PowerShell), "[pscustomobject]") && len(c.Errors) > 0
	}),
	takenOut("", "typed at a prompt, other words", func(c *testCase) bool { return c.named("WhatIf-space-false") }),
	takenOut("D30", "an identity chooses the route", identityChooses),
	takenOut("D22", "steps are programs", func(c *testCase) bool { return c.hasPrefix("-httppipeline") }),
	takenOut("D07", "stdin is read only where the binding needs it", func(c *testCase) bool {
		return c.Stdin != nil && (len(c.words) == 0 || !strings.Contains(*c.Stdin, `-id"`) || c.hasMatch(idWord))
	}),
	takenOut("D35", "one error for all items", func(c *testCase) bool {
		return c.Connect == "none" && c.Stdin != nil && *c.Stdin != ""
	}),
	takenOut("", "needs a name outside", func(c *testCase) bool {
		return c.Connect == "global" || c.Connect == "https://no-such-host.invalid"
	}),
	takenOut("", "needs PowerShell set-up", func(c *testCase) bool { return c.Before != "" && !plainSetUp.MatchString(c.Before) }),
}

var turnedAround = []rule{
	turned("D08", factRefused, emptyValueWord),
	turned("D18", factRefused, func(c *testCase) bool {
		return emptySegment.MatchString(c.targets) || c.has(".", "..")
	}),
	turned("D26", factStopped, func(c *testCase) bool {
		return slices.ContainsFunc(c.Requests, func(q golden.Request) bool { return q.On == "other" })
	}),
	turned("D20", factStopped, func(c *testCase) bool {
		return len(c.Answers) > 0 && c.Answers[0].Status == 401 && len(c.Requests) > 1
	}),
	turned("D16", factStopped, func(c *testCase) bool { return c.named("error-in-200", "trailing-garbage") }),
	turned("D24", factRefused, func(c *testCase) bool {
		return c.Argv != nil && c.valueOf(bodyWord, func(v string) bool {
			return strings.HasPrefix(strings.TrimSpace(v), "{") && !strict(v)
		})
	}),
	turned("D25", factRefused, func(c *testCase) bool {
		return c.valueOf(dateWord, func(v string) bool { return strings.TrimSpace(v) == "" })
	}),
	turned("D27", factRefused, func(c *testCase) bool {
		return c.valueOf(headersVariableWord, func(v string) bool { return v != "" && !variableName(v) })
	}),
	turned("D33", factRefused, func(c *testCase) bool { return c.headerValue(connectionHeader) }),
	turned("D34", factRefused, func(c *testCase) bool { return c.headerValue(nestedHeader) }),
	turned("D24", factRefused, func(c *testCase) bool {
		return c.named("wrong-type") && c.has("-bodyparameter") || c.ID == "extra.int64-json-text"
	}),
	turned("D21", factArrives, func(c *testCase) bool { return changedBody.MatchString(c.bodies) || changedDate.MatchString(c.text) }),
	turned("D23", factTaken, func(c *testCase) bool {
		return c.Argv != nil && len(c.Errors) > 0 && (c.valueOf(hashtableWord, opensObject) || c.valueOf(identityWord, namesID.MatchString))
	}),
	turned("D01", factUnsent, func(c *testCase) bool {
		return strings.Contains(c.proxy(), "{CLOSED}") && !c.has("-whatif")
	}),
	turned("D01", factProxied, func(c *testCase) bool {
		others := func(w string) bool { return strings.HasPrefix(w, "-proxy") && w != "-proxy" }
		return strings.HasPrefix(c.proxy(), "http://127.0.0.1:{PROXY}") && !c.has("-whatif") && !slices.ContainsFunc(c.lower, others)
	}),
}

var takenOutByDeviation = []rule{
	takenOut("D01", "a proxy works", func(c *testCase) bool { return c.Group == "proxy" || c.hasPrefix("-proxy", "--proxy") }),
	takenOut("D21", "data is not changed", func(c *testCase) bool {
		fine := strings.Contains(c.text, "{") && fineNumber.MatchString(longHex.ReplaceAllString(c.text, ""))
		return fine || c.named("bignum", "culture")
	}),
	takenOut("D16", "answers are not changed", func(c *testCase) bool {
		return (c.Group == "model" || c.Group == "governance") && changedAnswer.MatchString(c.ID)
	}),
	takenOut("D13", "not asked for", func(c *testCase) bool { return c.named("deflate") }),
	takenOut("D34", "any legal header value passes", func(c *testCase) bool { return c.message("The format of value") }),
	takenOut("D28", "Retry-After is read as the RFC says", func(c *testCase) bool {
		return slices.ContainsFunc(c.Answers, func(a golden.Answer) bool {
			return slices.ContainsFunc(a.Headers, func(h [2]string) bool {
				return strings.EqualFold(h[0], "Retry-After") && dateOrNegative.MatchString(h[1])
			})
		})
	}),
	takenOut("D26", "followed or worded otherwise", func(c *testCase) bool { return c.named("redirect.to-http", "redirect.relative-path") }),
	takenOut("D24", "a value JSON gives and the cmdlet drops", func(c *testCase) bool {
		return c.named("json-null", "json-number", "identity-empty-string", "convert.body-empty-string") || c.ID == "identity.empty-string"
	}),
}

var (
	idWord     = regexp.MustCompile(`^-{1,2}(inputobject|\w+id)(:.*)?$`)
	ownIDWord  = regexp.MustCompile(`^-{1,2}\w+id(:.*)?$`)
	inputWord  = regexp.MustCompile(`^-i(np\w*)?$`)
	plainSetUp = regexp.MustCompile(`^(?:\s*(?:Set-MgRequestContext(?: -\w+ \d+)+ \| Out-Null;?|\$global:\w+Preference = (?:\$true|'\w+'))\s*)+$`)

	emptySegment        = regexp.MustCompile(`//(microsoft|uploadSessions)`)
	bodyWord            = regexp.MustCompile(`^-(b|bo|bod|body\w*)$`)
	dateWord            = regexp.MustCompile(`^-(n|nb|nbf|e|ex|exp)$`)
	headersWord         = regexp.MustCompile(`^-(h|he|hea\w*)$`)
	headersVariableWord = regexp.MustCompile(`^-(rhv|res\w*)$`)
	switchColon         = regexp.MustCompile(`^-{1,2}(w|wi|wh\w*|cf|con\w*|pas\w*|v|vb|ve\w*|d|db|de\w*):$`)
	changedBody         = regexp.MustCompile(`: null\b|: "-?\d{16,}"`)
	changedDate         = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*0Z|[+-])|/Date\(`)
	hashtableWord       = regexp.MustCompile(`^-(h|he|hea\w*|a|ad|add\w*)$`)
	identityWord        = regexp.MustCompile(`^-(i|inp|input\w*)$`)
	namesID             = regexp.MustCompile(`"\w+Id"\s*:`)

	fineNumber     = regexp.MustCompile(`\d{16,}|\d\.\d|\d[eE][+-]?\d`)
	longHex        = regexp.MustCompile(`[0-9A-Fa-f]{20,}`)
	changedAnswer  = regexp.MustCompile(`wrong-types|duplicate-keys|exp-over|stats-(float|overflow)|\bnull$`)
	dateOrNegative = regexp.MustCompile(`^(-\d|\w{3}, )`)

	validVariable = regexp.MustCompile(`^(?:(?:global|script|local|private):)?[A-Za-z_]\w*$`)
)

// reserved are variables that PowerShell itself keeps.
var reserved = strings.Fields("true false null pid error home host executioncontext shellid pshome psversiontable args input")

func variableName(v string) bool {
	return validVariable.MatchString(v) && !slices.Contains(reserved, strings.ToLower(v))
}

func identityChooses(c *testCase) bool {
	ambiguous := slices.ContainsFunc(c.Errors, func(e golden.Error) bool { return strings.Contains(e.ID, "AmbiguousParameterSet") })
	ambiguous = ambiguous || strings.Contains(c.Stderr, "Parameter set cannot be resolved") // mode process
	return ambiguous && strings.Contains(c.Cmdlet, "UploadSession") && c.hasMatch(inputWord) && !c.hasMatch(ownIDWord)
}

// emptyValueWord: a switch says that a value follows, and another parameter does or nothing
// (binderreal.074-the-unset-variable-trap-whatif-false-unquoted-in-bash). With a parameter that
// takes a value the real cmdlet refuses the end and is right about a dash (binderreal.010-…).
func emptyValueWord(c *testCase) bool {
	for i, w := range c.lower {
		if switchColon.MatchString(w) && (i+1 == len(c.lower) || strings.HasPrefix(c.lower[i+1], "-")) {
			return true
		}
	}
	return false
}

func opensObject(v string) bool { return strings.HasPrefix(v, "{") }

func connectionHeader(name string, _ json.RawMessage) bool {
	return slices.Contains(strings.Fields("host transfer-encoding connection upgrade te trailer"), strings.ToLower(name))
}

func nestedHeader(_ string, value json.RawMessage) bool { return value[0] == '{' || value[0] == '[' }

func (c *testCase) has(words ...string) bool {
	return slices.ContainsFunc(c.lower, func(w string) bool { return slices.Contains(words, w) })
}

func (c *testCase) hasPrefix(prefixes ...string) bool {
	return slices.ContainsFunc(c.lower, func(w string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(w, p) })
	})
}

func (c *testCase) hasMatch(re *regexp.Regexp) bool {
	return slices.ContainsFunc(c.lower, re.MatchString)
}

func (c *testCase) named(parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(c.ID, p) })
}

func (c *testCase) message(part string) bool {
	return slices.ContainsFunc(c.Errors, func(e golden.Error) bool { return strings.Contains(e.Message, part) })
}

// valueOf: some value after a word that matches is one that holds.
func (c *testCase) valueOf(word *regexp.Regexp, holds func(string) bool) bool {
	for i := 1; i < len(c.words); i++ {
		if word.MatchString(c.lower[i-1]) && holds(c.words[i]) {
			return true
		}
	}
	return false
}

func (c *testCase) headerValue(holds func(string, json.RawMessage) bool) bool {
	return c.valueOf(headersWord, func(v string) bool {
		var headers map[string]json.RawMessage
		if json.Unmarshal([]byte(v), &headers) != nil {
			return false
		}
		for name, value := range headers {
			if holds(name, value) {
				return true
			}
		}
		return false
	})
}

// proxy is the value of -Proxy, "" for none.
func (c *testCase) proxy() string {
	if i := slices.Index(c.lower, "-proxy"); i >= 0 && i+1 < len(c.words) {
		return c.words[i+1]
	}
	return ""
}

// strict: one JSON value by RFC 8259, no name twice in an object in whatever case.
func strict(text string) bool {
	if !json.Valid([]byte(text)) {
		return false
	}
	d := json.NewDecoder(strings.NewReader(text))
	return distinct(d)
}

func distinct(d *json.Decoder) bool {
	open, _ := d.Token()
	delim, nested := open.(json.Delim)
	if !nested {
		return true
	}
	names := map[string]bool{}
	for d.More() {
		if delim == '{' {
			name, _ := d.Token()
			key := strings.ToLower(name.(string))
			if names[key] {
				return false
			}
			names[key] = true
		}
		if !distinct(d) {
			return false
		}
	}
	_, _ = d.Token()
	return true
}
