package train

import (
	"math"
	"strconv"
	"strings"
)

// number is a figure of the registry: JSON has no NaN or infinity, so those are null there.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	f := float64(n)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, f, 'g', -1, 64), nil
}

// debug writes a number as PostgresML's messages do, which are Rust's {:?}: 1.0, 0.5, 1e-7, NaN.
func debug(f float64, bits int) string {
	if a := math.Abs(f); a != 0 && !math.IsInf(f, 0) && (a < 1e-4 || a >= 1e16) {
		s := strconv.FormatFloat(f, 'e', -1, bits)
		s = strings.Replace(s, "e+0", "e", 1)
		s = strings.Replace(s, "e+", "e", 1)
		return strings.Replace(s, "e-0", "e-", 1)
	}
	s := display(f, bits)
	if strings.Trim(s, "-0123456789") == "" {
		s += ".0"
	}
	return s
}

// display writes a number as Rust's {}: 1, 0.5, NaN, inf.
func display(f float64, bits int) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'f', -1, bits)
}
