package proxy

import (
	"bufio"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzReadAnswer feeds an arbitrary answer to the reader and the offered
// schemes to every mechanism that needs nothing from outside.
func FuzzReadAnswer(f *testing.F) {
	for _, s := range []string{
		opened.raw + "rest", ask("Negotiate", "NTLM TlRM").raw, ask(`Digest realm="x, y", nonce="n", qop="auth,auth-int", algorithm=MD5-sess, Basic realm=z`).raw,
		"HTTP/1.0 407 x\r\nProxy-Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 407 x\r\nProxy-Authenticate: \"\r\n\r\n", "SSH-2.0\r\n", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		limit := &io.LimitedReader{R: strings.NewReader(raw), N: maxAnswer}
		r := bufio.NewReader(limit)
		a, err := readAnswer(r, limit, &http.Request{Method: http.MethodConnect})
		if err != nil {
			if a.status != 0 || a.challenges != nil || a.keep {
				t.Fatalf("an answer %+v beside %v", a, err)
			}
			return
		}
		if a.status/100 == 1 {
			t.Fatalf("an interim answer was taken: %+v", a)
		}
		names := offered(a.challenges)
		if len(a.challenges) > maxChallenges {
			t.Fatalf("%d challenges", len(a.challenges))
		}
		for _, c := range a.challenges {
			if strings.ContainsFunc(c.scheme, func(r rune) bool { return !isTokenRune(r) }) {
				t.Fatalf("scheme %q", c.scheme)
			}
		}
		for _, m := range []*mechanism{newNTLM(alice()), newDigest(alice(), "x:1"), newBasic(alice())} {
			if slices.Contains(names, m.scheme) {
				checkMechanism(t, m, paramsOf(a.challenges, m.scheme))
			}
		}
	})
}

// checkMechanism asks until m gives up, which must be soon, and checks that
// what it says is one header line of its scheme without the password.
func checkMechanism(t *testing.T, m *mechanism, params []string) {
	for range maxRounds {
		value, err := m.answer(t.Context(), params)
		if err != nil {
			return
		}
		if !strings.HasPrefix(value, m.scheme+" ") || strings.ContainsAny(value, "\r\n") || strings.Contains(value, password) {
			t.Fatalf("%s says %q", m.scheme, value)
		}
	}
	t.Fatalf("%s never gives up", m.scheme)
}

func FuzzNTLMChallenge(f *testing.F) {
	f.Add(ntlmChallenge([]byte("12345678"), targetInfo(map[uint16]string{1: "A", 2: "B"})))
	f.Add([]byte("NTLMSSP\x00\x02\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := newNTLM(alice())
		if _, err := m.answer(t.Context(), []string{""}); err != nil {
			t.Fatal(err)
		}
		value, err := m.answer(t.Context(), []string{base64.StdEncoding.EncodeToString(raw)})
		if (value == "") == (err == nil) {
			t.Fatalf("got %q, %v", value, err)
		}
	})
}
