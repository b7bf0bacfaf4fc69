package rest

import (
	"net/http"
	"strconv"
	"strings"
)

// preferences are what a request's Prefer headers say; the first one of a kind wins.
type preferences struct {
	count       string // exact, planned, estimated; empty: none
	tx          string // commit, rollback; empty where the server doesn't allow a choice
	handling    string // strict, lenient
	timezone    string
	maxAffected int64 // -1: no limit
	invalid     []string
}

// known are the preferences with a fixed set of values.
var known = map[string][]string{
	"return":     {"minimal", "headers-only", "representation"},
	"count":      {"exact", "planned", "estimated"},
	"resolution": {"merge-duplicates", "ignore-duplicates"},
	"missing":    {"default", "null"},
	"tx":         {"commit", "rollback"},
	"handling":   {"strict", "lenient"},
}

func parsePreferences(h http.Header, end TxEnd) preferences {
	p := preferences{maxAffected: -1}
	seen := map[string]string{}
	for _, line := range h.Values("Prefer") {
		for _, item := range strings.Split(line, ",") {
			if item = strings.TrimSpace(item); item != "" {
				p.add(seen, item)
			}
		}
	}
	p.count, p.handling, p.timezone = seen["count"], seen["handling"], seen["timezone"]
	if end == CommitOverride || end == RollbackOverride {
		p.tx = seen["tx"]
	}
	if n, err := strconv.ParseInt(seen["max-affected"], 10, 64); err == nil {
		p.maxAffected = n
	}
	return p
}

func (p *preferences) add(seen map[string]string, item string) {
	kind, value, _ := strings.Cut(item, "=")
	ok := kind == "timezone"
	if kind == "max-affected" {
		n, err := strconv.ParseInt(value, 10, 64)
		ok = err == nil && n >= 0
	}
	for _, v := range known[kind] {
		ok = ok || v == value
	}
	if !ok {
		p.invalid = append(p.invalid, item)
		return
	}
	if _, again := seen[kind]; !again {
		seen[kind] = value
	}
}

// check refuses what strict handling refuses.
func (p *preferences) check() error {
	if p.handling == "strict" && len(p.invalid) > 0 {
		return &fault{status: http.StatusBadRequest, code: "PGRST122", message: "Invalid preferences given with handling=strict",
			details: "Invalid preferences: " + strings.Join(p.invalid, ", ")}
	}
	if p.count == "planned" || p.count == "estimated" {
		return missing("Prefer: count=" + p.count)
	}
	return nil
}

// limit is the greatest number of rows that a call may affect; -1: any.
func (p *preferences) limit() int64 {
	if p.handling != "strict" {
		return -1
	}
	return p.maxAffected
}

// rollsBack says whether the transaction of a request that succeeds leaves nothing behind.
func (p *preferences) rollsBack(end TxEnd) bool {
	switch p.tx {
	case "commit":
		return false
	case "rollback":
		return true
	}
	return end == Rollback || end == RollbackOverride
}

// applied is the Preference-Applied header of a call; empty: none.
func (p *preferences) applied() string {
	var out []string
	add := func(kind, value string) {
		if value != "" {
			out = append(out, kind+"="+value)
		}
	}
	add("count", p.count)
	add("tx", p.tx)
	add("handling", p.handling)
	add("timezone", p.timezone)
	if n := p.limit(); n >= 0 {
		add("max-affected", strconv.FormatInt(n, 10))
	}
	return strings.Join(out, ", ")
}
