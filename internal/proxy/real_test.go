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
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// realEnv runs testdata/real-proxies.sh and returns what it prints. Its
// children end with its input, so they do not outlive the test.
func realEnv(t *testing.T) map[string]string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SKIP: the proxies are started on Linux only")
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("SKIP: bash is not installed")
	}
	dir, err := os.MkdirTemp("", "real-proxies") // not t.TempDir: squid's user must reach it
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"testdata/real-proxies.sh", "start", dir}
	if os.Getenv("PROXY_TEST_NTLM") != "" {
		args = append(args, "ntlm")
	}
	cmd := exec.Command(bash, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait(); os.RemoveAll(dir) })
	return readEnv(t, out)
}

func readEnv(t *testing.T, out io.Reader) map[string]string {
	t.Helper()
	env := map[string]string{}
	for s := bufio.NewScanner(out); s.Scan(); {
		if s.Text() == "READY" {
			return env
		}
		key, value, _ := strings.Cut(s.Text(), "=")
		env[key] = value
	}
	t.Fatalf("the script did not get ready: %v", env)
	return nil
}

// TestRealProxies sends a request to a TLS server through squid and tinyproxy,
// with right and wrong credentials. PROXY_TEST_NTLM=1 adds Samba's NTLM.
func TestRealProxies(t *testing.T) {
	env := realEnv(t)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %q", r.Proto, r.Header.Get("Proxy-Authorization"))
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)

	krb := func(names ...string) func(string) string {
		return func(name string) string {
			for _, n := range names {
				if n == name {
					return env[name]
				}
			}
			if name == "KRB5_CONFIG" || name == "KRB5CCNAME" {
				return "/nonexistent/" + name
			}
			return ""
		}
	}
	user, pw := env["PROXY_USER"], env["PASSWORD"]
	none := krb()
	conf := krb("KRB5_CONFIG")
	right, wrong := &Credential{user, pw}, &Credential{user, "wrong"}
	cases := []struct {
		name, key string
		cfg       Config
		want      string // "" for success, else the end of the error
	}{
		{"squid Basic", "BASIC", Config{Credential: right, Getenv: none}, ""},
		{"squid Basic wrong", "BASIC", Config{Credential: wrong, Getenv: none}, "refused the credentials (407, Basic)"},
		{"squid Basic none", "BASIC", Config{Getenv: none}, "wants Basic; give -ProxyCredential"},
		{"squid Digest", "DIGEST", Config{Credential: right, Getenv: none}, ""},
		{"squid Digest wrong", "DIGEST", Config{Credential: wrong, Getenv: none}, "refused the credentials (407, Digest)"},
		{"tinyproxy Basic", "TINYPROXY", Config{Credential: right, Getenv: none}, ""},
		{"tinyproxy Basic wrong", "TINYPROXY", Config{Credential: wrong, Getenv: none}, "refused the credentials (401, Basic)"},
		{"squid Negotiate password", "NEGOTIATE", Config{Credential: right, Getenv: conf}, ""},
		{"squid Negotiate password and realm", "NEGOTIATE", Config{Credential: &Credential{user + "@test.local", pw}, Getenv: conf}, ""},
		{"squid Negotiate wrong", "NEGOTIATE", Config{Credential: wrong, Getenv: conf}, "wants Negotiate; Negotiate: no Kerberos ticket: "},
		{"squid Negotiate ticket cache", "NEGOTIATE", Config{UseDefaultCredentials: true, Credential: wrong, Getenv: krb("KRB5_CONFIG", "KRB5CCNAME")}, ""},
		{"squid Negotiate keytab", "NEGOTIATE", Config{UseDefaultCredentials: true, Getenv: krb("KRB5_CONFIG", "KRB5_CLIENT_KTNAME")}, ""},
		{"squid Negotiate no ticket", "NEGOTIATE", Config{UseDefaultCredentials: true, Getenv: conf}, "wants Negotiate; Negotiate: no Kerberos ticket cache at "},
		{"squid NTLM", "NTLM", Config{Credential: &Credential{env["NTLM_USER"], pw}, Getenv: none}, ""},
		{"squid NTLM without domain", "NTLM", Config{Credential: &Credential{"nobody", pw}, Getenv: none}, ""},
		{"squid NTLM wrong", "NTLM", Config{Credential: &Credential{env["NTLM_USER"], "wrong"}, Getenv: none}, "refused the credentials (407, NTLM)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			addr, ok := env[c.key]
			switch {
			case env["FAILED_"+c.key] != "":
				t.Fatal(env["FAILED_"+c.key])
			case env["SKIP_"+c.key] != "":
				t.Skip("SKIP: " + env["SKIP_"+c.key])
			case !ok:
				t.Skip("SKIP: only with PROXY_TEST_NTLM=1, see docs/ntlm-proxy.md")
			}
			checkReal(t, &c.cfg, env["PROXY_HOST"], addr, srv, c.want)
		})
	}
}

// checkReal names the proxy as its Kerberos service does and dials addr.
func checkReal(t *testing.T, c *Config, host, addr string, srv *httptest.Server, want string) {
	_, port, _ := net.SplitHostPort(addr)
	c.URL = &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}
	track := new(tracker)
	c.Dial = func(ctx context.Context, network, a string) (net.Conn, error) {
		if a != c.URL.Host {
			return nil, fmt.Errorf("%s was dialled past the proxy", a)
		}
		return track.dial(ctx, network, addr)
	}
	pool := srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	tr := c.Transport(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}})
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr}).Get(srv.URL)
	if want != "" {
		checkRealError(t, c, track, err, want)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != `HTTP/2.0 ""` {
		t.Errorf("got %s", body)
	}
}

func checkRealError(t *testing.T, c *Config, track *tracker, err error, want string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v, want an *Error", err)
	}
	if want = "proxy " + c.URL.Host + " " + want; !strings.HasPrefix(e.Error(), want) {
		t.Errorf("\n got %v\nwant %s…", e, want)
	}
	if c.Credential != nil && strings.Contains(e.Error(), c.Credential.Password) && c.Credential.Password != "wrong" {
		t.Errorf("the error tells the password: %v", e)
	}
	if n := track.count(); n != 0 {
		t.Errorf("%d connections left open", n)
	}
}
