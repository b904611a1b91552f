//go:build !windows

package proxy

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/spnego"
	"github.com/jcmturner/gokrb5/v8/types"
)

const (
	realm    = "TEST.LOCAL"
	krb5Conf = "includedir /none\n[libdefaults]\n default_realm = TEST.LOCAL\n udp_preference_limit = 1\n" +
		"[realms]\n TEST.LOCAL = {\n  kdc = KDC\n }\n[domain_realm]\n .test.local = TEST.LOCAL\n"
)

// realmFiles holds what a user and a service of a realm have on disk, made
// without a KDC.
type realmFiles struct {
	env     map[string]string
	service *keytab.Keytab
}

func (r realmFiles) getenv(name string) string { return r.env[name] }

// newRealm writes krb5.conf and a ticket cache with tickets for the realm and
// for HTTP/p.test.local that end at the given time.
func newRealm(t *testing.T, end time.Time) realmFiles {
	t.Helper()
	kt := keytab.New()
	for _, p := range []string{"krbtgt/" + realm, "HTTP/p.test.local"} {
		if err := kt.AddEntry(p, realm, password, time.Now(), 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a KDC nobody answers at
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	cache := append([]byte{5, 4, 0, 12, 0, 1, 0, 8}, make([]byte, 8)...)
	cache = appendPrincipal(cache, "alice")
	for _, p := range []string{"krbtgt/" + realm, "HTTP/p.test.local"} {
		cache = appendTicket(t, cache, p, kt, end)
	}
	dir := t.TempDir()
	return realmFiles{service: kt, env: map[string]string{
		"KRB5_CONFIG": write(t, dir, "krb5.conf", []byte(strings.Replace(krb5Conf, "KDC", l.Addr().String(), 1))),
		"KRB5CCNAME":  "FILE:" + write(t, dir, "cc", cache),
	}}
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func appendData(b, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(data))), data...)
}

func appendPrincipal(b []byte, name string) []byte {
	parts := strings.Split(name, "/")
	b = binary.BigEndian.AppendUint32(b, uint32(nametype.KRB_NT_PRINCIPAL))
	b = binary.BigEndian.AppendUint32(b, uint32(len(parts)))
	b = appendData(b, []byte(realm))
	for _, p := range parts {
		b = appendData(b, []byte(p))
	}
	return b
}

func appendTicket(t *testing.T, b []byte, service string, kt *keytab.Keytab, end time.Time) []byte {
	t.Helper()
	start := end.Add(-2 * time.Hour)
	ticket, key, err := messages.NewTicket(types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, "alice"), realm,
		types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, service), realm, types.NewKrbFlags(), kt,
		etypeID.AES256_CTS_HMAC_SHA1_96, 1, start, start, end, end)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := ticket.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	b = appendPrincipal(appendPrincipal(b, "alice"), service)
	b = binary.BigEndian.AppendUint16(b, uint16(key.KeyType))
	b = appendData(b, key.KeyValue)
	for _, at := range []time.Time{start, start, end, end} {
		b = binary.BigEndian.AppendUint32(b, uint32(at.Unix()))
	}
	b = append(b, make([]byte, 1+4+4+4)...) // not a session key, no flags, addresses, authorization data
	return appendData(appendData(b, raw), nil)
}

// kerberosProxy accepts a Negotiate token that is valid for the keytab.
func kerberosProxy(t *testing.T, kt *keytab.Keytab) *fakeProxy {
	return newFakeProxy(t, func(_ map[string]any, req *http.Request) reply {
		token, ok := strings.CutPrefix(req.Header.Get("Proxy-Authorization"), "Negotiate ")
		raw, err := base64.StdEncoding.DecodeString(token)
		var st spnego.SPNEGOToken
		if !ok || err != nil || st.Unmarshal(raw) != nil {
			return ask("Negotiate", "Basic realm=x")
		}
		if ok, _, _ := spnego.SPNEGOService(kt).AcceptSecContext(&st); !ok {
			return ask("Negotiate oQcwBaADCgEC", "Basic realm=x")
		}
		return opened
	})
}

// named dials f for every name.
func (f *fakeProxy) named(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, f.addr)
}

func TestKerberosTicketCache(t *testing.T) {
	r := newRealm(t, time.Now().Add(time.Hour))
	f := kerberosProxy(t, r.service)
	c := &Config{URL: proxyURL("http", "p.test.local:3128"), UseDefaultCredentials: true, Credential: alice(), Getenv: r.getenv, Dial: f.named}
	dialOK(t, c)
	if got, want := f.schemes(), "| - Negotiate"; got != want {
		t.Errorf("the proxy saw %q, want %q", got, want)
	}

	stranger := newRealm(t, time.Now().Add(time.Hour))
	other := keytab.New()
	if err := other.AddEntry("HTTP/p.test.local", realm, "another key", time.Now(), 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
		t.Fatal(err)
	}
	strict := kerberosProxy(t, other)
	e := dialFails(t, &Config{URL: c.URL, UseDefaultCredentials: true, Getenv: stranger.getenv, Dial: strict.named})
	if want := "proxy p.test.local:3128 refused the credentials (407, Negotiate)"; e.Error() != want {
		t.Errorf("got %v, want %s", e, want)
	}
}

// What Kerberos lacks is said, and a password that other schemes can use is
// used by them.
func TestKerberosLocalFailures(t *testing.T) {
	good := newRealm(t, time.Now().Add(time.Hour))
	expired := newRealm(t, time.Now().Add(-time.Hour))
	dir := t.TempDir()
	cut, err := os.ReadFile(strings.TrimPrefix(good.env["KRB5CCNAME"], "FILE:"))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, variable, value string
		env                   realmFiles
		want                  string
	}{
		{"no configuration", "KRB5_CONFIG", dir + "/none", good, "no Kerberos configuration: open " + dir + "/none: no such file or directory; set KRB5_CONFIG"},
		{"bad configuration", "KRB5_CONFIG", write(t, dir, "bad.conf", []byte("[libdefaults]\nclockskew = x\n")), good, dir + "/bad.conf: "},
		{"no cache", "KRB5CCNAME", "FILE:" + dir + "/none", good, "no Kerberos ticket cache at " + dir + "/none; run kinit or set KRB5CCNAME"},
		{"cache of another kind", "KRB5CCNAME", "KEYRING:persistent:0", good, "KRB5CCNAME has the kind KEYRING; only FILE: is supported"},
		{"empty cache", "KRB5CCNAME", write(t, dir, "empty", nil), good, "a Kerberos file or an answer of the KDC cannot be read"},
		{"cut cache", "KRB5CCNAME", write(t, dir, "cut", cut[:10]), good, "ticket cache " + dir + "/cut: "},
		{"expired", "", "", expired, "the Kerberos ticket in " + strings.TrimPrefix(expired.env["KRB5CCNAME"], "FILE:") + " has expired; run kinit"},
		{"no keytab", "KRB5_CLIENT_KTNAME", "FILE:" + dir + "/none.kt", expired, "keytab " + dir + "/none.kt: open"},
	}
	for _, x := range cases {
		t.Run(x.name, func(t *testing.T) {
			f := kerberosProxy(t, x.env.service)
			getenv := func(name string) string {
				if name == x.variable {
					return x.value
				}
				return x.env.getenv(name)
			}
			e := dialFails(t, &Config{URL: proxyURL("http", "p.test.local:1"), UseDefaultCredentials: true, Getenv: getenv, Dial: f.named})
			if want := "proxy p.test.local:1 wants Negotiate or Basic; Negotiate: " + x.want; !strings.HasPrefix(e.Error(), want) {
				t.Errorf("\n got %v\nwant %s…", e, want)
			}
		})
	}
}

// The KDC of this realm is dead, so the password leads to Basic.
func TestKerberosFallsBack(t *testing.T) {
	r := newRealm(t, time.Now().Add(time.Hour))
	f := newFakeProxy(t, func(state map[string]any, req *http.Request) reply {
		if req.Header.Get("Proxy-Authorization") == "" {
			return ask("Negotiate, Basic realm=x")
		}
		return wantsBasic(state, req)
	})
	dialOK(t, &Config{URL: proxyURL("http", f.addr), Credential: alice(), Getenv: r.getenv})
	if got, want := f.schemes(), "| - Basic"; got != want {
		t.Errorf("the proxy saw %q, want %q", got, want)
	}
}

func TestKerberosEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer close(release)
	k := &kerberos{getenv: func(string) string { cancel(); <-release; return "" }}
	if _, err := k.tokenContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPrincipal(t *testing.T) {
	cfg, err := config.NewFromString("[libdefaults]\n default_realm = HOME.LAN\n[realms]\n Corp.Example.com = {\n kdc = x\n }\n")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		`alice`:                  "alice@HOME.LAN",
		`CORP\alice`:             "alice@Corp.Example.com",
		`corp.example.COM\alice`: "alice@Corp.Example.com",
		`alice@corp.example.com`: "alice@Corp.Example.com",
		`alice@other.lan`:        "alice@OTHER.LAN",
		`NETBIOS\alice`:          "alice@HOME.LAN",
		`D\alice@x.y`:            "alice@x.y@HOME.LAN",
	} {
		user, realm := principal(Credential{User: in}, cfg)
		if got := user + "@" + realm; got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestDefaultCredentialsHaveNoNTLM(t *testing.T) {
	f := newFakeProxy(t, func(map[string]any, *http.Request) reply { return ask("NTLM") })
	e := dialFails(t, &Config{URL: proxyURL("http", f.addr), UseDefaultCredentials: true, Credential: alice()})
	if want := "proxy " + f.addr + " wants NTLM; NTLM: needs -ProxyCredential on this system"; e.Error() != want {
		t.Errorf("got %v, want %s", e, want)
	}
	if got, want := f.schemes(), "| -"; got != want {
		t.Errorf("the proxy saw %q, want %q", got, want)
	}
}
