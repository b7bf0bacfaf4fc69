package tokenize

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxPiece bounds Unigram's pieces: each place of a text may take as long as the longest.
const maxPiece = 1 << 10

// scoredPiece is a piece and its score.
type scoredPiece struct {
	text  string
	score float64
}

// UnmarshalJSON reads the pair.
func (p *scoredPiece) UnmarshalJSON(data []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return errors.New("a piece is not a pair of text and score")
	}
	if err := json.Unmarshal(pair[0], &p.text); err != nil {
		return err
	}
	var number json.Number
	if err := json.Unmarshal(pair[1], &number); err != nil {
		return err
	}
	var err error
	p.score, err = scoreOf(string(number))
	return err
}

// scoreOf reads a number as the reference's library does, which is off by a bit now and then: the digits as an integer, as many as fit, and then
// times or by a power of ten. Pieces that are as good as each other hang on that bit.
func scoreOf(s string) (float64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' {
		return 0, fmt.Errorf("the score %q is no number", s)
	}
	mantissa, exponent := digits, 0
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		mantissa = digits[:i]
		n, err := strconv.Atoi(digits[i+1:])
		if err != nil || n < -100000 || n > 100000 {
			return 0, fmt.Errorf("the score %q is out of range", s)
		}
		exponent = n
	}
	var significand uint64
	fraction, full := false, false
	for _, c := range []byte(mantissa) {
		if c == '.' {
			fraction = true
			continue
		}
		d := uint64(c - '0')
		if full = full || significand > (math.MaxUint64-d)/10; full {
			if !fraction {
				exponent++
			}
			continue
		}
		significand = significand*10 + d
		if fraction {
			exponent--
		}
	}
	f := float64(significand)
	for ; exponent < -308 && f != 0; exponent += 308 {
		f /= 1e308
	}
	power, err := strconv.ParseFloat("1e"+strconv.Itoa(max(exponent, -exponent)), 64)
	switch {
	case f == 0:
	case err != nil:
		f = math.Inf(1)
	case exponent >= 0:
		f *= power
	default:
		f /= power
	}
	if math.IsInf(f, 0) {
		return 0, fmt.Errorf("the score %q is out of range", s)
	}
	if negative {
		f = -f
	}
	return f, nil
}

func (t *Tokenizer) parseUnigram(raw json.RawMessage) ([]vocabEntry, error) {
	var m struct {
		Vocab []scoredPiece `json:"vocab"`
		UnkID *int          `json:"unk_id"`
		Bytes bool          `json:"byte_fallback"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, modelError("%w", err)
	}
	if m.UnkID == nil {
		return nil, &UnsupportedError{Part: "model", Kind: "Unigram without unk_id"}
	}
	if *m.UnkID < 0 || *m.UnkID >= len(m.Vocab) {
		return nil, modelError("unk_id %d of a vocabulary of %d", *m.UnkID, len(m.Vocab))
	}
	u := &unigram{ids: make(map[string]int32, len(m.Vocab)), scores: make([]float64, len(m.Vocab)), entries: len(m.Vocab), unknown: int32(*m.UnkID)}
	least := math.Inf(1)
	for i, p := range m.Vocab {
		if len(p.text) > maxPiece {
			return nil, modelError("a piece of %d bytes", len(p.text))
		}
		u.ids[p.text] = int32(i)
		u.scores[i] = p.score
		least = min(least, p.score)
	}
	u.penalty = least - unknownPenalty
	pieces := make([]triePiece, 0, len(u.ids))
	for text, id := range u.ids {
		pieces = append(pieces, triePiece{text, id})
	}
	u.trie = newTrie(pieces)
	if m.Bytes {
		u.bytes = byteTokens(u.id)
	}
	t.model = u
	return entriesOf(u.ids), nil
}
