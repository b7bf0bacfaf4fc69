package gbdt

import "github.com/pgowl/pgowl/models/learn"

// drawHeldRows draws the rows for early stopping by the seed, whole queries where there are any. Both parts have a row at least, unless there is only one.
func drawHeldRows(rows int, queries []int32, share float64, seed uint64) heldRows {
	if queries != nil {
		return drawHeldQueries(queries, share, seed)
	}
	if rows < 2 {
		return nil
	}
	h := make(heldRows, rows)
	n := 0
	for r := range h {
		h[r] = unit(draw(seed, drawHeld, uint64(r))) < share
		if h[r] {
			n++
		}
	}
	switch n {
	case 0:
		h[draw(seed, drawHeld)%uint64(rows)] = true
	case rows:
		h[draw(seed, drawHeld)%uint64(rows)] = false
	}
	return h
}

// drawHeldQueries holds the rows of whole queries: one of them at least, and not all of them, unless there is only one.
func drawHeldQueries(queries []int32, share float64, seed uint64) heldRows {
	first, some, all := queries[0], false, true
	picked := func(q int32) bool { return unit(draw(seed, drawHeld, uint64(q))) < share }
	several := false
	for _, q := range queries {
		several = several || q != first
		some = some || picked(q)
		all = all && picked(q)
	}
	if !several {
		return nil
	}
	h := make(heldRows, len(queries))
	for r, q := range queries {
		switch {
		case !some:
			h[r] = q == first
		case all:
			h[r] = q != first
		default:
			h[r] = picked(q)
		}
	}
	return h
}

// mostWatched is the number of training rows that the metrics for learn.Progress are taken from, and watchedValues that of their predictions.
const (
	mostWatched   = 1 << 14
	watchedValues = 1 << 20
)

// watchedRows are those that the metrics are taken from: what is held, else some of the training rows, and whole queries where a metric looks at them.
func (p *params) watchedRows(d *learn.Dataset, pl plan, held heldRows) ([]int32, error) {
	var rows []int32
	most := min(d.Rows, mostWatched, max(1, watchedValues/pl.groups))
	switch {
	case held != nil:
		for r := range d.Rows {
			if held[r] {
				rows = append(rows, int32(r))
			}
		}
	case p.looksAtLists(pl):
		all, err := newLists(d, func(int) bool { return true })
		if err != nil {
			return nil, err
		}
		for q := 0; q < len(all.rows); q += (d.Rows + most - 1) / most {
			rows = append(rows, all.rows[q]...)
		}
	default:
		for i := range most {
			rows = append(rows, int32(i*d.Rows/most))
		}
	}
	return rows, nil
}
