package tokenize

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// The classes of GraphemeBreakProperty.txt, Indic consonants included.
const (
	clusterAny uint8 = iota
	clusterCR
	clusterLF
	clusterControl
	clusterExtend
	clusterZWJ
	clusterL
	clusterV
	clusterT
	clusterLV
	clusterLVT
	clusterPrepend
	clusterSpacing
	clusterPictographic
	clusterRegional
	clusterConsonant
)

var clusterNames = map[string]uint8{
	"CR": clusterCR, "LF": clusterLF, "Control": clusterControl, "Extend": clusterExtend, "ZWJ": clusterZWJ, "L": clusterL, "V": clusterV, "T": clusterT,
	"LV": clusterLV, "LVT": clusterLVT, "Prepend": clusterPrepend, "SpacingMark": clusterSpacing, "Extended_Pictographic": clusterPictographic,
	"Regional_Indicator": clusterRegional, "InCB_Consonant": clusterConsonant,
}

// Beside the class: whether an Indic conjunct goes on over it, and whether it makes one.
const (
	conjunctExtends uint8 = 1 << 6
	conjunctLinks   uint8 = 1 << 7
	clusterClass    uint8 = 1<<6 - 1
)

var clusters = sync.OnceValue(func() *[tabled]uint8 {
	t := new([tabled]uint8)
	for name, ranges := range tables() {
		class, ok := clusterNames[strings.TrimPrefix(name, "grapheme")]
		ok = ok && strings.HasPrefix(name, "grapheme")
		var bit uint8
		switch name {
		case "conjunctExtend":
			bit = conjunctExtends
		case "conjunctLinker":
			bit = conjunctLinks
		}
		if !ok && bit == 0 {
			continue
		}
		for _, r := range ranges {
			for c := r.first; c < min(r.end, tabled); c++ {
				t[c] |= class | bit
			}
		}
	}
	return t
})

func clusterOf(r rune) uint8 {
	switch {
	case uint32(r) < tabled:
		return clusters()[r]
	case inRanges(tables()["graphemeExtend"], r):
		if inRanges(tables()["conjunctExtend"], r) {
			return clusterExtend | conjunctExtends
		}
		return clusterExtend
	case inRanges(tables()["graphemeControl"], r):
		return clusterControl
	}
	return clusterAny
}

// cluster is the length of the first extended grapheme cluster of a text that is not empty (Unicode Standard Annex 29).
func cluster(text []byte) int {
	r, at := utf8.DecodeRune(text)
	before := clusterOf(r)
	consonant, linked := before&clusterClass == clusterConsonant, false // an Indic conjunct that may go on
	picture := 0                                                        // 1: an emoji, and Extends behind it; 2: and a joiner behind those
	if before&clusterClass == clusterPictographic {
		picture = 1
	}
	regional := before&clusterClass == clusterRegional // an odd number of regional indicators
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		after := clusterOf(r)
		a, z := before&clusterClass, after&clusterClass
		switch {
		case a == clusterCR && z == clusterLF:
		case a == clusterCR, a == clusterLF, a == clusterControl, z == clusterCR, z == clusterLF, z == clusterControl:
			return at
		case a == clusterL && (z == clusterL || z == clusterV || z == clusterLV || z == clusterLVT):
		case (a == clusterLV || a == clusterV) && (z == clusterV || z == clusterT):
		case (a == clusterLVT || a == clusterT) && z == clusterT:
		case z == clusterExtend, z == clusterZWJ, z == clusterSpacing, a == clusterPrepend:
		case z == clusterConsonant && consonant && linked:
		case a == clusterZWJ && z == clusterPictographic && picture == 2:
		case a == clusterRegional && z == clusterRegional && regional:
		default:
			return at
		}
		switch {
		case z == clusterConsonant:
			consonant, linked = true, false
		case after&conjunctLinks != 0:
			linked = true
		case after&conjunctExtends == 0:
			consonant = false
		}
		switch {
		case z == clusterPictographic:
			picture = 1
		case picture == 1 && z == clusterZWJ:
			picture = 2
		case picture != 1 || z != clusterExtend:
			picture = 0
		}
		regional = z == clusterRegional && !regional
		before = after
		at += size
	}
	return at
}
