package nearest

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"unsafe"
)

// benchRows times 384 dimensions are 300 MB of vectors, far above what caches hold.
const benchRows, benchDims = 200_000, 384

var bench struct {
	once  sync.Once
	index *Index
	plain []float32
}

func benchIndex() *Index {
	bench.once.Do(func() {
		dice := rand.New(rand.NewPCG(1, 2))
		bench.index = New(benchDims)
		bench.plain = make([]float32, 0, benchRows*benchDims)
		bench.index.Update(func(w Writer) {
			for row := range int64(benchRows) {
				v := randomVector(dice, benchDims)
				bench.plain = append(bench.plain, v...)
				w.Put(row, v)
			}
		})
	})
	return bench.index
}

// BenchmarkRead is what the memory gives: the vectors as they are, read by all processors.
func BenchmarkRead(b *testing.B) {
	benchIndex()
	words := unsafe.Slice((*uint64)(unsafe.Pointer(&bench.plain[0])), len(bench.plain)/2)
	b.SetBytes(int64(len(words) * 8))
	for b.Loop() {
		var threads sync.WaitGroup
		n := runtime.GOMAXPROCS(0)
		for i := range n {
			threads.Go(func() { sink(sum(words[i*len(words)/n : (i+1)*len(words)/n])) })
		}
		threads.Wait()
	}
}

//go:noinline
func sink(uint64) {}

func sum(words []uint64) uint64 {
	var a, b, c, d uint64
	for len(words) >= 8 {
		a += words[0] + words[4]
		b += words[1] + words[5]
		c += words[2] + words[6]
		d += words[3] + words[7]
		words = words[8:]
	}
	return a + b + c + d
}

// BenchmarkSearch counts the bytes of the vectors as they are in the table, so MB/s above BenchmarkRead's are what reading half of each number gains.
func BenchmarkSearch(b *testing.B) {
	x := benchIndex()
	dice := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 4, 8, 32} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var queries []Query
			for range n {
				q, _ := NewQuery(randomVector(dice, benchDims))
				queries = append(queries, q)
			}
			b.SetBytes(benchRows * benchDims * 4)
			for b.Loop() {
				if _, err := x.Search(b.Context(), queries, 10); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
