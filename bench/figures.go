package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"invoke-mgupload/internal/cmdlets"
	"invoke-mgupload/pkg/params"
)

// group is figures that are measured together.
type group struct {
	name    string
	measure func(*bench, context.Context) ([]figure, error)
}

// groups is every figure, in the order of the report.
var groups = []group{
	{"start", (*bench).start},
	{"memory", (*bench).memory},
	{"binding", (*bench).binding},
	{"call", (*bench).call},
	{"piped", (*bench).piped},
	{"long", (*bench).long},
}

func groupNames() []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.name
	}
	return names
}

// The bounds of the figures.
var (
	startRatio  = bound{limit: 2.2}
	startTime   = bound{limit: 10} // ms
	memoryBound = bound{limit: 30} // MB, at any length
	callRatio   = bound{limit: 1.3}
	pipedRatio  = bound{limit: 0.9, atLeast: true}
)

const token = "an-opaque-token"

// bench is one run of the figures.
type bench struct {
	programs
	size size
	dir  string
}

func newBench(ctx context.Context, dir string, s size) (*bench, error) {
	p, err := build(ctx, dir)
	if err != nil {
		return nil, err
	}
	p.upload = p.upload.with("MGUPLOAD_ACCESS_TOKEN=" + token)
	return &bench{programs: p, size: s, dir: dir}, nil
}

// start compares a dry run with a program that prints one line.
func (b *bench) start(ctx context.Context) ([]figure, error) {
	d, err := newDuel(b.size.starts,
		func() (cost, error) {
			return b.upload.run(ctx, job{args: []string{"-CertificateBasedAuthPkiId", "x", "-UploadUrl", "u", "-WhatIf"}})
		},
		func() (cost, error) { return b.line.run(ctx, job{}) })
	if err != nil {
		return nil, err
	}
	ours, _, _ := d.medians(wall)
	return []figure{
		d.figure("dry run / empty program, wall", wall, startRatio),
		d.figure("dry run / empty program, cpu", cpu, bound{}),
		{name: "dry run, wall", value: milliseconds(ours), unit: ms, bound: startTime, note: fmt.Sprintf("median of %d", b.size.starts)},
	}, nil
}

// figure is a ratio of medians.
func (d duel) figure(name string, of func(cost) time.Duration, limit bound) figure {
	ours, theirs, ratio := d.medians(of)
	note := fmt.Sprintf("%.2f ms / %.2f ms, medians of %d in turn", milliseconds(ours), milliseconds(theirs), len(d.ours))
	return figure{name: name, value: ratio, unit: times, bound: limit, note: note}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// memory measures piped dry runs of several lengths.
func (b *bench) memory(ctx context.Context) ([]figure, error) {
	var figures []figure
	want := ""
	for _, n := range b.size.memory {
		out := &lines{each: func(line []byte) error {
			if want == "" {
				want = string(line)
			}
			return equal(want)(line)
		}}
		c, err := b.upload.runWeighed(ctx, b.rss, job{args: []string{"-UploadUrl", "u", "-WhatIf"}, stdin: newIdentities(n), stdout: out})
		if err != nil {
			return figures, err
		}
		if err := out.wrong(n); err != nil {
			return figures, err
		}
		note := fmt.Sprintf("%.2f µs an item", float64(c.wall.Microseconds())/float64(n))
		figures = append(figures, resident(fmt.Sprintf("dry run of %d piped identities", n), c, note)...)
	}
	return figures, nil
}

// resident is the memory figure of a run, or none where it can't be known.
func resident(name string, c cost, note string) []figure {
	if c.rss == 0 {
		return nil
	}
	return []figure{{name: name, value: float64(c.rss) / 1e6, unit: mb, bound: memoryBound, note: note}}
}

// binding measures the binder alone, in this process.
func (b *bench) binding(ctx context.Context) ([]figure, error) {
	spec := cmdlets.Default().Spec()
	words := []string{"-CertificateBasedAuthPkiId", "x", "-UploadUrl", "u", "-WhatIf"}
	if _, err := params.Parse(spec, nil, words).Bind(ctx, params.Options{}); err != nil {
		return nil, err
	}
	bind := testing.Benchmark(func(t *testing.B) {
		for t.Loop() {
			_, _ = params.Parse(spec, nil, words).Bind(ctx, params.Options{})
		}
	})
	table := testing.Benchmark(func(t *testing.B) {
		for t.Loop() {
			cmdlets.Default().Spec()
		}
	})
	return []figure{
		{name: "binding five words", value: float64(bind.NsPerOp()) / 1e3, unit: us, note: fmt.Sprintf("%d allocations", bind.AllocsPerOp())},
		{name: "a cmdlet's parameters from its row", value: float64(table.NsPerOp()) / 1e3, unit: us, note: fmt.Sprintf("%d allocations", table.AllocsPerOp())},
	}, nil
}

// contest is the server that both programs send to, and their words.
type contest struct {
	*graph
	server *httptest.Server
	words  []string // the endpoint, for the program under test
	caFile string   // "" without TLS
}

func (b *bench) newContest(secure, failing bool) (*contest, error) {
	c := &contest{graph: &graph{failing: failing}}
	if !secure {
		c.server = httptest.NewServer(c.graph)
		c.words = []string{"--endpoint", c.server.URL}
		return c, nil
	}
	c.server = httptest.NewTLSServer(c.graph)
	c.caFile = filepath.Join(b.dir, "ca.pem")
	c.words = []string{"--endpoint", c.server.URL, "--ca-file", c.caFile}
	if err := writeCA(c.server, c.caFile); err != nil {
		c.server.Close()
		return nil, err
	}
	return c, nil
}

// arrived checks that n requests came, in order.
func (c *contest) arrived(n int64) error {
	if requests, astray := c.take(); requests != n || astray > 0 {
		return fmt.Errorf("%d requests arrived of %d, %d of them out of order", requests, n, astray)
	}
	return nil
}

const (
	uploadPath = "/v1.0/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/00000000-0000-4000-8000-%012d/microsoft.graph.upload"
	uploadBody = "{\n  \"uploadUrl\": \"https://example.com/certificates.p7b\",\n  \"sha256FileHash\": \"00\"\n}"
)

// uploading are the words of a call, without the identity.
var uploading = []string{"-UploadUrl", "https://example.com/certificates.p7b", "-Sha256FileHash", "00", "-PassThru"}

// bare sends n requests with the bare program.
func (b *bench) bare(ctx context.Context, c *contest, n int64) (cost, error) {
	u, err := b.post.run(ctx, job{args: []string{c.server.URL + uploadPath, fmt.Sprint(n), uploadBody, token, c.caFile}})
	if err == nil {
		err = c.arrived(n)
	}
	return u, err
}

// call compares one call with a bare net/http program, without and with TLS.
func (b *bench) call(ctx context.Context) ([]figure, error) {
	var figures []figure
	for _, scheme := range []string{"http", "https"} {
		d, err := b.oneCall(ctx, scheme == "https")
		if err != nil {
			return figures, err
		}
		figures = append(figures,
			d.figure("one call / bare net/http, "+scheme+", wall", wall, callRatio),
			d.figure("one call / bare net/http, "+scheme+", cpu", cpu, bound{}))
	}
	return figures, nil
}

func (b *bench) oneCall(ctx context.Context, secure bool) (duel, error) {
	c, err := b.newContest(secure, false)
	if err != nil {
		return duel{}, err
	}
	defer c.server.Close()
	words := slices.Concat([]string{"-CertificateBasedAuthPkiId", id(0)}, uploading, c.words)
	return newDuel(b.size.calls,
		func() (cost, error) {
			u, err := b.upload.run(ctx, job{args: words})
			if err == nil {
				err = c.arrived(1)
			}
			return u, err
		},
		func() (cost, error) { return b.bare(ctx, c, 1) })
}

// piped compares a pipeline of calls with a bare loop over one connection.
func (b *bench) piped(ctx context.Context) ([]figure, error) {
	c, err := b.newContest(false, false)
	if err != nil {
		return nil, err
	}
	defer c.server.Close()
	n := b.size.piped
	d, err := newDuel(b.size.rounds,
		func() (cost, error) {
			u, err := b.upload.run(ctx, job{args: slices.Concat(uploading, c.words), stdin: newIdentities(n)})
			if err == nil {
				err = c.arrived(n)
			}
			return u, err
		},
		func() (cost, error) { return b.bare(ctx, c, n) })
	if err != nil {
		return nil, err
	}
	ours, theirs, ratio := d.medians(wall)
	perSecond := func(d time.Duration) float64 { return float64(n) / d.Seconds() }
	note := fmt.Sprintf("%.0f / %.0f a second, medians of %d runs of %d in turn", perSecond(ours), perSecond(theirs), len(d.ours), n)
	return []figure{
		{name: "piped calls / bare loop, throughput", value: 1 / ratio, unit: times, bound: pipedRatio, note: note},
		d.figure("piped calls / bare loop, cpu", cpu, bound{}),
	}, nil
}
