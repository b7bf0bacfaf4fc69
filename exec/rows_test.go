package exec

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
	"github.com/pgowl/pgowl/parser"
)

// forest is an engine whose model 1 is a classification by trees of depth 6 over 28 features.
func forest(b testing.TB, trees int) *Engine {
	b.Helper()
	e, _ := nowhere(b)
	d := &learn.Dataset{Rows: 4000, Features: 28, Classes: 2, X: make([]float32, 4000*28), Y: make([]float32, 4000)}
	dice := rand.New(rand.NewPCG(1, 2))
	for i := range d.X {
		d.X[i] = float32(dice.NormFloat64())
	}
	for i := range d.Y {
		if d.X[28*i]*d.X[28*i+1]+d.X[28*i+2]+float32(dice.NormFloat64()) > 0 {
			d.Y[i] = 1
		}
	}
	m, err := gbdt.Train(b.Context(), d, learn.Classification, map[string]any{"n_estimators": float64(trees)}, nil)
	if err != nil {
		b.Fatal(err)
	}
	header := store.Header{Algorithm: "xgboost", Task: learn.Classification, Label: store.Label{Classes: []string{"0", "1"}}}
	for i := range 28 {
		header.Features = append(header.Features, store.Feature{Name: fmt.Sprint("f", i), Type: "float4", Width: 1})
	}
	e.models.Publish(1, header, m)
	e.projects.models = map[string]projectModel{"p": {1, time.Now().Add(time.Hour)}}
	return e
}

// spread are rows of 28 features.
func spread(rows int) [][]float32 {
	dice := rand.New(rand.NewPCG(3, 4))
	features := make([][]float32, rows)
	for i := range features {
		features[i] = make([]float32, 28)
		for j := range features[i] {
			features[i][j] = float32(dice.NormFloat64())
		}
	}
	return features
}

// streamed is a stream of what a model says of each row, and the rows' hidden columns. nil is NULL.
func streamed(e *Engine, call *parser.FunctionCall, format int16, features [][]float32) (*Rows, [][][]byte) {
	cells := make([][][]byte, len(features))
	for i, f := range features {
		cells[i] = [][]byte{binary.BigEndian.AppendUint64(nil, 1), nil}
		if f != nil {
			cells[i][1] = encodeReals(nil, format, f)
		}
	}
	return e.Rows(&parser.Plan{Lane: parser.Stream, Hidden: 2, Columns: []*parser.FunctionCall{call}},
		[]Field{{OID: oidInt8, Format: 1}, {OID: oidFloat4Array, Format: format}}, []int16{format}), cells
}

var probaColumns = &parser.FunctionCall{Function: "predict_proba", Result: "real[]", Args: predictColumns.Args}

// What is computed for many rows is what each row by itself gives, in both lanes: probabilities of one row, of several in one array, and of NULL.
func TestManyRows(t *testing.T) {
	e := forest(t, 3)
	model, err := e.model(t.Context(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	features := spread(1500)
	features[7], features[1100] = nil, nil
	features[9] = append(features[9], features[10]...)
	array := make([]byte, 20)
	var wantMany []string
	for _, f := range features {
		if f == nil {
			array = binary.BigEndian.AppendUint32(array, 0xFFFFFFFF)
			wantMany = append(wantMany, "NULL")
			continue
		}
		element := encodeReals([]byte("p\x00F"), 1, f)
		array = append(binary.BigEndian.AppendUint32(array, uint32(len(element))), element...)
		p, err := model.Proba(f)
		if err != nil {
			t.Fatal(err)
		}
		wantMany = append(wantMany, `"`+string(appendReals(nil, p))+`"`)
	}
	many, n, err := e.callProbaMany(t.Context(), nil, [][]byte{binary.BigEndian.AppendUint64(nil, 1), array})
	if want := "{" + strings.Join(wantMany, ",") + "}"; err != nil || n != len(features) || many != want {
		t.Errorf("predict_proba_many: %d rows, %v:\n got %s\nwant %s", n, err, many, want)
	}

	for _, format := range []int16{0, 1} {
		r, cells := streamed(e, probaColumns, format, features)
		for range 2 { // the second time in the memory of the first
			for _, c := range cells {
				r.Add(c)
			}
			if err := r.Compute(t.Context()); err != nil {
				t.Fatal(err)
			}
			for i, f := range features {
				var want []byte
				if f != nil {
					p, _ := model.Proba(f)
					want = encodeReals(nil, format, p)
				}
				if got := r.Value(i, 0); !bytes.Equal(got, want) || (got == nil) != (want == nil) {
					t.Fatalf("row %d, format %d: got %q, want %q", i, format, got, want)
				}
			}
			r.Reset()
		}
	}

	features[9] = features[9][:28]
	r, cells := streamed(e, predictColumns, 1, features)
	for _, c := range cells {
		r.Add(c)
	}
	if err := r.Compute(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, f := range features {
		var want []byte
		if f != nil {
			v, _ := model.Predict(f)
			want = encodeReal(nil, 1, v)
		}
		if got := r.Value(i, 0); !bytes.Equal(got, want) {
			t.Fatalf("row %d: got %q, want %q", i, got, want)
		}
	}

	features[1200] = features[1200][:27]
	r, cells = streamed(e, probaColumns, 1, features)
	for _, c := range cells {
		r.Add(c)
	}
	var shape *function.Error
	if err := r.Compute(t.Context()); !errors.As(err, &shape) || shape.Message != "cannot reshape array of size 27 into shape (28)" {
		t.Errorf("a row of 27 features: %v", err)
	}
}

// Memory is taken by the batch: a few hundred rows more take no more pieces of it.
func TestManyRowsAllocateByBatch(t *testing.T) {
	e := forest(t, 3)
	features := spread(1000)
	for _, call := range []*parser.FunctionCall{predictColumns, probaColumns} {
		for _, format := range []int16{0, 1} {
			r, cells := streamed(e, call, format, features)
			n := testing.AllocsPerRun(5, func() {
				for _, c := range cells {
					r.Add(c)
				}
				if err := r.Compute(t.Context()); err != nil {
					t.Fatal(err)
				}
				r.Reset()
			})
			if n > 100 {
				t.Errorf("%s, format %d: %v allocations for %d rows", call.Function, format, n, len(features))
			}
		}
	}
}

// BenchmarkRows is what a statement of many rows costs, by the types of features and of the result: gathering, scoring and writing in the stream lane,
// and what the database has gathered in the call lane.
func BenchmarkRows(b *testing.B) {
	e := forest(b, 100)
	const rows = 1024
	features := spread(rows)
	id := binary.BigEndian.AppendUint64(nil, 1)
	perRow := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
	}
	for _, call := range []*parser.FunctionCall{predictColumns, probaColumns} {
		for _, format := range []int16{0, 1} {
			r, cells := streamed(e, call, format, features)
			b.Run(fmt.Sprintf("stream/%s/%d", call.Function, format), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					for _, c := range cells {
						r.Add(c)
					}
					if err := r.Compute(b.Context()); err != nil {
						b.Fatal(err)
					}
					r.Reset()
				}
				perRow(b)
			})
		}
	}
	for _, kind := range []byte{'F', 'R'} {
		array := make([]byte, 20)
		for _, f := range features {
			element := append([]byte("p\x00"), kind)
			if kind == 'F' {
				element = append(element, encodeReals(nil, 1, f)...)
			} else {
				element = append(element, '{')
				for j, v := range f {
					if j > 0 {
						element = append(element, ',')
					}
					element = appendReal(fmt.Appendf(element, `"f%d":`, j), v)
				}
				element = append(element, '}')
			}
			array = append(binary.BigEndian.AppendUint32(array, uint32(len(element))), element...)
		}
		for _, name := range []string{"predict_many", "predict_proba_many"} {
			f := called[name]
			b.Run(fmt.Sprintf("%s/%c", name, kind), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, n, err := f(e, context.Background(), nil, [][]byte{id, array}); err != nil || n != rows {
						b.Fatal(n, err)
					}
				}
				perRow(b)
			})
		}
	}
}
