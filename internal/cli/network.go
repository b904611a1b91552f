package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"invoke-mgupload/internal/proxy"
	"invoke-mgupload/pkg/params"
	"invoke-mgupload/pkg/pipeline"
)

// network is how this run reaches others: certificate authorities and proxy,
// the same for Graph and for tokens (D01). It is made when it is first needed.
type network struct {
	roots *x509.CertPool
	proxy *proxy.Config // nil: connections are direct
	dial  proxy.DialFunc
	used  []*http.Transport
}

// network reads --ca-file and the proxy parameters.
func (r *run) network() (*network, error) {
	if r.net != nil {
		return r.net, nil
	}
	roots, err := r.roots()
	if err != nil {
		return nil, err
	}
	n := &network{roots: roots, dial: r.env.DialContext}
	if n.dial == nil {
		n.dial = (&net.Dialer{Timeout: 30 * time.Second}).DialContext
	}
	if n.proxy, err = r.proxy(n); err != nil {
		return nil, err
	}
	r.net = n
	return n, nil
}

// proxy is the proxy of -Proxy or of the environment; nil: there is none.
func (r *run) proxy(n *network) (*proxy.Config, error) {
	c := &proxy.Config{Getenv: r.env.Getenv, RootCAs: n.roots, Dial: n.dial, Now: r.env.Now, UserAgent: userAgent()}
	words := r.proxyWords()
	c.UseDefaultCredentials = words.useDefault
	if words.login != nil {
		c.Credential = &proxy.Credential{User: words.login.User, Password: words.login.Password}
	}
	if words.given {
		u, err := parseProxy(words.address)
		if err != nil {
			return nil, r.spec.Setting("Proxy", "It must be http://host:port, https://host:port or socks5://host:port.")
		}
		c.URL = u
		return c, nil
	}
	env := environmentProxy(r.env.Getenv)
	if env == nil {
		return nil, nil
	}
	c.FromEnvironment = env
	return c, nil
}

// proxyWords are what the words say of a proxy: parameters of an upload cmdlet,
// additions of Connect-MgGraph.
type proxyWords struct {
	address    string
	given      bool          // the address was
	login      *params.Login // nil: none
	useDefault bool
}

func (r *run) proxyWords() proxyWords {
	if r.cmdlet == nil {
		return r.set.proxy
	}
	w := proxyWords{address: r.bound.String("Proxy"), given: r.bound.Has("Proxy")}
	w.useDefault, _ = r.bound.Switch("ProxyUseDefaultCredentials")
	if login, ok := r.bound.Get("ProxyCredential").(params.Login); ok {
		w.login = &login
	}
	return w
}

var errNoProxy = errors.New("not the address of a proxy")

// parseProxy reads a proxy's address; without a scheme it is an http proxy.
func parseProxy(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return nil, errNoProxy
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u, nil
	}
	return nil, errNoProxy
}

// environmentProxy reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go does; nil:
// none is set.
func environmentProxy(getenv func(string) string) func(*url.URL) (*url.URL, error) {
	either := func(name string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return getenv(strings.ToLower(name))
	}
	c := httpproxy.Config{
		HTTPProxy: either("HTTP_PROXY"), HTTPSProxy: either("HTTPS_PROXY"), NoProxy: either("NO_PROXY"),
		CGI: getenv("REQUEST_METHOD") != "",
	}
	if c.HTTPProxy == "" && c.HTTPSProxy == "" {
		return nil
	}
	return c.ProxyFunc()
}

// transport carries requests to URLs of one scheme.
func (n *network) transport(scheme string) http.RoundTripper {
	o := pipeline.TransportOptions{RootCAs: n.roots, DialContext: n.dial}
	if n.proxy != nil {
		o.DialContext = n.proxy.ForScheme(scheme)
	}
	t := pipeline.Transport(o)
	n.used = append(n.used, t)
	return t
}

// close ends the connections that are kept open.
func (n *network) close() {
	for _, t := range n.used {
		t.CloseIdleConnections()
	}
}

// roots are the system's certificate authorities and those of --ca-file; nil
// means the system's alone.
func (r *run) roots() (*x509.CertPool, error) {
	if r.set.caFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(r.env.path(r.set.caFile))
	if err != nil {
		return nil, r.spec.Refuse("UnreadableFile", "--ca-file", "Cannot read --ca-file: %v.", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, r.spec.Refuse("UnreadableFile", "--ca-file", "The file of --ca-file holds no certificate in PEM form.")
	}
	return pool, nil
}

// tokenTransport carries requests for tokens. The sign-in package is there
// before the words are bound, the network only afterwards.
type tokenTransport struct{ r *run }

func (t tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	n, err := t.r.network()
	if err != nil {
		return nil, err
	}
	if t.r.tokenWire == nil {
		t.r.tokenWire = n.transport("https")
	}
	return t.r.tokenWire.RoundTrip(req)
}

// proxyPassword is the password of -ProxyCredential: from --proxy-password-from,
// else from the terminal.
func (r *run) proxyPassword(ctx context.Context, user string) (string, error) {
	if r.set.proxyPasswordFrom != "" {
		password, err := r.valueFrom(ctx, "proxy-password-from", r.set.proxyPasswordFrom, "proxy password")
		if errors.As(err, new(*params.Error)) {
			return "", err
		}
		if err != nil {
			return "", r.spec.Refuse("UnreadableFile", "--proxy-password-from", "Cannot read the proxy password: %v.", err)
		}
		return password, nil
	}
	c, err := r.env.OpenTerminal()
	if err != nil {
		return "", params.ErrNobodyToAsk
	}
	_ = c.Close()
	r.msgs.write("\nPowerShell credential request\nEnter your credentials.\n")
	return r.readSecret(ctx, r.msgs, "Password for user "+user+": ")
}
