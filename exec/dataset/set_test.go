package dataset

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestSets compares the sets with what scikit-learn says of them: rows, columns, classes, and sums.
func TestSets(t *testing.T) {
	for _, c := range []struct {
		name    string
		rows    int
		columns string
		label   string         // a column
		counts  map[string]int // of its values
		first   string
		sum     float64 // of all numbers, which scikit-learn's arrays have, too
	}{
		{"breast_cancer", 569, "mean radius real, mean texture real, mean perimeter real, mean area real, mean smoothness real, mean compactness real, mean concavity real, " +
			"mean concave points real, mean symmetry real, mean fractal dimension real, radius error real, texture error real, perimeter error real, area error real, " +
			"smoothness error real, compactness error real, concavity error real, concave points error real, symmetry error real, fractal dimension error real, worst radius real, " +
			"worst texture real, worst perimeter real, worst area real, worst smoothness real, worst compactness real, worst concavity real, worst concave points real, " +
			"worst symmetry real, worst fractal dimension real, malignant boolean", "malignant", map[string]int{"true": 212, "false": 357}, "17.99", 1056474.46},
		{"diabetes", 442, "age real, sex real, bmi real, bp real, s1 real, s2 real, s3 real, s4 real, s5 real, s6 real, target real", "sex", map[string]int{"0.05068012": 207, "-0.044641636": 235}, "0.038075905", 67243},
		{"digits", 1797, "image smallint[][], target smallint", "target", map[string]int{"0": 178, "1": 182, "2": 177, "3": 183, "4": 181, "5": 182, "6": 181, "7": 179, "8": 174, "9": 180},
			"{{0,0,5,13,9,1,0,0},{0,0,13,15,10,15,5,0},{0,3,15,2,0,11,8,0},{0,4,12,0,0,8,8,0},{0,5,8,0,0,9,8,0},{0,4,11,0,1,12,7,0},{0,2,14,5,10,12,0,0},{0,0,6,13,10,0,0,0}}", 561718 + 8070},
		{"iris", 150, "sepal_length real, sepal_width real, petal_length real, petal_width real, target integer", "target", map[string]int{"0": 50, "1": 50, "2": 50}, "5.1", 2078.7 + 150},
		{"linnerud", 20, "chins real, situps real, jumps real, weight real, waist real, pulse real", "chins", map[string]int{"2.0": 2}, "5.0", 189 + 2911 + 1406 + 3572 + 708 + 1122},
		{"wine", 178, "alcohol real, malic_acid real, ash real, alcalinity_of_ash real, magnesium real, total_phenols real, flavanoids real, nonflavanoid_phenols real, proanthocyanins real, " +
			"hue real, color_intensity real, od280/od315_of_diluted_wines real, proline real, target integer", "target", map[string]int{"0": 59, "1": 71, "2": 48}, "14.23", 159975.296 + 167},
	} {
		s, err := Open(c.name)
		if err != nil {
			t.Fatal(err)
		}
		var columns []string
		label := -1
		for i, col := range s.Columns {
			columns = append(columns, col.Name+" "+col.Type)
			if col.Name == c.label {
				label = i
			}
		}
		if got := strings.Join(columns, ", "); got != c.columns {
			t.Errorf("%s: columns %s", c.name, got)
		}
		counts, sum := map[string]int{}, 0.0
		for _, row := range s.Rows {
			counts[row[label]]++
			for _, v := range strings.FieldsFunc(strings.Join(row, ","), func(r rune) bool { return strings.ContainsRune("{},", r) }) {
				if n, err := strconv.ParseFloat(v, 64); err == nil {
					sum += n
				} else if v != "true" && v != "false" {
					t.Fatalf("%s: a value of %q", c.name, v)
				}
			}
		}
		if len(s.Rows) != c.rows || s.Rows[0][0] != c.first {
			t.Errorf("%s: %d rows, the first value is %s", c.name, len(s.Rows), s.Rows[0][0])
		}
		for v, n := range c.counts {
			if counts[v] != n {
				t.Errorf("%s: %d times %s, want %d", c.name, counts[v], v, n)
			}
		}
		if sum < c.sum-.5 || sum > c.sum+.5 {
			t.Errorf("%s: all numbers add up to %v, want %v", c.name, sum, c.sum)
		}
	}
	if got := Names(); !slices.Equal(got, []string{"breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine"}) {
		t.Errorf("there are %v", got)
	}
}
