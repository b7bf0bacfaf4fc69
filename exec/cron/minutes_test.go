package cron

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestMinutes(t *testing.T) {
	day := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		after []int // seconds after noon at which the clock is read, beginning at 0
		want  string
	}{
		{"first look evaluates nothing", nil, ""},
		{"same minute", []int{59}, ""},
		{"each minute", []int{60, 119, 120}, "+1fw +2fw"},
		{"small gap", []int{5*60 + 3}, "+1fw +2fw +3fw +4fw +5fw"},
		{"medium gap", []int{8 * 60}, "+1f +2f +3f +4f +5f +6f +7f +8fw"},
		{"large gap", []int{181 * 60}, "+181fw"},
		{"small step back waits", []int{600, 420, 599, 660}, "+1f +2f +3f +4f +5f +6f +7f +8f +9f +10fw +11fw"},
		{"medium step back: no fixed job twice", []int{60, 120, -600, -540, 60, 120, 180}, "+1fw +2fw -10w -9w +1fw! +2w +3fw"},
		{"large step back", []int{60, -4 * 3600, -4*3600 + 60}, "+1fw -240fw -239fw"},
	} {
		var m minutes
		m.advance(day)
		var got []string
		for _, s := range c.after {
			due, _ := m.advance(day.Add(time.Duration(s) * time.Second))
			for _, d := range due {
				got = append(got, fmt.Sprintf("%+d", int(d.at.Sub(day)/time.Minute))+map[bool]string{true: "f"}[d.fixed]+map[bool]string{true: "w"}[d.wild])
			}
		}
		// The medium step back ends with a forward gap of ten minutes, in which nothing is made up before the old time.
		want := strings.ReplaceAll(c.want, "-9w +1fw!", "-9w -8 -7 -6 -5 -4 -3 -2 -1 +0 +1w")
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, g, want)
		}
	}
}
