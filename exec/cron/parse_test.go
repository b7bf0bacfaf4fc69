package cron

import (
	"testing"
	"time"
)

func TestParseScheduleTable(t *testing.T) {
	for _, c := range schedules {
		if _, err := ParseSchedule(c.text); (err == nil) != c.ok {
			t.Errorf("%q: got %v, want ok = %v", c.text, err, c.ok)
		}
	}
}

func TestMatches(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		schedule, at string
		want         bool
	}{
		{"* * * * *", "2026-03-04 05:06", true},
		{"6 5 4 3 *", "2026-03-04 05:06", true},
		{"*/5 * * * *", "2026-03-04 05:06", false},
		{"1-59/5 * * * *", "2026-03-04 05:06", true},
		{"@yearly", "2026-01-01 00:00", true}, {"@yearly", "2026-02-01 00:00", false},
		{"@annually", "2026-01-01 00:00", true},
		{"@weekly", "2026-11-22 00:00", true}, {"@weekly", "2026-11-23 00:00", false},
		{"@monthly", "2026-11-01 00:00", true}, {"@hourly", "2026-11-23 07:00", true},
		// 2026-11-23 is a Monday. Both day fields: either; one of them with *: both.
		{"0 0 13 * mon", "2026-11-23 00:00", true}, {"0 0 13 * mon", "2026-11-13 00:00", true}, {"0 0 13 * mon", "2026-11-14 00:00", false},
		{"0 0 * * mon", "2026-11-24 00:00", false}, {"0 0 13 * *", "2026-11-23 00:00", false},
		{"0 0 */2 * mon", "2026-11-23 00:00", true}, {"0 0 */2 * mon", "2026-11-30 00:00", false},
		{"0 0 $ * *", "2028-02-29 00:00", true}, {"0 0 $ * *", "2028-02-28 00:00", false},
		{"0 0 $ * 1", "2026-11-30 00:00", true}, {"0 0 $ * 1", "2026-11-23 00:00", true}, {"0 0 $ * 1", "2026-11-24 00:00", false},
		{"0 0 * * 7", "2026-11-22 00:00", true}, {"0 0 * * 0", "2026-11-22 00:00", true}, {"0 0 * * 5-7", "2026-11-22 00:00", true},
		// Ranges that go round the end.
		{"0 22-2 * * *", "2026-11-22 01:00", true}, {"0 22-2 * * *", "2026-11-22 03:00", false},
		{"0 0 * * fri-sun", "2026-11-22 00:00", true}, {"0 0 * * fri-mon", "2026-11-23 00:00", true}, {"0 0 * * fri-sun", "2026-11-23 00:00", false},
		{"0 0 * * 7-2", "2026-11-23 00:00", true}, {"0 0 * * 7-2", "2026-11-25 00:00", false},
		{"0 0 1 nov-jan *", "2027-01-01 00:00", true}, {"0 0 1 nov-jan *", "2027-02-01 00:00", false},
		{"0 0 30-1 * *", "2026-11-30 00:00", true}, {"0 0 30-1 * *", "2026-12-02 00:00", false},
		{"5 seconds", "2026-11-22 01:00", false}, {"@reboot", "2026-11-22 01:00", false},
	} {
		s, err := ParseSchedule(c.schedule)
		if err != nil {
			t.Errorf("%q: %v", c.schedule, err)
			continue
		}
		at, _ := time.ParseInLocation("2006-01-02 15:04", c.at, berlin)
		if got := s.Matches(at, false); got != c.want {
			t.Errorf("%q at %s: got %v", c.schedule, c.at, got)
		}
	}
	s, _ := ParseSchedule("0 0 13 * mon")
	if s.Matches(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), true) {
		t.Error("bothDays has no effect")
	}
}

// A local time that does not exist is skipped, one that occurs twice is due twice.
func TestDaylightSaving(t *testing.T) {
	berlin, _ := time.LoadLocation("Europe/Berlin")
	s, _ := ParseSchedule("30 2 * * *")
	for day, want := range map[time.Time]int{
		time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC):  0,
		time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC): 2,
		time.Date(2026, 10, 26, 0, 0, 0, 0, time.UTC): 1,
	} {
		got := 0
		for m := day.Add(-2 * time.Hour); m.Before(day.Add(20 * time.Hour)); m = m.Add(time.Minute) {
			if s.Matches(m.In(berlin), false) {
				got++
			}
		}
		if got != want {
			t.Errorf("%s: due %d times, want %d", day.Format(time.DateOnly), got, want)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, c := range schedules {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(text)
		if err != nil {
			if s != (Schedule{}) {
				t.Errorf("%q: a schedule beside an error: %+v", text, s)
			}
			return
		}
		switch {
		case s.Reboot(), s.Interval() > 0:
			if s.Interval() > 59*time.Second || s.minute != 0 {
				t.Errorf("%q: %+v", text, s)
			}
		case s.minute == 0 || s.minute>>60 != 0, s.hour == 0 || s.hour>>24 != 0, s.month&1 != 0 || s.month == 0 || s.month>>13 != 0,
			s.dow == 0 || s.dow>>7 != 0, s.dom&1 != 0 || s.dom>>32 != 0, (s.dom == 0) != s.lastDom:
			t.Errorf("%q: a set is empty or out of bounds: %+v", text, s)
		}
	})
}
