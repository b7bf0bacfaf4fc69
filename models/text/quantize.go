package text

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Encoding is what vectors are made of when they are handed out, as sentence-transformers' quantize_embeddings makes them; the model's own numbers are a Precision. Each number
// becomes a float32.
type Encoding string

// The encodings; empty is float32, the numbers themselves.
const (
	Int8    Encoding = "int8"    // -128 to 127: where a number lies between the least and the greatest in its place among all texts of the call
	Uint8   Encoding = "uint8"   // the same from 0 to 255
	Binary  Encoding = "binary"  // a bit for each number, 1 where it is more than 0; eight bits a number from -128 to 127, the first the highest
	Ubinary Encoding = "ubinary" // the same from 0 to 255
)

var encodings = []Encoding{"float32", Int8, Uint8, Binary, Ubinary}

// ranged tells an encoding whose numbers depend on the other texts of the call.
func (e Encoding) ranged() bool { return e == Int8 || e == Uint8 }

// Single says whether a call with one text can have the encoding. The error is an *OptionError.
func (e Encoding) Single() error {
	if e.ranged() {
		return errRange(e)
	}
	return nil
}

// encodingOption reads precision, by its name in sentence-transformers.
func encodingOption(v json.RawMessage, to *Encoding) error {
	var name *string
	if json.Unmarshal(v, &name) != nil {
		return reason("must be a text")
	}
	switch {
	case name == nil || *name == "float32":
		return nil
	case slices.Contains(encodings, Encoding(*name)):
		*to = Encoding(*name)
		return nil
	}
	return reason(fmt.Sprintf("is %.60q, want one of %q", *name, encodings))
}

// errRange is the refusal of sentence-transformers: a single vector has no range.
func errRange(e Encoding) error {
	return &OptionError{Name: "precision", Reason: fmt.Sprintf("is %q, which is reckoned from the least and the greatest numbers of all texts of the call: it takes an array of two texts or more", e)}
}

// apply encodes the vectors of a call, all of the same width, in place where they do not get shorter.
func (e Encoding) apply(vectors [][]float32) error {
	if e == "" || len(vectors) == 0 {
		return nil
	}
	if e.ranged() {
		if len(vectors) == 1 {
			return errRange(e)
		}
		e.scale(vectors)
		return nil
	}
	for i, v := range vectors {
		vectors[i] = e.pack(v)
	}
	return nil
}

// scale puts numbers into 256 steps, with float32's arithmetic, as the reference does.
func (e Encoding) scale(vectors [][]float32) {
	for j := range vectors[0] {
		least, greatest := vectors[0][j], vectors[0][j]
		for _, v := range vectors[1:] {
			least, greatest = min(least, v[j]), max(greatest, v[j])
		}
		step := (greatest - least) / 255
		if step == 0 {
			step = 1
		}
		for _, v := range vectors {
			q := (v[j] - least) / step
			v[j] = min(max(float32(math.Floor(float64(q))), 0), 255)
			if e == Int8 {
				v[j] -= 128
			}
		}
	}
}

// pack makes eight numbers one; what is missing in the last is 0.
func (e Encoding) pack(v []float32) []float32 {
	packed := make([]float32, (len(v)+7)/8)
	for i, x := range v {
		if x > 0 {
			packed[i/8] += float32(int(128) >> (i % 8))
		}
	}
	if e == Binary {
		for i := range packed {
			packed[i] -= 128
		}
	}
	return packed
}
