package train

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkPrepare divides and describes 1,000,000 rows of 28 numbers, as they are once they have been read.
func BenchmarkPrepare(b *testing.B) {
	const rows = 1_000_000
	var columns []string
	for i := range 28 {
		columns = append(columns, "c"+string(rune('a'+i))+" float4")
	}
	columns = append(columns, "y int4")
	random := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		b.StopTimer()
		d := testTuples(b, columns...)
		for i := range d.features {
			d.features[i].offset = i
		}
		d.x.width = 28
		marked, y := make([]bool, rows), make([]float32, rows)
		data := &dataset{features: d.features, labels: d.labels}
		for i := range rows {
			row, err := d.x.next()
			if err != nil {
				b.Fatal(err)
			}
			for j := range row {
				row[j] = random.Float32()
			}
			if marked[i] = i%4 == 0; marked[i] {
				data.test.Rows++
			} else {
				data.train.Rows++
			}
		}
		b.StartTimer()
		if err := d.prepare(b.Context(), data, marked, y); err != nil {
			b.Fatal(err)
		}
	}
}
