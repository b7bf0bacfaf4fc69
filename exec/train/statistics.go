package train

import (
	"fmt"
	"math"
	"strings"

	"github.com/pgowl/pgowl/models/preprocess"
)

// statistics describe a column's training part; an array column's are those of all its elements together. Variance and
// standard deviation are those of the population.
type statistics struct {
	Min        number     `json:"min"`
	Max        number     `json:"max"`
	MaxAbs     number     `json:"max_abs"`
	Mean       number     `json:"mean"`
	Median     number     `json:"median"`
	Mode       number     `json:"mode"` // the smallest of the most frequent values
	Variance   number     `json:"variance"`
	StdDev     number     `json:"std_dev"`
	Missing    int        `json:"missing"`
	Distinct   int        `json:"distinct"`
	Histogram  []int      `json:"histogram"` // 20 bins of one width from min to max
	Ventiles   []number   `json:"ventiles"`  // 19 values
	Categories categories `json:"categories"`
}

// sampled bounds what is sorted for one column (as much memory twice): beyond it median, mode, distinct, histogram and
// ventiles describe every k-th row.
const sampled = 1 << 24

// sortRoom is what sorting takes, for one column after the other: for large tables it is a hundred megabytes.
type sortRoom struct{ keys, other []uint32 }

// describe is sortRoom.describe for one column alone.
func describe(x []float32, rowWidth, at, width int) statistics {
	return new(sortRoom).describe(x, rowWidth, at, width)
}

// describe computes the statistics of the columns at, at+1 ... at+width-1 of row-major x.
func (r *sortRoom) describe(x []float32, rowWidth, at, width int) statistics {
	rows := len(x) / rowWidth
	s := statistics{Histogram: make([]int, 20), Ventiles: make([]number, 19)}
	step := 1 + rows*width/sampled
	if n := (rows + step - 1) / step * width; cap(r.keys) < n {
		r.keys, r.other = make([]uint32, 0, n), make([]uint32, n)
	}
	keys := r.keys[:0]
	var sum float64
	count := 0
	for i := range rows {
		row := x[i*rowWidth+at : i*rowWidth+at+width]
		keep := i%step == 0
		for _, v := range row {
			if v != v {
				s.Missing++
				continue
			}
			sum += float64(v)
			count++
			if keep {
				keys = append(keys, key(v))
			}
		}
	}
	if count == 0 || len(keys) == 0 {
		for _, p := range []*number{&s.Min, &s.Max, &s.MaxAbs, &s.Mean, &s.Median, &s.Mode, &s.Variance, &s.StdDev} {
			*p = number(math.NaN())
		}
		for i := range s.Ventiles {
			s.Ventiles[i] = number(math.NaN())
		}
		return s
	}
	mean := sum / float64(count)
	var squares float64
	low, high := math.Inf(1), math.Inf(-1)
	add := func(v float32) {
		f := float64(v)
		squares += (f - mean) * (f - mean)
		low, high = min(low, f), max(high, f)
	}
	if step == 1 { // all are here, one beside the other
		for _, k := range keys {
			add(value(k))
		}
	} else {
		for i := range rows {
			for _, v := range x[i*rowWidth+at : i*rowWidth+at+width] {
				if v == v {
					add(v)
				}
			}
		}
	}
	s.Mean, s.Variance = number(mean), number(squares/float64(count))
	s.StdDev = number(math.Sqrt(float64(s.Variance)))
	s.Min, s.Max, s.MaxAbs = number(low), number(high), number(max(math.Abs(low), math.Abs(high)))
	s.order(radix(keys, r.other[:len(keys)]))
	return s
}

// order fills in what needs the values in order.
func (s *statistics) order(keys []uint32) {
	n := len(keys)
	at := func(i int) float64 { return float64(value(keys[i])) }
	s.Median = number(at(n / 2))
	if n%2 == 0 {
		s.Median = number((at(n/2-1) + at(n/2)) / 2)
	}
	for i := range s.Ventiles {
		s.Ventiles[i] = number(at((i + 1) * n / 20))
	}
	low := float64(s.Min)
	scale := 20 / (float64(s.Max) - low)
	most := 0
	for i := 0; i < n; {
		j := i + 1
		for j < n && keys[j] == keys[i] {
			j++
		}
		s.Distinct++
		if j-i > most {
			most, s.Mode = j-i, number(at(i))
		}
		bin := 0
		if p := (at(i) - low) * scale; p > 0 { // not for one value only, nor infinite ones
			bin = int(min(p, 19))
		}
		s.Histogram[bin] += j - i
		i = j
	}
}

// key maps floats to integers of the same order; both zeros are one value.
func key(f float32) uint32 {
	b := math.Float32bits(f)
	if b == 1<<31 {
		b = 0
	}
	if b>>31 != 0 {
		return ^b
	}
	return b | 1<<31
}

func value(k uint32) float32 {
	if k>>31 != 0 {
		return math.Float32frombits(k &^ (1 << 31))
	}
	return math.Float32frombits(^k)
}

// radix sorts in three passes of 11 bits: an array column has millions of elements, for which comparing takes a second. other is as long as keys; the
// sorted ones are in either.
func radix(keys, other []uint32) []uint32 {
	for shift := 0; shift < 33; shift += 11 {
		var counts [2048]int
		for _, k := range keys {
			counts[k>>shift&2047]++
		}
		at := 0
		for i, c := range counts {
			counts[i] = at
			at += c
		}
		for _, k := range keys {
			d := k >> shift & 2047
			other[counts[d]] = k
			counts[d]++
		}
		keys, other = other, keys
	}
	return keys
}

// summary is what imputing and scaling need. The quartiles are the fifth and the fifteenth ventile.
func (s *statistics) summary() preprocess.Summary {
	f := func(n number) float64 { return float64(n) }
	return preprocess.Summary{Min: f(s.Min), Max: f(s.Max), MaxAbs: f(s.MaxAbs), Mean: f(s.Mean), Median: f(s.Median), Mode: f(s.Mode),
		StdDev: f(s.StdDev), Quartiles: [2]float64{f(s.Ventiles[4]), f(s.Ventiles[14])}}
}

// String is the text of PostgresML's message about a column.
func (s statistics) String() string {
	f := func(n number) string { return debug(float64(n), 32) }
	var ventiles []string
	for _, v := range s.Ventiles {
		ventiles = append(ventiles, f(v))
	}
	return fmt.Sprintf("Statistics { min: %s, max: %s, max_abs: %s, mean: %s, median: %s, mode: %s, variance: %s, std_dev: %s, missing: %d, distinct: %d, histogram: %s, ventiles: [%s], categories: %v }",
		f(s.Min), f(s.Max), f(s.MaxAbs), f(s.Mean), f(s.Median), f(s.Mode), f(s.Variance), f(s.StdDev), s.Missing, s.Distinct,
		strings.ReplaceAll(fmt.Sprint(s.Histogram), " ", ", "), strings.Join(ventiles, ", "), s.Categories)
}
