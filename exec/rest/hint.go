package rest

import (
	"math"
	"sort"
	"strings"
	"unicode"
)

// closest finds the choice that is most like a word, if any is as like as least (0 to 1). It works as the fuzzyset library
// does, which PostgREST's hints come from: first by the cosine of the words' n-grams (n = 3, then 2), then, of the best fifty,
// by edit distance.
func closest(choices []string, word string, least float64) (string, bool) {
	for n := 3; n >= 2; n-- {
		if best, ok := closestBy(n, choices, word, least); ok {
			return best, true
		}
	}
	return "", false
}

type scored struct {
	choice string
	score  float64
}

func closestBy(n int, choices []string, word string, least float64) (string, bool) {
	want := normalize(word)
	grams := gramsOf(want, n)
	var found []scored
	for _, c := range choices {
		other := gramsOf(normalize(c), n)
		dot := 0
		for g, k := range grams {
			dot += k * other[g]
		}
		if dot > 0 {
			found = append(found, scored{c, float64(dot) / (norm(grams) * norm(other))})
		}
	}
	best := func() { sort.SliceStable(found, func(i, j int) bool { return found[i].score > found[j].score }) }
	best()
	found = found[:min(len(found), 50)]
	for i := range found {
		found[i].score = likeness(want, normalize(found[i].choice))
	}
	best()
	if len(found) == 0 || found[0].score < least {
		return "", false
	}
	return found[0].choice, true
}

func normalize(s string) []rune { return []rune(strings.ToLower(s)) }

func gramsOf(s []rune, n int) map[string]int {
	padded := []rune{'-'}
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == ' ' || r == ',' {
			padded = append(padded, r)
		}
	}
	padded = append(padded, '-')
	for len(padded) < n {
		padded = append(padded, '-')
	}
	grams := map[string]int{}
	for i := 0; i+n <= len(padded); i++ {
		grams[string(padded[i:i+n])]++
	}
	return grams
}

func norm(grams map[string]int) float64 {
	sum := 0
	for _, k := range grams {
		sum += k * k
	}
	return math.Sqrt(float64(sum))
}

// likeness is 1 less the edit distance in relation to the longer word. Words are cut, since it takes the product of both
// lengths and one of them comes from outside.
func likeness(a, b []rune) float64 {
	const most = 256
	a, b = a[:min(len(a), most)], b[:min(len(b), most)]
	longest := max(len(a), len(b))
	if longest == 0 {
		return 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		left, diagonal := i+1, row[0]
		row[0] = left
		for j := range b {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, left, row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
			left = cost
		}
	}
	return 1 - float64(row[len(b)])/float64(longest)
}
