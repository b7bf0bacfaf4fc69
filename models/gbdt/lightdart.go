package gbdt

import "math"

// lightDropout are the parameters of LightGBM's boosting dart.
type lightDropout struct {
	rate, skip float64
	most       int  // rounds that are dropped at a time, 0 or less is any number
	uniform    bool // all rounds are as likely to be dropped; else those of larger weight are more so
	xgboost    bool // xgboost_dart_mode: weights as XGBoost normalises them
}

// lightDart is boosting with dropout as LightGBM's DART does it: a round learns without some earlier ones, and then they share what they explain. What the margins
// begin with is part of the first round's trees, and is dropped with them.
type lightDart struct {
	lightDropout
	random  lightRandom
	eta     float64
	weights []float64 // by round, for choosing
	total   float64
	factors []float64 // by round, of its trees
	drop    []int
}

// choose draws the rounds to go without, and returns the learning rate of the new one.
func (d *lightDart) choose() (eta float64) {
	d.drop = d.drop[:0]
	if n := len(d.factors); d.random.float() >= d.skip && n > 0 {
		rate, most := d.rate, float64(d.most)
		inverse := float64(n) / d.total // of the mean weight
		switch {
		case d.most <= 0:
			most = math.Inf(1)
		case d.uniform:
			rate = min(rate, most/float64(n))
		default:
			rate = min(rate, most*inverse/d.total)
		}
		for i := range n {
			chance := rate
			if !d.uniform {
				chance *= d.weights[i] * inverse
			}
			if d.random.float() >= chance {
				continue
			}
			if d.drop = append(d.drop, i); float64(len(d.drop)) >= most {
				break
			}
		}
	}
	k := float64(len(d.drop))
	switch {
	case !d.xgboost:
		return d.eta / (1 + k)
	case k == 0:
		return d.eta
	}
	return d.eta / (d.eta + k)
}

// begin takes the rounds that are dropped out of the training margins.
func (d *lightDart) begin(c *course) {
	eta := d.choose()
	c.params.eta, c.t.params.eta = eta, eta
	for _, i := range d.drop {
		d.add(c, c.margins, i, -d.factors[i])
	}
}

// add adds the trees of a round to margins of the training rows.
func (d *lightDart) add(c *course, margins [][]float64, round int, factor float64) {
	for k := range c.groups {
		addTree(margins[k], &c.trees[round*c.groups+k], factor, c.t.data, c.t.crew)
	}
}

// end puts the dropped rounds back, with less weight where the round has grown trees, which come last.
func (d *lightDart) end(c *course, grown bool) {
	k := float64(len(d.drop))
	more := 1.0 // shares of the new round
	if d.xgboost {
		more = d.eta
	}
	for _, i := range d.drop {
		if grown {
			d.factors[i] *= k / (k + more)
		}
		d.add(c, c.margins, i, d.factors[i])
		if grown && !d.uniform {
			d.total -= d.weights[i] / (k + more) // also with xgboost_dart_mode, where the weight loses less
			d.weights[i] *= k / (k + more)
		}
	}
	if !grown {
		return
	}
	if len(d.factors) == 0 { // the first trees get what the margins began with
		for k := range c.groups {
			c.trees[k].adjust(1, c.begin[k])
			c.begin[k] = 0
		}
	}
	d.factors = append(d.factors, 1)
	if !d.uniform {
		d.weights = append(d.weights, c.params.eta)
		d.total += c.params.eta
	}
}

// weigh puts the weights of rounds into the leaves of their trees.
func (d *lightDart) weigh(c *course) {
	for i := range len(d.factors) * c.groups { // there are trees without where the first round could not split
		c.trees[i].adjust(d.factors[i/c.groups], 0)
	}
}
