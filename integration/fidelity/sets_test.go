package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

func TestSets(t *testing.T) {
	sets, err := allSets(context.Background(), options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][3]int{ // rows, features, classes
		"breast_cancer": {569, 30, 2}, "diabetes": {442, 10, 0}, "digits": {1797, 64, 10}, "iris": {150, 4, 3}, "linnerud": {20, 5, 0}, "wine": {178, 13, 3},
		"steps 3 classes": {3000, 8, 3},
	} {
		i := slices.IndexFunc(sets, func(s *set) bool { return s.name == name })
		if i < 0 {
			t.Errorf("no %s", name)
			continue
		}
		if d := sets[i].data; [3]int{d.Rows, d.Features, d.Classes} != want || len(d.X) != d.Rows*d.Features {
			t.Errorf("%s has %d rows, %d features, %d classes", name, d.Rows, d.Features, d.Classes)
		}
	}
	for _, s := range sets {
		if s.gaps != strings.HasPrefix(s.name, "gaps") || s.few && strings.HasPrefix(s.name, "smooth") || !s.few && strings.HasPrefix(s.name, "steps") {
			t.Errorf("%s: gaps %v, few %v", s.name, s.gaps, s.few)
		}
		counts := make([]int, s.data.Classes)
		for _, y := range s.data.Y {
			if s.data.Classes > 0 {
				counts[int(y)]++
			}
		}
		if s.data.Classes > 0 && slices.Min(counts) < 10 {
			t.Errorf("%s: rows by class %v", s.name, counts)
		}
	}
}

func TestPart(t *testing.T) {
	d := &learn.Dataset{Rows: 40, Features: 1, Classes: 3, Y: make([]float32, 40)}
	for i := range 40 {
		d.X = append(d.X, float32(i))
	}
	d.Y[17], d.Y[30] = 1, 2
	s := newSet("x", d)
	for seed := range 20 {
		fit, held := s.part(seed)
		if fit.Rows != 30 || held.Rows != 10 || !slices.Contains(fit.Y, 1) || !slices.Contains(fit.Y, 2) {
			t.Fatalf("seed %d: %d and %d rows, labels %v", seed, fit.Rows, held.Rows, fit.Y)
		}
		if all := slices.Sorted(slices.Values(append(slices.Clone(fit.X), held.X...))); !slices.Equal(all, d.X) {
			t.Fatalf("seed %d: rows %v", seed, all)
		}
	}
	a, _ := s.part(1)
	b, _ := s.part(1)
	c, _ := s.part(2)
	if !slices.Equal(a.X, b.X) || slices.Equal(a.X, c.X) {
		t.Error("the rows go by the seed, and nothing else")
	}
}

func TestReadTitles(t *testing.T) {
	const head = "title,is_clickbait\n"
	for _, c := range []struct {
		text  string
		limit int
		want  string // of the labels; empty: an error
	}{
		{head + "a,1\n\"b, c\",0\nd,1\ne,0\n", 10, "1010"},
		{head + "a,1\nb,0\nd,1\ne,0\nf,0\n", 4, "1010"},
		{head + "a,1\nb,yes\n", 10, ""},
		{head + "a,1\nb\n", 10, ""},
		{head + "a,1\nb,1\nc,1\n", 10, ""},
		{"", 10, ""},
	} {
		_, labels, err := readTitles(strings.NewReader(c.text), c.limit)
		got := ""
		for _, y := range labels {
			got += string('0' + rune(y))
		}
		if err != nil {
			got = ""
		}
		if got != c.want {
			t.Errorf("%q: labels %s, error %v", c.text, got, err)
		}
	}
}
