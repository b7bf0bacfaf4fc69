package onnxgraph

import (
	"fmt"
	"math"
)

// The graph's inputs and outputs have the names that exporters give them.
const (
	inputIDs     = "input_ids"
	inputMask    = "attention_mask"
	inputTypes   = "token_type_ids"
	outputTokens = "last_hidden_state"
	outputScores = "logits"
)

// encoder builds the graph up to the vectors of the tokens.
func (b *builder) encoder(c *config) string {
	x := b.embeddings(c)
	bias := b.mask()
	if c.relative {
		bias = b.op("Add", []string{b.distances(c), bias})
	}
	for i := range c.layers {
		output := ""
		if i == c.layers-1 && !c.classifier {
			output = outputTokens
		}
		x = b.layer(c, b.prefix+fmt.Sprintf(c.stem, i), x, bias, output)
	}
	return x
}

// mask is what is added to the scores of attention, [batch, 1, 1, sequence]: nothing for tokens, and the least number for padding, as in transformers' eager attention.
func (b *builder) mask() string {
	mask := b.op("Unsqueeze", []string{b.op("Unsqueeze", []string{inputMask, b.ints(1)}), b.ints(2)})
	mask = b.op("Cast", []string{mask}, intAttribute("to", typeFloat))
	return b.op("Mul", []string{b.op("Sub", []string{b.float(1), mask}), b.float(-math.MaxFloat32)})
}

// embeddings are the sums of what stands for each token, its type and its position, normed.
func (b *builder) embeddings(c *config) string {
	name := b.prefix + "embeddings."
	x := b.op("Gather", []string{b.tensor(name+"word_embeddings.weight", c.vocabulary, c.embedding), inputIDs})
	if c.types > 0 {
		types := b.tensor(name+"token_type_embeddings.weight", c.types, c.embedding)
		if c.types == 1 { // one for all: there is nothing to look up
			x = b.op("Add", []string{x, b.op("Squeeze", []string{types, b.ints(0)})})
		} else {
			x = b.op("Add", []string{x, b.op("Gather", []string{types, inputTypes})})
		}
	}
	positions := b.tensor(name+"position_embeddings.weight", c.positions, c.embedding)
	if c.behindPadding {
		positions = b.op("Gather", []string{positions, b.positions(c)})
	} else {
		positions = b.op("Slice", []string{positions, b.ints(0), b.length(), b.ints(0)})
	}
	x = b.op("Add", []string{x, positions})
	// What no tool can infer, since the positions are cut to a length that is known at run time only.
	b.values = append(b.values, value(x, typeFloat, "batch", "sequence", c.embedding))
	x = b.norm("", x, name+"LayerNorm", c.embedding, c.epsilon)
	if c.embedding != c.hidden {
		x = b.linear(x, b.prefix+"embeddings_project", c.embedding, c.hidden)
	}
	return x
}

// length is the number of tokens in a row, [1].
func (b *builder) length() string {
	return b.op("Slice", []string{b.op("Shape", []string{inputIDs}), b.ints(1), b.ints(2), b.ints(0)})
}

// positions counts the tokens that are no padding, from behind the padding's id on; padding has that id (create_position_ids_from_input_ids). What is padding
// is told by the ids, not by the mask.
func (b *builder) positions(c *config) string {
	real := b.op("Not", []string{b.op("Equal", []string{inputIDs, b.int(int64(c.pad))})})
	real = b.op("Cast", []string{real}, intAttribute("to", typeInt64))
	counted := b.op("Mul", []string{b.op("CumSum", []string{real, b.int(1)}), real})
	return b.op("Add", []string{counted, b.int(int64(c.pad))})
}

// layer is attention and the feed-forward part, each with what came before added, and normed.
func (b *builder) layer(c *config, name, x, bias, output string) string {
	heads := b.ints(0, 0, int64(c.heads), int64(c.hidden/c.heads))
	side := func(layer string, order ...int64) string {
		y := b.op("Reshape", []string{b.linear(x, name+layer, c.hidden, c.hidden), heads})
		return b.op("Transpose", []string{y}, intsAttribute("perm", order...))
	}
	query := side(c.layer.query, 0, 2, 1, 3)
	key := side(c.layer.key, 0, 2, 3, 1)
	scores := b.op("Div", []string{b.op("MatMul", []string{query, key}), b.float(float32(math.Sqrt(float64(c.hidden / c.heads))))})
	scores = b.op("Softmax", []string{b.op("Add", []string{scores, bias})}, intAttribute("axis", -1))
	y := b.op("MatMul", []string{scores, side(c.layer.value, 0, 2, 1, 3)})
	y = b.op("Reshape", []string{b.op("Transpose", []string{y}, intsAttribute("perm", 0, 2, 1, 3)), b.ints(0, 0, int64(c.hidden))})
	y = b.linear(y, name+c.layer.output, c.hidden, c.hidden)
	x = b.norm("", b.op("Add", []string{y, x}), name+c.layer.attentionNorm, c.hidden, c.epsilon)
	y = activations[c.activation](b, b.linear(x, name+c.layer.up, c.hidden, c.inner))
	y = b.linear(y, name+c.layer.down, c.inner, c.hidden)
	return b.norm(output, b.op("Add", []string{y, x}), name+c.layer.norm, c.hidden, c.epsilon)
}

// classify gives the scores of texts, by the vectors of their first tokens.
func (b *builder) classify(c *config, x string, labels int) {
	h := c.head
	x = b.op("Gather", []string{x, b.int(0)}, intAttribute("axis", 1))
	outside := b.outside(c)
	dense := outside + h.dense
	if h.inBase {
		dense = b.prefix + h.dense
	}
	x = activations[h.activation](b, b.linear(x, dense, c.hidden, c.hidden))
	from := b.find(outside+h.output+".weight", labels, c.hidden)
	w := b.weight(weight{name: outside + h.output + ".weight", shape: []int{c.hidden, labels}, from: from, transpose: true})
	b.named(outputScores, "Add", []string{b.op("MatMul", []string{x, w}), b.tensor(outside+h.output+".bias", labels)})
}
