package tokenize

import "unicode/utf8"

// Span is a range of bytes, End excluded.
type Span struct{ Start, End int }

// buffer is a text on its way through the normalizers, and where each byte of it comes from. A normalizer calls begin, then puts the new
// text together in the order of the old one, and calls end.
type buffer struct {
	text   []byte
	origin []Span // for each byte of text; empty without track
	track  bool
	base   int    // where the text began in the original
	most   int    // bytes that it may have
	found  []Span // the matches of a pattern

	next       []byte
	nextOrigin []Span
	at         int // the byte of text that the next put replaces
	lastAt     int // at before the last put
	lastLen    int // the length of next before the last put
	lastChange int
}

// leastRoom and growth say how long a text may become: no real normalizer makes more than a dozen characters of one, and a file whose normalizers multiply a text again and again is not to take
// all memory. What is longer is cut off.
const (
	leastRoom = 16 << 20
	growth    = 64
)

// room tells whether so many more bytes may be there.
func (b *buffer) room(n int) bool { return len(b.next)+n <= b.most }

// load takes a part of the original that begins there at base. A byte that is no UTF-8 becomes U+FFFD.
func (b *buffer) load(part string, base int, track bool) {
	b.track, b.base, b.most = track, base, leastRoom+growth*len(part)
	b.origin = b.origin[:0]
	if !track && utf8.ValidString(part) {
		b.text = append(b.text[:0], part...)
		return
	}
	b.text = b.text[:0]
	for i, r := range part {
		size := utf8.RuneLen(r)
		b.text = utf8.AppendRune(b.text, r)
		if !track {
			continue
		}
		from := size
		if r == utf8.RuneError {
			_, from = utf8.DecodeRuneInString(part[i:])
		}
		for range size {
			b.origin = append(b.origin, Span{base + i, base + i + from})
		}
	}
}

func (b *buffer) begin() {
	b.next, b.nextOrigin = b.next[:0], b.nextOrigin[:0]
	b.at, b.lastAt, b.lastLen, b.lastChange = 0, 0, 0, 0
}

func (b *buffer) end() {
	if !b.room(0) {
		end := b.most
		for end > 0 && !utf8.RuneStart(b.next[end]) {
			end--
		}
		if b.next = b.next[:end]; b.track {
			b.nextOrigin = b.nextOrigin[:end]
		}
	}
	b.text, b.next = b.next, b.text
	b.origin, b.nextOrigin = b.nextOrigin, b.origin
}

// put appends a character. change is as in the reference: 0 where it replaces the next character of the text, 1 where it is inserted, and
// -n where it replaces the next one and the n behind it are dropped.
func (b *buffer) put(r rune, change int) {
	if !b.track {
		b.next = utf8.AppendRune(b.next, r)
		return
	}
	b.lastAt, b.lastLen, b.lastChange = b.at, len(b.next), change
	b.next = utf8.AppendRune(b.next, r)
	from := Span{b.base, b.base}
	switch {
	case change > 0:
		if b.at > 0 && b.at <= len(b.origin) {
			from = b.origin[b.at-1]
		}
	default:
		if b.at < len(b.origin) {
			from = b.origin[b.at]
		}
		for range 1 - change {
			_, size := utf8.DecodeRune(b.text[b.at:])
			b.at += size
		}
	}
	for range len(b.next) - b.lastLen {
		b.nextOrigin = append(b.nextOrigin, from)
	}
}

// amend adds to the change of the last put, as the reference's Precompiled does where it drops characters.
func (b *buffer) amend(change int) {
	if !b.track || len(b.next) == 0 {
		return
	}
	r, _ := utf8.DecodeRune(b.next[b.lastLen:])
	b.next, b.nextOrigin, b.at = b.next[:b.lastLen], b.nextOrigin[:b.lastLen], b.lastAt
	b.put(r, b.lastChange+change)
}

// keep appends the next n bytes of the text as they are.
func (b *buffer) keep(n int) {
	b.next = append(b.next, b.text[b.at:b.at+n]...)
	if b.track {
		b.nextOrigin = append(b.nextOrigin, b.origin[b.at:b.at+n]...)
	}
	b.at += n
}

// drop leaves the next n bytes of the text out.
func (b *buffer) drop(n int) { b.at += n }

// cut keeps text[start:end] alone.
func (b *buffer) cut(start, end int) {
	b.text = append(b.text[:0], b.text[start:end]...)
	if b.track {
		b.origin = append(b.origin[:0], b.origin[start:end]...)
	}
}

// insert appends a text that stands for nothing in the original: it belongs to the byte before at, or, with ahead, to the one at it.
func (b *buffer) insert(s string, ahead bool) {
	if !b.room(len(s)) {
		return
	}
	b.next = append(b.next, s...)
	if !b.track {
		return
	}
	from := Span{b.base, b.base}
	switch {
	case ahead && b.at < len(b.origin):
		from = b.origin[b.at]
	case !ahead && b.at > 0:
		from = b.origin[b.at-1]
	}
	for range len(s) {
		b.nextOrigin = append(b.nextOrigin, from)
	}
}
