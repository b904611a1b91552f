package emulator

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFaultStatus(t *testing.T) {
	cases := []struct {
		fault, attempt string
		status         int
		code, after    string
	}{
		{"429;retry-after=2", "", 429, "TooManyRequests", "2"},
		{" 503 ; times=2 ", "1", 503, "ServiceUnavailable", ""},
		{"401", "", 401, "Unauthorized", ""},
		{"599", "", 599, "UnknownError", ""},
		{"nonsense", "", 400, "BadRequest", ""},
		{"200", "", 400, "BadRequest", ""},
		{"600", "", 400, "BadRequest", ""},
		{"503=1", "", 400, "BadRequest", ""},
		{"503;", "", 400, "BadRequest", ""},
		{"times=0", "", 400, "BadRequest", ""},
		{"retry-after=", "", 400, "BadRequest", ""},
		{"slow=11m", "", 400, "BadRequest", ""},
		{"slow=-1s", "", 400, "BadRequest", ""},
		{"reset=1", "", 400, "BadRequest", ""},
	}
	e := newTest(t, nil)
	for _, tc := range cases {
		t.Run(tc.fault, func(t *testing.T) {
			w := send(e, "POST", pkiUpload, pkiBody, "Emulator-Fault", tc.fault, "Retry-Attempt", tc.attempt)
			if got := w.Header().Get("Retry-After"); got != tc.after {
				t.Errorf("Retry-After %q, want %q", got, tc.after)
			}
			checkError(t, w, tc.status, tc.code, "Emulator-Fault")
		})
	}
}

func TestFaultEnds(t *testing.T) {
	e := newTest(t, nil)
	w := send(e, "POST", pkiUpload, pkiBody, "Emulator-Fault", "503;times=2", "Retry-Attempt", "2")
	if w.Code != 204 {
		t.Errorf("third attempt: %d %s", w.Code, w.Body)
	}
}

func TestFaultNeedsToken(t *testing.T) {
	e := newTest(t, nil)
	w := send(e, "POST", pkiUpload, pkiBody, "Emulator-Fault", "503", "Authorization", "Bearer x")
	checkError(t, w, 401, "InvalidAuthenticationToken", "")
}

func TestFaultSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTest(t, nil)
		start := time.Now()
		if w := send(e, "POST", pkiUpload, pkiBody, "Emulator-Fault", "slow=2s"); w.Code != 204 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("waited %s", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, "POST", pkiUpload, nil)
		r.Header.Set("Authorization", "Bearer "+testToken)
		r.Header.Set("Emulator-Fault", "slow=1m")
		start = time.Now()
		e.ServeHTTP(httptest.NewRecorder(), r)
		if d := time.Since(start); d != time.Second {
			t.Errorf("waited %s after the client had gone", d)
		}
	})
}

func TestFaultReset(t *testing.T) {
	s := httptest.NewServer(newTest(t, nil))
	defer s.Close()
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+pkiUpload, strings.NewReader(pkiBody))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testToken)
	r.Header.Set("Emulator-Fault", "reset")
	resp, err := s.Client().Do(r)
	if err == nil {
		resp.Body.Close()
		t.Errorf("answer %s", resp.Status)
	}
}
