package train

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
)

// listener is a session that hears messages and does nothing else.
type listener struct {
	function.Session
	heard []string
}

func (l *listener) Message(severity function.Severity, text string) {
	l.heard = append(l.heard, string(severity)+": "+text)
}

func TestProgressOfOneFit(t *testing.T) {
	clock := time.Unix(0, 0)
	l := &listener{}
	r := &run{s: l, now: func() time.Time { return clock }}
	s, err := searched(t, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	p := newProgress(r, 7, s)
	p.begin()
	for round := range 100 {
		clock = clock.Add(time.Second / 4)
		p.round(round+1, 100, learn.Score{Name: "rmse", Value: 1 / float64(round+1)}, learn.Score{Name: "mae", Value: .5, Held: true})
	}
	p.end()
	want := []string{
		"NOTICE: Training Model 7: round 20 of 100, rmse in training 0.05, mae 0.5, about 20s left",
		"NOTICE: Training Model 7: round 40 of 100, rmse in training 0.025, mae 0.5, about 15s left",
		"NOTICE: Training Model 7: round 60 of 100, rmse in training 0.016667, mae 0.5, about 10s left",
		"NOTICE: Training Model 7: round 80 of 100, rmse in training 0.0125, mae 0.5, about 5s left",
		"NOTICE: Training Model 7: round 100 of 100, rmse in training 0.01, mae 0.5, about 0s left",
	}
	if !slices.Equal(l.heard, want) {
		t.Errorf("got %q", l.heard)
	}
}

func TestProgressOfASearch(t *testing.T) {
	clock := time.Unix(0, 0)
	l := &listener{}
	r := &run{s: l, now: func() time.Time { return clock }}
	s, err := searched(t, `{"search": "grid", "search_params": {"a": [1, 2]}, "search_args": {"cv": 2}}`)
	if err != nil {
		t.Fatal(err)
	}
	p := newProgress(r, 7, s)
	found := newResults(s, "f1")
	for fit := range 5 {
		p.begin()
		clock = clock.Add(2 * time.Second)
		if fit == 3 {
			p.round(1, 2)
		}
		clock = clock.Add(2 * time.Second)
		p.end()
		if fit%2 == 1 {
			found.add(fit/2, &attempt{metrics: []metric{{"f1", .5 + .25*float64(fit/2)}}})
			p.scored(found)
		}
	}
	want := []string{
		"NOTICE: Training Model 7: fit 3 of 5, best f1 so far 0.5, about 12s left",
		"NOTICE: Training Model 7: fit 4 of 5, round 1 of 2, best f1 so far 0.5, about 6s left",
	}
	if !slices.Equal(l.heard, want) {
		t.Errorf("got %q", l.heard)
	}
	// What an engine without rounds says, and one that tells of more rounds than it has.
	for _, report := range [][2]int{{0, 0}, {5, 0}, {3, 2}, {math.MaxInt, 1}} {
		clock = clock.Add(time.Minute)
		p.round(report[0], report[1])
	}
}
