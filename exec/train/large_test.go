package train

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
)

// BenchmarkReadEmbeddings reads and splits a table of 24,000 embeddings over one connection, the server's work included.
func BenchmarkReadEmbeddings(b *testing.B) {
	d := newDatabase(b)
	d.sql(`CREATE UNLOGGED TABLE public.embeddings AS
		SELECT ARRAY(SELECT (sin(i * j) / 20)::real FROM generate_series(1, 384) j) AS embed, i % 2 = 0 AS yes FROM generate_series(1, 24000) i`)
	d.sql("GRANT SELECT ON embeddings TO " + quote(d.alice))
	b.ReportAllocs()
	for b.Loop() {
		s := d.begin()
		s.piece = 32768
		r := &run{s: s, now: time.Now, seed: func() uint64 { return 1 }}
		rel := relation{"public", "embeddings"}
		columns, err := r.columns(b.Context(), rel)
		if err != nil {
			b.Fatal(err)
		}
		snap := &snapshot{from: rel, testSize: 0.25, sampling: "random"}
		if err := snap.use(columns, "yes", learn.Classification, nil, nil); err != nil {
			b.Fatal(err)
		}
		counted := 0
		start := time.Now()
		if err := s.Stream(b.Context(), function.Caller, statement(rel, snap.features, snap.labels.sql()), func(p []byte) error {
			counted += len(p)
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		bare := time.Since(start)
		start = time.Now()
		data, err := r.read(b.Context(), project{Task: learn.Classification}, snap)
		if err != nil {
			b.Fatal(err)
		}
		if data.train.Rows != 18000 || data.train.Features != 384 {
			b.Fatalf("%d rows of %d features", data.train.Rows, data.train.Features)
		}
		b.ReportMetric(bare.Seconds(), "s/stream-alone")
		b.ReportMetric(time.Since(start).Seconds(), "s/read-and-split")
		b.ReportMetric(float64(counted), "bytes")
		if err := s.tx.Rollback(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadNumbers reads and splits 200,000 rows of 28 columns over one connection, the server's work included, beside the COPY of them.
func BenchmarkReadNumbers(b *testing.B) {
	d := newDatabase(b)
	columns := ""
	for i := range 28 {
		columns += fmt.Sprintf("random()::real AS c%d, ", i)
	}
	d.sql("CREATE UNLOGGED TABLE public.numbers AS SELECT " + columns + "i % 2 = 0 AS yes FROM generate_series(1, 200000) i")
	d.sql("GRANT SELECT ON numbers TO " + quote(d.alice))
	for b.Loop() {
		s := d.begin()
		s.piece = 32768
		r := &run{s: s, now: time.Now, seed: func() uint64 { return 1 }}
		rel := relation{"public", "numbers"}
		columns, err := r.columns(b.Context(), rel)
		if err != nil {
			b.Fatal(err)
		}
		snap := &snapshot{from: rel, testSize: 0.25, sampling: "stratified"}
		if err := snap.use(columns, "yes", learn.Classification, nil, nil); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if _, err := s.tx.Conn().PgConn().CopyTo(b.Context(), io.Discard, "COPY public.numbers TO STDOUT (FORMAT binary)"); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "s/copy")
		start = time.Now()
		if _, err := r.read(b.Context(), project{Task: learn.Classification}, snap); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "s/read-and-split")
		if err := s.tx.Rollback(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
