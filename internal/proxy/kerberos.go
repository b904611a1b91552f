//go:build !windows

package proxy

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/spnego"
)

// newKerberos sends one Kerberos token for HTTP/proxyHost. The ticket comes
// with the credential's password or, without a credential, from the ticket
// cache or the client keytab of the user.
func newKerberos(c *Config, proxyHost string, cred *Credential) *mechanism {
	k := &kerberos{getenv: c.getenv, now: c.now, spn: "HTTP/" + proxyHost, cred: cred}
	sent := false
	return &mechanism{scheme: negotiateScheme, pinned: true, answer: func(ctx context.Context, _ []string) (string, error) {
		if sent {
			return "", errRefused
		}
		sent = true
		token, err := k.tokenContext(ctx)
		if err != nil {
			return "", err
		}
		return "Negotiate " + base64.StdEncoding.EncodeToString(token), nil
	}}
}

type kerberos struct {
	getenv func(string) string
	now    func() time.Time
	spn    string
	cred   *Credential // nil: the ticket cache or the client keytab
}

// tokenContext is token that ends with ctx. The library knows no context: what
// it waits for goes on behind, at most a few seconds for each KDC.
func (k *kerberos) tokenContext(ctx context.Context) ([]byte, error) {
	type result struct {
		token []byte
		err   error
	}
	done := make(chan result, 1)
	go func() {
		token, err := k.token()
		done <- result{token, err}
	}()
	select {
	case r := <-done:
		return r.token, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// token gets a service ticket. The library panics on files that are cut short.
func (k *kerberos) token() (token []byte, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a Kerberos file or an answer of the KDC cannot be read")
		}
	}()
	cfg, err := k.config()
	if err != nil {
		return nil, err
	}
	cl, err := k.client(cfg)
	if err != nil {
		return nil, err
	}
	defer cl.Destroy()
	if err := cl.AffirmLogin(); err != nil {
		return nil, fmt.Errorf("no Kerberos ticket: %w", err)
	}
	ctx, err := spnego.SPNEGOClient(cl, k.spn).InitSecContext()
	if err != nil {
		return nil, fmt.Errorf("no Kerberos ticket for %s: %w", k.spn, err)
	}
	return ctx.Marshal()
}

// config reads the file named by KRB5_CONFIG (the first of a list), or
// /etc/krb5.conf.
func (k *kerberos) config() (*config.Config, error) {
	path, _, _ := strings.Cut(k.getenv("KRB5_CONFIG"), ":")
	if path == "" {
		path = "/etc/krb5.conf"
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("no Kerberos configuration: %w; set KRB5_CONFIG", err)
	}
	cfg, err := config.NewFromString(string(text))
	if _, ok := errors.AsType[config.UnsupportedDirective](err); err != nil && !ok {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cfg, nil
}

func (k *kerberos) client(cfg *config.Config) (*client.Client, error) {
	noFAST := client.DisablePAFXFAST(true) // Active Directory refuses the request otherwise
	if k.cred != nil {
		user, realm := principal(*k.cred, cfg)
		return client.NewWithPassword(user, realm, k.cred.Password, cfg, noFAST), nil
	}
	cl, err := k.fromCache(cfg, noFAST)
	if name := k.getenv("KRB5_CLIENT_KTNAME"); err != nil && name != "" {
		return fromKeytab(name, cfg, noFAST)
	}
	return cl, err
}

// principal reads DOMAIN\user and user@REALM. A NetBIOS domain is the first
// label of a configured realm, or else stands for the default realm.
func principal(cred Credential, cfg *config.Config) (user, realm string) {
	domain, user := cred.split()
	if at := strings.LastIndexByte(user, '@'); domain == "" && at >= 0 {
		user, domain = user[:at], user[at+1:]
	}
	for _, r := range cfg.Realms {
		first, _, _ := strings.Cut(r.Realm, ".")
		if strings.EqualFold(r.Realm, domain) || strings.EqualFold(first, domain) {
			return user, r.Realm
		}
	}
	if strings.Contains(domain, ".") {
		return user, strings.ToUpper(domain)
	}
	return user, cfg.LibDefaults.DefaultRealm
}

// fromCache uses the FILE: cache that KRB5CCNAME names, or the usual place.
func (k *kerberos) fromCache(cfg *config.Config, settings ...func(*client.Settings)) (*client.Client, error) {
	name := k.getenv("KRB5CCNAME")
	if name == "" {
		name = "/tmp/krb5cc_" + strconv.Itoa(os.Getuid())
	}
	path, err := filePath("KRB5CCNAME", name)
	if err != nil {
		return nil, err
	}
	cache, err := credentials.LoadCCache(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no Kerberos ticket cache at %s; run kinit or set KRB5CCNAME", path)
	}
	if err != nil {
		return nil, fmt.Errorf("ticket cache %s: %w", path, err)
	}
	realm := cache.GetClientRealm()
	for _, entry := range cache.GetEntries() {
		if entry.Server.PrincipalName.PrincipalNameString() == "krbtgt/"+realm && !k.now().Before(entry.EndTime) {
			return nil, fmt.Errorf("the Kerberos ticket in %s has expired; run kinit", path)
		}
	}
	cl, err := client.NewFromCCache(cache, cfg, settings...)
	if err != nil {
		return nil, fmt.Errorf("ticket cache %s: %w", path, err)
	}
	return cl, nil
}

// fromKeytab logs in as the first principal of a FILE: keytab, as MIT does.
func fromKeytab(name string, cfg *config.Config, settings ...func(*client.Settings)) (*client.Client, error) {
	path, err := filePath("KRB5_CLIENT_KTNAME", name)
	if err != nil {
		return nil, err
	}
	kt, err := keytab.Load(path)
	if err != nil {
		return nil, fmt.Errorf("keytab %s: %w", path, err)
	}
	if len(kt.Entries) == 0 {
		return nil, fmt.Errorf("keytab %s holds no key", path)
	}
	p := kt.Entries[0].Principal
	return client.NewWithKeytab(strings.Join(p.Components, "/"), p.Realm, kt, cfg, settings...), nil
}

// filePath returns the path of a FILE: name; other kinds (KEYRING, KCM, DIR)
// need the system's libraries.
func filePath(variable, name string) (string, error) {
	kind, path, ok := strings.Cut(name, ":")
	switch {
	case !ok || strings.HasPrefix(name, "/"):
		return name, nil
	case strings.EqualFold(kind, "FILE"):
		return path, nil
	}
	return "", fmt.Errorf("%s has the kind %s; only FILE: is supported", variable, kind)
}
