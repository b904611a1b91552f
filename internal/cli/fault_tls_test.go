package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// secure puts TLS before a play; a handshake that fails ends the connection.
func secure(config *tls.Config, p play) play {
	return func(s *faultServer, c net.Conn) {
		t := tls.Server(c, config)
		defer t.Close()
		if t.Handshake() == nil {
			p(s, t)
		}
	}
}

// webServer is net/http's server with TLS, as most of the world's it answers
// plain http on its port in plain http.
func webServer(config *tls.Config) play {
	return func(s *faultServer, c net.Conn) {
		handler := func(w http.ResponseWriter, _ *http.Request) { s.requests.Add(1); w.WriteHeader(http.StatusNoContent) }
		server := &http.Server{Handler: http.HandlerFunc(handler), TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0)}
		gone := make(chan struct{})
		one := &memoryListener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
		one.conns <- c
		server.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				close(gone)
			}
		}
		go func() { _ = server.ServeTLS(one, "", "") }()
		select {
		case <-gone:
		case <-s.over:
		}
		server.Close()
	}
}

// h2Act is what a server does with a request that came whole.
type h2Act func(s *faultServer, f *http2.Framer, stream uint32) (more bool)

// speaking2 speaks as much HTTP/2 as it takes to get a request whole, and does
// with the nth request of the server what the nth act says, the last again and again.
func speaking2(acts ...h2Act) play {
	return func(s *faultServer, c net.Conn) {
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(c, preface); err != nil {
			return
		}
		f := http2.NewFramer(c, c)
		streams := make(chan uint32, 8) // reading never waits for writing
		s.wg.Go(func() {
			defer close(streams)
			for {
				frame, err := f.ReadFrame()
				if err != nil {
					return
				}
				h := frame.Header()
				if (h.Type == http2.FrameHeaders || h.Type == http2.FrameData) && h.Flags.Has(http2.FlagDataEndStream) {
					streams <- h.StreamID
				}
			}
		})
		if f.WriteSettings() != nil || f.WriteSettingsAck() != nil {
			return
		}
		for id := range streams {
			s.requests.Add(1)
			n := int(s.seen.Add(1))
			if !acts[min(n, len(acts))-1](s, f, id) {
				return
			}
		}
	}
}

// h2NoContent answers 204: index 9 of HPACK's static table.
func h2NoContent(_ *faultServer, f *http2.Framer, id uint32) bool {
	return f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x89}, EndStream: true, EndHeaders: true}) == nil
}

// h2Refuse takes a request back out of the count: the protocol says that it was
// not looked at.
func h2Refuse(act h2Act) h2Act {
	return func(s *faultServer, f *http2.Framer, id uint32) bool {
		s.requests.Add(-1)
		return act(s, f, id)
	}
}

func h2Reset(code http2.ErrCode) h2Act {
	return func(_ *faultServer, f *http2.Framer, id uint32) bool { return f.WriteRSTStream(id, code) == nil }
}

// h2GoAway says that streams above last were not looked at, and hangs up.
func h2GoAway(last func(id uint32) uint32) h2Act {
	return func(_ *faultServer, f *http2.Framer, id uint32) bool {
		_ = f.WriteGoAway(last(id), http2.ErrCodeNo, nil)
		return false
	}
}

// certificates is an authority in a file and the leaf certificates it issued.
type certificates struct {
	file string // PEM, for --ca-file
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCertificates(t *testing.T) *certificates {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Fault Test Authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &certificates{file, cert, key}
}

// config is a server's side with a fresh certificate for the names, good from
// an hour before until the given time from now.
func (a *certificates) config(t *testing.T, until time.Duration, names ...string) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Fault Test"}, DNSNames: names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(until)}
	if len(names) > 0 {
		template.IPAddresses = nil
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"http/1.1"}}
}

// http2 is a config that offers HTTP/2.
func (a *certificates) http2(t *testing.T) *tls.Config {
	config := a.config(t, time.Hour)
	config.NextProtos = []string{"h2"}
	return config
}
