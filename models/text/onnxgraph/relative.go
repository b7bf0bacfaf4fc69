package onnxgraph

import "math"

// farthest is MPNet's max_distance: all distances beyond it are one.
const farthest = 128

// maxBuckets is how many there may be: a quarter of them are for distances of one each, and the formula for the others takes these to be less than farthest.
const maxBuckets = 4*farthest - 1

// distances is MPNet's bias of attention, [heads, sequence, sequence]: a number for each head by how far, in buckets, a token is from another. The table here is by
// the distance itself, from -(positions - 1) to positions - 1, so that the graph needs no logarithms.
func (b *builder) distances(c *config) string {
	name := b.prefix + "encoder.relative_attention_bias.weight"
	from := b.find(name, c.buckets, c.heads)
	if b.err != nil { // the table would be of a size that nothing has confirmed
		return ""
	}
	byBucket := make([]float32, c.buckets*c.heads)
	if err := from.Read(byBucket, 0); err != nil {
		b.fail("%s: %w", name, err)
		return ""
	}
	width := 2*c.positions - 1
	table := make([]float32, c.heads*width)
	for i := range width {
		at := bucket(i-(c.positions-1), c.buckets)
		for h := range c.heads {
			table[h*width+i] = byBucket[at*c.heads+h]
		}
	}
	b.weight(weight{name: name, shape: []int{c.heads, width}, values: table})
	row := b.op("Range", []string{b.int(0), b.op("Squeeze", []string{b.length(), b.ints(0)}), b.int(1)})
	distance := b.op("Sub", []string{b.op("Unsqueeze", []string{row, b.ints(0)}), b.op("Unsqueeze", []string{row, b.ints(1)})})
	return b.op("Gather", []string{name, b.op("Add", []string{distance, b.int(int64(c.positions - 1))})}, intAttribute("axis", 1))
}

// bucket is where a distance belongs, with the float32 arithmetic of MPNetEncoder.relative_position_bucket: half of the buckets are for what lies
// before, half for what follows; a half of those for near ones, one each, and the others for ranges that grow.
func bucket(distance, buckets int) int {
	buckets /= 2
	first := 0
	if distance > 0 {
		first = buckets
	} else {
		distance = -distance
	}
	near := buckets / 2
	if distance < near {
		return first + distance
	}
	log := float32(math.Log(float64(float32(distance) / float32(near))))
	far := near + int(log/float32(math.Log(farthest/float64(near)))*float32(buckets-near))
	return first + min(far, buckets-1)
}
