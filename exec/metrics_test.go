package exec

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
	"github.com/pgowl/pgowl/parser"
	"github.com/prometheus/client_golang/prometheus"
)

// nowhere is an engine without a database, whose project p has deployed model 1, of two features.
func nowhere(tb testing.TB) (*Engine, *prometheus.Registry) {
	tb.Helper()
	r := prometheus.NewPedanticRegistry()
	e, err := New(Options{Service: "postgres://me@/db?host=/nowhere", Registry: r})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(e.Stop)
	d := &learn.Dataset{Rows: 40, Features: 2}
	for i := range d.Rows {
		d.X, d.Y = append(d.X, float32(i), 1), append(d.Y, float32(i))
	}
	m, err := gbdt.Train(tb.Context(), d, learn.Regression, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	e.models.Publish(1, store.Header{Algorithm: "xgboost", Task: learn.Regression}, m)
	e.projects.models = map[string]projectModel{"p": {1, time.Now().Add(time.Hour)}}
	return e, r
}

// values gives all that a registry tells, by name and labels, histograms by their counts.
func values(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := ""
			for _, l := range m.GetLabel() {
				labels += " " + l.GetValue()
			}
			v := m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			all[f.GetName()+labels] = v
			if f.GetHelp() == "" || !strings.HasPrefix(f.GetName(), "pgowl_engine_") {
				t.Errorf("%s: no help, or another's name", f.GetName())
			}
		}
	}
	return all
}

func expect(t *testing.T, r *prometheus.Registry, want map[string]float64) {
	t.Helper()
	got := values(t, r)
	for name, v := range want {
		if found, ok := got["pgowl_engine_"+name]; !ok || found != v {
			t.Errorf("%s: got %v (there: %v), want %v", name, found, ok, v)
		}
	}
}

var predictColumns = &parser.FunctionCall{Function: "predict", Result: "real",
	Args: []parser.Arg{{Kind: parser.Column, Index: 0}, {Kind: parser.Column, Index: 1}}}

// gathered is a stream of rows to predict.
func gathered(e *Engine, rows int, features []float32) *Rows {
	p := &parser.Plan{Lane: parser.Stream, Hidden: 2, Columns: []*parser.FunctionCall{predictColumns}}
	r := e.Rows(p, []Field{{OID: oidInt8, Format: 1}, {OID: oidFloat4Array, Format: 1}}, []int16{0})
	for range rows {
		r.Add([][]byte{binary.BigEndian.AppendUint64(nil, 1), encodeReals(nil, 1, features)})
	}
	return r
}

func TestCallsAreCounted(t *testing.T) {
	e, r := nowhere(t)
	expect(t, r, map[string]float64{"calls predict stream": 0, "call_duration_seconds train call": 0, "errors_total embed fold": 0, "mailboxes_limit": 16,
		"waiting core": 0, "waiting gpu": 0, "waiting mailbox": 0, "waiting text_model": 0, "waiting trained_model": 0, "model_cache_models": 1,
		"vectorize_rows_total": 0, "vectorize_failures_total": 0, "vectorize_column_failures_total": 0})

	if err := gathered(e, 200, []float32{1, 2}).Compute(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := gathered(e, 5, []float32{1}).Compute(t.Context()); err == nil {
		t.Fatal("a row with one feature was predicted")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := gathered(e, 100, []float32{1, 2}).Compute(gone); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	expect(t, r, map[string]float64{"call_duration_seconds predict stream": 3, "rows_total predict stream": 200, "errors_total predict stream": 1,
		"canceled_total predict stream": 1, "calls predict stream": 0, "model_cache_hits_total": 3, "model_cache_misses_total": 0})

	fold := &parser.FunctionCall{Function: "predict", Result: "real", Args: []parser.Arg{{Kind: parser.Const, Value: "p", Type: "text"}, {Kind: parser.Const, Value: "{1,2}", Type: "real[]"}}}
	if v := e.Fold(t.Context(), &parser.Plan{Folds: []*parser.FunctionCall{fold, fold}}, nil, false); !v[0].OK || !v[1].OK {
		t.Fatal(v)
	}
	unknown := *fold
	unknown.Function = "another"
	e.Fold(t.Context(), &parser.Plan{Folds: []*parser.FunctionCall{&unknown}}, nil, false)
	expect(t, r, map[string]float64{"call_duration_seconds predict fold": 2, "rows_total predict fold": 2, "call_duration_seconds other fold": 1})

	calls := e.functions()
	id := binary.BigEndian.AppendUint64(nil, 1)
	if _, err := calls["predict_batch"](t.Context(), nil, [][]byte{id, encodeReals(nil, 1, []float32{1, 2, 3, 4})}); err != nil {
		t.Fatal(err)
	}
	if _, err := calls["train"](t.Context(), nil, nil); err == nil {
		t.Fatal("train without arguments")
	}
	expect(t, r, map[string]float64{"rows_total predict_batch call": 2, "call_duration_seconds predict_batch call": 1, "errors_total train call": 1})
}

// TestACallUnderWayIsSeen: while a function runs, and also one that panics is not under way for ever.
func TestACallUnderWayIsSeen(t *testing.T) {
	e, r := nowhere(t)
	f := measured(e, "train", func(context.Context, function.Session, [][]byte) (string, int, error) {
		expect(t, r, map[string]float64{"calls train call": 1})
		panic("on purpose")
	})
	func() {
		defer func() { _ = recover() }()
		f(t.Context(), nil, nil)
	}()
	expect(t, r, map[string]float64{"calls train call": 0, "errors_total train call": 1})
}

// TestAnotherEnginesMetrics: two engines cannot count in one registry.
func TestAnotherEnginesMetrics(t *testing.T) {
	_, r := nowhere(t)
	if _, err := New(Options{Service: "postgres://me@/db", Registry: r}); err == nil {
		t.Error("two engines share a registry")
	}
}

// TestCountingAllocatesNothing: neither by call nor by row.
func TestCountingAllocatesNothing(t *testing.T) {
	e, _ := nowhere(t)
	ctx := context.Background()
	m := e.meters.of(streamLane, "predict")
	if n := testing.AllocsPerRun(100, func() { m.end(ctx, m.begin(), 7, nil) }); n != 0 {
		t.Errorf("a call: %v", n)
	}
	f := measured(e, "predict", func(context.Context, function.Session, [][]byte) (string, int, error) { return "1", 1, nil })
	if n := testing.AllocsPerRun(100, func() { f(ctx, nil, nil) }); n != 0 {
		t.Errorf("a call of lane call: %v", n)
	}
	// Rows that are NULL, since a model takes its memory from a sync.Pool, which the race detector empties as it likes.
	args := func(int, *parser.Arg) (Field, []byte, error) { return Field{OID: oidInt8, Format: 1}, nil, nil }
	for _, rows := range []int{1, 64} {
		without := testing.AllocsPerRun(100, func() { e.evaluate(ctx, streamLane, predictColumns, rows, args) })
		with := testing.AllocsPerRun(100, func() { e.compute(ctx, streamLane, predictColumns, rows, args) })
		if with > without {
			t.Errorf("%d rows: %v, without counting %v", rows, with, without)
		}
	}
}

// BenchmarkCounting measures what counting costs: a batch of predictions with and without.
func BenchmarkCounting(b *testing.B) {
	e, _ := nowhere(b)
	id, features := binary.BigEndian.AppendUint64(nil, 1), encodeReals(nil, 1, []float32{1, 2})
	args := func(_ int, a *parser.Arg) (Field, []byte, error) {
		if a.Index == 0 {
			return Field{OID: oidInt8, Format: 1}, id, nil
		}
		return Field{OID: oidFloat4Array, Format: 1}, features, nil
	}
	for name, f := range map[string]func(context.Context, lane, *parser.FunctionCall, int, arguments) (column, error){"without": e.evaluate, "with": e.compute} {
		for _, rows := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d rows", name, rows), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := f(context.Background(), streamLane, predictColumns, rows, args); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
