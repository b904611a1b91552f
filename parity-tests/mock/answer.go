package mock

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"invoke-mgupload/parity-tests/golden"
)

// graphJSON is the content type of Graph's own answers.
const graphJSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"

// answer gives one answer; an error means that the connection is not used again.
func (w *wire) answer(a golden.Answer, request http.Header, over <-chan struct{}) error {
	switch {
	case a.Close:
		return errDone
	case a.Reset:
		if tcp, ok := w.tcp.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		return errDone
	case a.Raw != nil:
		_, _ = w.Write(toLatin1(w.fill(*a.Raw)))
		return errDone
	}
	for _, status := range a.Interim {
		fmt.Fprintf(w, "HTTP/1.1 %d %s\r\n\r\n", status, phrase(status))
	}
	body, err := w.content(a)
	if err != nil {
		return err
	}
	keep := (a.Keep == nil || *a.Keep) && !strings.EqualFold(request.Get("Connection"), "close")
	bodyless := a.Status == 204 || a.Status == 304
	if _, err := io.WriteString(w, w.head(a, request, len(body), bodyless, keep)); err != nil {
		return err
	}
	if !bodyless {
		if !wait(a.BodyDelay, over) {
			return errDone
		}
		if err := w.send(a, body); err != nil {
			return err
		}
	}
	if !keep {
		return errDone
	}
	return nil
}

func (w *wire) head(a golden.Answer, request http.Header, size int, bodyless, keep bool) string {
	var b strings.Builder
	reason := a.Reason
	if reason == "" {
		reason = phrase(a.Status)
	}
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", a.Status, reason)
	given := map[string]bool{}
	for _, h := range a.Headers {
		given[strings.ToLower(h[0])] = true
		value := strings.ReplaceAll(w.fill(h[1]), "{ECHO-CLIENT-REQUEST-ID}", request.Get("client-request-id"))
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], value)
	}
	if a.JSON != nil && !given["content-type"] {
		b.WriteString("Content-Type: " + graphJSON + "\r\n")
	}
	if a.Gzip {
		b.WriteString("Content-Encoding: gzip\r\n")
	}
	if a.Deflate {
		b.WriteString("Content-Encoding: deflate\r\n")
	}
	switch {
	case a.Chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n")
	case !bodyless && !given["content-length"]:
		fmt.Fprintf(&b, "Content-Length: %d\r\n", size)
	}
	if !keep {
		b.WriteString("Connection: close\r\n")
	}
	return b.String() + "\r\n"
}

// content is the body as it goes out, compressed where the answer says so.
func (w *wire) content(a golden.Answer) ([]byte, error) {
	body := []byte(w.fill(a.Body))
	if a.JSON != nil {
		spaced, err := Spaced(a.JSON)
		if err != nil {
			return nil, err
		}
		body = spaced
	}
	var packed bytes.Buffer
	var z io.WriteCloser
	switch {
	case a.Gzip:
		z = gzip.NewWriter(&packed)
	case a.Deflate:
		z = zlib.NewWriter(&packed)
	default:
		return body, nil
	}
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	err := z.Close()
	return packed.Bytes(), err
}

func (w *wire) send(a golden.Answer, body []byte) error {
	if a.Cut != nil {
		body = body[:min(*a.Cut, len(body))]
	}
	if a.Chunked {
		for rest := body; len(rest) > 0; rest = rest[min(16, len(rest)):] {
			piece := rest[:min(16, len(rest))]
			if _, err := fmt.Fprintf(w, "%x\r\n%s\r\n", len(piece), piece); err != nil {
				return err
			}
		}
	} else if _, err := w.Write(body); err != nil {
		return err
	}
	if a.Cut != nil {
		return errDone
	}
	if a.Chunked {
		_, err := io.WriteString(w, "0\r\n\r\n")
		return err
	}
	return nil
}

// phrase is the usual reason phrase.
func phrase(status int) string {
	if status == 509 {
		return "Bandwidth Limit Exceeded"
	}
	if text := http.StatusText(status); text != "" {
		return text
	}
	return "Unknown"
}

func toLatin1(s string) []byte {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}
