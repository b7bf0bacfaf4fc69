package exchange

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/models/gbdt"
)

// lines reads the leaves of a linear tree.
func (b lgbBlock) lines(leaves []lgbPoint) error {
	constants, err := numbers(b, "leaf_const", len(leaves), parseFloat)
	if err != nil {
		return err
	}
	counts, err := numbers(b, "num_features", len(leaves), strconv.Atoi)
	if err != nil {
		return err
	}
	if constants == nil || counts == nil {
		return bad("a linear tree without leaf_const or num_features")
	}
	all := 0
	for _, n := range counts {
		if n < 0 || n > len(b["leaf_features"]) {
			return bad("a leaf of %d features", n)
		}
		if all += n; all > len(b["leaf_features"]) {
			return bad("leaf_features has fewer than %d numbers", all)
		}
	}
	features, err := numbers(b, "leaf_features", all, strconv.Atoi)
	if err != nil {
		return err
	}
	slopes, err := numbers(b, "leaf_coeff", all, parseFloat)
	if err != nil {
		return err
	}
	if all > 0 && (features == nil || slopes == nil) {
		return bad("a linear tree without leaf_features or leaf_coeff")
	}
	for i := range leaves {
		n := counts[i]
		leaves[i].Line = &gbdt.Line{Constant: constants[i], Features: features[:n], Slopes: slopes[:n]}
		features, slopes = features[n:], slopes[n:]
	}
	return nil
}

// appendLines appends whether a tree is linear, and then its leaves. base is added to them.
func appendLines(out []byte, points []gbdt.Point, base float64) []byte {
	if !slices.ContainsFunc(points, func(p gbdt.Point) bool { return p.Line != nil }) {
		return append(out, "is_linear=0\n"...)
	}
	var constants, counts, features, slopes strings.Builder
	constants.WriteString("leaf_const=")
	counts.WriteString("num_features=")
	features.WriteString("leaf_features=")
	slopes.WriteString("leaf_coeff=")
	for i := range points {
		p := &points[i]
		if p.Feature >= 0 {
			continue
		}
		l := p.Line
		if l == nil {
			l = &gbdt.Line{Constant: float64(p.Value)}
		}
		constants.WriteString(strconv.FormatFloat(l.Constant+base, 'g', -1, 64) + " ")
		counts.WriteString(strconv.Itoa(len(l.Features)) + " ")
		for j, f := range l.Features {
			features.WriteString(strconv.Itoa(f) + " ")
			slopes.WriteString(strconv.FormatFloat(l.Slopes[j], 'g', -1, 64) + " ")
		}
		// LightGBM writes a space more behind each leaf.
		features.WriteByte(' ')
		slopes.WriteByte(' ')
	}
	for _, line := range []string{"is_linear=1", constants.String(), counts.String(), features.String(), slopes.String()} {
		out = append(append(out, line...), '\n')
	}
	return out
}
