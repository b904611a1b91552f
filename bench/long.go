package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// long sends a long pipeline of which one in a hundred fails, and checks that
// every result and every error is there.
func (b *bench) long(ctx context.Context) ([]figure, error) {
	c, err := b.newContest(false, true)
	if err != nil {
		return nil, err
	}
	defer c.server.Close()
	n := b.size.long
	failed := n / failEvery
	results := &lines{each: equal("True")}
	refusals := &lines{each: inOrder()}
	words := slices.Concat([]string{"--error-format", "json"}, uploading, c.words)
	u, err := b.upload.runWeighed(ctx, b.rss, job{args: words, stdin: newIdentities(n), stdout: results, stderr: refusals, status: 1})
	if err != nil {
		return nil, err
	}
	if err := c.arrived(n); err != nil {
		return nil, err
	}
	if err := results.wrong(n - failed); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	if err := refusals.wrong(failed); err != nil {
		return nil, fmt.Errorf("errors: %w", err)
	}
	figures := []figure{
		{name: "piped calls that arrived, in order", value: float64(n), unit: pieces, note: "exact"},
		{name: "results", value: float64(results.n), unit: pieces, note: "exact"},
		{name: "errors, each for its item", value: float64(refusals.n), unit: pieces, note: "exact"},
	}
	note := fmt.Sprintf("%.0f a second", float64(n)/u.wall.Seconds())
	return append(figures, resident("memory of these calls", u, note)...), nil
}

// inOrder wants on each line the error of the next item that fails.
func inOrder() func([]byte) error {
	next := int64(failEvery - 1)
	return func(line []byte) error {
		var e struct {
			Item   *int64 `json:"item"`
			Status int    `json:"status"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("%w: %.200q", err, line)
		}
		if e.Item == nil || *e.Item != next || e.Status != http.StatusNotFound {
			return fmt.Errorf("not the %d of item %d: %.200q", http.StatusNotFound, next, line)
		}
		next += failEvery
		return nil
	}
}
