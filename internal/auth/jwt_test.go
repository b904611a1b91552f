package auth

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"
)

func jwtOf(payload string) string {
	return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".sig"
}

func TestGivenTokens(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for _, c := range []struct {
		record, token string
		want          string
		scopes        []string
		known         bool // the end
	}{
		{record: "token.jwt", token: jwtOf(fmt.Sprintf(`{"exp":%d,"scp":"A B"}`, in(time.Hour))), scopes: []string{"A", "B"}, known: true},
		{record: "token.roles-jwt", token: jwtOf(fmt.Sprintf(`{"exp":%d,"roles":["A","B"]}`, in(time.Hour))), scopes: []string{"A", "B"}, known: true},
		{record: "token.scp-and-roles", token: jwtOf(fmt.Sprintf(`{"exp":%d,"roles":["B"],"scp":"A"}`, in(time.Hour))), scopes: []string{"A"}, known: true},
		{record: "token.two-segments", token: "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf(`{"exp":%d}`, in(time.Hour)))), known: true},
		{record: "token.expired", token: jwtOf(fmt.Sprintf(`{"exp":%d}`, in(-time.Hour))), want: textExpired},
		{record: "five minutes", token: jwtOf(fmt.Sprintf(`{"exp":%d}`, in(5*time.Minute))), want: textExpired},
		{record: "a second more", token: jwtOf(fmt.Sprintf(`{"exp":%d}`, in(5*time.Minute+time.Second))), known: true},
		{record: "token.noexp", token: jwtOf(`{}`), want: textExpired},
		{record: "token.exp-text", token: jwtOf(`{"exp":"1900000000"}`), want: textInvalidJWT},
		{record: "exp as fraction", token: jwtOf(`{"exp":1900000000.5}`), want: textInvalidJWT},
		{record: "token.text-payload", token: jwtOf(`text`), want: textInvalidJWT},
		{record: "no base64", token: "eyJhbGciOiJub25lIn0.%%%.x", want: textInvalidJWT},
		{record: "token.blank", token: " ", want: textInvalidJWT},
		{record: "token.empty-payload", token: "eyJhbGciOiJub25lIn0..sig"},
		{record: "token.opaque", token: "opaque-token"},
		{record: "token.opaque-dot", token: "EwB.opaque"},
	} {
		got, end, err := checkGiven(c.token, now)
		if c.want != "" {
			if e := kindOf(t, err, KindSignIn); e.Error() != c.want {
				t.Errorf("%s: %q", c.record, e)
			}
			continue
		}
		if err != nil || !slices.Equal(got.scopes(), c.scopes) || end.IsZero() == c.known {
			t.Errorf("%s: %+v, %v, %v", c.record, got, end, err)
		}
	}
}

func FuzzDecodeToken(f *testing.F) {
	f.Add(jwtOf(`{"exp":1}`))
	f.Add("EwB.opaque")
	f.Fuzz(func(t *testing.T, s string) {
		if _, _, err := decodeToken(s); err != nil {
			if e := kindOf(t, err, KindSignIn); e.Error() != textInvalidJWT {
				t.Errorf("%q", e)
			}
		}
	})
}

func TestDelegatedScopes(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{nil, []string{"User.Read"}},
		{[]string{"User.Read", " Mail.Send", "A,B"}, []string{"User.Read", "Mail.Send", "A", "B"}}, // device.scopes-array
		{[]string{"openid", "Profile", "offline_access", "email", " "}, []string{"User.Read"}},
	} {
		if got := DelegatedScopes(c.in); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q", c.in, got)
		}
	}
}
