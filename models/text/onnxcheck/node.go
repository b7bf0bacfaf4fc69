package onnxcheck

import (
	"errors"
	"fmt"
	"slices"
)

// Limits of a node.
const (
	maxInputs     = 4096
	maxOutputs    = 1024
	maxAttributes = 64
	maxList       = 1 << 20 // numbers in a list
)

// node is what is known of a NodeProto.
type node struct {
	op, domain string
	inputs     []string
	outputs    []string
	value      []int64 // of a Constant that is a shape
}

// node checks a NodeProto.
func (c *checker) node(s span, in *scope) error {
	if c.nodes++; c.nodes > maxNodes {
		return fmt.Errorf("it has more than %d nodes", maxNodes)
	}
	var n node
	attributes := map[string]bool{}
	var graphs []span
	m := c.message(s)
	name := func(f field, to *string) (err error) {
		*to, err = m.text(f)
		return errors.Join(err, m.once(f))
	}
	list := func(f field, to *[]string, limit int) error {
		text, err := m.text(f)
		if *to = append(*to, text); len(*to) > limit {
			return fmt.Errorf("a node has more than %d inputs or outputs", limit)
		}
		return err
	}
	var label string
	err := m.each(func(f field) error {
		switch f.number {
		case 1:
			return list(f, &n.inputs, maxInputs)
		case 2:
			return list(f, &n.outputs, maxOutputs)
		case 3:
			return name(f, &label)
		case 4:
			return name(f, &n.op)
		case 7:
			return name(f, &n.domain)
		case 8: // which of several functions
			return &UnsupportedError{What: "functions of its own"}
		case 5:
			if err := f.want(chunk); err != nil {
				return err
			}
			a, err := c.attribute(f.span, &n)
			if err != nil {
				return err
			}
			if attributes[a.name] || len(attributes) == maxAttributes {
				return fmt.Errorf("operator %.60s has the attribute %.60q twice, or too many", n.op, a.name)
			}
			attributes[a.name] = true
			graphs = append(graphs, a.graphs...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := n.known(); err != nil {
		return err
	}
	for _, g := range graphs {
		if n.op != "If" {
			return fmt.Errorf("operator %.60s has a graph", n.op)
		}
		if err := c.graph(g, in); err != nil {
			return err
		}
	}
	if n.op == "Constant" && n.value != nil && len(n.outputs) == 1 {
		in.shapes[n.outputs[0]] = n.value
	}
	if makes[n.op] != nil {
		if len(in.makes) == maxNodes {
			return errors.New("it has too many nodes")
		}
		in.makes = append(in.makes, maker{n.op, n.inputs})
	}
	return nil
}

// attribute is what is known of an AttributeProto.
type attribute struct {
	name   string
	graphs []span
}

// holds are the fields of an AttributeProto with its value, and the type that each goes with.
var holds = map[int]uint64{2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 8: 7, 9: 8, 10: 9, 11: 10}

// attribute checks an AttributeProto.
func (c *checker) attribute(s span, n *node) (a attribute, err error) {
	kind, where, count := uint64(0), 0, 0
	whole := int64(0)
	var value []int64
	m := c.message(s)
	err = m.each(func(f field) (err error) {
		if holds[f.number] != 0 {
			if where != 0 && where != f.number {
				return errors.New("an attribute has two values")
			}
			if where = f.number; count == maxList {
				return errors.New("an attribute has too many values")
			}
			count++
		}
		switch f.number {
		case 1:
			a.name, err = m.text(f)
			return errors.Join(err, m.once(f))
		case 20:
			kind = f.value
			return errors.Join(f.want(varint), m.once(f))
		case 2:
			return errors.Join(f.want(fixed32), m.once(f))
		case 3:
			whole = int64(f.value)
			return errors.Join(f.want(varint), m.once(f))
		case 4:
			return errors.Join(f.want(chunk), m.once(f))
		case 5, 10:
			if err := f.want(chunk); err != nil {
				return err
			}
			if f.number == 5 {
				err = m.once(f)
			}
			t, bad := c.tensor(f.span, false)
			value = t.shape
			return errors.Join(err, bad)
		case 6, 11:
			if f.number == 6 {
				err = m.once(f)
			}
			a.graphs = append(a.graphs, f.span)
			return errors.Join(f.want(chunk), err)
		case 7:
			if f.kind != fixed32 && (f.kind != chunk || f.len()%4 != 0 || f.len() > 4*maxList) {
				return errors.New("an attribute's numbers are cut")
			}
		case 8:
			value, err = c.numbers(f, value, maxList)
			return err
		case 9:
			return f.want(chunk)
		case 21:
			return &UnsupportedError{What: "functions of its own"}
		case 14, 15, 22, 23:
			return &UnsupportedError{What: "an attribute that is a type or a sparse tensor"}
		}
		return nil
	})
	switch {
	case err != nil:
		return a, err
	case a.name == "":
		return a, errors.New("an attribute has no name")
	case len(a.graphs) > 1:
		return a, &UnsupportedError{What: "an attribute of several graphs"}
	case where != 0 && kind != 0 && kind != holds[where], kind > 10:
		return a, fmt.Errorf("attribute %.60q is not of its type", a.name)
	}
	switch {
	case where == 3:
		if err := plausible(a.name, whole); err != nil {
			return a, err
		}
		if a.name == "value_int" {
			n.value = []int64{whole}
		}
	case where == 8 && places[a.name] && slices.ContainsFunc(value, func(v int64) bool { return v < -maxRank || v > maxRank }):
		return a, fmt.Errorf("attribute %s is %v", a.name, value[:min(len(value), 8)])
	case where == 8 && lengths[a.name] && slices.ContainsFunc(value, func(v int64) bool { return v < 1 || v > maxCount }):
		return a, fmt.Errorf("attribute %s is %v", a.name, value[:min(len(value), 8)])
	case where == 5 && a.name == "value", where == 8 && a.name == "value_ints" && len(value) <= maxShape:
		n.value = value
	}
	return a, nil
}

// counts are attributes that say how many of something there are, and lengths those that are lists of such: operators divide by them. A num_heads of zero may be what is not said. places are lists of
// dimensions.
var (
	places  = map[string]bool{"axes": true, "perm": true}
	counts  = map[string]bool{"num_heads": true, "kv_num_heads": true, "q_num_heads": true, "group": true, "num_groups": true, "block_size": true, "bits": true, "K": true, "N": true, "num_outputs": true}
	lengths = map[string]bool{"strides": true, "dilations": true, "kernel_shape": true}
)

// maxCount is more than any of them is.
const maxCount = 1 << 24

// plausible refuses a number that the runtime would cut to 32 bits, a count of nothing, and a dimension that no tensor has.
func plausible(name string, v int64) error {
	bad := v != int64(int32(v)) && name != "value_int"
	switch {
	case counts[name]:
		bad = v < 0 || v > maxCount || v == 0 && name != "num_heads"
	case name == "axis":
		bad = v < -maxRank || v > maxRank
	case name == "batch_dims":
		bad = v < 0 || v > maxRank
	}
	if bad {
		return fmt.Errorf("attribute %.60q is %d", name, v)
	}
	return nil
}
