package pipeline_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

type tokens func(context.Context, TokenRequest) (string, error)

func (f tokens) Token(ctx context.Context, want TokenRequest) (string, error) { return f(ctx, want) }

var graph = &url.URL{Scheme: "https", Host: "graph.example"}

// countingTokens gives another token each time.
func countingTokens() TokenSource {
	var n atomic.Int64
	return tokens(func(context.Context, TokenRequest) (string, error) {
		return "token-" + strconv.FormatInt(n.Add(1), 10), nil
	})
}

func TestContract(t *testing.T) {
	steps := []struct {
		name string
		make func() Step
	}{
		{"defaults", func() Step { return Defaults(http.Header{"User-Agent": {"x"}}, "X-User") }},
		{"requestid", func() Step { return RequestID(NewID) }},
		{"endpoint", func() Step { return Endpoint(&url.URL{Scheme: "http", Host: "127.0.0.1:81"}) }},
		{"auth", func() Step { return Auth(countingTokens(), graph) }},
		{"auth elsewhere", func() Step { return Auth(countingTokens(), &url.URL{Scheme: "https", Host: "h"}) }},
		{"timeout", func() Step { return Timeout(time.Minute) }},
		{"no timeout", func() Step { return Timeout(0) }},
		{"retry", func() Step { return Retry(RetryOptions{Max: 3, Delay: time.Second}) }},
		{"no retry", func() Step { return Retry(RetryOptions{}) }},
		{"redirect", func() Step { return Redirect(5) }},
		{"gzip", Gzip},
		{"dump", func() Step { return Dump(func(string) {}, Redactor{}) }},
		{"whole chain", wholeChain},
	}
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) { pipelinetest.Run(t, s.make) })
	}
}

// chain is the order the package comment gives.
func chain(wire Sender) Sender {
	return New(wire,
		Named{"timeout", Timeout(5 * time.Minute)},
		Named{"defaults", Defaults(http.Header{"User-Agent": {"x"}, "Cache-Control": {"no-store, no-cache"}})},
		Named{"retry", Retry(RetryOptions{Max: 3, Delay: 3 * time.Second})},
		Named{"redirect", Redirect(5)},
		Named{"auth", Auth(countingTokens(), graph)},
		Named{"requestid", RequestID(NewID)},
		Named{"gzip", Gzip()},
	)
}

// wholeChain folds the chain into one step.
func wholeChain() Step {
	return func(req *http.Request, next Sender) (*http.Response, error) { return chain(next).Send(req) }
}
