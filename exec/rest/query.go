package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// pair is a key and value of a query string or form.
type pair struct{ key, value string }

// parsePairs splits a query string or form, in order. What is not an escape stands for itself; false: not UTF-8.
func parsePairs(s string) ([]pair, bool) {
	var pairs []pair
	for _, item := range strings.Split(s, "&") {
		if item == "" {
			continue
		}
		key, value, _ := strings.Cut(item, "=")
		p := pair{unescape(key), unescape(value)}
		if !utf8.ValidString(p.key) || !utf8.ValidString(p.value) {
			return nil, false
		}
		pairs = append(pairs, p)
	}
	return pairs, true
}

func unescape(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b.WriteByte(' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(hex(s[i+1])<<4 | hex(s[i+2]))
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func hex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// callQuery is the query string of a function call.
type callQuery struct {
	args    []pair   // what may be arguments, in order (GET)
	columns []string // nil: not given
	limit   string
	offset  string
}

// operator matches the values that filter rows instead of being arguments.
var operator = regexp.MustCompile(`^(not\.)?((eq|gte?|lte?|like|ilike|match|imatch)(\((any|all)\))?\.` +
	`|(neq|cs|cd|ov|sl|sr|nxr|nxl|adj|isdistinct)\.|in\.\(|(?i:is\.(null|not_null|true|false|unknown)$)` +
	`|(fts|plfts|phfts|wfts)(\([^)]*\))?\.)`)

// parseCallQuery reads the query string of a call. What selects, filters and orders the function's rows is refused, since it
// isn't built yet. Where the arguments are in the body (post), a key that isn't known has to be a filter.
func parseCallQuery(raw string, post bool) (callQuery, error) {
	var q callQuery
	pairs, ok := parsePairs(raw)
	if !ok {
		return q, &fault{status: http.StatusBadRequest, code: "PGRST100", message: "The query string is not valid UTF-8"}
	}
	for _, p := range pairs {
		switch last := p.key[strings.LastIndexByte(p.key, '.')+1:]; {
		case p.key == "select":
			if p.value != "*" {
				return q, missing("select on the rows of a function")
			}
		case p.key == "columns":
			q.columns = columnNames(p.value)
		case p.key == "on_conflict": // means nothing here
		case p.key == "limit":
			q.limit = p.value
		case p.key == "offset":
			q.offset = p.value
		case last == "order" || last == "and" || last == "or" || last == "limit" || last == "offset":
			return q, missing(last + " on the rows of a function")
		case operator.MatchString(p.value):
			return q, missing("a filter on the rows of a function")
		case post:
			return q, notFilter(p.value)
		default:
			q.args = append(q.args, p)
		}
	}
	return q, nil
}

// columnNames splits the value of columns=: names, quoted or not.
func columnNames(s string) []string {
	names := []string{}
	for _, n := range strings.Split(s, ",") {
		if n = strings.TrimSpace(n); len(n) >= 2 && n[0] == '"' && n[len(n)-1] == '"' {
			n = n[1 : len(n)-1]
		}
		if n != "" {
			names = append(names, n)
		}
	}
	return names
}

func notFilter(value string) *fault {
	found := "end of input"
	if r, n := utf8.DecodeRuneInString(value); n > 0 {
		found = `"` + string(r) + `"`
	}
	return &fault{status: http.StatusBadRequest, code: "PGRST100", message: fmt.Sprintf(`"failed to parse filter (%s)" (line 1, column 1)`, value),
		details: "unexpected " + found + ` expecting "not" or operator (eq, gt, ...)`}
}
