package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// median of a list, which is sorted by it; 0 of nothing.
func median[T cmp.Ordered](list []T) (m T) { return quantile(list, 0.5) }

// quantile gives the smallest value that at least the part q of the list does not exceed.
func quantile[T cmp.Ordered](list []T, q float64) (m T) {
	if len(list) == 0 {
		return m
	}
	slices.Sort(list)
	return list[min(len(list)-1, int(q*float64(len(list))))]
}

// middle is the median of what was measured: zeros were not. The list stays as it is.
func middle(list []float64) float64 {
	var kept []float64
	for _, v := range list {
		if v > 0 {
			kept = append(kept, v)
		}
	}
	return median(kept)
}

// latency says how long something took, n times: median and 99th percentile, in ms.
func latency(times []time.Duration) string {
	return fmt.Sprintf("%7.3f ms  (p99 %.3f, n %d)", ms(quantile(times, 0.5)), ms(quantile(times, 0.99)), len(times))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// line prints one figure.
func line(name, format string, args ...any) {
	fmt.Printf("  %-58s %s\n", name, fmt.Sprintf(format, args...))
}
