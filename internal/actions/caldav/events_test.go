package caldav

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical"
)

// calendar is a VCALENDAR of events, each given by its properties.
func calendar(events ...string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n")
	for _, e := range events {
		b.WriteString("BEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\n" + strings.ReplaceAll(e, "\n", "\r\n") + "\r\nEND:VEVENT\r\n")
	}
	return b.String() + "END:VCALENDAR\r\n"
}

func read(t *testing.T, text string, left int) ([]string, error) {
	t.Helper()
	cal, err := ical.NewDecoder(strings.NewReader(text)).Decode()
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 11, 30, 0, 0, 0, 0, berlin)
	r := &reader{zone: berlin, from: from, to: from.AddDate(0, 0, 7), left: left}
	all, err := r.spans(cal)
	var out []string
	for _, s := range all {
		out = append(out, s.start.In(berlin).Format("02 15:04-")+s.end.In(berlin).Format("15:04"))
	}
	slices.Sort(out)
	return out, err
}

func TestWhatEventsTake(t *testing.T) {
	for _, c := range []struct {
		rule   string
		events []string
		want   []string
	}{
		{"a time of UTC", []string{"DTSTART:20261130T090000Z\nDTEND:20261130T100000Z"}, []string{"30 10:00-11:00"}},
		{"a time of a zone", []string{"DTSTART;TZID=America/New_York:20261130T090000\nDURATION:PT45M"}, []string{"30 15:00-15:45"}},
		{"a floating time is the calendar's", []string{"DTSTART:20261130T090000\nDURATION:PT1H"}, []string{"30 09:00-10:00"}},
		{"a zone named in the old way",
			[]string{"DTSTART;TZID=/citadel.org/20210210_1/Europe/London:20261130T090000\nDURATION:PT1H"}, []string{"30 10:00-11:00"}},
		{"a zone that nobody knows is the calendar's",
			[]string{"DTSTART;TZID=W. Europe Standard Time:20261130T090000\nDURATION:PT1H"}, []string{"30 09:00-10:00"}},
		{"a whole day", []string{"DTSTART;VALUE=DATE:20261201"}, []string{"01 00:00-00:00"}},
		{"a moment takes nothing", []string{"DTSTART:20261130T090000Z"}, nil},
		{"a canceled event takes nothing", []string{"DTSTART:20261130T090000Z\nDURATION:PT1H\nSTATUS:CANCELLED"}, nil},
		{"a transparent one neither", []string{"DTSTART:20261130T090000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT"}, nil},
		{"an event of another week", []string{"DTSTART:20261230T090000Z\nDURATION:PT1H"}, nil},
		{"what repeats keeps its hour when clocks change",
			[]string{"DTSTART;TZID=Europe/Berlin:20260601T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO,TH"},
			[]string{"03 09:00-10:00", "30 09:00-10:00"}},
		{"exceptions do not take place", []string{"DTSTART;TZID=Europe/Berlin:20260601T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO,TH\n" +
			"EXDATE;TZID=Europe/Berlin:20260605T090000,20261203T090000"}, []string{"30 09:00-10:00"}},
		{"further dates do", []string{"DTSTART;TZID=Europe/Berlin:20261130T090000\nDURATION:PT1H\nRDATE;TZID=Europe/Berlin:20261202T080000"},
			[]string{"02 08:00-09:00", "30 09:00-10:00"}},
		{"a repetition that was moved",
			[]string{"DTSTART;TZID=Europe/Berlin:20261130T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2",
				"RECURRENCE-ID;TZID=Europe/Berlin:20261201T090000\nDTSTART;TZID=Europe/Berlin:20261202T140000\nDURATION:PT1H"}, []string{"02 14:00-15:00", "30 09:00-10:00"}},
		{"a repetition that was canceled",
			[]string{"DTSTART;TZID=Europe/Berlin:20261130T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2",
				"RECURRENCE-ID;TZID=Europe/Berlin:20261201T090000\nDTSTART;TZID=Europe/Berlin:20261201T090000\nDURATION:PT1H\nSTATUS:CANCELLED"}, []string{"30 09:00-10:00"}},
	} {
		got, err := read(t, calendar(c.events...), 1000)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", c.rule, got, err, c.want)
		}
	}
}

func TestEventsThatCannotBeReadLeaveNothingFree(t *testing.T) {
	const daily = "DTSTART:20000101T090000Z\nDURATION:PT1H\nRRULE:FREQ="
	for rule, e := range map[string]string{
		"no start": "DURATION:PT1H", "a start that is none": "DTSTART:now", "an end that is none": "DTSTART:20261130T090000Z\nDTEND:x",
		"a rule that is none": daily + "NEVER", "a rule of seconds": daily + "SECONDLY;BYMONTH=2;BYMONTHDAY=30",
		"repetitions without an end": daily + "DAILY", "a duration that is none": "DTSTART:20261130T090000Z\nDURATION:1h",
		"a rule that its reader panics at": "DTSTART:00000101\nRRULE:FREQ=WEEKLY;COUNT=0;BYSETPOS=1",
		"an exception that is none":        daily + "WEEKLY\nEXDATE:x",
	} {
		if got, err := read(t, calendar(e), 1000); !errors.Is(err, errUnreadable) {
			t.Errorf("%s: %v, %v", rule, got, err)
		}
	}
}

func TestARuleThatNeverFitsEnds(t *testing.T) {
	if got, err := read(t, calendar("DTSTART:20000101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), 1000); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}
