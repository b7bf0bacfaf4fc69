package text

import "math"

// poolAll writes to dst the pooled vectors of each way, one after the other. dst is as wide as all of them.
func poolAll(dst, tokens []float32, how []pooling, skip int) {
	width := len(dst) / len(how)
	for i, h := range how {
		pool(dst[i*width:][:width], tokens, h, skip)
	}
}

// pool writes to dst the pooled vector of a text whose token vectors stand one after the other in tokens, len(dst) wide each. The
// first skip tokens do not take part.
func pool(dst, tokens []float32, how pooling, skip int) {
	width := len(dst)
	if how == poolCLS {
		copy(dst, tokens[:width])
		return
	}
	if how == poolLast {
		copy(dst, tokens[len(tokens)-width:])
		return
	}
	count := len(tokens)/width - skip
	tokens = tokens[skip*width:]
	if how == poolMax {
		for i := range dst {
			dst[i] = float32(math.Inf(-1))
		}
		for ; len(tokens) >= width; tokens = tokens[width:] {
			for i, x := range tokens[:width] {
				dst[i] = max(dst[i], x)
			}
		}
		return
	}
	clear(dst)
	if how == poolWeighted {
		var sum float32
		for at := skip + 1; len(tokens) >= width; tokens = tokens[width:] {
			for i, x := range tokens[:width] {
				dst[i] += float32(at) * x
			}
			sum += float32(at)
			at++
		}
		for i := range dst {
			dst[i] /= sum
		}
		return
	}
	for ; len(tokens) >= width; tokens = tokens[width:] {
		for i, x := range tokens[:width] {
			dst[i] += x
		}
	}
	by := float32(count)
	if how == poolMeanSqrt {
		by = float32(math.Sqrt(float64(count)))
	}
	for i := range dst {
		dst[i] /= by
	}
}

// normalize makes the vector's length 1; a vector of length 0 stays.
func normalize(v []float32) {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	by := float32(max(math.Sqrt(sum), 1e-12))
	for i := range v {
		v[i] /= by
	}
}
