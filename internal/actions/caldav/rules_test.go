package caldav

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
)

// settings are those of a practice in Berlin, with changes.
func settings(change parley.Config) parley.Config {
	c := parley.Config{"calendar_url": "http://127.0.0.1:1/a/", "time_zone": "Europe/Berlin"}
	for k, v := range change {
		c[k] = v
	}
	e := new(CalDAV).Entry()
	return e.WithDefaults(c)
}

func mustRules(t *testing.T, change parley.Config) *rules {
	t.Helper()
	r, err := rulesOf(settings(change))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rules) must(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, r.zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestWhenAppointmentsMayBe(t *testing.T) {
	r := mustRules(t, parley.Config{"duration": 45.0, "notice": 120.0, "horizon": 10.0})
	now := r.must(t, "2026-11-25 10:00") // a Wednesday
	for _, c := range []struct{ at, want string }{
		{"2026-11-25 12:00", ""},
		{"2026-11-25 09:00", "passed"},
		{"2026-11-25 11:59", "too soon"},
		{"2026-11-27 09:00", ""},
		{"2026-11-27 08:59", "between 9 am and 5 pm"},
		{"2026-11-27 16:15", ""},
		{"2026-11-27 16:16", "between"},
		{"2026-11-28 10:00", "on a Saturday"},
		{"2026-12-04 10:00", ""},
		{"2026-12-07 10:00", "too far"},
	} {
		if got := r.against(now, r.must(t, c.at)); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.at, got, c.want)
		}
	}
}

func TestFreeTimesLieBetweenAppointments(t *testing.T) {
	r := mustRules(t, parley.Config{"duration": 60.0, "closes": "12:00"})
	now := r.must(t, "2026-11-27 08:30") // a Friday
	busy := []span{
		{start: r.must(t, "2026-11-27 10:59"), end: r.must(t, "2026-11-27 11:01")}, // both of the times that it touches
		{start: r.must(t, "2026-11-30 10:00"), end: r.must(t, "2026-11-30 11:00")},
	}
	got := stamps(r.free(now, now, 4, busy, 8))
	want := []string{"2026-11-30T09:00", "2026-11-30T11:00"} // 9:00 on Friday is too soon
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := r.list(r.free(now, now, 5, busy, 4)); got != "Monday, November 30, at 9 am and 11 am; Tuesday, December 1, at 9 am and 10 am" {
		t.Error(got)
	}
	if got := r.free(now, now, 30, nil, 2); len(got) != 2 {
		t.Errorf("%d times", len(got))
	}
}

func TestTimesThatClocksSkipAreNone(t *testing.T) {
	r := mustRules(t, parley.Config{"opens": "02:00", "closes": "04:00", "weekdays": []any{7.0}})
	now := r.must(t, "2026-03-28 12:00")
	if got := stamps(r.free(now, now, 2, nil, 9)); !slices.Equal(got, []string{"2026-03-29T03:00", "2026-03-29T03:30"}) {
		t.Error(got)
	}
	day, ok := r.day("2026-03-29")
	if _, exists := r.at(day, "02:30"); !ok || exists {
		t.Error("half past two is skipped on that day")
	}
}

func TestHowDaysAndTimesAreGiven(t *testing.T) {
	r := mustRules(t, nil)
	day, ok := r.day("2026-11-30T00:00:00Z")
	if !ok || day.Format(time.DateOnly) != "2026-11-30" {
		t.Fatal(day, ok)
	}
	for text, want := range map[string]string{"14:30": "14:30", "14:30:00": "14:30", "2:30 pm": "14:30", "9 AM": "09:00", "24:30": "", "soon": "", "": ""} {
		at, ok := r.at(day, text)
		if ok != (want != "") || ok && at.Format("15:04") != want {
			t.Errorf("%q: %s, %v", text, at, ok)
		}
	}
	for _, text := range []string{"", "tomorrow", "2026-02-30", "0001-01-01"} {
		if d, ok := r.day(text); ok {
			t.Errorf("%q: %s", text, d)
		}
	}
}
