//go:build !amd64

package gbdt

func (l *lanes) add(bins []uint8, stride, width int, rows []int32, values []int64) {
	l.addGo(bins, stride, width, rows, values)
}
