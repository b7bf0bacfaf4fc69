package tokenize

import (
	_ "embed"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// unicode.tab holds classes of characters as the libraries inside the reference see them; testdata/tables.py wrote it and says how.
//
//go:embed unicode.tab
var unicodeTab string

// runeRange is the code points from first up to end, end excluded.
type runeRange struct{ first, end rune }

// tables are the classes of unicode.tab by name, each in ascending order.
var tables = sync.OnceValue(func() map[string][]runeRange {
	t := map[string][]runeRange{}
	for line := range strings.Lines(unicodeTab) {
		fields := strings.Fields(line)
		at := rune(0)
		var ranges []runeRange
		for i := 1; i+1 < len(fields); i += 2 {
			gap, _ := strconv.ParseInt(fields[i], 16, 32)
			length, _ := strconv.ParseInt(fields[i+1], 16, 32)
			first := at + rune(gap)
			at = first + rune(length)
			ranges = append(ranges, runeRange{first, at})
		}
		t[fields[0]] = ranges
	}
	return t
})

func inRanges(ranges []runeRange, r rune) bool {
	i := sort.Search(len(ranges), func(i int) bool { return ranges[i].end > r })
	return i < len(ranges) && ranges[i].first <= r
}

// What a character is to the pre-tokenizers and the normalizers that are not BERT's.
const (
	isLetter     uint16 = 1 << iota // \p{L} in a regular expression
	isNumber                        // \p{N} there
	isSpace                         // \s there
	isWordRune                      // \w of Whitespace and of added tokens
	isNumeric                       // what Digits takes for a digit
	isAccent                        // what StripAccents drops
	isCanonical                     // NFD makes something else of it
	isCompatible                    // NFKD makes something else of it
	isCombining                     // has a combining class other than 0
	isComposed                      // NFC leaves it, though NFD does not
	isSecond                        // NFC may join it to what stands before it
)

var propertyNames = []string{"letter", "number", "space", "word", "numeric", "accent", "canonical", "compatible", "combines", "composed"}

// tabled is the number of code points whose properties are at hand; behind them come rare ideographs and tags, which are searched for.
const tabled = 0x20000

var properties = sync.OnceValue(func() *[tabled]uint16 {
	t := new([tabled]uint16)
	for i, name := range propertyNames {
		for _, r := range tables()[name] {
			for c := r.first; c < min(r.end, tabled); c++ {
				t[c] |= 1 << i
			}
		}
	}
	for r := range compositions().seconds {
		t[r] |= isSecond
	}
	return t
})

func propertiesOf(r rune) uint16 {
	if uint32(r) < tabled {
		return properties()[r]
	}
	var p uint16
	for i, name := range propertyNames {
		if inRanges(tables()[name], r) {
			p |= 1 << i
		}
	}
	return p
}

// isWhite is White_Space, which does not change from one version of Unicode to the next.
func isWhite(r rune) bool {
	if r < utf8.RuneSelf {
		return r == ' ' || r >= '\t' && r <= '\r'
	}
	return unicode.IsSpace(r)
}
