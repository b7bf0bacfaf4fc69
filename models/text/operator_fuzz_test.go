package text

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// attributeTexts are values of attributes that are texts.
var attributeTexts = []string{"bsi,ij->bsj", "i,i->", "...a->a", "ii->i", "ab,bc,cd->ad", "ab,cd", "a", "->", "reflect", "edge", "wrap", "constant", "add", "mul", "max", "LEFT", "RIGHT", "SAME_UPPER", "VALID", "tanh", "none", "Relu", "x"}

// signature is what an operator takes, a line of testdata/graphs/operators.txt.
type signature struct {
	domain, name         string
	least, most, outputs int
	inputs               []string          // types: a letter, or the name of one of types
	types                map[string]string // letters
	attributes           []string          // name:kind
}

func signatures(t testing.TB) (all []signature) {
	t.Helper()
	data, err := os.ReadFile("testdata/graphs/operators.txt")
	if err != nil {
		t.Fatal(err)
	}
	list := func(s, by string) []string {
		if s == "-" {
			return nil
		}
		return strings.Split(s, by)
	}
	for line := range strings.Lines(string(data)) {
		var s signature
		var inputs, types, attributes string
		if _, err := fmt.Sscan(line, &s.domain, &s.name, &s.least, &s.most, &s.outputs, &inputs, &types, &attributes); err != nil {
			t.Fatal(line, err)
		}
		s.inputs, s.attributes, s.types = list(inputs, ","), list(attributes, ","), map[string]string{}
		for _, t := range list(types, ";") {
			name, letters, _ := strings.Cut(t, "=")
			s.types[name] = letters
		}
		all = append(all, s)
	}
	return all
}

// elements are the types of tensors by their letters: the number in onnx.proto and the bytes of an element.
var elements = map[byte]struct {
	kind  uint64
	width int
}{'f': {1, 4}, 'h': {10, 2}, 'B': {2, 1}, 'b': {3, 1}, 'i': {6, 4}, 'l': {7, 8}, '?': {9, 1}, 'd': {11, 8}}

// usualShapes are those that operators of transformers have, with a batch of two, three tokens, two heads and eight numbers.
var usualShapes = [][]int{{}, {1}, {2}, {3}, {8}, {16}, {24}, {0}, {2, 3}, {2, 8}, {3, 8}, {8, 8}, {8, 24}, {16, 8}, {2, 2}, {2, 3, 8}, {2, 3, 24}, {2, 1, 8}, {8, 1, 8}, {2, 2, 3, 4}, {2, 2, 3, 3}, {2, 1, 3, 3}, {2, 3, 2, 4}, {2, 2, 2, 3, 4}}

// Parts of a graph.
func textPart(number int, s string) *wirePart {
	return &wirePart{number: number, kind: 2, data: []byte(s)}
}
func numberPart(number int, v uint64) *wirePart { return &wirePart{number: number, value: v} }
func message(number int, parts ...*wirePart) *wirePart {
	return &wirePart{number: number, kind: 2, schema: "message", parts: parts}
}

// tensor makes a TensorProto with numbers.
func (c *choices) tensor(number int, name string, letter byte) *wirePart {
	e := elements[letter]
	t, size := message(number, numberPart(2, e.kind), textPart(8, name)), 1
	shape := usualShapes[c.below(len(usualShapes))]
	if c.byte()%4 == 0 {
		shape = nil
		for range c.byte() % 5 {
			shape = append(shape, []int{1, 2, 3, 4, 5, 8, 16}[c.byte()%7])
		}
	}
	for _, d := range shape {
		t.parts = append(t.parts, numberPart(1, uint64(d)))
		size *= d
	}
	data := make([]byte, size*e.width)
	odd := c.byte()
	for i := range size {
		switch at := data[i*e.width:]; {
		case letter == 'f':
			binary.LittleEndian.PutUint32(at, math.Float32bits(float32(i%5)-1.5))
		case letter == 'd':
			binary.LittleEndian.PutUint64(at, math.Float64bits(float64(i%5)-1.5))
		case letter == '?':
			at[0] = byte(odd+i) & 1
		case odd%2 == 0:
			at[0] = byte(i % 4)
		case letter == 'l':
			binary.LittleEndian.PutUint64(at, c.number())
		case letter == 'i':
			binary.LittleEndian.PutUint32(at, uint32(c.number()))
		default:
			at[0] = byte(odd + i)
		}
	}
	t.parts = append(t.parts, &wirePart{number: 9, kind: 2, data: data})
	return t
}

// attributeOf makes an attribute of a kind.
func (c *choices) attributeOf(name, kind string) *wirePart {
	a := message(5, textPart(1, name))
	add := func(p ...*wirePart) { a.parts = append(a.parts, p...) }
	float := func(number int) *wirePart {
		return &wirePart{number: number, kind: 5, data: binary.LittleEndian.AppendUint32(nil, []uint32{0, 0x3f000000, 0x3f800000, 0xbf800000, 0x7fc00000, 0x7f7fffff}[c.byte()%6])}
	}
	switch kind {
	case "i":
		add(numberPart(3, c.number()), numberPart(20, 2))
	case "f":
		add(float(2), numberPart(20, 1))
	case "s":
		add(textPart(4, attributeTexts[c.byte()%len(attributeTexts)]), numberPart(20, 3))
	case "t":
		add(c.tensor(5, "", "flihB"[c.byte()%5]), numberPart(20, 4))
	case "F":
		for range c.byte() % 5 {
			add(float(7))
		}
		add(numberPart(20, 6))
	default:
		for range c.byte() % 6 {
			add(numberPart(8, c.number()))
		}
		add(numberPart(20, 7))
	}
	return a
}

// operatorGraph makes a graph with one operator, most of whose inputs are constants, so that ONNX Runtime computes it when it loads the graph or runs it.
func operatorGraph(all []signature, c choices) []byte {
	s := all[c.below(len(all))]
	count := s.least
	if more := s.most - s.least; more > 0 {
		count += c.byte() % (more + 1)
	}
	n := message(1, textPart(4, s.name))
	if s.domain != "-" {
		n.parts = append(n.parts, textPart(7, s.domain))
	}
	letters := map[string]byte{}
	for name, choice := range s.types {
		letters[name] = choice[0] // float32 where it may be
		if c.byte()%3 == 0 {
			letters[name] = choice[c.byte()%len(choice)]
		}
	}
	var weights []*wirePart
	for i := range count {
		kind := "f"
		if len(s.inputs) > 0 {
			kind = s.inputs[min(i, len(s.inputs)-1)]
		}
		letter := kind[0]
		if l, named := letters[kind]; named {
			letter = l
		}
		name := string(rune('A' + i))
		switch how := c.byte() % 12; {
		case how == 0 && i >= s.least:
			name = ""
		case how == 1 && letter == 'l':
			name = "input_ids"
		case how < 4 && letter == 'f':
			name = "picked"
		default:
			weights = append(weights, c.tensor(5, name, letter))
		}
		n.parts = append(n.parts, textPart(1, name))
	}
	outputs := max(1, min(s.outputs, 1+c.byte()%4))
	for i := range outputs {
		n.parts = append(n.parts, textPart(2, fmt.Sprint("out", i)))
	}
	for _, a := range s.attributes {
		name, kind, _ := strings.Cut(a, ":")
		needed := name == "num_heads" || name == "K" || name == "N" || name == "equation" || name == "to" || name == "kv_num_heads" || name == "block_size"
		if c.byte()%3 == 0 || needed && c.byte()%8 != 0 {
			n.parts = append(n.parts, c.attributeOf(name, kind))
		}
	}
	value := func(number int, name string, kind uint64, last int) *wirePart {
		shape := message(2, message(1, textPart(2, "b")), message(1, textPart(2, "s")))
		if last > 0 {
			shape.parts = append(shape.parts, message(1, numberPart(1, uint64(last))))
		}
		return message(number, textPart(1, name), message(2, message(1, numberPart(1, kind), shape)))
	}
	node := func(op string, more ...*wirePart) *wirePart {
		return message(1, append([]*wirePart{textPart(4, op)}, more...)...)
	}
	whole := func(name string, v uint64) *wirePart {
		return message(5, textPart(1, name), numberPart(3, v), numberPart(20, 2))
	}
	table := make([]byte, 16*8*4)
	for i := range 16 * 8 {
		binary.LittleEndian.PutUint32(table[4*i:], math.Float32bits(float32(i%7)))
	}
	graph := message(7, textPart(2, "g"),
		node("Gather", textPart(1, "table"), textPart(1, "input_ids"), textPart(2, "picked")), n,
		node("Shape", textPart(1, "out0"), textPart(2, "shape")),
		node("ReduceSum", textPart(1, "shape"), textPart(2, "sum"), whole("keepdims", 0)),
		node("Cast", textPart(1, "sum"), textPart(2, "float"), whole("to", 1)),
		node("Add", textPart(1, "picked"), textPart(1, "float"), textPart(2, "last_hidden_state")),
		message(5, numberPart(1, 16), numberPart(1, 8), numberPart(2, 1), textPart(8, "table"), &wirePart{number: 9, kind: 2, data: table}),
		value(11, "input_ids", 7, 0), value(12, "last_hidden_state", 1, 8))
	graph.parts = append(graph.parts, weights...)
	opset := []uint64{17, 21, 23, 23}[c.byte()%4]
	return bytesOf([]*wirePart{numberPart(1, 10), message(8, numberPart(2, opset)), message(8, textPart(1, "com.microsoft"), numberPart(2, 1)), graph})
}

// FuzzOperator: no operator by itself, whatever its inputs and attributes are, makes ONNX Runtime end its process if it passes the check.
func FuzzOperator(f *testing.F) {
	for i := range byte(16) {
		f.Add([]byte{i, 0, 7 * i, 3, 3, 0, 2, 1, 2, i, 4, 0, 2, 3, 1, i, 5, 0, 1, 2, 1, 1, 8, i})
	}
	r := &runner{library: library(f)}
	f.Cleanup(r.stop)
	all := signatures(f)
	f.Fuzz(func(t *testing.T, how []byte) { runGraphIn(t, r, operatorGraph(all, how)) })
}
