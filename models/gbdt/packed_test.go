package gbdt

import (
	"context"
	"math"
	"testing"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

// histograms of the same rows in both forms: the sums must agree to the rounding of a row, whatever the group's width and the part of the rows.
func TestPackedHistograms(t *testing.T) {
	for _, features := range []int{1, 5, 11, 16, 28} {
		d := noisy(packedRows+77, features, 0, 0.05)
		c, release := crew.New(context.Background(), 2)
		bins, err := bin(d, nil, 256, 0, c)
		if err != nil {
			t.Fatal(err)
		}
		tr := &trainer{params: defaults(), plan: plan{groups: 1}, data: d, crew: c, bins: bins, memory: histogramMemory}
		tr.prepare()
		grads := make([]gradient, d.Rows)
		for r := range grads {
			grads[r] = gradient{float32(unit(draw(9, uint64(r))) - 0.4), float32(unit(draw(10, uint64(r))))}
		}
		tr.sampleColumns(0)
		tr.sampleRows(0, grads)
		for _, every := range []int{1, 3, 40} { // all rows, many, few
			var rows []int32
			for r := 0; r < d.Rows; r += every {
				rows = append(rows, int32(r))
			}
			build := func() []histogram {
				h := make([]histogram, features)
				parts := tr.build(c, h, rows, grads)
				for f := range features {
					tr.finish(h, nil, f, parts)
				}
				return h
			}
			tr.packed.values = nil
			want := build()
			tr.pack(grads)
			if tr.packed.values == nil {
				t.Fatal("not packed")
			}
			got := build()
			for f := range got {
				for b := range got[f] {
					n := float64(len(rows)) / 40
					if dg, dh := got[f][b].g-want[f][b].g, got[f][b].h-want[f][b].h; math.Abs(dg) > n*tr.packed.gStep || math.Abs(dh) > n*tr.packed.hStep {
						t.Fatalf("%d features, every %d rows: feature %d, bin %d: %v, want %v", features, every, f, b, got[f][b], want[f][b])
					}
				}
			}
		}
		release()
	}
}

// The largest values that there may be, all of one sign, in one bin.
func TestPackedDoesNotOverflow(t *testing.T) {
	for _, g := range []float32{-3, 3} {
		d := &learn.Dataset{Rows: 3*flushRows + 5, Features: 2}
		d.X, d.Y = make([]float32, 2*d.Rows), make([]float32, d.Rows)
		c, release := crew.New(context.Background(), 2)
		defer release()
		bins, err := bin(d, nil, 256, 0, c)
		if err != nil {
			t.Fatal(err)
		}
		tr := &trainer{params: defaults(), plan: plan{groups: 1}, data: d, crew: c, bins: bins, memory: histogramMemory}
		tr.prepare()
		grads := make([]gradient, d.Rows)
		for r := range grads {
			grads[r] = gradient{g, 0.24999}
		}
		tr.sampleColumns(0)
		tr.sampleRows(0, grads)
		tr.pack(grads)
		h := make([]histogram, 2)
		parts := tr.build(c, h, tr.rows, grads)
		tr.finish(h, nil, 0, parts)
		n := float64(d.Rows)
		if s := h[0][0]; math.Abs(s.g-float64(g)*n) > n*tr.packed.gStep || math.Abs(s.h-0.24999*n) > n*tr.packed.hStep {
			t.Errorf("%v, want %v and %v", s, float64(g)*n, 0.24999*n)
		}
		if s := tr.packed.total(tr.rows, c); s != h[0][0] {
			t.Errorf("in all %v, in the only bin %v", s, h[0][0])
		}
	}
}

// What packing would round to nothing stays as it is.
func TestPackedRefuses(t *testing.T) {
	c, release := crew.New(context.Background(), 2)
	defer release()
	tr := &trainer{crew: c}
	grads := make([]gradient, packedRows)
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, odd := range map[string]gradient{"none": {1, 1}, "a large gradient": {1e5, 1}, "a large hessian": {1, 1e5}, "a negative hessian": {1, -1},
		"NaN": {nan, 1}, "NaN hessian": {1, nan}, "infinity": {inf, 1}, "all hessians 0": {1, 0}} {
		for r := range grads {
			grads[r] = gradient{float32(r%3 - 1), 1}
			if name == "all hessians 0" {
				grads[r].h = 0
			}
		}
		grads[17] = odd
		tr.pack(grads)
		if packed := tr.packed.values != nil; packed != (name == "none") {
			t.Errorf("%s: packed: %v", name, packed)
		}
	}
}

// A model from packed histograms is as good as one from others (a row more or less moves the loss by half a percent), and the same for any number of threads.
func TestPackedModels(t *testing.T) {
	d := noisy(packedRows, 12, 2, 0.02)
	few := *d
	few.Rows--
	few.X, few.Y = d.X[:len(d.X)-d.Features], d.Y[:len(d.Y)-1]
	loss := func(m learn.Model) float64 {
		p := make([]float32, 2*d.Rows)
		m.Probabilities(p, d.X)
		sum := 0.0
		for r, y := range d.Y {
			sum -= math.Log(float64(p[2*r+int(y)]))
		}
		return sum / float64(d.Rows)
	}
	params := map[string]any{"n_estimators": 20., "objective": "binary:logistic", "nthread": 1.}
	packed := fit(t, d, params)
	a, b := loss(packed), loss(fit(t, &few, params))
	if math.Abs(a-b) > 1e-2*b {
		t.Errorf("loss %v packed, %v otherwise", a, b)
	}
	for _, threads := range []float64{2, 3, 8} {
		params["nthread"] = threads
		if string(encode(t, fit(t, d, params))) != string(encode(t, packed)) {
			t.Errorf("another model with %v threads", threads)
		}
	}
}

func BenchmarkHistogram(b *testing.B) {
	const rows = 1 << 20
	bins := make([]uint8, rows*groupWidth)
	for i := range bins {
		bins[i] = uint8(draw(3, uint64(i)))
	}
	values := make([]int64, rows)
	for _, every := range []int{1, 8, 32} {
		var some []int32
		for r := 0; r < rows; r += every {
			some = append(some, int32(r+int(draw(4, uint64(r))%uint64(every))))
		}
		b.Run(map[int]string{1: "all", 8: "an eighth", 32: "a 32nd"}[every], func(b *testing.B) {
			l := new(lanes)
			for b.Loop() {
				l.add(bins, groupWidth, groupWidth, some, values)
			}
			b.ReportMetric(float64(len(some)*groupWidth)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "updates/ns")
		})
	}
}
