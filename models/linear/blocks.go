package linear

const (
	// maxBlocks is the number of blocks that the rows of a large data set are taken in: enough for the cores, few enough for what each keeps.
	maxBlocks = 64
	blockRows = 512 // at least, but for the last
)

// blocks is a division of rows that depends on their number alone.
type blocks struct{ rows, count int }

func newBlocks(rows int) blocks {
	return blocks{rows, max(1, min(maxBlocks, rows/blockRows))}
}

func (b blocks) bounds(i int) (from, to int) {
	return int(int64(b.rows) * int64(i) / int64(b.count)), int(int64(b.rows) * int64(i+1) / int64(b.count))
}
