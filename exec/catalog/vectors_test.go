package catalog

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
)

// The values of the reference, for both types, and the edges that a mathematician would ask about.
func TestVectorValues(t *testing.T) {
	conn := migrated(t)
	nan, inf := math.NaN(), math.Inf(1)
	one := func(v float64) []float64 { return []float64{v} }
	for _, typ := range []struct {
		name      string
		tolerance float64
	}{{"real", 3e-7}, {"double precision", 5e-16}} {
		for _, c := range []struct {
			call string // {..} is an array of the type
			want []float64
		}{
			{"add({1,2,3}, 1)", []float64{2, 3, 4}},
			{"add({1,2,3}, {1,2,3})", []float64{2, 4, 6}},
			{"subtract({1,2,3}, 1)", []float64{0, 1, 2}},
			{"subtract({1,2,3}, {3,2,1})", []float64{-2, 0, 2}},
			{"multiply({1,2,3}, 2)", []float64{2, 4, 6}},
			{"multiply({1,2,3}, {1,2,3})", []float64{1, 4, 9}},
			{"divide({1,2,3}, 10)", []float64{0.1, 0.2, 0.3}},
			{"divide({1,2,3}, {1,2,4})", []float64{1, 1, 0.75}},
			{"add({1,2,3}, {1,2})", []float64{2, 4}},
			{"divide({1,2}, {1,2,3})", []float64{1, 1}},
			{"multiply({}, 2)", nil},
			{"add({}, {1})", nil},
			{"divide({1,-1,0}, 0)", []float64{inf, -inf, nan}},
			{"divide({1,1,0}, {0,-0,0})", []float64{inf, -inf, nan}},
			{"norm_l0({1,0,-3,0})", one(2)},
			{"norm_l1({1,-2,3})", one(6)},
			{"norm_l2({1,2,3})", one(3.7416573867739413)},
			{"norm_max({1,-4,3})", one(4)},
			{"norm_l2({})", one(0)},
			{"norm_max({})", one(0)},
			{"normalize_l1({1,2,3})", []float64{1. / 6, 2. / 6, 0.5}},
			{"normalize_l2({1,2,3})", []float64{0.2672612419124244, 0.5345224838248488, 0.8017837257372732}},
			{"normalize_max({1,2,3})", []float64{1. / 3, 2. / 3, 1}},
			{"normalize_l1({0,0})", []float64{nan, nan}},
			{"normalize_l2({0,0})", []float64{nan, nan}},
			{"normalize_max({0,0})", []float64{nan, nan}},
			{"normalize_l2({})", nil},
			{"distance_l1({1,2,3}, {4,-1,3})", one(6)},
			{"distance_l2({1,2,3}, {4,6,3})", one(5)},
			{"distance_l1({1,2,3}, {1,1})", one(1)},
			{"distance_l2({1}, {1,1})", one(0)},
			{"dot_product({1,2,3}, {2,3,4})", one(20)},
			{"dot_product({1,2,3}, {2,3})", one(8)},
			{"dot_product({}, {})", one(0)},
			{"cosine_similarity({1,2,3}, {2,3,4})", one(0.9925833339709303)},
			{"cosine_similarity({1,1,1,1,1,0,0}, {0,0,1,1,0,1,1})", one(0.4472135954999579)},
			{"cosine_similarity({0,0}, {1,1})", one(nan)},
		} {
			call := strings.NewReplacer("{", "'{", "}", "}'::"+typ.name+"[]").Replace(c.call)
			cast := "float8"
			if isVector(c.call) {
				cast = "float8[]"
			}
			var got []float64
			sql := fmt.Sprintf(`SELECT ARRAY[]::float8[] || pgml.%s::%s`, call, cast)
			if err := conn.QueryRow(context.Background(), sql).Scan(&got); err != nil {
				t.Errorf("%s: %v", sql, err)
				continue
			}
			if !close(got, c.want, typ.tolerance) {
				t.Errorf("%s of %s: got %v, want %v", c.call, typ.name, got, c.want)
			}
		}
	}
}

// isVector reports whether a call of the table above gives a vector.
func isVector(call string) bool {
	for _, f := range []string{"add", "subtract", "multiply", "divide", "normalize"} {
		if strings.HasPrefix(call, f) {
			return true
		}
	}
	return false
}

// close compares element by element, relative to the wanted value; NaN equals NaN.
func close(got, want []float64, tolerance float64) bool {
	if len(got) != len(want) {
		return false
	}
	for i, w := range want {
		g := got[i]
		same := g == w || math.IsNaN(g) && math.IsNaN(w) || math.Abs(g-w) <= tolerance*math.Max(1, math.Abs(w))
		if !same {
			return false
		}
	}
	return true
}

func TestVectorAggregates(t *testing.T) {
	conn := migrated(t)
	for _, typ := range []string{"real", "double precision"} {
		rows := fmt.Sprintf(`(VALUES ('{-2,-4,-6,-8}'::%[1]s[]), ('{-1,-2,-3,-4}'), ('{0,0,0,0}'), ('{1,2,3,4}'), ('{1,2,3,4}'), (NULL)) t (v)`, typ)
		for _, c := range []struct{ agg, want string }{
			{"sum", "{-1,-2,-3,-4}"}, {"min", "{-2,-4,-6,-8}"}, {"max", "{1,2,3,4}"}, {"min_abs", "{0,0,0,0}"}, {"max_abs", "{2,4,6,8}"},
		} {
			for _, q := range []struct{ name, sql, want string }{
				{"rows", `SELECT pgml.` + c.agg + `(v)::text FROM ` + rows, c.want},
				{"no rows", `SELECT pgml.` + c.agg + `(v)::text FROM ` + rows + ` WHERE false`, "{}"},
				{"only NULL", `SELECT pgml.` + c.agg + `(v)::text FROM ` + rows + ` WHERE v IS NULL`, "{}"},
				{"different lengths", `SELECT pgml.` + c.agg + `(v)::text FROM (VALUES ('{1,1}'::` + typ + `[]), ('{}'), ('{1}'), ('{1,1,1}')) t (v)`,
					map[bool]string{true: "{3}", false: "{1}"}[c.agg == "sum"]},
			} {
				if got := column(t, conn, q.sql); got[0] != q.want {
					t.Errorf("%s of %s, %s: got %s, want %s", c.agg, typ, q.name, got[0], q.want)
				}
			}
		}
	}
}

// The same sums come out when workers share the rows.
func TestVectorAggregatesInParallel(t *testing.T) {
	conn := migrated(t)
	ctx := context.Background()
	for _, sql := range []string{
		`CREATE TABLE v AS SELECT ARRAY[i, -i, 1]::real[] AS v FROM generate_series(1, 20000) i`, `ANALYZE v`,
		`SET parallel_setup_cost = 0`, `SET parallel_tuple_cost = 0`, `SET min_parallel_table_scan_size = 0`, `SET max_parallel_workers_per_gather = 2`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	plan := strings.Join(column(t, conn, `EXPLAIN (COSTS off) SELECT pgml.max_abs(v) FROM v`), "\n")
	if !strings.Contains(plan, "Partial Aggregate") {
		t.Errorf("not parallel:\n%s", plan)
	}
	got := column(t, conn, `SELECT pgml.max_abs(v)::text || pgml.min(v)::text || pgml.sum(pgml.multiply(v, 0.5::real))::text FROM v`)[0]
	if !strings.HasPrefix(got, "{20000,20000,1}{1,-20000,1}{") || !strings.HasSuffix(got, ",10000}") {
		t.Errorf("got %s", got)
	}
}

func TestVectorNullRules(t *testing.T) {
	conn := migrated(t)
	got := column(t, conn, `SELECT (pgml.add(NULL::real[], 1) IS NULL AND pgml.add('{1}'::real[], NULL::real) IS NULL
		AND pgml.dot_product('{1}'::real[], NULL) IS NULL AND pgml.norm_l2(NULL::float8[]) IS NULL)::text`)[0]
	if got != "true" {
		t.Error("a NULL argument must give NULL")
	}
}

// As in PostgresML: integer arrays alone can't be resolved, an array with a scalar is double precision.
func TestVectorOverloads(t *testing.T) {
	conn := migrated(t)
	_, err := conn.Exec(context.Background(), `SELECT pgml.norm_l2(ARRAY[1, 2])`)
	wantError(t, "norm_l2(integer[])", err, "42725", "function pgml.norm_l2(integer[]) is not unique")
	if got := column(t, conn, `SELECT pg_typeof(pgml.add(ARRAY[1, 2], 1))::text`)[0]; got != "double precision[]" {
		t.Errorf("add(integer[], integer) is of type %s", got)
	}
}

// benchmarkVector measures one call on two vectors of 384 elements inside one statement, in ns a call.
func benchmarkVector(b *testing.B, call string) {
	conn := migrated(b)
	ctx := context.Background()
	if _, err := conn.Exec(ctx, `CREATE TABLE v AS SELECT ARRAY(SELECT (random() - 0.5 + i * 0)::real FROM generate_series(1, 384)) AS a,
		ARRAY(SELECT (random() - 0.5 + i * 0)::real FROM generate_series(1, 384)) AS b FROM generate_series(1, 1000) i`); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for n := 0; n < b.N; n += 1000 {
		if _, err := conn.Exec(ctx, `SELECT count(`+call+`) FROM v LIMIT $1`, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDotProduct(b *testing.B)       { benchmarkVector(b, "pgml.dot_product(a, b)") }
func BenchmarkCosineSimilarity(b *testing.B) { benchmarkVector(b, "pgml.cosine_similarity(a, b)") }
func BenchmarkNormalizeL2(b *testing.B)      { benchmarkVector(b, "pgml.normalize_l2(a)") }
func BenchmarkAdd(b *testing.B)              { benchmarkVector(b, "pgml.add(a, b)") }
