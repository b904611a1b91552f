package auth

import (
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// refuse is a network where nobody listens.
func refuse(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

// forbid is a gateway that answers for everybody.
func forbid(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusForbidden, Status: "403 Forbidden", Header: http.Header{"Content-Type": {"text/html"}},
		Body: io.NopCloser(strings.NewReader("<html>no</html>")), Request: req}, nil
}
