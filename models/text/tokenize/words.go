package tokenize

import (
	"bytes"
	"unicode/utf8"
)

// work is a text that is being split into words: ranges of the buffer's text, in order and none empty.
type work struct {
	buffer
	words, more []Span
	parts       []matchPart
}

type matchPart struct {
	Span
	match bool
}

// preTokenizer splits the words of a work further, and may rewrite its text. It is safe for use by several goroutines.
type preTokenizer interface{ split(w *work) }

// behavior is what becomes of what a splitter matches.
type behavior int

const (
	dropped behavior = iota
	isolated
	mergedWithPrevious
	mergedWithNext
	contiguous
)

var behaviors = map[string]behavior{
	"Removed": dropped, "Isolated": isolated, "MergedWithPrevious": mergedWithPrevious, "MergedWithNext": mergedWithNext, "Contiguous": contiguous,
}

// splitter splits words at what a pattern matches, or, inverted, at what it does not.
type splitter struct {
	pattern  matcher
	behavior behavior
	invert   bool
	white    bool // the pattern is white space
}

func (s splitter) split(w *work) {
	w.more = w.more[:0]
	scan, all := s.pattern.(scanner)
	for _, word := range w.words {
		text := w.text[word.Start:word.End]
		if all && s.behavior == isolated { // the frequent case, without a list of matches
			for at := 0; at < len(text); {
				end := at + scan(text[at:])
				w.more = append(w.more, Span{word.Start + at, word.Start + end})
				at = end
			}
			continue
		}
		w.parts = w.parts[:0]
		at := 0
		w.found = s.pattern.matches(text, w.found[:0])
		for _, m := range w.found {
			if m.Start > at {
				w.parts = append(w.parts, matchPart{Span{at, m.Start}, s.invert})
			}
			w.parts = append(w.parts, matchPart{m, !s.invert})
			at = m.End
		}
		if at < len(text) {
			w.parts = append(w.parts, matchPart{Span{at, len(text)}, s.invert})
		}
		w.join(s.behavior, word.Start)
	}
	w.words, w.more = w.more, w.words
}

// join appends the words that the parts of a text make, which begins at base.
func (w *work) join(how behavior, base int) {
	first := len(w.more)
	add := func(s Span) {
		w.more = append(w.more, Span{base + s.Start, base + s.End})
	}
	switch how {
	case dropped, isolated:
		for _, p := range w.parts {
			if how == isolated || !p.match {
				add(p.Span)
			}
		}
	case contiguous, mergedWithPrevious:
		previous := false
		for _, p := range w.parts {
			together := p.match && !previous
			if how == contiguous {
				together = p.match == previous
			}
			if together && len(w.more) > first {
				w.more[len(w.more)-1].End = base + p.End
			} else {
				add(p.Span)
			}
			previous = p.match
		}
	case mergedWithNext:
		// From the right: a match goes to what follows it, unless that is a match, too.
		for i, p := range w.parts {
			if i > 0 && w.parts[i-1].match && !p.match {
				w.more[len(w.more)-1].End = base + p.End
			} else {
				add(p.Span)
			}
		}
	}
	kept := w.more[:first]
	for _, s := range w.more[first:] { // a pattern may match nothing
		if s.End > s.Start {
			kept = append(kept, s)
		}
	}
	w.more = kept
}

// bertWords is BertPreTokenizer.
type bertWords struct{}

func (bertWords) split(w *work) {
	w.more = w.more[:0]
	for _, word := range w.words {
		start := word.Start
		for i := word.Start; i < word.End; {
			r, size := utf8.DecodeRune(w.text[i:])
			class := classOf(r)
			if class&(classSpace|classPunctuation) == 0 {
				i += size
				continue
			}
			if i > start {
				w.more = append(w.more, Span{start, i})
			}
			if class&classPunctuation != 0 {
				w.more = append(w.more, Span{i, i + size})
			}
			i += size
			start = i
		}
		if word.End > start {
			w.more = append(w.more, Span{start, word.End})
		}
	}
	w.words, w.more = w.more, w.words
}

// fixedLength makes words of so many characters.
type fixedLength int

func (n fixedLength) split(w *work) {
	w.more = w.more[:0]
	for _, word := range w.words {
		for start := word.Start; start < word.End; {
			end := start
			for c := 0; c < int(n) && end < word.End; c++ {
				_, size := utf8.DecodeRune(w.text[end:])
				end += size
			}
			w.more = append(w.more, Span{start, end})
			start = end
		}
	}
	w.words, w.more = w.more, w.words
}

// byteLevel is ByteLevel, whose regular expression is GPT-2's. Without letters the bytes stay what they are, for a model that knows them so.
type byteLevel struct{ prefix, regex, letters bool }

func (p byteLevel) split(w *work) {
	if p.prefix {
		w.prefixWords(" ", func(Span) bool { return true })
	}
	if p.regex {
		splitter{pattern: scanner(scanGPT2), behavior: isolated}.split(w)
	}
	if !p.letters {
		return
	}
	w.begin()
	for i, word := range w.words {
		start := len(w.next)
		w.at = word.Start
		for _, c := range w.text[word.Start:word.End] {
			change := 0
			if !utf8.RuneStart(c) {
				change = 1
			}
			w.put(byteLetter[c], change)
		}
		w.words[i] = Span{start, len(w.next)}
	}
	w.end()
}

// prefixWords puts a prefix before the words that do not begin with it, where it is asked for.
func (w *work) prefixWords(prefix string, asked func(Span) bool) {
	missing := func(s Span) bool { return !bytes.HasPrefix(w.text[s.Start:s.End], []byte(prefix)) && asked(s) }
	first := 0
	for first < len(w.words) && !missing(w.words[first]) {
		first++
	}
	if first == len(w.words) {
		return
	}
	w.begin()
	for i, word := range w.words {
		start := len(w.next)
		w.at = word.Start
		if missing(word) {
			w.insert(prefix, true)
		}
		w.keep(word.End - word.Start)
		w.words[i] = Span{start, len(w.next)}
	}
	w.end()
}

// metaspace is Metaspace: blanks become a visible character, which also begins a text, and each of which begins a word.
type metaspace struct {
	replacement string
	always      bool // every word gets one in front
	first       bool // only what begins the text does
	splits      bool
}

func (p metaspace) split(w *work) {
	w.begin()
	for i, word := range w.words {
		start := len(w.next)
		w.at = word.Start
		text := w.text[word.Start:word.End]
		if text[0] != ' ' && !bytes.HasPrefix(text, []byte(p.replacement)) && (p.always || p.first && w.startsText(word)) {
			w.insert(p.replacement, true)
		}
		for len(text) > 0 {
			n := bytes.IndexByte(text, ' ')
			if n < 0 {
				n = len(text)
			}
			w.keep(n)
			if n < len(text) {
				w.drop(1)
				w.insert(p.replacement, false)
				n++
			}
			text = text[n:]
		}
		w.words[i] = Span{start, len(w.next)}
	}
	w.end()
	if !p.splits {
		return
	}
	w.more = w.more[:0]
	sign := []byte(p.replacement)
	for _, word := range w.words {
		for start := word.Start; start < word.End; {
			end := word.End
			_, size := utf8.DecodeRune(w.text[start:])
			if n := bytes.Index(w.text[start+size:word.End], sign); n >= 0 {
				end = start + size + n
			}
			w.more = append(w.more, Span{start, end})
			start = end
		}
	}
	w.words, w.more = w.more, w.words
}

// startsText tells whether a word begins where the original text does.
func (w *work) startsText(word Span) bool {
	return word.Start < len(w.origin) && w.origin[word.Start].Start == 0
}
