package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"testing"
	"testing/iotest"
)

func TestIdentitiesAreNumberedInOrder(t *testing.T) {
	const n = 2000 // more than one buffer
	in := bufio.NewScanner(iotest.HalfReader(newIdentities(n)))
	i := int64(0)
	for ; in.Scan(); i++ {
		var v struct{ CertificateBasedAuthPkiId string }
		if err := json.Unmarshal(in.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		if got := itemOf(fmt.Sprintf("/v1.0/x/%s/microsoft.graph.upload", v.CertificateBasedAuthPkiId)); got != i {
			t.Fatalf("item %d is %d on the path", i, got)
		}
	}
	if i != n || in.Err() != nil {
		t.Errorf("%d identities, %v", i, in.Err())
	}
}

func TestItemOfAnotherPath(t *testing.T) {
	for _, path := range []string{"", "/", "/x", "/x/7/y", "/x/00000000-0000-4000-8000-00000000000a/y", "/x/00000000-0000-4000-9000-000000000001/y"} {
		if got := itemOf(path); got != -1 {
			t.Errorf("%q is item %d", path, got)
		}
	}
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		name   string
		writes []string
		n      int64
		ok     bool
	}{
		{"whole", []string{"a\n", "a\n"}, 2, true},
		{"torn between writes", []string{"a", "\n", "a\na", "\n"}, 3, true},
		{"one too few", []string{"a\n"}, 2, false},
		{"another text", []string{"a\nb\na\n"}, 3, false},
		{"the last has no end", []string{"a\na"}, 1, false},
		{"none", nil, 0, true},
	} {
		l := &lines{each: equal("a")}
		for _, w := range c.writes {
			if n, err := l.Write([]byte(w)); n != len(w) || err != nil {
				t.Errorf("%s: wrote %d, %v", c.name, n, err)
			}
		}
		if err := l.wrong(c.n); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestErrorsMustBeForTheirItems(t *testing.T) {
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"in order", `{"item":99,"status":404}` + "\n" + `{"item":199,"status":404}` + "\n", true},
		{"one left out", `{"item":99,"status":404}` + "\n" + `{"item":299,"status":404}` + "\n", false},
		{"another status", `{"item":99,"status":500}` + "\n", false},
		{"no item", `{"status":404}` + "\n", false},
		{"not JSON", "Waiting\n", false},
	} {
		l := &lines{each: inOrder()}
		if _, err := l.Write([]byte(c.text)); err != nil {
			t.Fatal(err)
		}
		if (l.err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, l.err)
		}
	}
}
