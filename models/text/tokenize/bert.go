package tokenize

import (
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// bertNormalizer is the reference's BertNormalizer: clean_text, then handle_chinese_chars, then strip_accents, then lowercase.
// Each works on one character at a time but for the order of marks, so one pass does them all.
type bertNormalizer struct {
	clean, chinese, strip, lower bool
	ascii                        [128]int16 // what becomes of an ASCII character; -1: dropped
	steps                        normalizers
}

func newBertNormalizer(clean, chinese, strip, lower bool) *bertNormalizer {
	n := &bertNormalizer{clean: clean, chinese: chinese, strip: strip, lower: lower, steps: bertSteps(clean, chinese, strip, lower)}
	for c := range n.ascii {
		class := classOf(rune(c))
		out := int16(c)
		switch {
		case clean && class&classRemoved != 0:
			out = -1
		case clean && class&classSpace != 0:
			out = ' '
		case lower && c >= 'A' && c <= 'Z':
			out = int16(c) + 'a' - 'A'
		}
		n.ascii[c] = out
	}
	return n
}

// mark is a combining character that is kept (it is no nonspacing one), waiting for its place among its neighbours.
type mark struct {
	r   rune
	ccc uint8
}

// apply takes the reference's steps one by one where the origins count.
func (n *bertNormalizer) apply(b *buffer) {
	if b.track {
		n.steps.apply(b)
		return
	}
	b.next = n.append(b.next[:0], b.text)
	b.text, b.next = b.next, b.text
}

// append appends the normalised text to dst.
func (n *bertNormalizer) append(dst, text []byte) []byte {
	var marks []mark // canonical order: a run of combining characters is sorted by class
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			i++
			if len(marks) > 0 {
				if n.ascii[c] < 0 {
					continue
				}
				dst, marks = n.flush(dst, marks)
			}
			if out := n.ascii[c]; out >= 0 {
				dst = append(dst, byte(out))
			}
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		i += size
		class := classOf(r)
		if n.clean {
			if class&classRemoved != 0 {
				continue
			}
			if class&classSpace != 0 {
				r, class = ' ', classSpace
			}
		}
		if class&classChinese != 0 && n.chinese {
			dst, marks = n.flush(dst, marks)
			dst = append(dst, ' ')
			dst, marks = n.rune(dst, marks, r, class)
			dst, marks = n.flush(dst, marks)
			dst = append(dst, ' ')
			continue
		}
		dst, marks = n.rune(dst, marks, r, class)
	}
	dst, _ = n.flush(dst, marks)
	return dst
}

// rune strips and lowers one character that came through the cleaning.
func (n *bertNormalizer) rune(dst []byte, marks []mark, r rune, class uint8) ([]byte, []mark) {
	if !n.strip {
		return n.emit(dst, r, class), marks
	}
	if class&classDecomposes == 0 {
		return n.stripped(dst, marks, r, class)
	}
	if r >= hangulFirst && r <= hangulLast { // computed, as in chapter 3.12 of the Unicode standard; jamo are plain letters
		dst, marks = n.flush(dst, marks)
		i := r - hangulFirst
		dst = utf8.AppendRune(dst, 0x1100+i/588)
		dst = utf8.AppendRune(dst, 0x1161+i%588/28)
		if i%28 != 0 {
			dst = utf8.AppendRune(dst, 0x11a7+i%28)
		}
		return dst, marks
	}
	decomposed := norm.NFD.PropertiesString(string(r)).Decomposition()
	for len(decomposed) > 0 {
		part, size := utf8.DecodeRune(decomposed)
		decomposed = decomposed[size:]
		dst, marks = n.stripped(dst, marks, part, classOf(part))
	}
	return dst, marks
}

// stripped takes one character of the decomposition.
func (n *bertNormalizer) stripped(dst []byte, marks []mark, r rune, class uint8) ([]byte, []mark) {
	switch {
	case class&classCombines != 0:
		if ccc := combining(r); ccc != 0 {
			if class&classNonspacing != 0 {
				return dst, marks
			}
			return dst, append(marks, mark{r, ccc})
		}
		fallthrough // combining class 0: ends the run
	default:
		dst, marks = n.flush(dst, marks)
		if class&classNonspacing != 0 {
			return dst, marks
		}
		return n.emit(dst, r, class), marks
	}
}

// flush writes the waiting marks in canonical order.
func (n *bertNormalizer) flush(dst []byte, marks []mark) ([]byte, []mark) {
	if len(marks) == 0 {
		return dst, marks
	}
	slices.SortStableFunc(marks, func(a, b mark) int { return int(a.ccc) - int(b.ccc) })
	for _, m := range marks {
		dst = n.emit(dst, m.r, classOf(m.r))
	}
	return dst, marks[:0]
}

// emit writes a character in lower case if asked to.
func (n *bertNormalizer) emit(dst []byte, r rune, class uint8) []byte {
	if n.lower && class&classUpper != 0 {
		if r == 'İ' { // the one character whose lower case is two
			return append(dst, "i\u0307"...)
		}
		r = lower(r)
	}
	return utf8.AppendRune(dst, r)
}

func lower(r rune) rune {
	if l, ok := lowerExtra[r]; ok {
		return l
	}
	return unicode.ToLower(r)
}

// combining is the combining class, as the reference knows it.
func combining(r rune) uint8 {
	if propertiesOf(r)&isCombining == 0 {
		return 0
	}
	return norm.NFD.PropertiesString(string(r)).CCC()
}

// What a character is to the normaliser and the pre-tokenizer.
const (
	classRemoved     uint8 = 1 << iota // dropped by clean_text
	classSpace                         // white space
	classPunctuation                   // a word of its own
	classNonspacing                    // dropped by strip_accents
	classChinese                       // gets blanks around it
	classDecomposes                    // its NFD is something else
	classUpper                         // its lower case is something else
	classCombines                      // may have a combining class other than 0
)

// classes holds the classes of the first plane; it takes some 10 ms to make.
var classes = sync.OnceValue(func() *[1 << 16]uint8 {
	t := new([1 << 16]uint8)
	for c := range t {
		t[c] = computeClass(rune(c))
	}
	return t
})

func classOf(r rune) uint8 {
	if t := classes(); uint32(r) < uint32(len(t)) {
		return t[r]
	}
	return computeClass(r)
}

func computeClass(r rune) uint8 {
	var class uint8
	set := func(is bool, bit uint8) {
		if is {
			class |= bit
		}
	}
	set(unicode.Is(removed, r), classRemoved)
	set(unicode.IsSpace(r), classSpace)
	set(unicode.Is(punctuation, r), classPunctuation)
	set(unicode.Is(nonspacing, r), classNonspacing)
	set(chinese(r), classChinese)
	set(lower(r) != r, classUpper)
	p := propertiesOf(r)
	set(p&isCanonical != 0, classDecomposes)
	set(p&isCombining != 0 || class&classNonspacing != 0, classCombines)
	return class
}

// The Hangul syllables, whose decomposition is in no table.
const hangulFirst, hangulLast = 0xac00, 0xd7a3

// chinese tells the blocks that the reference calls CJK. Its 0x2b920 is a slip for 0x2b820, which models were trained with.
func chinese(r rune) bool {
	switch {
	case r < 0x3400:
		return false
	case r >= 0x4e00 && r <= 0x9fff, r <= 0x4dbf, r >= 0xf900 && r <= 0xfaff,
		r >= 0x20000 && r <= 0x2a6df, r >= 0x2a700 && r <= 0x2b73f, r >= 0x2b740 && r <= 0x2b81f,
		r >= 0x2b920 && r <= 0x2ceaf, r >= 0x2f800 && r <= 0x2fa1f:
		return true
	}
	return false
}
