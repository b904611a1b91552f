// Package mock plays Graph and a forward proxy on loopback: it gives the answers of a golden
// record, broken ones too, and keeps every request as it arrived. It speaks HTTP/1.1 over bare
// connections, since a server library would repair what has to stay broken.
package mock

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"invoke-mgupload/parity-tests/golden"
)

// Kinds of listeners; the names are those of the field "on" in the records.
const (
	kindMain      = "https"     // {PORT}: Graph
	kindOther     = "other"     // {OTHER}: TLS on a second address
	kindHTTP      = "http"      // {HTTP}: plain
	kindProxy     = "proxy"     // {PROXY}: forward proxy
	kindProxyAuth = "proxyauth" // {PROXYAUTH}: forward proxy that wants proxyuser:proxypass
	kindBadTLS    = "badtls"    // {BADTLS}: issuer nobody trusts
	kindBadName   = "badname"   // {BADNAME}: certificate for another host
	kindClosed    = "closed"    // {CLOSED}: refuses connections
	kindSilent    = "silent"    // {SILENT}: takes connections and says nothing
)

var tokens = map[string]string{
	kindMain: "{PORT}", kindOther: "{OTHER}", kindHTTP: "{HTTP}", kindProxy: "{PROXY}", kindProxyAuth: "{PROXYAUTH}",
	kindBadTLS: "{BADTLS}", kindBadName: "{BADNAME}", kindClosed: "{CLOSED}", kindSilent: "{SILENT}",
}

// Request is one request as it arrived.
type Request struct {
	Method, Target string
	Header         [][2]string // in order, values without the white space around them
	Body           string
	On             string // kind of listener: "https" is the main one
	Via            string // proxy whose tunnel it came through, "" for none
}

// Mock is a set of listeners that serve one case at a time. Close it after use.
type Mock struct {
	authority *Authority
	listeners []net.Listener
	held      net.Conn          // keeps the port of kindClosed taken
	ports     map[string]string // kind to port
	kinds     map[string]string // port to kind

	mu      sync.Mutex
	current *session
}

// session is one case: connections belong to the case they were made in, so that a late one can't
// disturb the next.
type session struct {
	over chan struct{} // closed when the next case begins

	mu       sync.Mutex
	answers  []golden.Answer
	served   int
	requests []Request
	conns    []net.Conn
}

// New opens the listeners. Until Begin every request is answered with 204.
func New(a *Authority) (*Mock, error) {
	m := &Mock{authority: a, ports: map[string]string{}, kinds: map[string]string{}, current: &session{over: make(chan struct{})}}
	for kind := range tokens {
		if kind == kindClosed {
			continue
		}
		l, err := listen(kind)
		if err != nil {
			m.Close()
			return nil, err
		}
		m.listeners = append(m.listeners, l)
		m.name(kind, l.Addr())
		go m.accept(kind, l)
	}
	// Bound by an open connection and not listening: refused for as long as the mock lives.
	held, err := net.Dial("tcp4", "127.0.0.1:"+m.ports[kindSilent])
	if err != nil {
		m.Close()
		return nil, err
	}
	m.held = held
	m.name(kindClosed, held.LocalAddr())
	return m, nil
}

func listen(kind string) (net.Listener, error) {
	if kind == kindOther {
		if l, err := net.Listen("tcp4", "127.0.0.2:0"); err == nil {
			return l, nil // some systems have 127.0.0.1 only; another port is another origin too
		}
	}
	return net.Listen("tcp4", "127.0.0.1:0")
}

func (m *Mock) name(kind string, a net.Addr) {
	port := strconv.Itoa(a.(*net.TCPAddr).Port)
	m.ports[kind], m.kinds[port] = port, kind
}

// Close shuts all listeners and connections.
func (m *Mock) Close() {
	for _, l := range m.listeners {
		l.Close()
	}
	if m.held != nil {
		m.held.Close()
	}
	m.Begin(nil)
}

// Begin starts a case: its answers are given in order, the last again and again; none means 204.
// Connections of the case before are closed.
func (m *Mock) Begin(answers []golden.Answer) {
	m.mu.Lock()
	old := m.current
	m.current = &session{over: make(chan struct{}), answers: answers}
	m.mu.Unlock()
	close(old.over)
	old.mu.Lock()
	defer old.mu.Unlock()
	for _, c := range old.conns {
		c.Close()
	}
}

// Requests are those of the case so far, in order of arrival.
func (m *Mock) Requests() []Request {
	m.mu.Lock()
	s := m.current
	m.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Fill puts the ports in place of tokens such as {PORT}.
func (m *Mock) Fill(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	for kind, token := range tokens {
		text = strings.ReplaceAll(text, token, m.ports[kind])
	}
	return text
}

var portInText = regexp.MustCompile(`:\d+`)

// Mask is the reverse of Fill: ports after a colon become tokens.
func (m *Mock) Mask(text string) string {
	return portInText.ReplaceAllStringFunc(text, func(port string) string {
		if kind, ok := m.kinds[port[1:]]; ok {
			return ":" + tokens[kind]
		}
		return port
	})
}

func (m *Mock) accept(kind string, l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		m.mu.Lock()
		s := m.current
		m.mu.Unlock()
		s.mu.Lock()
		s.conns = append(s.conns, c)
		s.mu.Unlock()
		go m.converse(kind, c, s)
	}
}

// next keeps the request and says which answer is its.
func (s *session) next(r Request) golden.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	if len(s.answers) == 0 {
		return golden.Answer{Status: 204}
	}
	a := s.answers[min(s.served, len(s.answers)-1)]
	s.served++
	return a
}

func (s *session) keep(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
}
