package gbdt

import "encoding/binary"

// lanes are the packed histograms of a group of features: 64 kB, which a core keeps near while the rows pass by.
type lanes [groupWidth][maxBins]int64

// gathered is the number of rows that are fetched before they are added. The fetches of so many rows wait for memory together; were each row added at once,
// only a few would, as the additions fill the processor's window.
const gathered = 64

// addGo adds rows of a group of width features (of which bins has stride bytes a row, a multiple of 8) to the lanes. Lanes up to the next multiple of 8 are changed.
func (l *lanes) addGo(bins []uint8, stride, width int, rows []int32, values []int64) {
	words := (width + 7) / 8
	var fetched [gathered]struct {
		words [groupWidth / 8]uint64
		value int64
	}
	for len(rows) > 0 {
		n := min(gathered, len(rows))
		for i, r := range rows[:n] {
			f := &fetched[i%gathered]
			f.value = values[r]
			row := bins[int(r)*stride:][:8*words]
			for k := range f.words[:words] {
				f.words[k] = binary.LittleEndian.Uint64(row[8*k:])
			}
		}
		rows = rows[n:]
		for k := range words {
			l := (*[8][maxBins]int64)(l[8*k:])
			for i := range fetched[:n] {
				a, v := fetched[i].words[k], fetched[i].value
				l[0][uint8(a)] += v
				l[1][uint8(a>>8)] += v
				l[2][uint8(a>>16)] += v
				l[3][uint8(a>>24)] += v
				l[4][uint8(a>>32)] += v
				l[5][uint8(a>>40)] += v
				l[6][uint8(a>>48)] += v
				l[7][a>>56] += v
			}
		}
	}
}

// clear makes the lanes of so many features, which were added to, zero again.
func (l *lanes) clear(width int) { clear(l[:(width+7)&^7]) }
