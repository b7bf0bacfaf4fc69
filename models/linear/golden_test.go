package linear

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/metrics"
)

// goldenCase is a fit by scikit-learn (testdata/golden.py).
type goldenCase struct {
	Data      string
	Weighted  bool // the weight of row i is half of i modulo 5
	Task      learn.Task
	Params    map[string]any
	Classes   int
	Coef      []float64
	Intercept []float64
	Predict   []float64 // of a regression, for each 7th row
	Proba     []float64 // of a classification, for each 40th row
	Score     float64   // r2 or accuracy on the training rows
	Loss      float64   // log loss
}

// loaded reads a data set of exec/dataset.
func loaded(t testing.TB, name string) (x [][]float32, columns []string) {
	t.Helper()
	f, err := os.Open("../../exec/dataset/data/" + name + ".csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		var row []float32
		for _, v := range strings.FieldsFunc(strings.Join(line, ","), func(r rune) bool { return strings.ContainsRune("{},", r) }) {
			switch v {
			case "true":
				v = "1"
			case "false":
				v = "0"
			}
			n, err := strconv.ParseFloat(v, 32)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, float32(n))
		}
		x = append(x, row)
	}
	return x, lines[0]
}

// dataset takes the label, a column counted from the end, off the rows.
func dataset(rows [][]float32, label, classes int) *learn.Dataset {
	d := &learn.Dataset{Rows: len(rows), Features: len(rows[0]) - 1, Classes: classes}
	for _, row := range rows {
		at := len(row) - 1 - label
		d.Y = append(d.Y, row[at])
		d.X = append(append(d.X, row[:at]...), row[at+1:]...)
	}
	return d
}

// data makes the rows that golden.py made.
func (c *goldenCase) data(t testing.TB) *learn.Dataset {
	name, label, _ := strings.Cut(c.Data, ":")
	if !slices.Contains([]string{"rank", "sizes", "near", "wide", "negative"}, name) {
		rows, _ := loaded(t, name)
		n, _ := strconv.Atoi(label)
		if label != "" {
			n = 2 - n
		}
		return dataset(rows, n, c.Classes)
	}
	s := uint32(7)
	draw := func() float64 {
		s = s*1664525 + 1013904223
		return float64(s>>8) / (1 << 24)
	}
	n, width := 400, 8
	if name == "wide" {
		n, width = 30, 50
	}
	d := &learn.Dataset{Rows: n, Features: width}
	for range n {
		row := make([]float32, width)
		for j := range row {
			row[j] = float32(draw())
		}
		switch name {
		case "rank":
			row[3], row[5], row[6] = row[1], row[0]*2, 4.5
		case "sizes":
			for j := range row {
				row[j] = float32(float64(row[j]) * math.Pow(10, float64(j-4)))
			}
		case "near":
			row[7] = float32(row[2] + float32(row[4]*0x1p-10))
		}
		y := 0.0
		for j, v := range row {
			f := float64(j + 1)
			if name == "negative" {
				f -= 4
			}
			y += float64(v) * f
		}
		d.X = append(d.X, row...)
		d.Y = append(d.Y, float32(y+draw()-.5))
	}
	return d
}

func goldenCases(t testing.TB) []goldenCase {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// off is the largest difference between two lists, in parts of the largest value.
func off(t *testing.T, what string, got, want []float64) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d %s, want %d", len(got), what, len(want))
	}
	worst := 0.0
	for i := range want {
		worst = max(worst, math.Abs(got[i]-want[i]))
		if got[i] != got[i] {
			t.Fatalf("%s %d is missing", what, i)
		}
	}
	return worst / max(largest(want), 1e-300)
}

func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	widen(out, x)
	return out
}

// every takes each n-th row.
func every(d *learn.Dataset, n int) (x []float32) {
	for r := 0; r < d.Rows; r += n {
		x = append(x, d.Row(r)...)
	}
	return x
}

func TestScikitLearn(t *testing.T) {
	for _, c := range goldenCases(t) {
		params, _ := json.Marshal(c.Params)
		t.Run(fmt.Sprint(c.Data, c.Weighted, string(params)), func(t *testing.T) {
			d := c.data(t)
			for r := 0; c.Weighted && r < d.Rows; r++ {
				d.Weights = append(d.Weights, float32(r%5)/2)
			}
			if c.Task == learn.Classification && c.Classes != 2 && slices.Max(d.Y) != float32(c.Classes-1) {
				t.Fatalf("labels up to %v", slices.Max(d.Y))
			}
			fitted, err := Train(context.Background(), d, c.Task, c.Params, nil)
			if err != nil {
				t.Fatal(err)
			}
			m := fitted.(*Model)
			coefs, biases := off(t, "coefficients", m.weights, c.Coef), off(t, "intercepts", m.bias, c.Intercept)
			if len(c.Intercept) == 1 && c.Intercept[0] == 0 {
				biases = math.Abs(m.bias[0])
			}
			got := make([]float32, d.Rows)
			m.Predict(got, d.X)
			var values, score, loss float64
			if c.Task == learn.Regression {
				out := make([]float32, len(c.Predict))
				m.Predict(out, every(d, 7))
				values = off(t, "predictions", wide(out), c.Predict)
				score = metrics.Regression(d.Y, got).R2
			} else {
				out := make([]float32, len(c.Proba))
				m.Probabilities(out, every(d, 40))
				values = off(t, "probabilities", wide(out), c.Proba)
				all := make([]float32, d.Rows*c.Classes)
				m.Probabilities(all, d.X)
				score = metrics.Classification(d.Y, got, all, c.Classes).Accuracy
				for r, y := range d.Y {
					loss -= math.Log(float64(all[r*c.Classes+int(y)])) / float64(d.Rows)
				}
			}
			t.Logf("coefficients %.1e intercepts %.1e values %.1e score %v", coefs, biases, values, score)
			limit := 1e-5
			if c.Params["penalty"] == "l1" {
				limit = 1e-4 // liblinear ends there
			}
			if coefs > limit || biases > limit || values > 1e-5 || math.Abs(score-c.Score) > 1e-6 || math.Abs(loss-c.Loss) > 1e-6 {
				t.Errorf("coefficients off by %v, intercepts %v, values %v; score %v for %v, loss %v for %v", coefs, biases, values, score, c.Score, loss, c.Loss)
			}
		})
	}
}
