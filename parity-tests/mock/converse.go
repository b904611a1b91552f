package mock

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// wire is one conversation: the stream spoken on and the TCP connection below it, which is what a
// broken answer closes (a TLS farewell would tell the client that the cut was meant).
type wire struct {
	io.Writer
	in   *bufio.Reader
	tcp  net.Conn
	kind string
	via  string
	fill func(string) string
}

var proxyCredentials = "Basic " + base64.StdEncoding.EncodeToString([]byte("proxyuser:proxypass"))

func (m *Mock) converse(kind string, tcp net.Conn, s *session) {
	defer tcp.Close()
	if kind == kindSilent {
		<-s.over
		return
	}
	w := &wire{Writer: tcp, in: bufio.NewReader(tcp), tcp: tcp, kind: kind, fill: m.Fill}
	if w.secure(m.authority) != nil {
		return
	}
	for w.exchange(m, s) == nil {
	}
}

// secure starts TLS where the listener speaks it.
func (w *wire) secure(a *Authority) error {
	config := a.config(w.kind)
	if config == nil {
		return nil
	}
	t := tls.Server(w.tcp, config)
	if err := t.Handshake(); err != nil {
		return err
	}
	w.Writer, w.in = t, bufio.NewReader(t)
	return nil
}

// errDone ends a conversation that went as intended.
var errDone = errors.New("the connection is not used again")

func (w *wire) exchange(m *Mock, s *session) error {
	if first, err := w.in.Peek(1); err != nil || first[0] == 0x16 {
		// A TLS hello on a plain port: web servers answer that in plain words.
		const words = "this port speaks plain HTTP"
		_, _ = io.WriteString(w, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: "+
			strconv.Itoa(len(words))+"\r\n\r\n"+words)
		return errDone
	}
	r, header, err := w.read()
	if err != nil {
		return err
	}
	if w.kind == kindProxyAuth && header.Get("Proxy-Authorization") != proxyCredentials {
		s.keep(r)
		_, err := io.WriteString(w, "HTTP/1.1 407 Proxy Authentication Required\r\n"+
			"Proxy-Authenticate: Basic realm=\"gold\"\r\nContent-Length: 0\r\n\r\n")
		return err
	}
	if r.Method == http.MethodConnect && (w.kind == kindProxy || w.kind == kindProxyAuth) {
		s.keep(r)
		return w.tunnel(m, r.Target)
	}
	answer := s.next(r)
	if !wait(answer.Delay, s.over) {
		return errDone
	}
	return w.answer(answer, header, s.over)
}

// tunnel turns the conversation into one with the listener of that port; any name the mock does
// not know ends at Graph.
func (w *wire) tunnel(m *Mock, target string) error {
	if _, err := io.WriteString(w, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(target)
	if err != nil {
		return err
	}
	w.via, w.kind = w.kind, kindMain
	if kind, ok := m.kinds[port]; ok {
		w.kind = kind
	}
	return w.secure(m.authority)
}

// read takes one request off the wire. The header is given twice: as sent, and for look-ups.
func (w *wire) read() (Request, http.Header, error) {
	r := Request{On: w.kind, Via: w.via}
	line, err := w.line()
	if err != nil {
		return r, nil, err
	}
	method, rest, _ := strings.Cut(line, " ")
	end := strings.LastIndex(rest, " ")
	if end < 0 {
		return r, nil, errors.New("no HTTP version")
	}
	r.Method, r.Target = method, rest[:end]
	header := http.Header{}
	for {
		line, err := w.line()
		if err != nil {
			return r, nil, err
		}
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		r.Header = append(r.Header, [2]string{name, value})
		header.Add(name, value)
	}
	r.Body, err = w.body(header)
	return r, header, err
}

func (w *wire) body(header http.Header) (string, error) {
	if strings.EqualFold(header.Get("Expect"), "100-continue") {
		if _, err := io.WriteString(w, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return "", err
		}
	}
	if !strings.Contains(strings.ToLower(header.Get("Transfer-Encoding")), "chunked") {
		n, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			return "", nil
		}
		body := make([]byte, n)
		_, err = io.ReadFull(w.in, body)
		return string(body), err
	}
	var body []byte
	for {
		line, err := w.line()
		if err != nil {
			return "", err
		}
		size, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 24)
		if err != nil {
			return "", err
		}
		chunk := make([]byte, n+2)
		if _, err := io.ReadFull(w.in, chunk); err != nil {
			return "", err
		}
		if n == 0 {
			return string(body), nil
		}
		body = append(body, chunk[:n]...)
	}
}

// line reads up to CRLF. Bytes count as Latin-1, as in the records.
func (w *wire) line() (string, error) {
	text, err := textproto.NewReader(w.in).ReadLineBytes()
	return fromLatin1(text), err
}

func fromLatin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// wait is false when the case was over first.
func wait(seconds float64, over <-chan struct{}) bool {
	if seconds == 0 {
		return true
	}
	t := time.NewTimer(time.Duration(seconds * float64(time.Second)))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-over:
		return false
	}
}
