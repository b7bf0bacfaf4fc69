package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models"
	"github.com/pgowl/pgowl/models/learn"
)

// TestEveryEngineHasSettings: an engine that nothing is compared with should not go unnoticed.
func TestEveryEngineHasSettings(t *testing.T) {
	for _, task := range []learn.Task{learn.Regression, learn.Classification} {
		for _, name := range models.Trained(task) {
			if !slices.ContainsFunc(settings, func(s setting) bool { return s.algorithm == name && s.task == task }) {
				t.Errorf("%s for %s has no settings", name, task)
			}
		}
	}
}

func TestAvailable(t *testing.T) {
	list := each(learn.Regression, setting{algorithm: "linear"}, setting{algorithm: "pca"}, setting{algorithm: "pca"})
	kept, left := available(list, false)
	if len(kept) != 1 || kept[0].algorithm != "linear" || len(left) != 1 || !strings.Contains(left[0], "pca") {
		t.Errorf("kept %v, left out %v", kept, left)
	}
	_, left = available(list, true)
	if !slices.ContainsFunc(left, func(s string) bool { return s == "xgboost for regression has no settings here" }) {
		t.Errorf("left out %v", left)
	}
}

func TestPlan(t *testing.T) {
	few := &set{name: "few", data: &learn.Dataset{}, few: true}
	gaps := &set{name: "gaps", data: &learn.Dataset{}, gaps: true}
	titles := &set{name: "titles", data: &learn.Dataset{Classes: 2}, titles: true}
	three := &set{name: "three", data: &learn.Dataset{Classes: 3}, few: true}
	ten := &set{name: "ten", data: &learn.Dataset{Classes: 10}, few: true}
	got := ""
	for _, c := range plan(slices.Concat(
		each(learn.Regression, setting{algorithm: "linear", strict: byRows}, setting{algorithm: "xgboost", strict: byRowsOfFew}),
		each(learn.Classification, setting{algorithm: "xgboost", titles: true}, setting{algorithm: "xgboost", classes: 2}, setting{algorithm: "catboost", draws: true})),
		[]*set{few, gaps, titles, three, ten}, 4) {
		got += c.setting.algorithm + " " + c.set.name
		if c.byRows {
			got += " by rows"
		}
		got += strings.Repeat("+", len(c.fits)) + "\n"
	}
	const want = "linear few by rows++\nxgboost few by rows++\nxgboost gaps++++\nxgboost titles++++\nxgboost three++++\nxgboost ten++++\ncatboost three++++\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestPick(t *testing.T) {
	same := func(s string) string { return s }
	if got, err := pick("fruit", "pear,apple", []string{"apple", "pear", "pear", "fig"}, same); err != nil || !slices.Equal(got, []string{"pear", "pear", "apple"}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := pick("fruit", "pear,plum", []string{"apple", "pear", "pear"}, same); err == nil || err.Error() != `no fruit "plum": there are apple, pear` {
		t.Errorf("got %v", err)
	}
}

func TestWritten(t *testing.T) {
	if got := written(params{"b": 0.5, "a": "x"}); got != "`\"a\": \"x\", \"b\": 0.5`" {
		t.Errorf("got %s", got)
	}
	if got := written(nil); got != "defaults" {
		t.Errorf("got %s", got)
	}
}
