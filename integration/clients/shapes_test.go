package clients

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"testing"
)

// answer is what a client's program got: each column's type (OID) and each value as JSON has it, numbers as json.Number.
type answer struct {
	Types []uint32 `json:"types"`
	Rows  [][]any  `json:"rows"`
}

// refusal is an error as a client's program got it.
type refusal struct {
	Code    string `json:"code"` // SQLSTATE
	Message string `json:"message"`
}

func (r *refusal) Error() string { return r.Code + ": " + r.Message }

// asker is a client that has parameters, $1 and so on, and types.
type asker interface {
	ask(t *testing.T, sql string, params ...any) (answer, error)
}

func decodeRow(raw []byte) (row []any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return row, d.Decode(&row)
}

// text gives the rows as psql -At does, as far as the story needs it.
func (a answer) text() string {
	rows := make([][]string, len(a.Rows))
	for i, row := range a.Rows {
		rows[i] = make([]string, len(row))
		for j, v := range row {
			rows[i][j] = valueText(v)
		}
	}
	return lines(rows)
}

func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		return strconv.FormatBool(v)[:1]
	case json.Number: // 1.0 in Python, 1 elsewhere
		if f, err := v.Float64(); err == nil {
			return strconv.FormatFloat(f, 'g', -1, 64)
		}
	}
	return fmt.Sprint(v)
}

// Types that the story's functions give.
const (
	float4Type      = 700
	float4ArrayType = 1021
	int8Type        = 20
	textType        = 25
)

// shapes wants the values of the story's functions to reach a program in their types, with parameters of its own, as often
// as drivers need to make a prepared statement of it. The story has been played before.
func shapes(t *testing.T, c asker) {
	t.Helper()
	var vector []any
	for range 7 {
		got, err := c.ask(t, "SELECT pgml.embed('all-MiniLM-L6-v2', $1)", "Hottest weather in 100 years")
		if err != nil {
			t.Fatalf("embed: %v", err)
		}
		vector, _ = only(t, got, float4ArrayType).([]any)
		if length := norm(vector); len(vector) != 384 || math.Abs(length-1) > 1e-3 {
			t.Fatalf("embed: %d numbers of length %v, want 384 of length 1", len(vector), length)
		}
	}
	features := make([]float32, len(vector))
	for i, v := range vector {
		f, _ := v.(json.Number).Float64()
		features[i] = float32(f)
	}
	for range 7 {
		got, err := c.ask(t, "SELECT pgml.predict('clickbait_classifier', $1::real[])", features)
		if err != nil {
			t.Fatalf("predict: %v", err)
		}
		if v := valueText(only(t, got, float4Type)); v != "0" {
			t.Fatalf("predict: got %s, want 0", v)
		}
	}
	got, err := c.ask(t, "SELECT id, title, pgml.predict('clickbait_classifier', embedding) FROM inbox WHERE id > $1::bigint ORDER BY id", 0)
	if err != nil {
		t.Fatalf("a table's rows: %v", err)
	}
	if len(got.Types) != 3 || got.Types[0] != int8Type || got.Types[1] != textType || got.Types[2] != float4Type {
		t.Fatalf("a table's rows: types %v", got.Types)
	}
	if view, err := c.ask(t, "SELECT * FROM inbox_scores ORDER BY id"); err != nil || len(got.Rows) != 3 || view.text() != got.text() {
		t.Errorf("classes of the inbox: got\n%s\nfrom a SELECT, from the view\n%s\n%v", got.text(), view.text(), err)
	}
	for _, r := range sqlRefusals {
		_, err := c.ask(t, r.sql)
		var got *refusal
		if !errors.As(err, &got) || got.Code != r.code || !r.message.MatchString(got.Message) {
			t.Errorf("%s\ngot  %v\nwant %s: %s", r.sql, err, r.code, r.message)
		}
	}
}

// only gives the one value of an answer.
func only(t *testing.T, a answer, want uint32) any {
	t.Helper()
	if len(a.Types) != 1 || a.Types[0] != want || len(a.Rows) != 1 || len(a.Rows[0]) != 1 {
		t.Fatalf("got %d rows of types %v, want one value of type %d", len(a.Rows), a.Types, want)
	}
	return a.Rows[0][0]
}

func norm(vector []any) float64 {
	sum := 0.0
	for _, v := range vector {
		n, _ := v.(json.Number)
		f, _ := n.Float64()
		sum += f * f
	}
	return math.Sqrt(sum)
}
