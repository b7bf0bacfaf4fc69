package exchange

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
)

// goldenCase is a model of another library (testdata/golden.py), and what the library says of the rows: margins, and contributions of the first
// four.
type goldenCase struct {
	File          string
	Format        Format
	Task          learn.Task
	Margins       []float64
	Contributions []float64
	Names         []string
	Rows          []*float32 // where they are not those of all
}

const goldenFeatures = 4

func golden(t testing.TB) (rows []float32, cases []goldenCase) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Rows  []*float32
		Cases []goldenCase
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return values(all.Rows), all.Cases
}

// values has NaN for nil.
func values(pointers []*float32) (all []float32) {
	for _, v := range pointers {
		if v == nil {
			all = append(all, float32(math.NaN()))
		} else {
			all = append(all, *v)
		}
	}
	return all
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// margins are those of all rows: sums of the leaves that a plain walk comes to; of gblinear, of the contributions.
func margins(t testing.TB, m learn.Model, rows []float32) []float64 {
	t.Helper()
	var all []float64
	if linear, ok := m.(*gbdt.Linear); ok {
		width := m.Features() + 1
		c := make([]float64, linear.Margins()*width)
		for r := 0; r < len(rows); r += m.Features() {
			linear.Contributions(c, rows[r:][:m.Features()])
			for k := range linear.Margins() {
				sum := 0.0
				for _, v := range c[k*width:][:width] {
					sum += v
				}
				all = append(all, sum)
			}
		}
		return all
	}
	return walked(m.(*gbdt.Model).Forest(), rows)
}

func walked(f *gbdt.Forest, rows []float32) (all []float64) {
	for r := 0; r < len(rows); r += f.Features {
		sums := make([]float32, f.Margins)
		for i := range sums {
			sums[i] = f.Base
		}
		for i, points := range f.Trees {
			p := &points[0]
			for p.Feature >= 0 {
				v := rows[r+p.Feature]
				left := v < p.Value
				if p.Set != nil {
					left = v < 0 || !slices.Contains(p.Set, float32(math.Trunc(float64(v))))
				}
				if v == v && left || v != v && p.DefaultLeft {
					p = &points[p.Left]
				} else {
					p = &points[p.Right]
				}
			}
			sums[i/f.Parallel%f.Margins] += leafOf(p, rows[r:])
		}
		for _, s := range sums {
			all = append(all, float64(s))
		}
	}
	return all
}

// leafOf is what a leaf adds for a row.
func leafOf(p *gbdt.Point, row []float32) float32 {
	if p.Line == nil {
		return p.Value
	}
	sum := p.Line.Constant
	for i, f := range p.Line.Features {
		if row[f] != row[f] {
			return p.Value
		}
		sum += p.Line.Slopes[i] * float64(row[f])
	}
	return float32(sum)
}

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance*math.Max(1, math.Abs(b)) }

func TestReadsWhatOthersWrote(t *testing.T) {
	rows, cases := golden(t)
	if len(cases) < 20 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.File, func(t *testing.T) {
			rows := rows
			if c.Rows != nil {
				rows = values(c.Rows)
			}
			same := func(got []float64) {
				t.Helper()
				if len(got) != len(c.Margins) {
					t.Fatalf("%d margins, want %d", len(got), len(c.Margins))
				}
				for i, want := range c.Margins {
					if !near(got[i], want, 1e-6) {
						t.Errorf("margin %d is %v, the library's %v", i, got[i], want)
					}
				}
			}
			if strings.Contains(c.File, "categories") {
				b, err := readBook(c.Format, read(t, c.File), c.Task)
				if err != nil {
					t.Fatal(err)
				}
				same(walked(&b.forest, rows))
			}
			file, err := Read(c.Format, read(t, c.File), c.Task)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(file.Names, c.Names) {
				t.Errorf("names %q, want %q", file.Names, c.Names)
			}
			same(margins(t, file.Model, rows))
			explainer := file.Model.(learn.Explainer)
			width := explainer.Margins() * (goldenFeatures + 1)
			if (width == 0) != (len(c.Contributions) == 0) { // LightGBM gives none of linear trees
				t.Fatalf("%d contributions a row", width)
			}
			if width == 0 {
				return
			}
			all := make([]float64, width)
			for r := range len(c.Contributions) / width {
				explainer.Contributions(all, rows[r*goldenFeatures:][:goldenFeatures])
				for i, v := range all {
					if want := c.Contributions[r*width+i]; !near(v, want, 1e-5) {
						t.Errorf("row %d: contribution %d is %v, the library's %v", r, i, v, want)
					}
				}
			}
		})
	}
}

// lightOnly are the models that XGBoost cannot have.
var lightOnly = []string{"lgb-linear.txt", "lgb-each.txt", "lgb-lambda.txt"}

// What is read, written in any format, and read again predicts the same.
func TestWritesWhatItReads(t *testing.T) {
	rows, cases := golden(t)
	for _, c := range cases {
		if strings.Contains(c.File, "categories") {
			continue // TestWritesSets
		}
		for _, format := range Formats {
			t.Run(c.File+" as "+string(format), func(t *testing.T) {
				file, err := Read(c.Format, read(t, c.File), c.Task)
				if err != nil {
					t.Fatal(err)
				}
				data, err := Write(format, file.Model, file.Names)
				if format == LightGBMText && (c.File == "hinge.json" || strings.HasPrefix(c.File, "linear")) {
					if !refused(err) {
						t.Errorf("LightGBM has no such model: %v", err)
					}
					return
				}
				if format != LightGBMText && slices.Contains(lightOnly, c.File) {
					if !refused(err) {
						t.Errorf("XGBoost has no such model: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				again, err := Read(format, data, c.Task)
				if err != nil {
					t.Fatal(err)
				}
				want, got := margins(t, file.Model, rows), margins(t, again.Model, rows)
				for i := range want {
					if !near(got[i], want[i], 2e-7) {
						t.Errorf("margin %d is %v, was %v", i, got[i], want[i])
					}
				}
				a, b := file.Model, again.Model
				if a.Classes() != b.Classes() || a.Features() != b.Features() {
					t.Errorf("%d classes of %d features, were %d of %d", b.Classes(), b.Features(), a.Classes(), a.Features())
				}
			})
		}
	}
}

// Splits by categories come back as they were, but for those that LightGBM cannot have.
func TestWritesSets(t *testing.T) {
	_, cases := golden(t)
	for _, c := range cases {
		if c.Rows == nil {
			continue
		}
		rows := values(c.Rows)
		b, err := readBook(c.Format, read(t, c.File), c.Task)
		if err != nil {
			t.Fatal(err)
		}
		b.forest.Objective = "reg:squarederror"
		want := walked(&b.forest, rows)
		for _, format := range Formats {
			var data []byte
			if format == LightGBMText {
				data, err = writeLightGBM(&b.forest, nil)
			} else {
				var d object
				if d, err = xgbTrees(&b.forest, nil); format == XGBoostJSON {
					data = appendJSON(nil, d)
				} else {
					data = appendUBJSON(nil, d)
				}
			}
			if format == LightGBMText && strings.HasPrefix(c.File, "categories.") {
				if !refused(err) {
					t.Errorf("%s as %s: %v", c.File, format, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s as %s: %v", c.File, format, err)
			}
			again, err := readBook(format, data, c.Task)
			if err != nil {
				t.Fatalf("%s as %s: %v", c.File, format, err)
			}
			for i, got := range walked(&again.forest, rows) {
				if !near(got, want[i], 2e-7) {
					t.Errorf("%s as %s: margin %d is %v, was %v", c.File, format, i, got, want[i])
				}
			}
		}
	}
}

// A few bytes of a file of XGBoost's must not become many of LightGBM's.
func TestLargeCodes(t *testing.T) {
	f := &gbdt.Forest{Objective: "reg:squarederror", Features: 1, Margins: 1, Parallel: 1}
	for range 10 {
		f.Trees = append(f.Trees, []gbdt.Point{{Set: []float32{maxCategory}, Left: 1, Right: 2, DefaultLeft: true}, {Feature: -1}, {Feature: -1}})
	}
	if _, err := writeLightGBM(f, nil); !refused(err) {
		t.Errorf("got %v", err)
	}
	f.Trees = f.Trees[:2]
	if _, err := writeLightGBM(f, nil); err != nil {
		t.Errorf("two of them: %v", err)
	}
}
