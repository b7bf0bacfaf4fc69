package onnxhalf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgowl/pgowl/models/text/safetensors"
	"google.golang.org/protobuf/encoding/protowire"
)

// half is the nearest of all float16, by looking at them all.
func TestHalf(t *testing.T) {
	for h := range uint16(0x7c00) {
		x := safetensors.Half(h)
		if got := half(x); got != h {
			t.Fatalf("%v: %#x, want %#x", x, got, h)
		}
		if got := half(-x); got != h|0x8000 {
			t.Fatalf("%v: %#x, want %#x", -x, got, h|0x8000)
		}
		if h == 0x7bff {
			break
		}
		next := safetensors.Half(h + 1)
		middle := x + (next-x)/2 // exact
		want := h + h&1          // the even one
		if got := half(middle); got != want {
			t.Fatalf("%v, between %#x and the next: %#x, want %#x", middle, h, got, want)
		}
		if got := half(math.Nextafter32(middle, 0)); got != h {
			t.Fatalf("less than half between %#x and the next: %#x", h, got)
		}
		if got := half(math.Nextafter32(middle, 1e9)); got != h+1 {
			t.Fatalf("more than half between %#x and the next: %#x", h, got)
		}
	}
	for x, want := range map[float32]uint16{1e9: 0x7bff, -3.4e38: 0xfbff, 65520: 0x7bff, float32(math.Inf(1)): 0x7c00, float32(math.Inf(-1)): 0xfc00} {
		if got := half(x); got != want {
			t.Errorf("%v: %#x, want %#x", x, got, want)
		}
	}
	if got := half(float32(math.NaN())); got&0x7c00 != 0x7c00 || got&0x3ff == 0 {
		t.Errorf("NaN: %#x", got)
	}
}

// message builds one of texts (of messages) and numbers.
func message(parts ...any) []byte {
	var b []byte
	for i := 0; i < len(parts); i += 2 {
		number := protowire.Number(parts[i].(int))
		switch v := parts[i+1].(type) {
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), v)
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), v)
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(v))
		case float32:
			b = protowire.AppendFixed32(protowire.AppendTag(b, number, protowire.Fixed32Type), math.Float32bits(v))
		}
	}
	return b
}

func floats(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestTensor(t *testing.T) {
	for name, c := range map[string]struct{ in, want []byte }{
		"raw":                  {message(1, 2, 2, 1, 8, "w", 9, floats(1, -2)), message(1, 2, 2, 10, 8, "w", 9, []byte{0, 0x3c, 0, 0xc0})},
		"packed":               {message(1, 2, 2, 1, 4, floats(1, -2)), message(1, 2, 2, 10, 9, []byte{0, 0x3c, 0, 0xc0})},
		"unpacked":             {message(2, 1, 4, float32(1), 4, float32(-2)), message(2, 10, 9, []byte{0, 0x3c, 0, 0xc0})},
		"epsilon":              {message(2, 1, 9, floats(1e-12)), message(2, 10, 9, []byte{1, 0})},
		"zero":                 {message(2, 1, 9, floats(0)), message(2, 10, 9, []byte{0, 0})},
		"small":                {message(2, 1, 9, floats(1e-12, 1)), message(2, 10, 9, []byte{0, 0, 0, 0x3c})},
		"integers":             {message(1, 1, 2, 7, 9, []byte{1, 2, 3, 4, 5, 6, 7, 8}), message(1, 1, 2, 7, 9, []byte{1, 2, 3, 4, 5, 6, 7, 8})},
		"epsilon and nothing":  {message(2, 1, 4, floats(1e-12), 4, floats()), message(2, 10, 9, []byte{1, 0})},
		"nothing and epsilon":  {message(2, 1, 4, floats(), 4, floats(-1e-12)), message(2, 10, 9, []byte{1, 0x80})},
		"one, unpacked, small": {message(2, 1, 4, float32(-1e-30)), message(2, 10, 9, []byte{1, 0x80})},
	} {
		if got, err := new(converter).tensor(nil, c.in); err != nil || string(got) != string(c.want) {
			t.Errorf("%s: %x, want %x (%v)", name, got, c.want, err)
		}
	}
	for name, in := range map[string][]byte{
		"odd":       message(2, 1, 9, "abc"),
		"external":  message(2, 1, 13, "x", 14, 1),
		"elsewhere": message(2, 1, 14, 1),
		"no bytes":  message(2, 1, 9, 3),
		"no type":   message(2, "x"),
		"cut":       message(2, 1, 9, floats(1))[:5],
	} {
		if got, err := new(converter).tensor(nil, in); err == nil {
			t.Errorf("%s: %x", name, got)
		}
	}
}

// Weights of other files come into the graph.
func TestExternal(t *testing.T) {
	file := append(floats(9, 9), floats(1, -2, 1e-12)...)
	open := func(location string) (io.ReaderAt, error) {
		if location != "w" {
			return nil, fs.ErrNotExist
		}
		return bytes.NewReader(file), nil
	}
	place := func(pairs ...string) []byte {
		b := message(1, 2, 2, 1, 8, "w")
		for i := 0; i < len(pairs); i += 2 {
			b = append(b, message(13, message(1, pairs[i], 2, pairs[i+1]))...)
		}
		return append(b, message(14, 1)...)
	}
	got, err := (&converter{weights: open}).tensor(nil, place("location", "w", "offset", "8", "length", "12"))
	if want := message(1, 2, 2, 10, 8, "w", 9, []byte{0, 0x3c, 0, 0xc0, 0, 0}); err != nil || string(got) != string(want) {
		t.Errorf("%x, want %x (%v)", got, want, err)
	}
	for name, in := range map[string][]byte{
		"behind the end":       place("location", "w", "offset", "16", "length", "8"),
		"too long":             place("location", "w", "length", "99999999999"),
		"longer than the file": place("location", "w", "length", "1000000000"),
		"no length":            place("location", "w"),
		"before the file":      place("location", "w", "offset", "-4", "length", "8"),
		"another file":         place("location", "v", "length", "8"),
		"part of a number":     place("location", "w", "length", "7"),
	} {
		if got, err := (&converter{weights: open}).tensor(nil, in); err == nil {
			t.Errorf("%s: %x", name, got)
		}
	}
	var known *Error
	if _, err := new(converter).tensor(nil, place("location", "w", "length", "8")); !errors.As(err, &known) {
		t.Error(err)
	}
}

func TestGraph(t *testing.T) {
	typed := func(element int) []byte { return message(1, "x", 2, message(1, message(1, element, 2, message()))) }
	attribute := func(name string, rest ...any) []byte { return message(append([]any{1, name}, rest...)...) }
	for name, c := range map[string]struct{ in, want []byte }{
		"types":                  {message(11, typed(7), 12, typed(1), 13, typed(1)), message(11, typed(7), 12, typed(10))},
		"cast":                   {message(1, message(4, "Cast", 5, attribute("to", 3, 1, 20, 2))), message(1, message(4, "Cast", 5, attribute("to", 3, 10, 20, 2)))},
		"cast to a whole number": {message(1, message(4, "Cast", 5, attribute("to", 3, 7))), message(1, message(4, "Cast", 5, attribute("to", 3, 7)))},
		"another one":            {message(1, message(4, "Concat", 5, attribute("axis", 3, 1))), message(1, message(4, "Concat", 5, attribute("axis", 3, 1)))},
		"constant":               {message(1, message(4, "Constant", 5, attribute("value", 5, message(2, 1, 9, floats(1))))), message(1, message(4, "Constant", 5, attribute("value", 5, message(2, 10, 9, []byte{0, 0x3c}))))},
		"zeros":                  {message(1, message(4, "ConstantOfShape")), message(1, message(4, "ConstantOfShape", 5, attribute("value", 5, message(1, 1, 2, 10, 9, []byte{0, 0}), 20, 4)))},
		"epsilon":                {message(1, message(4, "LayerNormalization", 5, attribute("epsilon", 2, float32(1e-12)))), message(1, message(4, "LayerNormalization", 5, attribute("epsilon", 2, float32(1e-12))))},
	} {
		if got, err := Convert(message(1, 8, 7, c.in), nil); err != nil || string(got) != string(message(1, 8, 7, c.want)) {
			t.Errorf("%s: %x, want %x (%v)", name, got, message(1, 8, 7, c.want), err)
		}
	}
	for name, in := range map[string][]byte{
		"functions":      message(25, "x"),
		"sparse":         message(7, message(15, "")),
		"an operator":    message(7, message(1, message(4, "DequantizeLinear"))),
		"a domain":       message(7, message(1, message(4, "Gelu", 7, "com.microsoft"))),
		"a graph inside": message(7, message(1, message(4, "Identity", 5, attribute("then", 6, "")))),
		"a number":       message(7, message(1, message(4, "Constant", 5, attribute("value_float", 2, float32(1))))),
	} {
		_, err := Convert(in, nil)
		var known *Error
		if !errors.As(err, &known) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, in := range map[string][]byte{"a group": {7<<3 | 3}, "cut": {7<<3 | 2, 5, 1}, "no message": message(7, 1), "no graph": []byte("no graph")} {
		if _, err := Convert(in, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzConvert(f *testing.F) {
	for _, name := range []string{"tiny", "half", "scores"} {
		data, err := os.ReadFile(filepath.Join("..", "testdata", name+".onnx"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(message(7, message(1, message(4, "Cast", 5, message(1, "to", 3, 1)))))
	f.Add(message(7, message(5, message(2, 1, 4, float32(1e-12)))))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := Convert(data, nil)
		if err != nil {
			return
		}
		// What has been converted has nothing left to convert.
		again, err := Convert(out, nil)
		if err != nil || len(again) != len(out) {
			t.Fatalf("%x becomes %x, and that %x (%v)", data, out, again, err)
		}
		// A number stands for a node without anything, twelve bytes.
		if len(out) > 16*len(data)+64 {
			t.Fatalf("%d bytes become %d", len(data), len(out))
		}
	})
}
