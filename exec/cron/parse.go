package cron

import (
	"errors"
	"strings"
	"time"
)

// ErrSchedule says that a text is no schedule.
var ErrSchedule = errors.New("invalid schedule")

// maxSchedule is pg_cron's buffer: longer texts are refused.
const maxSchedule = 1000

// ParseSchedule reads a schedule as pg_cron does: five fields (minute, hour, day of month, month, day of week) of
// lists, ranges, steps and names, with $ for a month's last day; @hourly and the like; or "N seconds". The error is
// ErrSchedule. It differs from pg_cron where that is surely a slip: @yearly is due on January 1st, a range that
// ends below its beginning goes round the end (22-2, fri-sun), junk glued to a field and numbers beyond 32 bits are refused.
// The catalog's pgowl.cron_schedule_ok accepts the same texts.
func ParseSchedule(text string) (Schedule, error) {
	if len(text) >= maxSchedule {
		return Schedule{}, ErrSchedule
	}
	if s, ok := parseEntry(skipComments(text)); ok {
		return s, nil
	}
	if s, ok := parseInterval(text); ok {
		return s, nil
	}
	return Schedule{}, ErrSchedule
}

// skipComments drops empty lines and comment lines before the entry, and blanks at its beginning, as for a crontab.
func skipComments(text string) string {
	for {
		text = strings.TrimLeft(text, " \t")
		switch {
		case strings.HasPrefix(text, "\n"):
			text = text[1:]
		case strings.HasPrefix(text, "#"):
			_, rest, found := strings.Cut(text, "\n")
			if !found {
				return ""
			}
			text = rest
		default:
			return text
		}
	}
}

var named = map[string]string{
	"yearly": "0 0 1 1 *", "annually": "0 0 1 1 *", "monthly": "0 0 1 * *", "weekly": "0 0 * * 0",
	"daily": "0 0 * * *", "midnight": "0 0 * * *", "hourly": "0 * * * *",
}

var (
	months   = []string{"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

func parseEntry(text string) (s Schedule, ok bool) {
	if strings.HasPrefix(text, "@") {
		name, _ := token(text[1:])
		if name == "reboot" || name == "restart" {
			return Schedule{reboot: true}, true
		}
		entry, ok := named[name]
		if !ok {
			return Schedule{}, false
		}
		return parseEntry(entry)
	}
	// What follows the fifth field is ignored.
	var f [5]string
	for i := range f {
		f[i], text = token(text)
		rest := strings.TrimLeft(text, " \t")
		if i < 4 && rest == text {
			return Schedule{}, false
		}
		text = rest
	}
	if s.minute, ok = parseField(f[0], 0, 59, 60, nil); !ok {
		return Schedule{}, false
	}
	if s.hour, ok = parseField(f[1], 0, 23, 24, nil); !ok {
		return Schedule{}, false
	}
	if s.lastDom = f[2] == "$"; !s.lastDom {
		if s.dom, ok = parseField(f[2], 1, 31, 31, nil); !ok {
			return Schedule{}, false
		}
	}
	if s.month, ok = parseField(f[3], 1, 12, 12, months); !ok {
		return Schedule{}, false
	}
	if s.dow, ok = parseField(f[4], 0, 7, 7, weekdays); !ok {
		return Schedule{}, false
	}
	star := func(field string) bool { return strings.HasPrefix(field, "*") }
	s.anyMinute, s.anyHour, s.anyDom, s.anyDow = star(f[0]), star(f[1]), star(f[2]), star(f[4])
	return s, true
}

// token splits at the first blank or line end.
func token(text string) (word, rest string) {
	if i := strings.IndexAny(text, " \t\n\r"); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

// parseField reads a list of ranges with values low..high; size is the number of different values, which is less than
// high-low+1 for the days of the week (0 and 7).
func parseField(field string, low, high, size int, names []string) (set uint64, ok bool) {
	for _, part := range strings.Split(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		from, to, ranged := low, low+size-1, true
		if span != "*" {
			var a, b string
			if a, b, ranged = strings.Cut(span, "-"); !ranged {
				b = a
			}
			if from, ok = parseNumber(a, low, high, names); !ok {
				return 0, false
			}
			if to, ok = parseNumber(b, low, high, names); !ok {
				return 0, false
			}
		}
		step := 1
		if stepped {
			if step, ok = parseNumber(stepText, 1, high, nil); !ok || !ranged {
				return 0, false
			}
		}
		if from > to {
			to += size
		}
		for n := from; n <= to; n += step {
			set |= 1 << (low + (n-low)%size)
		}
	}
	return set, true
}

func parseNumber(text string, low, high int, names []string) (n int, ok bool) {
	if text == "" {
		return 0, false
	}
	for i := 0; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return parseName(text, low, high, names)
		}
		// Every bound is below 1000: no overflow, and leading zeros do not matter.
		n = min(n*10+int(text[i]-'0'), 1000)
	}
	return n, low <= n && n <= high
}

func parseName(text string, low, high int, names []string) (int, bool) {
	for n, name := range names {
		if len(text) == len(name) && asciiLower(text) == name {
			return n, low <= n && n <= high
		}
	}
	return 0, false
}

// parseInterval reads "N seconds", 1 to 59.
func parseInterval(text string) (Schedule, bool) {
	const space = " \t\n\r\f\v"
	text = asciiLower(strings.Trim(text, space))
	text, _ = strings.CutSuffix(text, "s")
	text, ok := strings.CutSuffix(text, "second")
	if !ok {
		return Schedule{}, false
	}
	n, ok := parseNumber(strings.TrimPrefix(strings.TrimRight(text, space), "+"), 1, 59, nil)
	return Schedule{every: time.Duration(n) * time.Second}, ok
}

// asciiLower leaves letters beyond ASCII alone: some of them fold to ASCII ones.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
