package rest

import (
	"net/http"
	"strconv"
	"strings"
)

// page is the part of the rows that a request wants.
type page struct {
	offset int64
	limit  int64 // -1: all
}

// mostRows is beyond every result, and small enough to be added to itself.
const mostRows = 1 << 60

// parsePage reads limit and offset, and a GET's Range header, of which the overlap counts. Numbers that aren't numbers count
// as not given.
func parsePage(method string, h http.Header, limit, offset string) (page, error) {
	p := page{limit: -1}
	if n, err := strconv.ParseInt(offset, 10, 64); err == nil {
		p.offset = min(max(n, 0), mostRows)
	}
	if n, err := strconv.ParseInt(limit, 10, 64); err == nil {
		if n < 0 {
			return p, badRange("Limit should be greater than or equal to zero.")
		}
		p.limit = min(n, mostRows)
	}
	if method != http.MethodGet {
		return p, nil
	}
	from, to, ok := parseRange(h.Get("Range"))
	if !ok {
		return p, nil
	}
	if to >= 0 && from > to {
		return p, badRange("The lower boundary must be lower than or equal to the upper boundary in the Range header.")
	}
	return p.overlap(from, to), nil
}

// parseRange reads "from-to", or "from-" where to is then -1.
func parseRange(value string) (from, to int64, ok bool) {
	a, b, ok := strings.Cut(value, "-")
	if !ok {
		return 0, 0, false
	}
	from, err := strconv.ParseInt(a, 10, 64)
	if err != nil || from < 0 || from > mostRows {
		return 0, 0, false
	}
	if b == "" {
		return from, -1, true
	}
	to, err = strconv.ParseInt(b, 10, 64)
	return from, to, err == nil && to >= 0 && to <= mostRows
}

// overlap narrows the page to the rows from..to (-1: the last).
func (p page) overlap(from, to int64) page {
	end := int64(-1) // first row that is not wanted; -1: none
	if p.limit >= 0 {
		end = p.offset + p.limit
	}
	if to >= 0 && (end < 0 || to+1 < end) {
		end = to + 1
	}
	p.offset = max(p.offset, from)
	p.limit = -1
	if end >= 0 {
		p.limit = max(end-p.offset, 0)
	}
	return p
}

// contentRange is the header of that name and the status for a page of so many rows; total is -1 when it is not known.
func (p page) contentRange(rows, total int64) (value string, status int) {
	first, last := p.offset, p.offset+rows-1
	value = "*"
	if rows > 0 && total != 0 {
		value = strconv.FormatInt(first, 10) + "-" + strconv.FormatInt(last, 10)
	}
	if total < 0 {
		return value + "/*", http.StatusOK
	}
	value += "/" + strconv.FormatInt(total, 10)
	switch {
	case first > total:
		status = http.StatusRequestedRangeNotSatisfiable
	case last-first+1 < total:
		status = http.StatusPartialContent
	default:
		status = http.StatusOK
	}
	return value, status
}
