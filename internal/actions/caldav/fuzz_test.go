package caldav

import (
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical"
)

// FuzzCalendar: whatever lies in a calendar is read or refused.
func FuzzCalendar(f *testing.F) {
	f.Add("DTSTART;TZID=Europe/Berlin:20260601T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO,TH;COUNT=9;BYSETPOS=-1\n" +
		"EXDATE;TZID=X/Y:20260605T090000,20261203T090000")
	f.Add("DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=YEARLY;BYWEEKNO=20;BYYEARDAY=1;UNTIL=20280101T000000Z\nRDATE;VALUE=PERIOD:20261201T000000Z/PT1H")
	f.Add("RECURRENCE-ID:20261201T090000Z\nDTSTART:20261202T140000Z\nDTEND:20261202T150000Z\nSTATUS:CONFIRMED\nTRANSP:OPAQUE")
	f.Fuzz(func(t *testing.T, event string) {
		cal, err := decoded(calendar(event))
		if err != nil {
			return
		}
		from := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
		r := &reader{zone: time.UTC, from: from, to: from.AddDate(0, 0, 7), left: 100}
		all, err := r.spans(cal)
		for _, s := range all {
			if err == nil && (!s.end.After(s.start) || !s.meets(span{start: r.from, end: r.to})) {
				t.Errorf("span %v", s)
			}
		}
	})
}

func decoded(text string) (cal *ical.Calendar, err error) {
	defer readable(&err)
	return ical.NewDecoder(strings.NewReader(text)).Decode()
}
