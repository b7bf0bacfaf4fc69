package exchange

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"

	"github.com/pgowl/pgowl/models/gbdt"
)

// The bits of LightGBM's decision_type.
const (
	lgbCategorical = 1
	lgbDefaultLeft = 2
	lgbMissingMask = 3 << 2
	lgbMissingZero = 1 << 2
	lgbMissingNaN  = 2 << 2
)

// lgbBlock is the lines of a tree.
type lgbBlock map[string][]byte

// numbers reads a line of exactly n numbers; one that is not there is nil.
func numbers[T any](b lgbBlock, key string, n int, parse func(text string) (T, error)) ([]T, error) {
	text, ok := b[key]
	if !ok {
		return nil, nil
	}
	// A number and what separates it are two bytes at least.
	if n > len(text)/2+1 {
		return nil, bad("%s has fewer than %d numbers", key, n)
	}
	all := make([]T, 0, n)
	for word := range bytes.FieldsSeq(text) {
		v, err := parse(string(word))
		if err != nil || len(all) == n {
			return nil, bad("%s has %.40q among its %d numbers", key, word, n)
		}
		all = append(all, v)
	}
	if len(all) != n {
		return nil, bad("%s has %d numbers of %d", key, len(all), n)
	}
	return all, nil
}

func parseFloat(text string) (float64, error) { return strconv.ParseFloat(text, 64) }

// lgbPoint is a node, with its value as LightGBM has it.
type lgbPoint struct {
	gbdt.Point
	leaf float64
}

// point is the node for a model whose margins are multiplied.
func (p *lgbPoint) point(scale float64) gbdt.Point {
	if p.Feature < 0 {
		p.Value = float32(p.leaf * scale)
	}
	if p.Line != nil {
		p.Line.Constant *= scale
		for i := range p.Line.Slopes {
			p.Line.Slopes[i] *= scale
		}
	}
	return p.Point
}

// points reads a tree: its splits, then its leaves.
func (b lgbBlock) points() ([]lgbPoint, error) {
	leaves, err := strconv.Atoi(string(b["num_leaves"]))
	if err != nil || leaves < 1 {
		return nil, bad("num_leaves is %.40q", b["num_leaves"])
	}
	splits := leaves - 1
	values, err := numbers(b, "leaf_value", leaves, parseFloat)
	if err != nil {
		return nil, err
	}
	if values == nil {
		return nil, bad("a tree without leaf_value")
	}
	points := make([]lgbPoint, splits+leaves)
	for i, v := range values {
		p := &points[splits+i]
		p.Feature, p.leaf = -1, v
	}
	if splits > 0 {
		if err := b.splits(points[:splits]); err != nil {
			return nil, err
		}
	}
	if v := string(bytes.TrimSpace(b["is_linear"])); v != "" && v != "0" {
		if err := b.lines(points[splits:]); err != nil {
			return nil, err
		}
	}
	return points, b.statistics(points, splits)
}

// splits reads the inner nodes.
func (b lgbBlock) splits(points []lgbPoint) error {
	n := len(points)
	features, err := numbers(b, "split_feature", n, strconv.Atoi)
	if err != nil {
		return err
	}
	thresholds, err := numbers(b, "threshold", n, parseFloat)
	if err != nil {
		return err
	}
	kinds, err := numbers(b, "decision_type", n, strconv.Atoi)
	if err != nil {
		return err
	}
	left, err := numbers(b, "left_child", n, strconv.Atoi)
	if err != nil {
		return err
	}
	right, err := numbers(b, "right_child", n, strconv.Atoi)
	if err != nil {
		return err
	}
	if features == nil || thresholds == nil || kinds == nil || left == nil || right == nil {
		return bad("a tree without one of split_feature, threshold, decision_type, left_child and right_child")
	}
	sets, err := b.sets()
	if err != nil {
		return err
	}
	for i := range points {
		p := &points[i]
		if features[i] < 0 {
			return bad("feature %d", features[i])
		}
		p.Feature = features[i]
		if p.Left, err = child(left[i], n); err != nil {
			return err
		}
		if p.Right, err = child(right[i], n); err != nil {
			return err
		}
		if kinds[i]&lgbCategorical != 0 {
			// What is in the set goes left there, and all else right.
			p.Left, p.Right, p.DefaultLeft = p.Right, p.Left, true
			if err := sets.take(&p.Point, thresholds[i]); err != nil {
				return err
			}
			continue
		}
		if p.Value, p.DefaultLeft, err = decision(thresholds[i], kinds[i]); err != nil {
			return err
		}
	}
	return nil
}

// lgbSets are the sets of a tree's splits by categories: bits in words of 32, set i from word bounds[i] on.
type lgbSets struct {
	words  []uint64
	bounds []int
	left   int // words that are not used yet: sets do not overlap, so that no word counts twice
}

func (b lgbBlock) sets() (*lgbSets, error) {
	n, err := strconv.Atoi(string(bytes.TrimSpace(b["num_cat"])))
	if err != nil || n == 0 {
		return &lgbSets{}, nil // and a split that asks for one fails
	}
	if n < 0 || n > len(b["cat_boundaries"]) {
		return nil, bad("num_cat is %d", n)
	}
	bounds, err := numbers(b, "cat_boundaries", n+1, strconv.Atoi)
	if err != nil || bounds == nil {
		return nil, bad("no cat_boundaries for %d sets: %v", n, err)
	}
	last := bounds[n]
	if last < 0 || last > len(b["cat_threshold"]) {
		return nil, bad("cat_boundaries end at %d", last)
	}
	words, err := numbers(b, "cat_threshold", last, func(text string) (uint64, error) { return strconv.ParseUint(text, 10, 32) })
	return &lgbSets{words, bounds, len(words)}, err
}

// take makes a point a split by the set with a number.
func (s *lgbSets) take(p *gbdt.Point, number float64) error {
	if !(number >= 0 && number < float64(len(s.bounds)-1)) {
		return bad("set %v of %d", number, len(s.bounds)-1)
	}
	from, to := s.bounds[int(number)], s.bounds[int(number)+1]
	if from < 0 || from > to || to > len(s.words) || to-from > s.left || to-from > maxCategory/32 {
		return bad("set %v is words %d to %d of %d", number, from, to, len(s.words))
	}
	s.left -= to - from
	var codes []int32
	for w, word := range s.words[from:to] {
		for ; word != 0; word &= word - 1 {
			codes = append(codes, int32(32*w+bits.TrailingZeros64(word)))
		}
	}
	return setOf(p, codes)
}

// child is the place of a child: negative numbers are leaves, which stand behind the n splits. The tree's size is checked later.
func child(c, n int) (int, error) {
	if c >= n || c < -n-1 {
		return 0, bad("child %d", c)
	}
	if c < 0 {
		return n + ^c, nil
	}
	return c, nil
}

// lgbZero is what LightGBM takes for zero (kZeroThreshold).
const lgbZero = 1e-35

// decision turns "x <= t goes left" into "x < threshold goes left", which is the same for every float32, and says where missing values go.
func decision(t float64, kind int) (threshold float32, defaultLeft bool, err error) {
	if t-t != 0 {
		return 0, false, bad("a threshold of %v", t)
	}
	defaultLeft = kind&lgbDefaultLeft != 0
	switch kind & lgbMissingMask {
	case lgbMissingNaN:
	case lgbMissingZero: // zeros go the way of missing values, too
		switch {
		case defaultLeft == (0 <= t):
		case math.Abs(t) < 2*lgbZero:
			t = -t // zero stands on the other side of the threshold then
		default:
			return 0, false, &Unsupported{"a split with zero_as_missing"}
		}
	default: // NaN is taken for 0
		defaultLeft = 0 <= t
	}
	below := float32(t)
	if float64(below) > t {
		below = math.Nextafter32(below, float32(math.Inf(-1)))
	}
	return min(math.Nextafter32(below, float32(math.Inf(1))), math.MaxFloat32), defaultLeft, nil
}

// statistics reads gains, covers and numbers of rows, where the file has them.
func (b lgbBlock) statistics(points []lgbPoint, splits int) error {
	known := true
	line := func(key string, to []lgbPoint, set func(p *lgbPoint, v float64)) error {
		all, err := numbers(b, key, len(to), parseFloat)
		known = known && (len(all) == len(to))
		for i, v := range all {
			set(&to[i], v)
		}
		return err
	}
	rows := func(p *lgbPoint, v float64) {
		if v >= 0 && v <= math.MaxUint32 {
			p.Rows = uint32(v)
		}
	}
	cover := func(p *lgbPoint, v float64) { p.Cover = float32(v) }
	inner, leaves := points[:splits], points[splits:]
	for _, l := range []struct {
		key string
		to  []lgbPoint
		set func(p *lgbPoint, v float64)
	}{
		{"leaf_count", leaves, rows}, {"internal_count", inner, rows}, {"leaf_weight", leaves, cover}, {"internal_weight", inner, cover},
		{"split_gain", inner, func(p *lgbPoint, v float64) { p.Gain = float32(v) }},
	} {
		// Of a tree that is one leaf, the lines are empty or not there.
		if splits == 0 {
			continue
		}
		if err := line(l.key, l.to, l.set); err != nil {
			return err
		}
	}
	for i := range points {
		points[i].Known = known
	}
	return nil
}
