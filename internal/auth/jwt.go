package auth

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

const (
	textInvalidJWT = "Invalid JWT access token."
	textExpired    = "The provided access token has expired. Set a valid access token to `-AccessToken` parameter and try again."
	// expiryMargin is how long a given token must still be good, and how long
	// before its end a token is renewed.
	expiryMargin = 5 * time.Minute
)

// claims is what is read from an access token. Nothing is verified: only the
// service the token is for can do that.
type claims struct {
	AppID   string   `json:"appid"`
	AppName string   `json:"app_displayname"`
	Tenant  string   `json:"tid"`
	UPN     string   `json:"upn"`
	Scp     string   `json:"scp"`
	Roles   []string `json:"roles"`
	Exp     *int64   `json:"exp"`
}

// scopes returns scp or, without it, roles (token.scp-and-roles).
func (c claims) scopes() []string {
	if c.Scp != "" {
		return strings.Fields(c.Scp)
	}
	return c.Roles
}

// decodeToken reads a token's claims. Opaque tokens are not an error: ok is
// false and the claims are empty (token.opaque, token.opaque-dot). A blank
// text is an error, and so is exp as text or fraction (token.blank,
// token.exp-text).
func decodeToken(token string) (c claims, ok bool, err error) {
	if strings.TrimSpace(token) == "" {
		return c, false, fail(KindSignIn, "", textInvalidJWT)
	}
	parts := strings.Split(token, ".")
	if !strings.HasPrefix(token, "eyJ") || len(parts) < 2 || parts[1] == "" {
		return c, false, nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err == nil {
		err = json.Unmarshal(payload, &c)
	}
	if err != nil {
		// The cause would quote the payload.
		return claims{}, false, fail(KindSignIn, "", textInvalidJWT)
	}
	return c, true, nil
}

// checkGiven decodes a token the user gave and refuses one that ends within
// five minutes. A JWT without exp counts as expired (token.noexp). The zero
// time means unknown: an opaque token.
func checkGiven(token string, now time.Time) (claims, time.Time, error) {
	c, ok, err := decodeToken(token)
	if err != nil || !ok {
		return c, time.Time{}, err
	}
	var end time.Time
	if c.Exp != nil {
		end = time.Unix(*c.Exp, 0)
	}
	if !end.After(now.Add(expiryMargin)) {
		return c, end, fail(KindSignIn, "", textExpired)
	}
	return c, end, nil
}
