package pipeline_test

import (
	"net/http"
	"testing"
	"time"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

var done = SenderFunc(func(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 204, Header: http.Header{}, Body: http.NoBody}, nil
})

func pass(req *http.Request, next Sender) (*http.Response, error) { return next.Send(req) }

func benchmark(b *testing.B, s Sender) {
	req := pipelinetest.Request(b.Context())
	b.ReportAllocs()
	for b.Loop() {
		resp, err := s.Send(req)
		if err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
	}
}

// BenchmarkHops is eight steps that do nothing.
func BenchmarkHops(b *testing.B) {
	hops := make([]Named, 8)
	for i := range hops {
		hops[i] = Named{"pass", pass}
	}
	benchmark(b, New(done, hops...))
}

func BenchmarkChain(b *testing.B) { benchmark(b, chain(done)) }

func BenchmarkRetry(b *testing.B) {
	benchmark(b, New(done, Named{"retry", Retry(RetryOptions{Max: 3, Delay: time.Second})}))
}

func BenchmarkDump(b *testing.B) {
	benchmark(b, New(done, Named{"dump", Dump(func(string) {}, redactor)}))
}
