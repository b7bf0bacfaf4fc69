package tokenize

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// precompiled is SentencePiece's character map: a double-array trie from texts to places in a list of replacements, each ended by a NUL.
// As in the reference the shortest prefix that the trie holds decides about a whole cluster.
type precompiled struct {
	trie         []uint32
	replacements string
	longest      int                 // replacement
	ascii        [utf8.RuneSelf]bool // the ASCII characters that stay as they are
}

// newPrecompiled reads the map from its Base64 form: the trie's size in bytes, the trie, the replacements.
func newPrecompiled(text string) (*precompiled, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("precompiled_charsmap: %w", err)
	}
	if len(data) < 4 {
		return nil, errors.New("precompiled_charsmap is too short")
	}
	size := int64(binary.LittleEndian.Uint32(data))
	data = data[4:]
	if size/4*4 > int64(len(data)) || size < 4 {
		return nil, fmt.Errorf("precompiled_charsmap: a trie of %d bytes in %d", size, len(data))
	}
	p := &precompiled{trie: make([]uint32, size/4)}
	for i := range p.trie {
		p.trie[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	if p.replacements = string(data[4*len(p.trie):]); !utf8.ValidString(p.replacements) {
		return nil, errors.New("precompiled_charsmap: the replacements are not UTF-8")
	}
	for s := range strings.SplitSeq(p.replacements, "\x00") {
		p.longest = max(p.longest, len(s))
	}
	for c := range p.ascii {
		_, replaced := p.replacement([]byte{byte(c)})
		p.ascii[c] = !replaced
	}
	return p, nil
}

// replacement is what a cluster or character becomes.
func (p *precompiled) replacement(key []byte) (string, bool) {
	offset := func(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }
	node := offset(p.trie[0])
	for _, c := range key {
		if c == 0 {
			break
		}
		node ^= uint32(c)
		if int64(node) >= int64(len(p.trie)) {
			break
		}
		unit := p.trie[node]
		if unit&(1<<31|0xff) != uint32(c) {
			break
		}
		node ^= offset(unit)
		if int64(node) >= int64(len(p.trie)) {
			break
		}
		if unit>>8&1 == 1 {
			at := int64(p.trie[node] & (1<<31 - 1))
			if at > int64(len(p.replacements)) {
				break
			}
			s := p.replacements[at:]
			if end := strings.IndexByte(s, 0); end >= 0 {
				s = s[:end]
			}
			if s != "" && !utf8.RuneStart(s[0]) { // a place within a character
				break
			}
			return s, true
		}
	}
	return "", false
}

func (p *precompiled) apply(b *buffer) {
	if p.unchanged(b.text) {
		return
	}
	b.begin()
	for i := 0; i < len(b.text); {
		// Two ASCII characters never share a cluster, but for CR LF.
		if c := b.text[i]; c < utf8.RuneSelf && p.ascii[c] && c != '\r' && (i+1 == len(b.text) || b.text[i+1] < utf8.RuneSelf) {
			b.put(rune(c), 0)
			i++
			continue
		}
		end := i + cluster(b.text[i:])
		if end-i < 6 {
			if s, ok := p.replacement(b.text[i:end]); ok {
				p.put(b, b.text[i:end], s)
				i = end
				continue
			}
		}
		for i < end {
			r, size := utf8.DecodeRune(b.text[i:])
			if s, ok := p.replacement(b.text[i : i+size]); ok {
				p.put(b, b.text[i:i+size], s)
			} else {
				b.put(r, 0)
			}
			i += size
		}
	}
	b.end()
}

func (p *precompiled) unchanged(text []byte) bool {
	for i, c := range text {
		if c >= utf8.RuneSelf || !p.ascii[c] || c == '\r' && i+1 < len(text) && text[i+1] == '\n' {
			return false
		}
	}
	return true
}

// put puts a replacement: its last characters are inserted ones if it is longer, and its last one drops the rest if it is shorter.
func (p *precompiled) put(b *buffer, old []byte, s string) {
	if !b.room(len(s)) {
		b.drop(len(old))
		return
	}
	if !b.track {
		b.next = append(b.next, s...)
		return
	}
	more := utf8.RuneCountInString(s) - utf8.RuneCount(old)
	left := utf8.RuneCountInString(s)
	for _, r := range s {
		change := 0
		if left <= more {
			change = 1
		}
		left--
		b.put(r, change)
	}
	if more < 0 {
		b.amend(more)
	}
}
