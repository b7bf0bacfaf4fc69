package tokenize

import (
	"errors"
	"fmt"
)

// maxOverflow bounds the ids of all parts of one call: two texts that are both cut give every part of one with every part of the other.
const maxOverflow = 1 << 24

// portion is a text's tokens, or a special token, and what was cut off of it.
type portion struct {
	tokens []token
	over   [][]token
}

// truncate cuts the parts to a length in all, specials not counted, as the reference does.
func truncate(parts []portion, length int, o EncodeOptions) error {
	total := 0
	for _, p := range parts {
		total += len(p.tokens)
	}
	if total <= length {
		return nil
	}
	cutTo := func(i, n int) error { return parts[i].cut(n, o) }
	if length == 0 {
		for i := range parts {
			if err := cutTo(i, 0); err != nil {
				return err
			}
		}
		return nil
	}
	if o.Strategy == LongestFirst {
		if len(parts) == 1 {
			return cutTo(0, length)
		}
		n1, n2 := len(parts[0].tokens), len(parts[1].tokens)
		swap := n1 > n2
		if swap {
			n1, n2 = n2, n1
		}
		if n1 > length {
			n2 = n1
		} else {
			n2 = max(n1, length-n1)
		}
		if n1+n2 > length {
			n1 = length / 2
			n2 = n1 + length%2
		}
		if swap {
			n1, n2 = n2, n1
		}
		if err := cutTo(0, n1); err != nil {
			return err
		}
		return cutTo(1, n2)
	}
	i := 0
	if o.Strategy == OnlySecond {
		i = 1
	}
	if i >= len(parts) {
		return errors.New("tokenize: there is no second text to cut")
	}
	n := len(parts[i].tokens) - (total - length)
	if n <= 0 {
		return fmt.Errorf("tokenize: text %d is too short to cut the input to %d ids", i+1, o.MaxLength)
	}
	return cutTo(i, n)
}

// cut keeps n tokens, and as over the further parts of n tokens, each of which repeats the stride.
func (p *portion) cut(n int, o EncodeOptions) error {
	all := p.tokens
	if n >= len(all) {
		return nil
	}
	if n == 0 {
		p.tokens, p.over = nil, [][]token{all}
		return nil
	}
	if o.Stride < 0 || o.Stride >= n {
		return fmt.Errorf("tokenize: a stride of %d with parts of %d ids", o.Stride, n)
	}
	if !o.Overflow {
		if o.Left {
			p.tokens = all[len(all)-n:]
		} else {
			p.tokens = all[:n]
		}
		return nil
	}
	step := n - o.Stride
	var parts [][]token
	if o.Left {
		for end := len(all); end > 0; end -= step {
			start := max(0, end-n)
			parts = append(parts, all[start:end])
			if start == 0 {
				break
			}
		}
	} else {
		for start := 0; ; start += step {
			end := min(start+n, len(all))
			parts = append(parts, all[start:end])
			if end == len(all) {
				break
			}
		}
	}
	if len(parts)*n > maxOverflow {
		return errors.New("tokenize: the text has too many parts")
	}
	p.tokens, p.over = parts[0], parts[1:]
	return nil
}

// merge puts the parts together. What was cut off of one goes with each of the others' parts, in the reference's order.
func merge(parts []portion) (portion, error) {
	var m portion
	count := 0
	join := func(a, b []token) []token {
		count += len(a) + len(b)
		return append(append(make([]token, 0, len(a)+len(b)), a...), b...)
	}
	for _, p := range parts {
		size := 0
		for _, o := range m.over {
			size += len(o) + len(p.tokens)
		}
		for _, o := range p.over {
			size += (len(m.over) + 1) * (len(o) + len(m.tokens))
		}
		if count+size > maxOverflow {
			return m, errors.New("tokenize: the texts have too many parts")
		}
		var over [][]token
		for _, o := range m.over {
			over = append(over, join(o, p.tokens))
			for _, other := range p.over {
				over = append(over, join(o, other))
			}
		}
		for _, other := range p.over {
			over = append(over, join(m.tokens, other))
		}
		m.tokens, m.over = append(m.tokens[:len(m.tokens):len(m.tokens)], p.tokens...), over
	}
	return m, nil
}
