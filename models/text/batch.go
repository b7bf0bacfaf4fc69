package text

// A batch is one run of the model: texts of one call or of several, each padded to the length of the longest.
type batch struct {
	parts   []part
	rows    int
	tokens  int // without padding
	longest int
	cost    int  // as the queue's
	alone   bool // nothing else waits or runs: it may have all processors

	alive int    // calls that still want their texts; guarded by the queue
	stop  func() // ends the run, once it has begun; guarded by the queue
}

// part is the texts of one call in a batch.
type part struct {
	call  *call
	texts []int // indexes into the call's work
}

// fits says whether a text of n tokens can join: at most budget tokens, padding included, and padding at most a tenth, or what a run costs.
func (b *batch) fits(n, budget int) bool {
	if b.rows == 0 {
		return true // a text that is longer than the budget goes alone
	}
	longest := max(b.longest, n)
	padded := (b.rows + 1) * longest
	return padded <= budget && padded-b.tokens-n <= max(runCost, b.cost, (b.tokens+n)/10)
}

// take moves texts from the front of a call into the batch, the longest first, as long as they fit.
func (b *batch) take(c *call, budget int) {
	from := c.taken
	for c.taken < len(c.order) && (c.size <= 0 || c.taken-from < c.size) {
		n := c.work.lengths[c.order[c.taken]]
		if !b.fits(n, budget) {
			break
		}
		b.rows, b.tokens, b.longest = b.rows+1, b.tokens+n, max(b.longest, n)
		c.taken++
	}
	if c.taken > from {
		b.parts = append(b.parts, part{c, c.order[from:c.taken]})
		b.alive++
	}
}

// minBatch is the number of tokens below which work is not divided for the sake of more cores.
const minBatch = 64

// runCost is what the fixed cost of a run is worth in tokens, with MiniLM on a CPU: that much padding is always cheaper than another run.
const runCost = 12
