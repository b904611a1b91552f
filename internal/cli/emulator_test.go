package cli

import (
	"bufio"
	"io"
	"regexp"
	"strings"
	"testing"
)

// The emulator as a server: what it says on standard error is all that another
// shell needs, and an interrupt ends it.
func TestEmulatorServer(t *testing.T) {
	server := newWorld(t, "emulator")
	told, stderr := io.Pipe()
	server.Stderr = stderr
	interrupt := interruptible(server)
	status := make(chan int)
	go func() { status <- server.run(t) }()
	lines := bufio.NewReader(told)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	line, err := lines.ReadString('\n')
	said := regexp.MustCompile(`MGUPLOAD_ENDPOINT=(http://127\.0\.0\.1:\d+) MGUPLOAD_ACCESS_TOKEN=(\S+)`).FindStringSubmatch(line)
	if err != nil || said == nil {
		t.Fatalf("it said %q, %v", line, err)
	}
	for _, c := range []struct {
		token, id string
		want      int
		text      string
	}{
		{said[2], "11111111-2222-3333-4444-555555555555", Success, "True\n"},
		{said[2], "99999999-2222-3333-4444-555555555555", Failed, ""},
		{"another-token", "11111111-2222-3333-4444-555555555555", Failed, ""},
	} {
		client := newWorld(t, "-CertificateBasedAuthPkiId", c.id, "-UploadUrl", "https://example.com/ca.p7b", "-Sha256FileHash", strings.Repeat("0", 64), "-PassThru")
		client.variables["MGUPLOAD_ENDPOINT"], client.variables["MGUPLOAD_ACCESS_TOKEN"] = said[1], c.token
		client.Transport = nil
		if got := client.run(t); got != c.want || client.stdout.String() != c.text {
			t.Errorf("%s with %s: exit status %d, output %q, errors %q", c.id, c.token, got, client.stdout.String(), client.stderr.String())
		}
	}
	interrupt()
	if got := <-status; got != Success && got != Interrupted {
		t.Errorf("exit status %d", got)
	}
}
