package text

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
)

// wirePart is a field of a protobuf message, as a tree.
type wirePart struct {
	number int
	kind   int // wire type
	value  uint64
	data   []byte
	parts  []*wirePart
	schema string // of a message
	in     string // the schema that it is a field of
}

// messages tells which fields of an ONNX graph are messages.
var messages = map[string]map[int]string{
	"model": {7: "graph", 8: "opset"}, "graph": {1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value"}, "node": {5: "attribute"},
	"attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"}, "tensor": {13: "entry"}, "value": {2: "type"}, "type": {1: "tensortype"}, "tensortype": {2: "shape"}, "shape": {1: "dimension"},
}

// partsOf reads a message, which is a good one.
func partsOf(data []byte, schema string) (parts []*wirePart) {
	for len(data) > 0 {
		key, n := binary.Uvarint(data)
		data = data[n:]
		p := &wirePart{number: int(key >> 3), kind: int(key & 7), in: schema}
		switch p.kind {
		case 0:
			p.value, n = binary.Uvarint(data)
		case 1, 5:
			n = 8
			if p.kind == 5 {
				n = 4
			}
			p.data = data[:n]
		default:
			size, m := binary.Uvarint(data)
			n = m + int(size)
			p.data = data[m:n]
			if p.schema = messages[schema][p.number]; p.schema != "" {
				p.parts = partsOf(p.data, p.schema)
			}
		}
		data = data[n:]
		parts = append(parts, p)
	}
	return parts
}

func (p *wirePart) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(p.number)<<3|uint64(p.kind))
	switch {
	case p.kind == 0:
		return binary.AppendUvarint(b, p.value)
	case p.kind != 2:
		return append(b, p.data...)
	case p.schema != "":
		inner := bytesOf(p.parts)
		return append(binary.AppendUvarint(b, uint64(len(inner))), inner...)
	}
	return append(binary.AppendUvarint(b, uint64(len(p.data))), p.data...)
}

func bytesOf(parts []*wirePart) (b []byte) {
	for _, p := range parts {
		b = p.append(b)
	}
	return b
}

// place is where a part stands.
type place struct {
	list *[]*wirePart
	at   int
}

// places lists all parts.
func places(list *[]*wirePart, to []place) []place {
	for i, p := range *list {
		to = append(to, place{list, i})
		if p.schema != "" {
			to = places(&p.parts, to)
		}
	}
	return to
}

// copied is a wirePart with all of its parts.
func (p *wirePart) copied() *wirePart {
	c := *p
	c.data, c.parts = slices.Clone(p.data), nil
	for _, q := range p.parts {
		c.parts = append(c.parts, q.copied())
	}
	return &c
}

// oddNumbers are those that programs count wrong with.
var oddNumbers = []uint64{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 64, 127, 128, 255, 256, 1000, 1 << 16, 1 << 31, 1<<31 - 1, 1 << 32, 1 << 33, 1 << 62, 1<<63 - 1, 1 << 63, 1<<64 - 1, 1<<64 - 2, 1<<64 - 3, 1<<64 - 8}

// attributesToAdd are put onto operators that know them, and onto others.
var attributesToAdd = []string{"axis", "axes", "perm", "keepdims", "group", "strides", "pads", "kernel_shape", "dilations", "num_heads", "kv_num_heads", "qkv_hidden_sizes", "unidirectional", "do_rotary", "past_present_share_buffer",
	"rotary_embedding_dim", "bits", "block_size", "K", "N", "accuracy_level", "to", "start", "end", "batch_dims", "blocksize", "mask_index_type", "is_packed_batching", "interleaved", "transA", "transB", "transBatchA", "to_i", "k",
	"largest", "sorted", "num_outputs", "split", "allowzero", "exclusive", "reverse", "upper", "noop_with_empty_axes", "select_last_index", "stash_type", "saturate", "block_size", "local_window_size", "num_groups", "training_mode", "max_distance"}

// operatorsToTry are put in the place of others; those of com.microsoft are apart.
var operatorsToTry = []string{
	"Gather", "GatherND", "GatherElements", "ScatterND", "ScatterElements", "Slice", "Split", "Concat", "Reshape", "Expand", "Tile", "Pad", "TopK", "OneHot", "Range", "CumSum", "Einsum", "Conv",
	"MatMul", "Gemm", "MatMulInteger", "QLinearMatMul", "DynamicQuantizeLinear", "Attention", "LayerNormalization", "BatchNormalization", "GroupNormalization", "InstanceNormalization", "RotaryEmbedding",
	"Where", "Trilu", "NonZero", "EyeLike", "ConstantOfShape", "Constant", "Squeeze", "Unsqueeze", "Transpose", "Flatten", "ReduceSum", "ReduceMax", "ReduceLogSumExp", "ArgMin", "Softmax", "Hardmax",
	"LpNormalization", "Mod", "BitShift", "Pow", "Cast", "CastLike", "Clip", "PRelu", "Dropout", "Scatter", "Shape", "Size", "MeanVarianceNormalization", "RMSNormalization", "SimplifiedLayerNormalization",
}

var operatorsOfMicrosoft = []string{
	"Attention", "MultiHeadAttention", "GroupQueryAttention", "QAttention", "EmbedLayerNormalization", "QEmbedLayerNormalization", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "MatMulNBits",
	"GatherBlockQuantized", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "FusedMatMul", "FusedGemm", "FastGelu", "BiasGelu", "BiasSoftmax", "QuickGelu", "Gelu", "RotaryEmbedding", "QuantizeLinear",
	"DequantizeLinear", "RelativePositionBias", "GatedRelativePositionBias", "QLinearAdd", "QLinearMul", "QLinearConcat", "QLinearReduceMean", "QLinearSigmoid", "QLinearSoftmax", "TransposeMatMul",
}

// choices are the bytes that decide what a mutation does.
type choices []byte

func (c *choices) byte() int {
	if len(*c) == 0 {
		return 0
	}
	b := (*c)[0]
	*c = (*c)[1:]
	return int(b)
}

func (c *choices) below(n int) int { return (c.byte()<<8 | c.byte()) % max(1, n) }

func (c *choices) number() uint64 {
	if n := c.byte(); n < 4*len(oddNumbers) {
		return oddNumbers[n%len(oddNumbers)]
	}
	return uint64(c.byte())
}

// mutated changes a graph as the choices say, each change some parts of it.
func mutated(graph, other []byte, c choices) []byte {
	root := partsOf(graph, "model")
	for range 12 {
		if len(c) == 0 {
			break
		}
		all := places(&root, nil)
		at := all[c.below(len(all))]
		p := (*at.list)[at.at]
		switch c.byte() % 16 {
		case 0:
			if p.in != "node" && p.in != "graph" && p.in != "attribute" && c.byte()%4 != 0 {
				continue
			}
			*at.list = slices.Delete(*at.list, at.at, at.at+1)
			if len(root) == 0 {
				return nil
			}
		case 1:
			if p.in != "graph" && p.in != "tensor" && c.byte()%4 != 0 {
				continue
			}
			*at.list = slices.Insert(*at.list, at.at, p.copied())
		case 2:
			i := c.below(len(*at.list))
			(*at.list)[i], (*at.list)[at.at] = p, (*at.list)[i]
		case 3, 4, 5: // another of its kind, of this graph or of the other one
			from := all
			if c.byte()%2 == 0 {
				theirs := partsOf(other, "model")
				from = places(&theirs, nil)
			}
			like := slices.DeleteFunc(slices.Clone(from), func(q place) bool {
				o := (*q.list)[q.at]
				return o.in != p.in || o.number != p.number
			})
			if len(like) > 0 {
				q := like[c.below(len(like))]
				(*at.list)[at.at] = (*q.list)[q.at].copied()
			}
		case 6: // a name gets a new meaning: an input becomes another tensor's
			if p.in == "node" && (p.number == 1 || p.number == 2) {
				named := slices.DeleteFunc(slices.Clone(all), func(q place) bool {
					o := (*q.list)[q.at]
					return !(o.in == "node" && o.number <= 2 || o.in == "tensor" && o.number == 8 || o.in == "value" && o.number == 1)
				})
				q := named[c.below(len(named))]
				p.data = slices.Clone((*q.list)[q.at].data)
			}
		case 7:
			c.operator(all)
		case 8:
			c.attribute(all)
		case 9, 10:
			c.reshape(all)
		default:
			c.value(p)
		}
	}
	return bytesOf(root)
}

// pick is one of the messages of a kind; nil if there is none.
func (c *choices) pick(all []place, schema string) *wirePart {
	var found []*wirePart
	for _, q := range all {
		if p := (*q.list)[q.at]; p.schema == schema {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found[c.below(len(found))]
}

// operator makes a node one of another operator.
func (c *choices) operator(all []place) {
	n := c.pick(all, "node")
	if n == nil {
		return
	}
	n.parts = slices.DeleteFunc(n.parts, func(p *wirePart) bool { return p.number == 4 || p.number == 7 })
	name := func(number int, text string) {
		n.parts = append(n.parts, &wirePart{number: number, kind: 2, data: []byte(text), in: "node"})
	}
	if c.byte()%2 == 0 {
		name(4, operatorsToTry[c.below(len(operatorsToTry))])
	} else {
		name(4, operatorsOfMicrosoft[c.below(len(operatorsOfMicrosoft))])
		name(7, "com.microsoft")
	}
}

// attribute gives a node an attribute of whole numbers.
func (c *choices) attribute(all []place) {
	n := c.pick(all, "node")
	if n == nil {
		return
	}
	a := &wirePart{number: 5, kind: 2, schema: "attribute", in: "node"}
	add := func(number int, value uint64) {
		a.parts = append(a.parts, &wirePart{number: number, value: value, in: "attribute"})
	}
	name := []byte(attributesToAdd[c.below(len(attributesToAdd))])
	n.parts = slices.DeleteFunc(n.parts, func(p *wirePart) bool {
		return p.number == 5 && slices.ContainsFunc(p.parts, func(q *wirePart) bool { return q.number == 1 && bytes.Equal(q.data, name) })
	})
	a.parts = append(a.parts, &wirePart{number: 1, kind: 2, data: name, in: "attribute"})
	if count := c.byte() % 6; count < 3 {
		add(3, c.number())
		add(20, 2)
	} else {
		for range count - 2 {
			add(8, c.number())
		}
		add(20, 7)
	}
	n.parts = append(n.parts, a)
}

// reshape gives a tensor another shape or type, and numbers to go with it.
func (c *choices) reshape(all []place) {
	t := c.pick(all, "tensor")
	if t == nil {
		return
	}
	kind := uint64(1)
	for _, p := range t.parts {
		if p.number == 2 {
			kind = p.value
		}
	}
	widths := map[uint64]int{1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
	if c.byte()%3 == 0 {
		kind = uint64([]int{1, 2, 3, 6, 7, 9, 10, 11, 16}[c.byte()%9])
	}
	width, size := widths[kind], 1
	var old []byte
	t.parts = slices.DeleteFunc(t.parts, func(p *wirePart) bool {
		if p.number == 9 {
			old = p.data
		}
		return p.number != 8
	})
	for range c.byte() % 5 {
		d := []int{0, 1, 1, 2, 3, 4, 5, 8, 8, 16, 24}[c.byte()%11]
		t.parts = append(t.parts, &wirePart{number: 1, value: uint64(d), in: "tensor"})
		size *= d
	}
	data := make([]byte, min(size, 1<<14)*width)
	if len(old) > 0 {
		for i := range data {
			data[i] = old[i%len(old)]
		}
	}
	t.parts = append(t.parts, &wirePart{number: 2, value: kind, in: "tensor"}, &wirePart{number: 9, kind: 2, data: data, in: "tensor"})
}

// value changes what a field holds.
func (c *choices) value(p *wirePart) {
	switch {
	case p.kind == 0:
		p.value = c.number()
	case p.kind == 5:
		p.data = binary.LittleEndian.AppendUint32(nil, []uint32{0, 1, 1 << 31, math.Float32bits(1), math.Float32bits(-1), 0x7f800000, 0xff800000, 0x7fc00000, 0x7f7fffff}[c.byte()%9])
	case p.schema != "" || len(p.data) == 0:
	case p.number != 9 && p.in != "entry" && c.byte()%16 != 0: // a name with another letter says little
	case len(p.data)%8 == 0 && c.byte()%2 == 0:
		i := c.below(len(p.data)/8) * 8
		p.data = slices.Clone(p.data)
		binary.LittleEndian.PutUint64(p.data[i:], c.number())
	default:
		p.data = slices.Clone(p.data)
		p.data[c.below(len(p.data))] = byte(c.byte())
	}
}
