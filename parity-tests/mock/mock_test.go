package mock

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"invoke-mgupload/parity-tests/golden"
)

func start(t *testing.T, answers ...golden.Answer) (*Mock, *http.Client) {
	t.Helper()
	a, err := NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	m.Begin(answers)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(a.PEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	return m, &http.Client{Transport: transport}
}

func post(t *testing.T, m *Mock, c *http.Client, to, body string) (*http.Response, string, error) {
	t.Helper()
	resp, err := c.Post(m.Fill(to), "application/json", strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

func TestAnswersInOrderTheLastRepeats(t *testing.T) {
	m, c := start(t, golden.Answer{Status: 503}, golden.Answer{Status: 200, JSON: []byte(`{"a":[1,"ü\n"]}`)})
	for i, want := range []int{503, 200, 200} {
		resp, text, err := post(t, m, c, "https://127.0.0.1:{PORT}/x%2Fy", "{}")
		if err != nil || resp.StatusCode != want {
			t.Fatalf("answer %d: %v %v", i, resp, err)
		}
		if want == 200 && text != `{"a": [1, "ü\n"]}` {
			t.Errorf("body %q", text)
		}
	}
	got := m.Requests()
	if len(got) != 3 || got[0].Method != "POST" || got[0].Target != "/x%2Fy" || got[0].Body != "{}" || got[0].On != "https" {
		t.Errorf("requests %+v", got)
	}
	m.Begin(nil)
	if got := m.Requests(); len(got) != 0 {
		t.Errorf("a new case has requests: %+v", got)
	}
}

func TestBrokenAnswers(t *testing.T) {
	n, raw, no := 3, "hello\r\n\r\n", false
	for name, c := range map[string]struct {
		answer golden.Answer
		fails  bool
	}{
		"close":       {golden.Answer{Close: true}, true},
		"reset":       {golden.Answer{Reset: true}, true},
		"raw":         {golden.Answer{Raw: &raw}, true},
		"cut":         {golden.Answer{Status: 200, Body: "123456", Cut: &n}, true},
		"cut chunked": {golden.Answer{Status: 200, Body: "123456", Chunked: true, Cut: &n}, true},
		"chunked":     {golden.Answer{Status: 200, Body: strings.Repeat("a", 40), Chunked: true}, false},
		"gzip":        {golden.Answer{Status: 200, Body: strings.Repeat("a", 40), Gzip: true}, false},
		"interim":     {golden.Answer{Status: 200, Body: strings.Repeat("a", 40), Interim: []int{102, 103}}, false},
		"not kept":    {golden.Answer{Status: 200, Body: strings.Repeat("a", 40), Keep: &no}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m, client := start(t, c.answer)
			_, text, err := post(t, m, client, "https://127.0.0.1:{PORT}/", "")
			if (err != nil) != c.fails {
				t.Fatalf("%q, %v", text, err)
			}
			if !c.fails && text != strings.Repeat("a", 40) {
				t.Errorf("body %q", text)
			}
			if len(m.Requests()) != 1 {
				t.Errorf("requests %+v", m.Requests())
			}
		})
	}
}

func TestListeners(t *testing.T) {
	m, c := start(t)
	for to, ok := range map[string]bool{
		"https://localhost:{PORT}/": true, "http://127.0.0.1:{HTTP}/": true, "https://127.0.0.1:{HTTP}/": false,
		"https://127.0.0.1:{BADTLS}/": false, "https://127.0.0.1:{BADNAME}/": false, "https://127.0.0.1:{CLOSED}/": false,
	} {
		if _, _, err := post(t, m, c, to, ""); (err == nil) != ok {
			t.Errorf("%s: %v", to, err)
		}
	}
	_, _, err := post(t, m, c, "https://127.0.0.1:{BADTLS}/", "")
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("untrusted issuer: %v", err)
	}
	silent, err := net.Dial("tcp", "127.0.0.1:"+m.ports[kindSilent])
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	silent.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := silent.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the silent listener said something: %d, %v", n, err)
	}
}

func TestProxies(t *testing.T) {
	for _, c := range []struct {
		proxy, kind string
		methods     string
	}{
		{"http://127.0.0.1:{PROXY}", "proxy", "CONNECT POST"},
		{"http://proxyuser:proxypass@127.0.0.1:{PROXYAUTH}", "proxyauth", "CONNECT POST"},
		{"http://127.0.0.1:{PROXYAUTH}", "", "CONNECT"},
	} {
		m, client := start(t)
		at, err := url.Parse(m.Fill(c.proxy))
		if err != nil {
			t.Fatal(err)
		}
		client.Transport.(*http.Transport).Proxy = http.ProxyURL(at)
		_, _, err = post(t, m, client, "https://127.0.0.1:{PORT}/", "{}")
		if (err == nil) != (c.kind != "") {
			t.Errorf("%s: %v", c.proxy, err)
		}
		var methods []string
		for _, r := range m.Requests() {
			methods = append(methods, r.Method)
			if r.Method == "POST" && (r.Via != c.kind || r.On != "https") {
				t.Errorf("%s: %+v", c.proxy, r)
			}
		}
		if strings.Join(methods, " ") != c.methods {
			t.Errorf("%s: %v, want %s", c.proxy, methods, c.methods)
		}
	}
}

func TestMaskUndoesFill(t *testing.T) {
	m, _ := start(t)
	const text = "a:{PORT} b:{HTTP} c:{OTHER}/ d:{PROXY} e:{PROXYAUTH} f:{CLOSED} g:{SILENT} h:{BADTLS} i:{BADNAME} 12:34"
	if got := m.Mask(m.Fill(text)); got != text {
		t.Errorf("got %s", got)
	}
}

func TestSpaced(t *testing.T) {
	for in, want := range map[string]string{
		`{ "a" :1.0,"b":[ ] ,"c":"x:\"y\\,\u00fc\u0001\u2028"}`: `{"a": 1.0, "b": [], "c": "x:\"y\\,ü\u0001` + "\u2028" + `"}`,
		`null`: `null`,
	} {
		if got, err := Spaced([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
	if _, err := Spaced([]byte(`{`)); err == nil {
		t.Error("half a value passes")
	}
}

func FuzzSpaced(f *testing.F) {
	f.Add(`{"a":[1,2,{"b":"\\\""}]}`)
	f.Add(`"\ud800"`)
	f.Fuzz(func(t *testing.T, text string) {
		once, err := Spaced([]byte(text))
		if err != nil {
			return
		}
		twice, err := Spaced(once)
		if err != nil || string(twice) != string(once) {
			t.Errorf("%q, then %q, %v", once, twice, err)
		}
	})
}
