package pipeline_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"invoke-mgupload/pkg/pipeline"
)

// A step of one's own: a function with a request, the rest of the chain, and an answer.
func ExampleStep() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path, r.Header.Get("X-Ticket"))
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()

	ticket := func(req *http.Request, next pipeline.Sender) (*http.Response, error) {
		out := req.Clone(req.Context()) // the request belongs to the caller
		out.Header.Set("X-Ticket", "CHG-1")
		return next.Send(out)
	}
	transport := pipeline.Transport(pipeline.TransportOptions{})
	defer transport.CloseIdleConnections()
	s := pipeline.New(pipeline.Wire(transport),
		pipeline.Named{Name: "ticket", Step: ticket},
		pipeline.Named{Name: "retry", Step: pipeline.Retry(pipeline.RetryOptions{Max: 3, Delay: 3 * time.Second})},
	)

	req, err := http.NewRequest(http.MethodPost, server.URL+"/v1.0/upload", strings.NewReader("{}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := s.Send(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output:
	// POST /v1.0/upload CHG-1
	// 204
}
