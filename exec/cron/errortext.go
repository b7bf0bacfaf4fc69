package cron

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/text/width"
)

// errorText is a server's error as libpq writes it by default (pqBuildErrorMessage3, fe-protocol3.c), which pg_cron stores: severity and
// message, the line of the query with a marker below, detail, hint, internal query and context, each line ended.
func errorText(e *pgconn.PgError, query string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:  %s", e.Severity, e.Message)
	position := e.Position
	if position == 0 {
		position, query = e.InternalPosition, e.InternalQuery
	}
	b.WriteByte('\n')
	if position > 0 && query != "" {
		b.WriteString(errorLine(query, int(position)))
	}
	for _, part := range []struct{ label, text string }{
		{"DETAIL", e.Detail}, {"HINT", e.Hint}, {"QUERY", e.InternalQuery}, {"CONTEXT", e.Where},
	} {
		if part.text != "" {
			fmt.Fprintf(&b, "%s:  %s\n", part.label, part.text)
		}
	}
	return b.String()
}

const (
	lineColumns = 60 // of the query's line are shown
	rightMargin = 10 // columns to keep to the right of the marker
)

// errorLine shows the query's line with its character number position (from 1) and a marker below, cut to lineColumns
// (reportErrorPosition in the same file).
func errorLine(query string, position int) string {
	text := []rune(query)
	loc := position - 1
	if loc > len(text) {
		return ""
	}
	line, begin, end := 1, 0, len(text)
	for i, r := range text {
		if r != '\r' && r != '\n' {
			continue
		}
		if i >= loc {
			end = i
			break
		}
		if r == '\r' || i == 0 || text[i-1] != '\r' {
			line++
		}
		begin = i + 1
	}
	column := make([]int, end+1) // on the screen, of each character
	for i, r := range text[:end] {
		if r == '\t' {
			text[i] = ' '
		}
		column[i+1] = column[i] + runeColumns(r)
	}
	loc = min(loc, end)
	var left, right string
	if column[end]-column[begin] > lineColumns {
		if column[begin]+lineColumns >= column[loc]+rightMargin {
			for column[end]-column[begin] > lineColumns {
				end--
			}
			right = "..."
		} else {
			for column[loc]+rightMargin < column[end] {
				end--
				right = "..."
			}
			for column[end]-column[begin] > lineColumns {
				begin++
				left = "..."
			}
		}
	}
	prefix := fmt.Sprintf("LINE %d: %s", line, left)
	marker := strings.Repeat(" ", len(prefix)+column[loc]-column[begin])
	return prefix + string(text[begin:end]) + right + "\n" + marker + "^\n"
}

// runeColumns is how wide a character stands in a terminal.
func runeColumns(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
