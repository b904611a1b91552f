// Command post sends the same POST a number of times over one connection and
// prints a line for each: the least that sending with net/http costs.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run takes an address with one %012d for the number of the POST, how often to
// send, a body, a token, and a file of certificate authorities or "".
func run(args []string) error {
	if len(args) != 5 {
		return fmt.Errorf("usage: post ADDRESS N BODY TOKEN CAFILE")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	client, err := newClient(args[4])
	if err != nil {
		return err
	}
	for i := range n {
		if err := post(client, fmt.Sprintf(args[0], i), args[2], args[3]); err != nil {
			return err
		}
		if _, err := os.Stdout.WriteString("True\n"); err != nil {
			return err
		}
	}
	return nil
}

func newClient(caFile string) (*http.Client, error) {
	if caFile == "" {
		return &http.Client{}, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots.AppendCertsFromPEM(pem)
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots}
	return &http.Client{Transport: t}, nil
}

func post(client *http.Client, address, body, token string) error {
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("answered %s", resp.Status)
	}
	return nil
}
