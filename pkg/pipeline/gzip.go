package pipeline

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// Gzip returns a step that asks for gzip and undoes it. It adds to an Accept-Encoding the request
// has. A decoded answer has neither Content-Encoding nor Content-Length (rhv.model-gzip); a broken
// stream is an error of the read that meets it.
func Gzip() Step {
	return func(req *http.Request, next Sender) (*http.Response, error) {
		out := copied(req)
		acceptGzip(out)
		resp, err := next.Send(out)
		if err != nil || !gzipped(resp) {
			return resp, err
		}
		resp.Header = resp.Header.Clone()
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		resp.ContentLength, resp.Uncompressed = -1, true
		resp.Body = &gzipBody{body: resp.Body, req: req}
		return resp, nil
	}
}

func acceptGzip(req *http.Request) {
	given := strings.Join(req.Header.Values("Accept-Encoding"), ", ")
	for coding := range strings.SplitSeq(given, ",") {
		name, _, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return
		}
	}
	if strings.TrimSpace(given) != "" {
		given += ", "
	}
	req.Header.Set("Accept-Encoding", given+"gzip")
}

func gzipped(resp *http.Response) bool {
	coding := strings.TrimSpace(resp.Header.Get("Content-Encoding"))
	return resp.Body != nil && resp.Body != http.NoBody &&
		(strings.EqualFold(coding, "gzip") || strings.EqualFold(coding, "x-gzip"))
}

// gzipBody decodes as it is read. The first Read opens the stream, so that an answer whose body
// is late or broken is an answer all the same.
type gzipBody struct {
	body io.ReadCloser
	req  *http.Request
	zip  *gzip.Reader
	err  error // of opening the stream
}

func (b *gzipBody) Read(p []byte) (int, error) {
	if b.zip == nil && b.err == nil {
		b.zip, b.err = gzip.NewReader(b.body)
	}
	if b.err != nil {
		return 0, b.explain(b.err)
	}
	n, err := b.zip.Read(p)
	return n, b.explain(err)
}

func (b *gzipBody) explain(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, http.ErrBodyReadAfterClose) {
		return err
	}
	if !ours(err) && b.req.Context().Err() == nil { // else it is the connection's, or the caller's
		err = errBroken
	}
	return explain(err, b.req, PhaseBody)
}

// errBroken stands for all that can be wrong with a gzip stream; the reader's own word for one
// that breaks off is that of a connection that does.
var errBroken = errors.New("its gzip encoding is broken")

// Close closes the answer's own body.
func (b *gzipBody) Close() error { return b.body.Close() }
