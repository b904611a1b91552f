package proxy

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	ntlmssp "github.com/Azure/go-ntlmssp"
	"github.com/icholy/digest"
)

const (
	negotiateScheme = "Negotiate"
	ntlmScheme      = "NTLM"
	digestScheme    = "Digest"
	basicScheme     = "Basic"
)

// preference is .NET's order, strongest first.
var preference = [...]string{negotiateScheme, ntlmScheme, digestScheme, basicScheme}

// mechanism answers the challenges of one scheme.
type mechanism struct {
	scheme string
	// answer turns the parameters of the scheme's challenges in the last 407
	// into a Proxy-Authorization value. errRefused: there is no more to say.
	answer func(ctx context.Context, params []string) (string, error)
	// pinned: after the first answer the handshake lives on one connection.
	pinned bool
	close  func() // may be nil
}

// mechanism returns the mechanism of a scheme, or why it cannot be used here.
func (t *tunnel) mechanism(scheme string) (*mechanism, error) {
	cred := t.cfg.credential(t.url)
	if cred == nil && !t.cfg.UseDefaultCredentials {
		return nil, errors.New("no credential was given")
	}
	switch scheme {
	case negotiateScheme:
		if t.cfg.negotiate != nil {
			return t.cfg.negotiate(t.url.Hostname(), cred)
		}
		return t.cfg.platformNegotiate(t.url.Hostname(), cred)
	case ntlmScheme:
		if cred == nil {
			return platformNTLM()
		}
		return newNTLM(cred), nil
	}
	if cred == nil {
		return nil, errors.New("-ProxyUseDefaultCredentials serves only Negotiate and NTLM; give -ProxyCredential")
	}
	if scheme == digestScheme {
		return newDigest(cred, t.target), nil
	}
	return newBasic(cred), nil
}

// newBasic sends DOMAIN\user:password once, in UTF-8 as .NET does.
func newBasic(cred *Credential) *mechanism {
	sent := false
	return &mechanism{scheme: basicScheme, answer: func(context.Context, []string) (string, error) {
		if sent {
			return "", errRefused
		}
		if _, user := cred.split(); strings.Contains(user, ":") {
			return "", errors.New("a user name with a colon cannot be sent")
		}
		sent = true
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(cred.User+":"+cred.Password)), nil
	}}
}

// newDigest answers for CONNECT to target. A nonce that went stale is answered
// once more. The domain of DOMAIN\user is left out, as in .NET.
func newDigest(cred *Credential, target string) *mechanism {
	legs := 0
	return &mechanism{scheme: digestScheme, answer: func(_ context.Context, params []string) (string, error) {
		ch, err := pickDigest(params)
		if err != nil {
			return "", err
		}
		if legs++; legs > 2 || legs == 2 && !ch.Stale {
			return "", errRefused
		}
		_, user := cred.split()
		return answerDigest(ch, digest.Options{Method: "CONNECT", URI: target, Username: user, Password: cred.Password, Count: 1})
	}}
}

var errDigest = errors.New("no algorithm and quality of protection that is supported")

// pickDigest returns the first challenge that can be answered; the proxy
// lists them by preference (RFC 7616, 3.7).
func pickDigest(params []string) (*digest.Challenge, error) {
	for _, p := range params {
		ch, err := digest.ParseChallenge(digest.Prefix + p)
		if err != nil || ch.Nonce == "" {
			continue
		}
		for i, q := range ch.QOP {
			ch.QOP[i] = strings.ToLower(strings.TrimSpace(q))
		}
		plain := *ch
		plain.Algorithm, _ = cutSess(ch.Algorithm)
		if digest.CanDigest(&plain) {
			return ch, nil
		}
	}
	return nil, errDigest
}

// cutSess removes the suffix of the session variant of an algorithm.
func cutSess(algorithm string) (string, bool) {
	if n := len(algorithm) - len("-sess"); n > 0 && strings.EqualFold(algorithm[n:], "-sess") {
		return algorithm[:n], true
	}
	return algorithm, false
}

// answerDigest adds the session algorithms, which the library lacks and which
// Windows proxies ask for, to what the library computes.
func answerDigest(ch *digest.Challenge, o digest.Options) (string, error) {
	base, sess := cutSess(ch.Algorithm)
	plain := *ch
	plain.Algorithm = base
	if sess {
		hash, err := hexHash(base)
		if err != nil {
			return "", err
		}
		if len(ch.QOP) == 0 {
			return "", errDigest // without qop no cnonce would be sent
		}
		o.Cnonce = rand.Text()
		o.A1 = hash(hash(o.Username+":"+ch.Realm+":"+o.Password) + ":" + ch.Nonce + ":" + o.Cnonce)
	}
	cred, err := digest.Digest(&plain, o)
	if err != nil {
		return "", errDigest
	}
	cred.Algorithm = ch.Algorithm
	return cred.String(), nil
}

func hexHash(algorithm string) (func(string) string, error) {
	switch strings.ToUpper(algorithm) {
	case "MD5":
		return func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) }, nil
	case "SHA-256":
		return func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }, nil
	}
	return nil, errDigest
}

// newNTLM speaks NTLMv2: negotiate, the proxy's challenge, authenticate.
func newNTLM(cred *Credential) *mechanism {
	legs := 0
	return &mechanism{scheme: ntlmScheme, pinned: true, answer: func(_ context.Context, params []string) (string, error) {
		var message []byte
		var err error
		switch legs++; legs {
		case 1:
			message, err = ntlmssp.NewNegotiateMessage("", "")
		case 2:
			var token []byte
			if token, err = tokenOf(params); err != nil {
				return "", err
			}
			message, err = ntlmssp.NewAuthenticateMessage(token, cred.User, cred.Password, nil)
		default:
			return "", errRefused
		}
		if err != nil {
			return "", fmt.Errorf("the proxy's NTLM message cannot be answered: %w", err)
		}
		return "NTLM " + base64.StdEncoding.EncodeToString(message), nil
	}}
}

// tokenOf decodes the token of the first challenge; none means a refusal.
func tokenOf(params []string) ([]byte, error) {
	if len(params) == 0 || params[0] == "" {
		return nil, errRefused
	}
	token, err := base64.StdEncoding.DecodeString(params[0])
	if err != nil {
		return nil, errors.New("the proxy's token is not base64")
	}
	return token, nil
}
