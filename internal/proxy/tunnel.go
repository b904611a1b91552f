package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

const (
	// maxAnswer bounds one answer of the proxy, its header and what is read of
	// its body before a new connection is the better choice.
	maxAnswer = 256 << 10
	// maxRounds bounds the CONNECT requests for one tunnel; the longest regular
	// conversation, a Negotiate that carries NTLM, takes three or four.
	maxRounds = 8
	// maxInterim bounds the 1xx answers before the real one.
	maxInterim = 5
)

// past makes a connection's pending reads and writes fail at once.
var past = time.Unix(1, 0)

// tunnel is the conversation that opens one tunnel. It owns its connection
// until take.
type tunnel struct {
	cfg    *Config
	url    *url.URL
	proxy  string // host:port
	target string

	conn   net.Conn // nil before the first request and after a close
	r      *bufio.Reader
	limit  *io.LimitedReader // between conn and r
	used   bool              // conn has carried a request
	rounds int
}

// answer is what the proxy said to one CONNECT.
type answer struct {
	status     int
	challenges []challenge
	keep       bool // the connection can carry another request
}

// connect opens a tunnel to target through the http or https proxy at u.
func (c *Config) connect(ctx context.Context, u *url.URL, target string) (net.Conn, error) {
	t := &tunnel{cfg: c, url: u, proxy: hostPort(u), target: target}
	conn, err := t.run(ctx)
	if err != nil {
		t.close()
		return nil, err
	}
	return conn, nil
}

func (t *tunnel) run(ctx context.Context) (net.Conn, error) {
	a, err := t.exchange(ctx, answer{}, "", false)
	if err == nil && a.status == http.StatusProxyAuthRequired {
		a, err = t.authenticate(ctx, a)
	}
	if err != nil {
		return nil, err
	}
	if a.status/100 != 2 {
		return nil, &Error{Proxy: t.proxy, Phase: PhaseConnect, Status: a.status,
			Reason: "CONNECT " + t.target + ": " + statusText(a.status)}
	}
	return t.take(), nil
}

// authenticate goes through the offered schemes, strongest first. One that
// fails before anything was sent (no ticket, an unknown algorithm) makes room
// for the next; one that the proxy refuses ends it, lest a wrong password be
// tried several times and lock the account.
func (t *tunnel) authenticate(ctx context.Context, a answer) (answer, error) {
	names := offered(a.challenges)
	var notes []string
	for _, scheme := range preference {
		if !has(names, scheme) {
			continue
		}
		m, err := t.mechanism(scheme)
		var value string
		if err == nil {
			value, err = m.answer(ctx, paramsOf(a.challenges, scheme))
		}
		if ctx.Err() != nil {
			return a, t.connectError(ctx.Err())
		}
		if err == nil {
			return t.talk(ctx, a, m, value, notes)
		}
		m.release()
		notes = append(notes, scheme+": "+err.Error())
	}
	return a, noScheme(t.proxy, t.cfg, t.cfg.credential(t.url) != nil, names, notes)
}

// talk sends m's answers, beginning with value, until the proxy stops asking.
func (t *tunnel) talk(ctx context.Context, a answer, m *mechanism, value string, notes []string) (answer, error) {
	defer m.release()
	for first := true; ; first = false {
		var err error
		a, err = t.exchange(ctx, a, value, m.pinned && !first)
		switch {
		case err != nil:
			return a, err
		case a.status == http.StatusUnauthorized: // tinyproxy's answer to a wrong password
			return a, t.authError(m.scheme, a, errRefused, notes)
		case a.status != http.StatusProxyAuthRequired:
			return a, nil
		}
		value, err = "", errRefused
		if params := paramsOf(a.challenges, m.scheme); params != nil {
			value, err = m.answer(ctx, params)
		}
		if err != nil {
			return a, t.authError(m.scheme, a, err, notes)
		}
	}
}

func (m *mechanism) release() {
	if m != nil && m.close != nil {
		m.close()
	}
}

// authError is the error of a scheme that was begun and did not succeed.
func (t *tunnel) authError(scheme string, a answer, err error, notes []string) *Error {
	e := &Error{Proxy: t.proxy, Phase: PhaseAuth, Status: a.status, Offered: offered(a.challenges), Err: err}
	if errors.Is(err, errRefused) {
		e.Reason = fmt.Sprintf("refused the credentials (%d, %s)", a.status, scheme)
	} else {
		e.Reason = "wants " + scheme + ": " + err.Error()
	}
	for _, n := range notes {
		e.Reason += "; could not use " + n
	}
	return e
}

// exchange sends one CONNECT and reads the answer, on a new connection when
// last says that the old one is spent. pinned forbids a new one.
func (t *tunnel) exchange(ctx context.Context, last answer, value string, pinned bool) (answer, error) {
	if t.rounds++; t.rounds > maxRounds {
		return answer{}, t.connectError(errRounds)
	}
	if t.conn != nil && !last.keep {
		t.close()
	}
	if t.conn == nil {
		if pinned {
			return answer{}, t.connectError(errPinned)
		}
		if err := t.open(ctx); err != nil {
			return answer{}, err
		}
	}
	again := t.used && !pinned
	a, err := t.roundTrip(ctx, value)
	if err != nil && again && ctx.Err() == nil && isGone(err) {
		// The proxy dropped the connection after its 407 without saying so.
		t.close()
		if err := t.open(ctx); err != nil {
			return answer{}, err
		}
		a, err = t.roundTrip(ctx, value)
	}
	if err != nil {
		return answer{}, t.connectError(err)
	}
	return a, nil
}

var (
	errRounds = errors.New("it keeps asking for credentials")
	errPinned = errors.New("it closed the connection in the middle of the login")
	errAnswer = errors.New("its answer to CONNECT is not HTTP")
	errLong   = errors.New("its answer to CONNECT is too long")
	errTarget = errors.New("the target's address is not valid")
)

// isGone reports whether a connection ended, as opposed to a bad answer on it.
func isGone(err error) bool {
	_, op := errors.AsType[*net.OpError](err)
	return op || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func (t *tunnel) connectError(err error) *Error {
	e := &Error{Proxy: t.proxy, Phase: PhaseConnect, Err: err}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		e.Reason = "no answer to CONNECT"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Reason = "it closed the connection without an answer to CONNECT"
	}
	return e
}

// open dials the proxy, with TLS for an https proxy.
func (t *tunnel) open(ctx context.Context) error {
	conn, err := t.cfg.base(ctx, "tcp", t.proxy)
	if err != nil {
		return &Error{Proxy: t.proxy, Phase: PhaseDial, Err: err}
	}
	if t.url.Scheme == "https" {
		secure := tls.Client(conn, &tls.Config{ServerName: t.url.Hostname(), RootCAs: t.cfg.RootCAs, MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return &Error{Proxy: t.proxy, Phase: PhaseTLS, Err: err}
		}
		conn = secure
	}
	t.conn, t.used = conn, false
	t.limit = &io.LimitedReader{R: conn}
	t.r = bufio.NewReader(t.limit)
	return nil
}

func (t *tunnel) close() {
	if t.conn != nil {
		t.conn.Close()
		t.conn = nil
	}
}

// take hands the connection over, with the bytes that came after the answer.
func (t *tunnel) take() net.Conn {
	rest, _ := t.r.Peek(t.r.Buffered())
	if len(rest) == 0 {
		return t.conn
	}
	return &leftover{Conn: t.conn, rest: rest}
}

// leftover is a connection of which some bytes were read ahead.
type leftover struct {
	net.Conn
	rest []byte
}

func (l *leftover) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		return l.Conn.Read(p)
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// roundTrip sends CONNECT with a Proxy-Authorization value, or none when it is
// empty. The end of ctx ends it.
func (t *tunnel) roundTrip(ctx context.Context, value string) (answer, error) {
	t.used = true
	conn := t.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
	a, err := t.send(value)
	if !stop() {
		return answer{}, context.Cause(ctx)
	}
	return a, err
}

func (t *tunnel) send(value string) (answer, error) {
	if !httpguts.ValidHostHeader(t.target) || strings.ContainsAny(t.target, "/ ") {
		return answer{}, errTarget
	}
	// An empty User-Agent keeps net/http from sending its own.
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: t.target}, Host: t.target,
		Header: http.Header{"User-Agent": {t.cfg.UserAgent}}}
	if value != "" {
		req.Header.Set("Proxy-Authorization", value)
	}
	if err := req.Write(t.conn); err != nil {
		return answer{}, err
	}
	t.limit.N = maxAnswer
	return readAnswer(t.r, t.limit, req)
}

// readAnswer reads one answer. After a success the reader stands at the first
// byte of the tunnel, otherwise behind the body when keep is true.
func readAnswer(r *bufio.Reader, limit *io.LimitedReader, req *http.Request) (answer, error) {
	for range maxInterim {
		res, err := http.ReadResponse(r, req)
		switch {
		case err != nil && limit.N <= 0:
			return answer{}, errLong
		case err != nil && isGone(err):
			return answer{}, err
		case err != nil:
			return answer{}, errAnswer // the cause quotes the proxy, which may quote us
		case res.StatusCode/100 == 1:
			continue
		case res.StatusCode/100 == 2:
			return answer{status: res.StatusCode}, nil
		}
		return answer{status: res.StatusCode, challenges: parseChallenges(res.Header), keep: drain(res, limit)}, nil
	}
	return answer{}, errAnswer
}

// drain reads the body away and reports whether the connection can go on.
func drain(res *http.Response, limit *io.LimitedReader) bool {
	defer res.Body.Close()
	if closes(res) {
		return false
	}
	_, err := io.Copy(io.Discard, res.Body)
	return err == nil && limit.N > 0
}

// closes reports whether the proxy ends the connection after this answer.
// Old proxies answer in HTTP/1.0 and keep it open with Proxy-Connection.
func closes(res *http.Response) bool {
	says := func(token string) bool {
		return httpguts.HeaderValuesContainsToken(res.Header["Proxy-Connection"], token)
	}
	if says("close") || res.ContentLength < 0 && len(res.TransferEncoding) == 0 {
		return true
	}
	return res.Close && !(res.ProtoMinor == 0 && says("keep-alive"))
}
