package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestExceeded(t *testing.T) {
	for _, c := range []struct {
		value float64
		bound bound
		want  bool
	}{
		{1e9, bound{}, false},
		{2.2, startRatio, false},
		{2.3, startRatio, true},
		{0.9, pipedRatio, false},
		{0.8, pipedRatio, true},
	} {
		f := figure{value: c.value, unit: times, bound: c.bound}
		if f.exceeded() != c.want {
			t.Errorf("%v against %q: exceeded is %v", c.value, f.limits(), !c.want)
		}
		var b strings.Builder
		if f.print(&b); strings.Contains(b.String(), "!") != c.want {
			t.Errorf("printed %q", b.String())
		}
	}
}

func TestDuelLeavesTheFirstRunsOut(t *testing.T) {
	runs := func(walls ...time.Duration) func() (cost, error) {
		return func() (cost, error) {
			c := cost{wall: walls[0]}
			walls = walls[1:]
			return c, nil
		}
	}
	d, err := newDuel(3, runs(900, 30, 10, 20), runs(900, 5, 15, 10))
	if err != nil {
		t.Fatal(err)
	}
	if ours, theirs, ratio := d.medians(wall); ours != 20 || theirs != 10 || ratio != 2 {
		t.Errorf("%d / %d = %v", ours, theirs, ratio)
	}
}

func TestServerCountsWhatIsOutOfOrder(t *testing.T) {
	for _, c := range []struct {
		name   string
		items  []int64
		status []int
		astray int64
	}{
		{"in order", []int64{0, 1, 2}, []int{204, 204, 204}, 0},
		{"one twice", []int64{0, 0, 1}, []int{204, 204, 204}, 2},
		{"one that fails", []int64{99}, []int{404}, 1},
	} {
		g := &graph{failing: true}
		var got []int
		for _, i := range c.items {
			w := httptest.NewRecorder()
			g.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1.0/pki/"+id(i)+"/microsoft.graph.upload", strings.NewReader("{}")))
			got = append(got, w.Code)
		}
		if n, astray := g.take(); n != int64(len(c.items)) || astray != c.astray || !slices.Equal(got, c.status) {
			t.Errorf("%s: %d requests, %d astray, answered %v", c.name, n, astray, got)
		}
		if n, astray := g.take(); n != 0 || astray != 0 {
			t.Errorf("%s: counts are not taken away", c.name)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		words string
		ok    bool
		long  int64
		only  int
	}{
		{"", true, 100_000, 0},
		{"-quick", true, 10_000, 0},
		{"-full", true, 1_000_000, 0},
		{"-quick -only start,call -check", true, 10_000, 2},
		{"-only nothing", false, 0, 0},
		{"-quick start", false, 0, 0},
		{"-fast", false, 0, 0},
	} {
		o, err := parse(strings.Fields(c.words), io.Discard)
		if (err == nil) != c.ok {
			t.Errorf("%q: %v", c.words, err)
		} else if c.ok && (o.size.long != c.long || len(o.only) != c.only) {
			t.Errorf("%q: %+v", c.words, o)
		}
	}
}
