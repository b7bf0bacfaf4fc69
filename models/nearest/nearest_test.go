package nearest

import (
	"context"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
)

func randomVector(dice *rand.Rand, dims int) []float32 {
	v := make([]float32, dims)
	for i := range v {
		v[i] = float32(dice.NormFloat64())
	}
	return v
}

func query(t testing.TB, v []float32) Query {
	t.Helper()
	q, ok := NewQuery(v)
	if !ok {
		t.Fatalf("no direction: %v", v)
	}
	return q
}

// oracle compares everything exactly.
func oracle(rows map[int64][]float32, q Query, k int) []Found {
	all := []Found{}
	for row, v := range rows {
		if c := q.Cosine(v); !math.IsNaN(c) && !math.IsInf(c, 0) {
			all = append(all, Found{row, c})
		}
	}
	slices.SortFunc(all, compare)
	return all[:min(k, len(all))]
}

// eachKernels runs a test by Go, and by each set of instructions that this processor has.
func eachKernels(t *testing.T, test func(t *testing.T)) {
	usual := kernels
	defer func() { kernels = usual }()
	for name, set := range kernelSets() {
		kernels = set
		t.Run(name, test)
	}
}

// After random changes every search gives what comparing everything gives, ties included.
func TestSearch(t *testing.T) {
	eachKernels(t, func(t *testing.T) {
		dice := rand.New(rand.NewPCG(1, 2))
		for _, dims := range []int{1, 2, 7, 32, 65} {
			x := New(dims)
			rows := map[int64][]float32{}
			for range 12 {
				x.Update(func(w Writer) {
					for range dice.IntN(1500) {
						row := dice.Int64N(4000)
						if dice.IntN(3) == 0 {
							w.Remove(row)
							delete(rows, row)
							continue
						}
						v := randomVector(dice, dims)
						switch dice.IntN(12) {
						case 0: // a tie
							for _, other := range rows {
								v = slices.Clone(other)
								break
							}
						case 1: // the same direction
							for _, other := range rows {
								for i := range v {
									v[i] = 2 * other[i]
								}
								break
							}
						case 2:
							for i := range v {
								v[i] *= []float32{1e-30, 1e25, 0}[row%3]
							}
						case 3:
							v[0] = []float32{float32(math.NaN()), float32(math.Inf(1))}[row%2]
						}
						w.Put(row, v)
						rows[row] = v
					}
				})
				var queries []Query
				for range 1 + dice.IntN(20) {
					queries = append(queries, query(t, randomVector(dice, dims)))
				}
				k := []int{1, 10, 300, 10000}[dice.IntN(4)]
				got, err := x.Search(t.Context(), queries, k)
				if err != nil {
					t.Fatal(err)
				}
				for i, q := range queries {
					want := oracle(rows, q, k)
					all := slices.Collect(maps.Keys(rows))
					if some := x.Among(queries[i:i+1], k, append(all, -1, -2))[0]; !slices.Equal(some, want) {
						t.Fatalf("among %d: got %v\nwant %v", len(all), some, want)
					}
					if !reflect.DeepEqual(got[i], want) {
						t.Fatalf("%d dimensions, %d rows, k %d: got %d %v\nwant %d %v", dims, len(rows), k, len(got[i]), got[i][:min(5, len(got[i]))], len(want), want[:min(5, len(want))])
					}
				}
				if x.Len() > len(rows) {
					t.Fatalf("%d rows, of %d", x.Len(), len(rows))
				}
			}
		}
	})
}

// Rows that are nearer to each other than bfloat16 or single precision can tell.
func TestNearTies(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	const dims = 384
	center := randomVector(dice, dims)
	x := New(dims)
	rows := map[int64][]float32{}
	x.Update(func(w Writer) {
		for row := range int64(9000) {
			v := slices.Clone(center)
			i := dice.IntN(dims)
			v[i] = math.Nextafter32(v[i], float32(dice.NormFloat64()))
			rows[row] = v
			w.Put(row, v)
		}
	})
	for range 3 {
		q := query(t, randomVector(dice, dims))
		got, err := x.Search(t.Context(), []Query{q}, 20)
		if err != nil {
			t.Fatal(err)
		}
		if want := oracle(rows, q, 20); !reflect.DeepEqual(got[0], want) {
			t.Fatalf("got %v\nwant %v", got[0], want)
		}
	}
}

func TestNewQuery(t *testing.T) {
	for _, v := range [][]float32{{}, {0, 0}, {float32(math.NaN()), 1}, {float32(math.Inf(-1)), 1}} {
		if _, ok := NewQuery(v); ok {
			t.Errorf("%v has a direction", v)
		}
	}
	for _, v := range [][]float32{{1}, {math.MaxFloat32, math.MaxFloat32}, {math.SmallestNonzeroFloat32}} {
		if q, ok := NewQuery(v); !ok || math.Abs(q.Cosine(v)-1) > 1e-15 {
			t.Errorf("%v has no direction, or none like itself", v)
		}
	}
}

// The halves of a number make the number.
func TestSplit(t *testing.T) {
	dice := rand.New(rand.NewPCG(5, 6))
	for range 1_000_000 {
		v := math.Float32frombits(dice.Uint32())
		if high, rest := split(v); math.Float32bits(join(high, rest)) != math.Float32bits(v) {
			t.Fatalf("%x becomes %x", math.Float32bits(v), math.Float32bits(join(high, rest)))
		}
	}
}

// One by one gives what the index gives.
func TestBest(t *testing.T) {
	dice := rand.New(rand.NewPCG(7, 8))
	rows := map[int64][]float32{}
	q := query(t, randomVector(dice, 5))
	best := NewBest(q, 17)
	for row := range int64(500) {
		v := randomVector(dice, 5)
		switch row % 10 {
		case 3:
			v = slices.Clone(rows[row-2])
		case 4:
			v = make([]float32, 5)
		}
		rows[row] = v
		best.Add(row, v)
	}
	if got, want := best.Found(), oracle(rows, q, 17); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v\nwant %v", got, want)
	}
}

// Searches of many goroutines while rows come and go: each sees the rows that are always there.
func TestTogether(t *testing.T) {
	dice := rand.New(rand.NewPCG(9, 10))
	const dims, always = 16, 3000
	x := New(dims)
	var stay [][]float32
	x.Update(func(w Writer) {
		for row := range int64(always) {
			stay = append(stay, randomVector(dice, dims))
			w.Put(row, stay[row])
		}
	})
	stop := make(chan struct{})
	var writer, readers sync.WaitGroup
	writer.Go(func() {
		dice := rand.New(rand.NewPCG(11, 12))
		for i := int64(0); ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			x.Update(func(w Writer) {
				w.Put(always+i, randomVector(dice, dims))
				w.Remove(always + i - 100)
			})
		}
	})
	for i := range 8 {
		readers.Go(func() {
			for j := range 20 {
				want := int64((i*100 + j) % always)
				q, _ := NewQuery(stay[want])
				found, err := x.Search(t.Context(), []Query{q}, 1)
				if err != nil || len(found[0]) != 1 || found[0][0].Row != want {
					t.Errorf("row %d: found %v, %v", want, found, err)
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	writer.Wait()
}

// A search that nobody waits for ends, and takes nothing from others.
func TestCancel(t *testing.T) {
	x := New(3)
	x.Update(func(w Writer) { w.Put(1, []float32{1, 2, 3}) })
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	q := query(t, []float32{1, 0, 0})
	x.mu.Lock() // the scan waits
	if _, err := x.Search(ctx, []Query{q}, 1); err != why {
		t.Error(err)
	}
	x.mu.Unlock()
	if found, err := x.Search(t.Context(), []Query{q}, 1); err != nil || len(found[0]) != 1 {
		t.Error(found, err)
	}
	if found, err := New(3).Search(t.Context(), []Query{q}, 1); err != nil || len(found[0]) != 0 {
		t.Error("an empty index:", found, err)
	}
	if found, err := x.Search(t.Context(), nil, 1); err != nil || len(found) != 0 {
		t.Error("no queries:", found, err)
	}
}

// Rows that have gone give their memory back.
func TestBytes(t *testing.T) {
	x := New(8)
	x.Update(func(w Writer) {
		for row := range int64(5 * blockRows) {
			w.Put(row, []float32{1, 2, 3, 4, 5, 6, 7, float32(row)})
		}
	})
	full := x.Bytes()
	if perRow := full / (5 * blockRows); perRow > RowBytes(8)*2 {
		t.Errorf("%d bytes a row, %d told", perRow, RowBytes(8))
	}
	x.Update(func(w Writer) {
		for row := range int64(5 * blockRows) {
			w.Remove(row)
		}
	})
	if x.Bytes() > full/4 || x.Len() != 0 {
		t.Errorf("%d bytes of %d for %d rows", x.Bytes(), full, x.Len())
	}
}
