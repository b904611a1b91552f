package cli_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"invoke-mgupload/internal/cli"
)

// fault is a row: what goes wrong, and how often the service may be asked at
// the most, without retries and with two.
type fault struct {
	name  string
	real  bool // on real sockets, for what only a kernel does
	most  [2]int
	words func(w *faultNet) []string
}

const (
	noContent  = "HTTP/1.1 204 No Content\r\n\r\n"
	manyBytes  = 100 << 20
	faultsFile = "../../docs/faults.md"
)

// once is for a fault after which nothing is sent again, never for one before
// anything was sent, again for what the service asks to have repeated.
var (
	never = [2]int{0, 0}
	once  = [2]int{1, 1}
	again = [2]int{1, 3}
)

// uploadTo are the words of a cmdlet that returns nothing.
func uploadTo(origin string, more ...string) []string {
	return append([]string{"-CertificateBasedAuthPkiId", "id-1", "-UploadUrl", "https://files.example/ca.p7b", "-Sha256FileHash", "00", "-PassThru", "--endpoint", origin}, more...)
}

// connectorTo are the words of a cmdlet that returns a model.
func connectorTo(origin string) []string {
	return []string{"api-connector", "-IdentityApiConnectorId", "id-1", "-Pkcs12Value", "cGZ4", "-Password", "sesame", "--endpoint", origin}
}

// plainly is a fault of a service that speaks http.
func plainly(name string, most [2]int, p play) fault {
	return fault{name: name, most: most, words: func(w *faultNet) []string { return uploadTo("http://" + w.service(p)) }}
}

// modelled is the same for a cmdlet whose answer is read.
func modelled(name string, most [2]int, p play) fault {
	return fault{name: name, most: most, words: func(w *faultNet) []string { return connectorTo("http://" + w.service(p)) }}
}

// secured is a fault of a service behind TLS. Its sockets are real: without
// their buffers two that give each other notice at once would stand still.
func secured(name string, most [2]int, p func(a *certificates, t *testing.T) play) fault {
	return fault{name: name, real: true, most: most, words: func(w *faultNet) []string {
		a := newCertificates(w.t)
		return uploadTo("https://"+w.service(p(a, w.t)), "--ca-file", a.file)
	}}
}

// proxied is a fault of a proxy before a service that is well.
func proxied(name string, most [2]int, answer func(*http.Request) string, dies bool, more ...string) fault {
	return fault{name: name, most: most, words: func(w *faultNet) []string {
		service := w.service(answers(noContent))
		return uploadTo("http://"+service, append([]string{"-Proxy", "http://" + w.serve(w.proxying(answer, dies))}, more...)...)
	}}
}

func faults() []fault {
	var all []fault
	for _, group := range [][]fault{connectionFaults(), answerFaults(), statusFaults(), tlsFaults(), http2Faults(), proxyFaults()} {
		all = append(all, group...)
	}
	return all
}

func connectionFaults() []fault {
	unanswered := func(name string, err error) fault {
		return fault{name: name, most: never, words: func(w *faultNet) []string {
			w.service(answers(noContent))
			w.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				if err == nil {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return nil, err
			}
			return uploadTo("https://graph.example", "--client-timeout", "5")
		}}
	}
	return []fault{
		{name: "connection refused", real: true, most: never, words: func(w *faultNet) []string { return uploadTo("http://" + w.closedPort()) }},
		unanswered("host name unknown", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "graph.example", IsNotFound: true}}),
		unanswered("name servers silent", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "i/o timeout", Name: "graph.example", IsTimeout: true}}),
		unanswered("connecting never ends", nil),
		plainly("connection taken, nothing said", once, silent),
		{name: "reset before the answer", real: true, most: once, words: func(w *faultNet) []string { return uploadTo("http://" + w.service(reset)) }},
		plainly("closed before the answer", once, answers("")),
		{name: "a kept connection closed before the second answer", most: [2]int{2, 2}, words: func(w *faultNet) []string {
			w.stdin = `{"certificateBasedAuthPki-id":"id-1"} {"certificateBasedAuthPki-id":"id-2"}`
			return append([]string{"-UploadUrl", "https://files.example/ca.p7b", "-Sha256FileHash", "00", "--endpoint"}, "http://"+w.service(answers(noContent, "")))
		}},
	}
}

func answerFaults() []fault {
	const ok, bad = "HTTP/1.1 200 OK\r\n", "HTTP/1.1 400 Bad Request\r\n"
	return []fault{
		plainly("headers slower than the limit", once, drip(ok, "X-Slow: a\r\n", 1000, "")),
		plainly("headers cut", once, answers(ok+"Content-Ty")),
		plainly("garbage instead of HTTP", once, answers("220 mail.example ESMTP ready\r\n")),
		plainly("no status number", once, answers("HTTP/1.1 abc Fine\r\n\r\n")),
		plainly("a header line without a colon", once, answers(ok+"NoColonHere\r\n\r\n")),
		plainly("headers over 64 KiB", once, answers(ok+"X-Huge: "+strings.Repeat("x", 70<<10)+"\r\n\r\n")),
		plainly("interim answers without end", once, flood("", "HTTP/1.1 103 Early Hints\r\n\r\n", manyBytes)),
		plainly("slow body, not needed", once, drip(ok+"\r\n", "x", 1000, "")),
		modelled("slow body, longer than the limit", once, drip(ok+"\r\n{\"id\":\"", "x", 1000, "\"}")),
		modelled("body stands still", once, stuck(ok+"Content-Length: 10\r\n\r\n{")),
		modelled("body cut", once, cut(ok+"Content-Length: 100\r\n\r\n{\"id\":")),
		modelled("chunk that is none", once, answers(ok+"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")),
		modelled("broken gzip", once, answers(reply("200 OK", "no gzip at all", "Content-Encoding: gzip"))),
		modelled("gzip that breaks off", once, answers(reply("200 OK", bomb()[:1000], "Content-Encoding: gzip"))),
		modelled("100 MB that unpack from a few kB", once, answers(reply("200 OK", bomb(), "Content-Encoding: gzip"))),
		modelled("100 MB model", once, flood(ok+"\r\n", `{"displayName":"x"},`, manyBytes)),
		modelled("HTML in place of a model", once, answers(reply("200 OK", "<html><title>Sign in to the hotel</title></html>"))),
		modelled("an error object in a 200", once, answers(reply("200 OK", `{"error":{"code":"Busy","message":"Not now."}}`))),
		plainly("error body cut", once, cut(bad+"Content-Length: 100\r\n\r\n{\"error\":{\"code\":\"Ba")),
		plainly("error body with a chunk that is none", once, answers(bad+"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")),
		plainly("error body in broken gzip", once, answers(reply("400 Bad Request", "not gzip", "Content-Encoding: gzip"))),
		plainly("100 MB error body", once, flood(bad+"\r\n", `{"error":{"code":"x"}},`, manyBytes)),
	}
}

// bomb is a small gzip text that is 100 MB long: a hundred members of 1 MB.
func bomb() string {
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 1<<20))
	_ = z.Close()
	return strings.Repeat(member.String(), manyBytes>>20)
}

func statusFaults() []fault {
	const graph = `{"error":{"code":"%s","message":"%s"}}`
	var rows []fault
	for _, status := range []string{"429 Too Many Requests", "503 Service Unavailable", "504 Gateway Timeout"} {
		name := status[:3]
		answer := reply(status, fmt.Sprintf(graph, "Busy", "Try again later."))
		rows = append(rows,
			plainly(name+" once", [2]int{1, 2}, answers(answer, noContent)),
			plainly(name+" once with Retry-After: 60", [2]int{1, 2}, answers(strings.Replace(answer, "\r\n", "\r\nRetry-After: 60\r\n", 1), noContent)),
			plainly(name+" without end", again, answers(answer)))
	}
	return append(rows,
		plainly("503 with Retry-After beyond the time limit", [2]int{1, 2}, answers(reply("503 Service Unavailable", "", "Retry-After: 9000"))),
		plainly("503, then closed", [2]int{1, 2}, answers(reply("503 Service Unavailable", ""), "")),
		plainly("503 of 100 MB, then well", [2]int{1, 2}, func() play {
			big := flood("HTTP/1.1 503 Service Unavailable\r\n\r\n", "busy ", manyBytes)
			return func(s *faultServer, c net.Conn) {
				if s.requests.Load() == 0 {
					big(s, c)
					return
				}
				answers(noContent)(s, c)
			}
		}()),
		plainly("500", once, answers(reply("500 Internal Server Error", fmt.Sprintf(graph, "InternalServerError", "Something broke."), "request-id: r-1"))),
		plainly("502 in HTML", once, answers(reply("502 Bad Gateway", "<html><body><h1>502 Bad Gateway</h1></body></html>", "Content-Type: text/html"))),
		plainly("400 without a body", once, answers(reply("400 Bad Request", ""))),
		plainly("401", once, answers(reply("401 Unauthorized", fmt.Sprintf(graph, "InvalidAuthenticationToken", "Access token has expired."), `WWW-Authenticate: Bearer realm=""`))),
		plainly("403", once, answers(reply("403 Forbidden", ""))),
		plainly("redirect to another host", once, answers(reply("307 Temporary Redirect", "", "Location: https://elsewhere.example/v1.0/x?sig=abc"))),
		plainly("redirect from http to https", once, answers(reply("308 Permanent Redirect", "", "Location: https://127.0.0.1/x"))),
		plainly("redirect in a circle", [2]int{6, 6}, answers(reply("307 Temporary Redirect", "", "Location: /again"))),
		plainly("redirect to nowhere", once, answers(reply("307 Temporary Redirect", ""))),
	)
}

// inMemory is a fault on a bubble's clock after all.
func inMemory(f fault) fault {
	f.real = false
	return f
}

func tlsFaults() []fault {
	well := answers(noContent)
	return []fault{
		secured("certificate of an unknown authority", never, func(_ *certificates, t *testing.T) play {
			return secure(newCertificates(t).config(t, time.Hour), well)
		}),
		secured("certificate for another name", never, func(a *certificates, t *testing.T) play {
			return secure(a.config(t, time.Hour, "elsewhere.example"), well)
		}),
		secured("certificate expired", never, func(a *certificates, t *testing.T) play {
			return secure(a.config(t, -time.Minute), well)
		}),
		secured("TLS 1.1 only", never, func(a *certificates, t *testing.T) play {
			config := a.config(t, time.Hour)
			config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
			return secure(config, well)
		}),
		secured("a client certificate wanted", never, func(a *certificates, t *testing.T) play {
			config := a.config(t, time.Hour)
			config.ClientAuth = tls.RequireAnyClientCert
			return secure(config, well)
		}),
		secured("closed in the TLS handshake", never, func(*certificates, *testing.T) play { return babbling("") }),
		inMemory(secured("nothing said in the TLS handshake", never, func(*certificates, *testing.T) play { return silent })),
		secured("https to a port that speaks http", never, func(*certificates, *testing.T) play {
			return babbling("HTTP/1.1 400 Bad Request\r\n\r\n")
		}),
		{name: "http to a port that speaks https", most: never, words: func(w *faultNet) []string {
			a := newCertificates(w.t)
			return uploadTo("http://" + w.service(webServer(a.config(w.t, time.Hour))))
		}},
	}
}

func http2Faults() []fault {
	speaking := func(name string, most [2]int, acts ...h2Act) fault {
		return secured(name, most, func(a *certificates, t *testing.T) play { return secure(a.http2(t), speaking2(acts...)) })
	}
	unseen := h2GoAway(func(uint32) uint32 { return 0 })
	seen := h2GoAway(func(id uint32) uint32 { return id })
	return []fault{
		speaking("HTTP/2: GOAWAY before the request was looked at", never, h2Refuse(unseen), h2NoContent),
		speaking("HTTP/2: GOAWAY after the request was taken", once, seen),
		speaking("HTTP/2: stream refused unprocessed, then well", once, h2Refuse(h2Reset(http2.ErrCodeRefusedStream)), h2NoContent),
		speaking("HTTP/2: stream reset, INTERNAL_ERROR", once, h2Reset(http2.ErrCodeInternal)),
		speaking("HTTP/2: stream reset, PROTOCOL_ERROR", once, h2Reset(http2.ErrCodeProtocol)),
		inMemory(speaking("HTTP/2: stream refused unprocessed, without end", never, h2Refuse(h2Reset(http2.ErrCodeRefusedStream)))),
		speaking("HTTP/2: stream reset, ENHANCE_YOUR_CALM", once, h2Reset(http2.ErrCodeEnhanceYourCalm)),
		speaking("HTTP/2: stream reset, HTTP_1_1_REQUIRED", once, h2Reset(http2.ErrCodeHTTP11Required)),
		speaking("HTTP/2: closed before the answer", once, func(*faultServer, *http2.Framer, uint32) bool { return false }),
	}
}

func proxyFaults() []fault {
	say := func(text string) func(*http.Request) string { return func(*http.Request) string { return text } }
	well := say("HTTP/1.1 200 Connection established\r\n\r\n")
	wants := say(reply("407 Proxy Authentication Required", "", `Proxy-Authenticate: Basic realm="r"`))
	quiet := func(name string, p play, more ...string) fault {
		return fault{name: name, most: never, words: func(w *faultNet) []string {
			service := w.service(answers(noContent))
			return uploadTo("http://"+service, append([]string{"-Proxy", "http://" + w.serve(p)}, more...)...)
		}}
	}
	return []fault{
		{name: "proxy dead", real: true, most: never, words: func(w *faultNet) []string {
			service := w.service(answers(noContent))
			return uploadTo("http://"+service, "-Proxy", "http://"+w.closedPort())
		}},
		{name: "proxy dead, from HTTPS_PROXY", real: true, most: never, words: func(w *faultNet) []string {
			w.service(answers(noContent))
			w.env["HTTPS_PROXY"] = "http://user:wrong-sesame@" + w.closedPort()
			return uploadTo("https://graph.example")
		}},
		{name: "SOCKS5 proxy dead", real: true, most: never, words: func(w *faultNet) []string {
			service := w.service(answers(noContent))
			return uploadTo("http://"+service, "-Proxy", "socks5://"+w.closedPort())
		}},
		quiet("proxy says nothing", silent),
		quiet("proxy says nothing, limit of 5 s", silent, "--client-timeout", "5"),
		quiet("proxy hangs up", babbling("")),
		quiet("proxy speaks garbage", babbling("220 mail.example ESMTP ready\r\n")),
		proxied("proxy cannot reach the service", never, say(reply("502 Bad Gateway", "")), false),
		proxied("proxy forbids", never, say(reply("403 Forbidden", "<html>not on company time</html>")), false),
		proxied("proxy wants a login, none given", never, wants, false),
		{name: "proxy refuses the login", most: never, words: func(w *faultNet) []string {
			w.env["PROXY_PASSWORD"] = "wrong-sesame"
			return proxied("", never, wants, false, "-ProxyCredential", "user", "--proxy-password-from", "env:PROXY_PASSWORD").words(w)
		}},
		proxied("proxy killed while the request is under way", once, well, true),
	}
}

var portNumber = regexp.MustCompile(`(127\.0\.0\.1):\d+`)

// TestFaults meets every fault without retries and with two, and compares what
// came of it with docs/faults.md; -update writes that.
func TestFaults(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the texts of Windows' network errors are not those of the table")
	}
	var lines []string
	whole := true
	rows := faults()
	for _, f := range rows {
		for i, retries := range []int{0, 2} {
			whole = t.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(f.name, "/", "-"), retries), func(t *testing.T) {
				if f.real {
					lines = append(lines, f.meet(t, i, retries))
					return
				}
				synctest.Test(t, func(t *testing.T) { lines = append(lines, f.meet(t, i, retries)) })
			}) && whole
		}
	}
	if !whole || len(lines) < 2*len(rows) { // one failed, or -run picked some
		return
	}
	compareFaults(t, lines)
}

// meet runs the program into the fault and answers its line of the table.
func (f *fault) meet(t *testing.T, i, retries int) string {
	w := newFaultNet(t, f.real)
	defer w.stop()
	words := append(f.words(w), "--max-retry", fmt.Sprint(retries), "--retry-delay", "0")
	before := allocated()
	got := w.run(t.Context(), words...)
	if grown := allocated() - before; grown > manyBytes*2/3 {
		t.Errorf("%d MB were allocated", grown>>20)
	}
	requests := 0
	if w.graph != nil {
		requests = int(w.graph.requests.Load())
	}
	if requests > f.most[i] {
		t.Errorf("%d requests came, at most %d may", requests, f.most[i])
	}
	for _, s := range w.servers {
		if s.wild() {
			t.Error("the program connects again and again")
		}
	}
	if (got.exit == cli.Success) != (got.stdout != "") {
		t.Errorf("exit status %d with this on standard output: %q", got.exit, got.stdout)
	}
	for _, secret := range []string{"sesame", "opaque-token"} {
		if strings.Contains(got.stdout+got.stderr, secret) {
			t.Errorf("%s is in %q", secret, got.stderr)
		}
	}
	return fmt.Sprintf("| %s | %d | %d | %d | %s |", f.name, retries, got.exit, requests, cell(got.stderr))
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

var cmdletPrefix = regexp.MustCompile(`(?m)^Invoke-Mg\w+: `)

// cell is what stood on standard error as a cell of a table: without empty
// lines, ports and the cmdlet's name.
func cell(stderr string) string {
	text := portNumber.ReplaceAllString(cmdletPrefix.ReplaceAllString(stderr, ""), "$1:PORT")
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(line))
		}
	}
	return strings.Join(lines, "<br>")
}

const faultsHead = `# What a fault looks like

Made by the tests of internal/cli, which meet each fault with ` + "`--max-retry 0`" + ` and ` + "`--max-retry 2`" + `
(` + "`go test ./internal/cli -run TestFaults -update`" + ` writes it). *Requests* are those the service got whole
and may have acted on; one that an HTTP/2 server refused unprocessed is not among them. *Text* is standard
error without the cmdlet's name and empty lines. Only 429, 503 and 504 are repeated.

| Fault | --max-retry | Exit | Requests | Text |
|---|---|---|---|---|
`

func compareFaults(t *testing.T, lines []string) {
	got := faultsHead + strings.Join(lines, "\n") + "\n"
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(faultsFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(faultsFile)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(want) || want[i] != line {
			t.Fatalf("docs/faults.md is not up to date (-update writes it); from line %d it should be:\n%s", i+1, line)
		}
	}
}
