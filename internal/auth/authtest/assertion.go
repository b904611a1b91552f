package authtest

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// checkAssertion takes an assertion signed by a registered certificate or by
// the CI issuer for a registered subject.
func (s *Service) checkAssertion(app App, form url.Values) (Answer, bool) {
	text := form.Get("client_assertion")
	if form.Get("client_assertion_type") != assertionType || text == "" {
		return Refusal(401, "invalid_client", 7000218, "The request body must contain client_assertion or client_secret."), false
	}
	token, _, err := jwt.NewParser().ParseUnverified(text, jwt.MapClaims{})
	if err != nil {
		return Refusal(401, "invalid_client", 50027, "JWT token is invalid or malformed."), false
	}
	if iss, err := token.Claims.GetIssuer(); err == nil && iss == s.Issuer() {
		return s.checkFederated(app, text)
	}
	return s.checkCertificate(app, form.Get("client_id"), text)
}

func (s *Service) checkFederated(app App, text string) (Answer, bool) {
	token, err := jwt.Parse(text, func(*jwt.Token) (any, error) { return &s.key.PublicKey, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(s.Now))
	if err != nil {
		return Refusal(401, "invalid_client", 700027, "Client assertion failed signature validation."), false
	}
	iss, _ := token.Claims.GetIssuer()
	sub, _ := token.Claims.GetSubject()
	aud, _ := token.Claims.GetAudience()
	for _, f := range app.Federated {
		if f.Issuer == iss && f.Subject == sub && slices.Contains(aud, f.Audience) {
			return Answer{}, true
		}
	}
	return Refusal(401, "invalid_client", 700213, "No matching federated identity record found for presented assertion subject."), false
}

// checkCertificate verifies the signature with the certificate the header
// names by thumbprint, and the claims an assertion must have. A chain in x5c
// must begin with that certificate.
func (s *Service) checkCertificate(app App, client, text string) (Answer, bool) {
	var used *x509.Certificate
	token, err := jwt.Parse(text, func(t *jwt.Token) (any, error) {
		for _, c := range app.Certs {
			if named(t.Header, c) {
				used = c
				return c.PublicKey.(*rsa.PublicKey), nil
			}
		}
		return nil, jwt.ErrTokenUnverifiable
	}, jwt.WithValidMethods([]string{"RS256", "PS256"}), jwt.WithTimeFunc(s.Now), jwt.WithExpirationRequired())
	if used == nil {
		return Refusal(401, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application."), false
	}
	if err != nil {
		return Refusal(401, "invalid_client", 700024, "Client assertion is not within its valid time range."), false
	}
	iss, _ := token.Claims.GetIssuer()
	sub, _ := token.Claims.GetSubject()
	aud, _ := token.Claims.GetAudience()
	wanted := s.URL + "/" + Tenant + "/oauth2/v2.0/token"
	if iss != client || sub != client || !slices.Contains(aud, wanted) {
		return Refusal(401, "invalid_client", 700023, "Client assertion audience claim does not match Realm issuer."), false
	}
	if chain, ok := token.Header["x5c"].([]any); ok && (len(chain) == 0 || chain[0] != base64.StdEncoding.EncodeToString(used.Raw)) {
		return Refusal(401, "invalid_client", 700027, "The chain does not begin with the certificate."), false
	}
	return Answer{}, true
}

func named(header map[string]any, c *x509.Certificate) bool {
	old, new := sha1.Sum(c.Raw), sha256.Sum256(c.Raw)
	return header["x5t"] == base64.StdEncoding.EncodeToString(old[:]) ||
		header["x5t"] == base64.RawURLEncoding.EncodeToString(old[:]) ||
		header["x5t#S256"] == base64.StdEncoding.EncodeToString(new[:]) ||
		header["x5t#S256"] == base64.RawURLEncoding.EncodeToString(new[:])
}

// Issuer returns the issuer of the tokens CI jobs get here.
func (s *Service) Issuer() string { return s.URL + "/ci" }

// The subject, bearer and service connection of the jobs.
const (
	Subject    = "repo:gold/gold:ref:refs/heads/main"
	JobToken   = "job-bearer-0123456789"
	Connection = "66666666-6666-6666-6666-666666666666"
	Audience   = "api://AzureADTokenExchange"
)

// JobAssertion returns a token for a CI job or a pod.
func (s *Service) JobAssertion(audience string) string {
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": s.Issuer(), "sub": Subject, "aud": audience, "exp": s.Now().Add(5 * time.Minute).Unix(),
	}).SignedString(s.key)
	if err != nil {
		panic(err) // an RSA key signs
	}
	return signed
}

// gitHub is ACTIONS_ID_TOKEN_REQUEST_URL.
func (s *Service) gitHub(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+JobToken || r.URL.Query().Get("api-version") == "" {
		reply(w, http.StatusForbidden, map[string]string{"message": "no id-token: write"})
		return
	}
	reply(w, http.StatusOK, map[string]any{"count": 1, "value": s.JobAssertion(r.URL.Query().Get("audience"))})
}

// pipelines is SYSTEM_OIDCREQUESTURI.
func (s *Service) pipelines(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Authorization") != "Bearer "+JobToken:
		reply(w, http.StatusUnauthorized, map[string]string{"message": "TF400813: not authorized"})
	case r.URL.Query().Get("serviceConnectionId") != Connection:
		reply(w, http.StatusNotFound, map[string]string{"message": "no such service connection"})
	default:
		reply(w, http.StatusOK, map[string]string{"oidcToken": s.JobAssertion(Audience)})
	}
}
