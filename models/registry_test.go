package models

import (
	"errors"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

func TestTrainer(t *testing.T) {
	for _, task := range []learn.Task{learn.Regression, learn.Classification} {
		for _, algorithm := range []string{"xgboost", "linear"} {
			if train, err := Trainer(algorithm, task); err != nil || train == nil {
				t.Errorf("%s %s: %v", algorithm, task, err)
			}
		}
	}
	var later *NotAvailable
	if _, err := Trainer("svm", learn.Regression); !errors.As(err, &later) || later.Algorithm != "svm" {
		t.Errorf("svm: %v, want NotAvailable", err)
	}
	for _, c := range [][2]string{{"kmeans", "clustering"}, {"linear", "clustering"}, {"linear", "decomposition"}} {
		if _, err := Trainer(c[0], learn.Task(c[1])); !errors.As(err, &later) {
			t.Errorf("%s: %v, want NotAvailable", c, err)
		}
	}
	var never *Unsupported
	for _, c := range []struct {
		algorithm string
		task      learn.Task
		message   string
	}{
		{"perceptron", learn.Regression, "perceptron does not support regression"},
		{"lasso", learn.Classification, "lasso does not support classification"},
		{"xgboost", "clustering", "xgboost does not support clustering"},
		{"dbscan", "clustering", "dbscan does not support clustering"},
		{"no such", learn.Regression, "no such does not support regression"},
		{"xgboost", "no such", "xgboost does not support no such"},
	} {
		if _, err := Trainer(c.algorithm, c.task); !errors.As(err, &never) || err.Error() != c.message {
			t.Errorf("%s for %s: %v, want %q", c.algorithm, c.task, err, c.message)
		}
	}
	if len(tasks) != 45 {
		t.Errorf("%d algorithms, pgml.algorithm has 45", len(tasks))
	}
}

func TestDecode(t *testing.T) {
	if _, err := Decode("xgboost", []byte("nonsense")); err == nil {
		t.Error("nonsense was decoded")
	}
	var later *NotAvailable
	if _, err := Decode("svm", nil); !errors.As(err, &later) {
		t.Errorf("svm: %v", err)
	}
	var never *Unsupported
	if _, err := Decode("", nil); !errors.As(err, &never) {
		t.Errorf("no algorithm: %v", err)
	}
}
