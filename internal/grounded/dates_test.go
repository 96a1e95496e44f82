package grounded

import (
	"testing"
	"time"
)

// Tuesday, 24 November 2026, three in the afternoon.
var tuesday = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

func TestDaysAsPeopleSayThem(t *testing.T) {
	for said, want := range map[string]string{
		"tomorrow": "2026-11-25", "the day after tomorrow please": "2026-11-26", "on friday": "2026-11-27", "this sunday": "2026-11-29",
		"next monday": "2026-11-30", "monday next week": "2026-11-30", "thursday next week": "2026-12-03", "in two weeks": "2026-12-08",
		"december third": "2026-12-03", "the third of december": "2026-12-03", "on the twenty first": "2026-12-21", "January 2nd": "2027-01-02",
		"may the fourth": "2027-05-04", "yesterday": "2026-11-23", "two days ago": "2026-11-22", "last friday": "2026-11-20", "2026-12-24": "2026-12-24",
	} {
		u := hear(said)
		if d, ok := findDate(u.raw, u.plain, tuesday); !ok || d.Format("2006-01-02") != want {
			t.Errorf("%q is %v (%v), want %s", said, d.Format("2006-01-02"), ok, want)
		}
	}
	for _, said := range []string{"maybe", "I may come", "february thirtieth", "a second please", "my number is 555 0199"} {
		u := hear(said)
		if d, ok := findDate(u.raw, u.plain, tuesday); ok {
			t.Errorf("%q is taken for the day %v", said, d)
		}
	}
}

func TestBirthdaysLieBehind(t *testing.T) {
	for said, want := range map[string]string{
		"march fourth nineteen eighty two": "1982-03-04", "the first of may nineteen ninety": "1990-05-01", "february 2 2021": "2021-02-02",
		"june third two thousand and five": "2005-06-03", "july eighth twenty oh four": "2004-07-08",
	} {
		if d, ok := findBirth(hear(said).plain, tuesday); !ok || d.Format("2006-01-02") != want {
			t.Errorf("%q is %v (%v), want %s", said, d.Format("2006-01-02"), ok, want)
		}
	}
}

func TestTimesAsPeopleSayThem(t *testing.T) {
	evening, day := hours{17 * 60, 22 * 60}, hours{9 * 60, 18 * 60}
	for _, c := range []struct {
		said string
		open hours
		want string
	}{
		{"seven thirty", evening, "19:30"}, {"at eight", evening, "20:00"}, {"at nine", day, "09:00"}, {"half past nine", day, "09:30"},
		{"quarter to six", evening, "17:45"}, {"3 p.m.", day, "15:00"}, {"three pm", day, "15:00"}, {"10:15", day, "10:15"},
		{"noon", day, "12:00"}, {"around ten in the morning", day, "10:00"}, {"eight o'clock in the evening", day, "20:00"}, {"19:30", day, "19:30"},
	} {
		got, ok := findTime(hear(c.said).ws, true, c.open)
		if !ok || got.canon() != c.want {
			t.Errorf("%q is %s (%v), want %s", c.said, got.canon(), ok, c.want)
		}
	}
	for _, said := range []string{"for two people", "twelve dollars", "my name is seven"} {
		if got, ok := findTime(hear(said).ws, false, day); ok {
			t.Errorf("%q is taken for the time %s", said, got.canon())
		}
	}
}
