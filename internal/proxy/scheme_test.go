package proxy

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/crypto/md4" //nolint:staticcheck // NTLM is made of it
)

var digestParam = regexp.MustCompile(`([a-z]+)=(?:"([^"]*)"|([^",]+))`)

// digestProxy checks the response by RFC 7616 on its own. The first nonce is
// stale when stale is set.
func digestProxy(algorithm, qop string, stale bool) decideFunc {
	challenge := func(nonce, more string) string {
		c := `Digest realm="the, realm", nonce="` + nonce + `", opaque="o"` + more
		if algorithm != "" {
			c += ", algorithm=" + algorithm
		}
		if qop != "" {
			c += `, qop="` + qop + `"`
		}
		return c
	}
	return func(_ map[string]any, req *http.Request) reply {
		params, ok := strings.CutPrefix(req.Header.Get("Proxy-Authorization"), "Digest ")
		if !ok {
			return ask(`Digest realm="r", nonce="x", algorithm=NEW-ONE`, challenge("n1", ""))
		}
		p := map[string]string{}
		for _, m := range digestParam.FindAllStringSubmatch(params, -1) {
			p[m[1]] = m[2] + m[3]
		}
		want := expectDigest(p, algorithm, qop)
		valid := p["username"] == "alice" && p["uri"] == "graph.test:443" && p["opaque"] == "o" && p["response"] == want
		switch {
		case valid && stale && p["nonce"] == "n1":
			return ask(challenge("n2", ", stale=TRUE"))
		case valid && (!stale || p["nonce"] == "n2"):
			return opened
		}
		return ask(challenge("n9", ""))
	}
}

func expectDigest(p map[string]string, algorithm, qop string) string {
	base, sess := strings.CutSuffix(algorithm, "-sess")
	newHash := md5.New
	if base == "SHA-256" {
		newHash = sha256.New
	}
	h := func(parts ...string) string { return sum(newHash(), strings.Join(parts, ":")) }
	a1 := h("alice", "the, realm", password)
	if sess {
		a1 = h(a1, p["nonce"], p["cnonce"])
	}
	if qop == "" {
		return h(a1, p["nonce"], h("CONNECT", p["uri"]))
	}
	a2 := h("CONNECT", p["uri"])
	if p["qop"] == "auth-int" {
		a2 = h("CONNECT", p["uri"], h(""))
	}
	return h(a1, p["nonce"], p["nc"], p["cnonce"], p["qop"], a2)
}

func sum(h hash.Hash, s string) string {
	h.Write([]byte(s))
	return hex.EncodeToString(h.Sum(nil))
}

func TestDigest(t *testing.T) {
	for _, c := range []struct {
		algorithm, qop string
		stale          bool
		want           string
	}{
		{"", "", false, "| - Digest"},
		{"", "auth", false, "| - Digest"},
		{"MD5", "auth-int, auth", false, "| - Digest"},
		{"MD5", "auth-int", false, "| - Digest"},
		{"SHA-256", "auth", false, "| - Digest"},
		{"MD5-sess", "auth", false, "| - Digest"},
		{"SHA-256-sess", "auth", false, "| - Digest"},
		{"MD5", "auth", true, "| - Digest Digest"},
	} {
		t.Run(fmt.Sprint(c.algorithm, " ", c.qop, " ", c.stale), func(t *testing.T) {
			f := newFakeProxy(t, digestProxy(c.algorithm, c.qop, c.stale))
			dialOK(t, &Config{URL: proxyURL("http", f.addr), Credential: alice()})
			if got := f.schemes(); got != c.want {
				t.Errorf("the proxy saw %q, want %q", got, c.want)
			}
			e := dialFails(t, &Config{URL: proxyURL("http", f.addr), Credential: &Credential{"alice", "no"}})
			if got, want := f.schemes(), c.want+" | - Digest"; got != want {
				t.Errorf("with the second dial the proxy saw %q, want %q", got, want)
			}
			if want := "proxy " + f.addr + " refused the credentials (407, Digest)"; e.Error() != want {
				t.Errorf("got %v, want %s", e, want)
			}
		})
	}
}

func TestDigestStaysStale(t *testing.T) {
	f := newFakeProxy(t, func(map[string]any, *http.Request) reply {
		return ask(`Digest realm="r", nonce="n", stale=true, qop="auth"`)
	})
	dialFails(t, &Config{URL: proxyURL("http", f.addr), Credential: alice()})
	if got, want := f.schemes(), "| - Digest Digest"; got != want {
		t.Errorf("the proxy saw %q, want %q", got, want)
	}
}

// ntlmProxy speaks the server's part of NTLM and verifies NTLMv2 responses
// ([MS-NLMP] 3.3.2).
func ntlmProxy(user, domain, pw string) decideFunc {
	challenge := []byte("12345678")
	info := targetInfo(map[uint16]string{1: "PROXY", 2: "CORP"})
	return func(state map[string]any, req *http.Request) reply {
		token, ok := strings.CutPrefix(req.Header.Get("Proxy-Authorization"), "NTLM ")
		message, err := base64.StdEncoding.DecodeString(token)
		switch {
		case !ok:
			return ask("NTLM", `Basic realm="x"`)
		case err != nil || len(message) < 12 || string(message[:8]) != "NTLMSSP\x00":
			return reply{"HTTP/1.1 400 Bad\r\n\r\n", true}
		case message[8] == 1:
			state["asked"] = true
			return ask("NTLM " + base64.StdEncoding.EncodeToString(ntlmChallenge(challenge, info)))
		case message[8] == 3 && state["asked"] != nil && verifyNTLMv2(message, challenge, info, user, domain, pw):
			return opened
		}
		return ask("NTLM")
	}
}

func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func targetInfo(pairs map[uint16]string) []byte {
	var b []byte
	for _, id := range []uint16{1, 2} {
		v := utf16le(pairs[id])
		b = binary.LittleEndian.AppendUint16(b, id)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(v)))
		b = append(b, v...)
	}
	return append(b, 0, 0, 0, 0)
}

func ntlmChallenge(challenge, info []byte) []byte {
	const unicode, ntlm, extended, hasInfo = 1, 0x200, 0x80000, 0x800000
	b := append([]byte("NTLMSSP\x00"), 2, 0, 0, 0)
	b = append(b, 0, 0, 0, 0, 48, 0, 0, 0) // no target name
	b = binary.LittleEndian.AppendUint32(b, unicode|ntlm|extended|hasInfo)
	b = append(append(b, challenge...), make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(info)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(info)))
	b = binary.LittleEndian.AppendUint32(b, 48)
	return append(b, info...)
}

func verifyNTLMv2(message, challenge, info []byte, user, domain, pw string) bool {
	field := func(at int) []byte {
		n := int(binary.LittleEndian.Uint16(message[at:]))
		off := int(binary.LittleEndian.Uint32(message[at+4:]))
		return message[off : off+n]
	}
	nt, gotDomain, gotUser := field(20), field(28), field(36)
	if string(gotUser) != string(utf16le(user)) || string(gotDomain) != string(utf16le(domain)) || len(nt) < 44 {
		return false
	}
	h := md4.New()
	h.Write(utf16le(pw))
	owf := hmacMD5(h.Sum(nil), utf16le(strings.ToUpper(user)+domain))
	proof, blob := nt[:16], nt[16:]
	return hmac.Equal(proof, hmacMD5(owf, append(append([]byte{}, challenge...), blob...))) &&
		strings.Contains(string(blob[28:]), string(info))
}

func hmacMD5(key, data []byte) []byte {
	m := hmac.New(md5.New, key)
	m.Write(data)
	return m.Sum(nil)
}

func TestNTLM(t *testing.T) {
	f := newFakeProxy(t, ntlmProxy("alice", "CORP", password))
	dialOK(t, &Config{URL: proxyURL("http", f.addr), Credential: alice()})
	if got, want := f.schemes(), "| - NTLM NTLM"; got != want {
		t.Errorf("the proxy saw %q, want %q", got, want)
	}
	noDomain := newFakeProxy(t, ntlmProxy("älice", "", password))
	dialOK(t, &Config{URL: proxyURL("http", noDomain.addr), Credential: &Credential{"älice", password}})
}

// A refused password is not tried again with Basic: that would count twice
// against the account.
func TestNTLMRefusedEndsIt(t *testing.T) {
	f := newFakeProxy(t, ntlmProxy("alice", "CORP", "another"))
	e := dialFails(t, &Config{URL: proxyURL("http", f.addr), Credential: alice()})
	if want := "proxy " + f.addr + " refused the credentials (407, NTLM)"; e.Error() != want || !errors.Is(e, errRefused) {
		t.Errorf("got %v, want %s", e, want)
	}
	if got, want := f.schemes(), "| - NTLM NTLM"; got != want {
		t.Errorf("the proxy saw %q, want %q", got, want)
	}
}

func TestNTLMRedialsOnlyBeforeTheHandshake(t *testing.T) {
	inner := ntlmProxy("alice", "CORP", password)
	f := newFakeProxy(t, func(state map[string]any, req *http.Request) reply {
		a := inner(state, req)
		a.close = req.Header.Get("Proxy-Authorization") == ""
		return a
	})
	dialOK(t, &Config{URL: proxyURL("http", f.addr), Credential: alice()})
	if got, want := f.schemes(), "| - | NTLM NTLM"; got != want {
		t.Errorf("the proxy saw %q, want %q", got, want)
	}

	for _, header := range []string{"Connection: close\r\n", ""} {
		cut := newFakeProxy(t, func(state map[string]any, req *http.Request) reply {
			a := inner(state, req)
			if req.Header.Get("Proxy-Authorization") != "" {
				a.raw = strings.Replace(a.raw, "Content-Length", header+"Content-Length", 1)
				a.close = true
			}
			return a
		})
		e := dialFails(t, &Config{URL: proxyURL("http", cut.addr), Credential: alice()})
		if header != "" && !errors.Is(e, errPinned) {
			t.Errorf("got %v", e)
		}
		if got, want := cut.schemes(), "| - NTLM"; got != want {
			t.Errorf("after %q the proxy saw %q, want %q", header, got, want)
		}
	}
}

func TestNTLMBadChallenge(t *testing.T) {
	for name, token := range map[string]string{"not base64": "!!!", "short": "TlRMTVNTUAACAAAA", "other": "aGVsbG8gd29ybGQsIHRoaXMgaXMgbm8gY2hhbGxlbmdlIGF0IGFsbC4uLi4u"} {
		t.Run(name, func(t *testing.T) {
			f := newFakeProxy(t, func(_ map[string]any, req *http.Request) reply {
				if req.Header.Get("Proxy-Authorization") == "" {
					return ask("NTLM")
				}
				return ask("NTLM " + token)
			})
			e := dialFails(t, &Config{URL: proxyURL("http", f.addr), Credential: alice()})
			if !strings.HasPrefix(e.Error(), "proxy "+f.addr+" wants NTLM: the proxy's ") {
				t.Errorf("got %v", e)
			}
		})
	}
}

// fakeNegotiate says "leg 1", "leg 2", … as long as the proxy asks with the
// token before it.
func fakeNegotiate(legs int, closed *bool) func(string, *Credential) (*mechanism, error) {
	return func(host string, cred *Credential) (*mechanism, error) {
		n := 0
		return &mechanism{scheme: negotiateScheme, pinned: true, close: func() { *closed = true },
			answer: func(_ context.Context, params []string) (string, error) {
				if n++; n > legs {
					return "", errRefused
				}
				if n > 1 && params[0] != fmt.Sprintf("token%d=", n-1) {
					return "", errors.New("unexpected token")
				}
				return fmt.Sprintf("Negotiate %s-leg%d", host, n), nil
			}}, nil
	}
}

func TestNegotiateInSeveralLegs(t *testing.T) {
	f := newFakeProxy(t, func(_ map[string]any, req *http.Request) reply {
		switch req.Header.Get("Proxy-Authorization") {
		case "Negotiate 127.0.0.1-leg1":
			return ask("Negotiate token1=")
		case "Negotiate 127.0.0.1-leg2":
			return ask("Negotiate token2=")
		case "Negotiate 127.0.0.1-leg3":
			return opened
		}
		return ask("Basic realm=x, Digest realm=x, NTLM, Negotiate")
	})
	closed := false
	dialOK(t, &Config{URL: proxyURL("http", f.addr), UseDefaultCredentials: true, negotiate: fakeNegotiate(3, &closed)})
	if got, want := f.schemes(), "| - Negotiate Negotiate Negotiate"; got != want || !closed {
		t.Errorf("the proxy saw %q, want %q; closed %v", got, want, closed)
	}
	closed = false
	e := dialFails(t, &Config{URL: proxyURL("http", f.addr), UseDefaultCredentials: true, negotiate: fakeNegotiate(2, &closed)})
	if !errors.Is(e, errRefused) || !closed {
		t.Errorf("got %v, closed %v", e, closed)
	}
}

func TestRoundsAreBounded(t *testing.T) {
	f := newFakeProxy(t, func(map[string]any, *http.Request) reply { return ask("Negotiate again=") })
	c := &Config{URL: proxyURL("http", f.addr), UseDefaultCredentials: true}
	c.negotiate = func(string, *Credential) (*mechanism, error) {
		return &mechanism{scheme: negotiateScheme, answer: func(context.Context, []string) (string, error) {
			return "Negotiate more", nil
		}}, nil
	}
	if e := dialFails(t, c); !errors.Is(e, errRounds) {
		t.Errorf("got %v", e)
	}
	if got := strings.Count(f.schemes(), "Negotiate"); got != maxRounds-1 {
		t.Errorf("%d answers were sent, want %d", got, maxRounds-1)
	}
}

func TestLocalFailureLeadsToTheNextScheme(t *testing.T) {
	noTicket := func(string, *Credential) (*mechanism, error) { return nil, errors.New("no ticket") }
	inner := ntlmProxy("alice", "CORP", password)
	f := newFakeProxy(t, func(state map[string]any, req *http.Request) reply {
		if req.Header.Get("Proxy-Authorization") == "" {
			return ask("Negotiate", "NTLM")
		}
		return inner(state, req)
	})
	dialOK(t, &Config{URL: proxyURL("http", f.addr), Credential: alice(), negotiate: noTicket})
	if got, want := f.schemes(), "| - NTLM NTLM"; got != want {
		t.Errorf("the proxy saw %q, want %q", got, want)
	}
	e := dialFails(t, &Config{URL: proxyURL("http", f.addr), Credential: &Credential{"x", "y"}, negotiate: noTicket})
	if want := "proxy " + f.addr + " refused the credentials (407, NTLM); could not use Negotiate: no ticket"; e.Error() != want {
		t.Errorf("got %v, want %s", e, want)
	}
	only := newFakeProxy(t, func(map[string]any, *http.Request) reply { return ask("Negotiate") })
	e = dialFails(t, &Config{URL: proxyURL("http", only.addr), UseDefaultCredentials: true, negotiate: noTicket})
	if want := "proxy " + only.addr + " wants Negotiate; Negotiate: no ticket"; e.Error() != want {
		t.Errorf("got %v, want %s", e, want)
	}
}

func TestParseChallenges(t *testing.T) {
	for _, c := range []struct {
		fields []string
		want   string
	}{
		{nil, "[]"},
		{[]string{"Negotiate"}, "[{Negotiate }]"},
		{[]string{"Negotiate, NTLM, Basic realm=\"a, b\""}, `[{Negotiate } {NTLM } {Basic realm="a, b"}]`},
		{[]string{"NTLM TlRM=="}, "[{NTLM TlRM==}]"},
		{[]string{`Digest realm="x", nonce="n" , qop="auth,auth-int", Basic realm=y`}, `[{Digest realm="x", nonce="n", qop="auth,auth-int"} {Basic realm=y}]`},
		{[]string{`Basic realm="say \"hi\", NTLM"`, ",, NTLM ,"}, `[{Basic realm="say \"hi\", NTLM"} {NTLM }]`},
		{[]string{"realm=x, Basic realm = y, charset =utf-8"}, "[{Basic realm = y, charset =utf-8}]"},
		{[]string{"Basic", "x=1"}, "[{Basic }]"},
		{[]string{"\x80 x", "@", `"`, "a\"b"}, "[]"},
	} {
		got := fmt.Sprint(parseChallenges(http.Header{"Proxy-Authenticate": c.fields}))
		if got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.fields, got, c.want)
		}
	}
	many := parseChallenges(http.Header{"Proxy-Authenticate": {strings.Repeat("a,", 1000)}})
	if len(many) != maxChallenges {
		t.Errorf("%d challenges were read", len(many))
	}
}
