package caldav

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/actions"
)

// rules say when appointments may be. They have no clock.
type rules struct {
	zone          *time.Location
	opens, closes time.Duration // since midnight, by the clock on the wall
	weekdays      []int         // 1 is Monday
	lasts         time.Duration
	notice        time.Duration
	horizon       int // days
}

func rulesOf(c parley.Config) (*rules, error) {
	zone, err := time.LoadLocation(c.Text("time_zone"))
	opens, ok := clock(c.Text("opens"))
	closes, also := clock(c.Text("closes"))
	if err != nil || !ok || !also {
		return nil, errConfig
	}
	return &rules{
		zone: zone, opens: opens, closes: closes, weekdays: c.Ints("weekdays"), lasts: time.Duration(c.Int("duration")) * time.Minute,
		notice: time.Duration(c.Int("notice")) * time.Minute, horizon: c.Int("horizon"),
	}, nil
}

// clock reads a time of a day as it may be written.
func clock(text string) (time.Duration, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	for _, layout := range []string{"15:04", "15:04:05", "15:04Z07:00", "15:04:05Z07:00", "3:04 PM", "3:04PM", "3 PM", "3PM"} {
		if t, err := time.Parse(layout, text); err == nil {
			return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, true
		}
	}
	return 0, false
}

// day reads a day, of which it is the midnight.
func (r *rules) day(text string) (time.Time, bool) {
	text, _, _ = strings.Cut(text, "T")
	t, err := time.ParseInLocation(time.DateOnly, text, r.zone)
	return t, err == nil && t.Year() > 2000 && t.Year() < 3000
}

// at is a time of a day; false for one that its clocks skip.
func (r *rules) at(day time.Time, text string) (time.Time, bool) {
	c, ok := clock(text)
	if !ok {
		return time.Time{}, false
	}
	return r.on(day, c)
}

func (r *rules) on(day time.Time, c time.Duration) (time.Time, bool) {
	y, m, d := day.Date()
	t := time.Date(y, m, d, int(c/time.Hour), int(c%time.Hour/time.Minute), 0, 0, r.zone)
	return t, r.sinceMidnight(t) == c
}

func (r *rules) sinceMidnight(t time.Time) time.Duration {
	t = t.In(r.zone)
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

func (r *rules) midnight(t time.Time) time.Time {
	y, m, d := t.In(r.zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, r.zone)
}

// against is why there can be no appointment at a time, whoever has one; empty when there can.
func (r *rules) against(now, start time.Time) string {
	c := r.sinceMidnight(start)
	switch {
	case start.Before(now):
		return "That time has passed."
	case start.Before(now.Add(r.notice)):
		return "That is too soon."
	case !r.midnight(start).Before(r.midnight(now).AddDate(0, 0, r.horizon+1)):
		return "That is too far ahead."
	case !slices.Contains(r.weekdays, weekday(start)):
		return "There are no appointments on a " + start.Weekday().String() + "."
	case c < r.opens || c+r.lasts > r.closes:
		return "Appointments are between " + r.said(r.opens) + " and " + r.said(r.closes) + "."
	}
	return ""
}

// weekday is the day of the week, 1 for Monday.
func weekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// free are the first free times of some days, one appointment after the other from the opening on.
func (r *rules) free(now, from time.Time, days int, busy []span, most int) (all []time.Time) {
	for n := range days {
		day := r.midnight(from).AddDate(0, 0, n)
		for c := r.opens; c+r.lasts <= r.closes; c += r.lasts {
			start, exists := r.on(day, c)
			if !exists || start.Before(from) || r.against(now, start) != "" || taken(busy, span{start: start, end: start.Add(r.lasts)}, "") {
				continue
			}
			if all = append(all, start); len(all) == most {
				return all
			}
		}
	}
	return all
}

// said is a time of a day as it is said.
func (r *rules) said(c time.Duration) string {
	t := time.Date(2000, 1, 1, int(c/time.Hour), int(c%time.Hour/time.Minute), 0, 0, time.UTC)
	if t.Minute() == 0 {
		return t.Format("3 pm")
	}
	return t.Format("3:04 pm")
}

// list names times day by day: "Monday, November 30, at 10 am and 10:30 am".
func (r *rules) list(all []time.Time) string {
	var days, times []string
	flush := func() {
		if n := len(times); n > 1 {
			times = []string{strings.Join(times[:n-1], ", ") + " and " + times[n-1]}
		}
		if len(times) > 0 {
			days[len(days)-1] += strings.Join(times, "")
		}
		times = nil
	}
	for i, t := range all {
		if i == 0 || !r.midnight(all[i-1]).Equal(r.midnight(t)) {
			flush()
			days = append(days, t.Format("Monday, January 2, at "))
		}
		times = append(times, r.said(r.sinceMidnight(t)))
	}
	flush()
	return strings.Join(days, "; ")
}

func stamps(all []time.Time) []string {
	out := make([]string, len(all))
	for i, t := range all {
		out[i] = t.Format("2006-01-02T15:04")
	}
	return out
}

// offers tells of free times.
func (r *rules) offers(before string, free []time.Time) ([]byte, error) {
	return json.Marshal(map[string]any{"ok": true, "message": before + r.list(free) + ".", "free": stamps(free)})
}

// refusal tells why a time cannot be, and which could.
func (r *rules) refusal(why string, others []time.Time) *actions.Refusal {
	if len(others) == 0 {
		return &actions.Refusal{Message: why}
	}
	return &actions.Refusal{Message: why + " The next free times: " + r.list(others) + ".", More: map[string]any{"free": stamps(others)}}
}

// booked tells of an appointment.
func (r *rules) booked(s span) ([]byte, error) {
	start := s.start.In(r.zone)
	return json.Marshal(map[string]any{
		"ok": true, "message": "Booked for " + r.list([]time.Time{start}) + ".", "start": start.Format(time.RFC3339), "end": s.end.In(r.zone).Format(time.RFC3339),
	})
}
