package caldav

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/emersion/go-ical"
	"github.com/teambition/rrule-go"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/actions"
)

const (
	// mostRepeats bounds how far the repetitions of a calendar's events are followed: 27 years of ten daily ones.
	mostRepeats = 100_000
	// mostTitle and mostNotes bound what is written of an appointment, in runes.
	mostTitle, mostNotes = 200, 4000
)

// errUnreadable says that an event is not understood, so that nobody knows what is free.
var errUnreadable = errors.New("caldav: an event of the calendar cannot be read")

// span is a time that an event takes.
type span struct {
	start, end time.Time // end is not in it
	uid        string
}

func (s span) meets(o span) bool { return s.start.Before(o.end) && o.start.Before(s.end) }

// taken says whether a slot meets an event of somebody else than the one with this UID.
func taken(busy []span, slot span, mine string) bool {
	for _, b := range busy {
		if b.meets(slot) && (mine == "" || b.uid != mine) {
			return true
		}
	}
	return false
}

// booked says whether the slot is that of the event with this UID.
func booked(busy []span, slot span, mine string) bool {
	for _, b := range busy {
		if b.uid == mine && b.start.Equal(slot.start) {
			return true
		}
	}
	return false
}

// reader finds the spans of events between two times. Times without a zone are meant in its own.
type reader struct {
	zone     *time.Location
	from, to time.Time
	left     int // repetitions that may still be followed
}

// spans are those of the events of an object: one event, or one that repeats and what differs of single repetitions (RFC 5545 §3.8.4.4).
func (r *reader) spans(cal *ical.Calendar) (all []span, err error) {
	defer readable(&err)
	replaced := map[int64]bool{}
	for _, e := range cal.Events() {
		if p := e.Props.Get(ical.PropRecurrenceID); p != nil {
			at, err := r.time(p)
			if err != nil {
				return nil, err
			}
			replaced[at.Unix()] = true
		}
	}
	for _, e := range cal.Events() {
		if !blocks(e) {
			continue
		}
		found, err := r.of(e, replaced)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// blocks says whether an event takes its time (RFC 5545 §3.8.1.11, §3.8.2.7).
func blocks(e ical.Event) bool {
	status, transparent := e.Props.Get(ical.PropStatus), e.Props.Get(ical.PropTransparency)
	return (status == nil || !strings.EqualFold(status.Value, "CANCELLED")) && (transparent == nil || !strings.EqualFold(transparent.Value, "TRANSPARENT"))
}

func (r *reader) of(e ical.Event, replaced map[int64]bool) (all []span, err error) {
	first, lasts, err := r.times(e)
	if err != nil {
		return nil, err
	}
	uid := ""
	if p := e.Props.Get(ical.PropUID); p != nil {
		uid = p.Value
	}
	one := e.Props.Get(ical.PropRecurrenceID) != nil
	add := func(at time.Time) {
		s := span{at, at.Add(lasts), uid}
		if lasts > 0 && s.meets(span{start: r.from, end: r.to}) && (one || !replaced[at.Unix()]) {
			all = append(all, s)
		}
	}
	if one || e.Props.Get(ical.PropRecurrenceRule) == nil && e.Props.Get(ical.PropRecurrenceDates) == nil {
		add(first)
		return all, nil
	}
	return all, r.repeat(e, first, add)
}

// times are the start of an event and how long it takes (RFC 5545 §3.6.1).
func (r *reader) times(e ical.Event) (start time.Time, lasts time.Duration, err error) {
	p := e.Props.Get(ical.PropDateTimeStart)
	if p == nil {
		return start, 0, errUnreadable
	}
	if start, err = r.time(p); err != nil {
		return start, 0, err
	}
	if end := e.Props.Get(ical.PropDateTimeEnd); end != nil {
		at, err := r.time(end)
		return start, at.Sub(start), err
	}
	if d := e.Props.Get(ical.PropDuration); d != nil {
		lasts, err := d.Duration()
		if err != nil {
			return start, 0, errUnreadable
		}
		return start, lasts, nil
	}
	if len(p.Value) == len(layoutDate) {
		return start, start.AddDate(0, 0, 1).Sub(start), nil
	}
	return start, 0, nil
}

// repeat follows the repetitions of an event. Rules finer than a day are not followed: one that never fits would take for ever.
func (r *reader) repeat(e ical.Event, first time.Time, add func(time.Time)) error {
	except, err := r.list(e.Props.Values(ical.PropExceptionDates))
	if err != nil {
		return err
	}
	more, err := r.list(e.Props.Values(ical.PropRecurrenceDates))
	if err != nil {
		return err
	}
	for at := range more {
		add(time.Unix(at, 0))
	}
	rule, err := e.Props.RecurrenceRule()
	if err != nil || rule != nil && rule.Freq > rrule.DAILY {
		return errUnreadable
	}
	if rule == nil {
		add(first)
		return nil
	}
	rule.Dtstart = first
	if rule.Until.IsZero() || rule.Until.After(r.to) {
		rule.Until = r.to
	}
	every, err := rrule.NewRRule(*rule)
	if err != nil {
		return errUnreadable
	}
	for next := every.Iterator(); ; r.left-- {
		at, ok := next()
		if !ok {
			return nil
		}
		if r.left <= 0 {
			return errUnreadable
		}
		if !except[at.Unix()] {
			add(at)
		}
	}
}

// list reads dates, of which a property may hold several.
func (r *reader) list(props []ical.Prop) (map[int64]bool, error) {
	all := map[int64]bool{}
	for _, p := range props {
		for _, v := range strings.Split(p.Value, ",") {
			one := p
			one.Value, _, _ = strings.Cut(v, "/") // of a period its start
			at, err := r.time(&one)
			if err != nil {
				return nil, err
			}
			all[at.Unix()] = true
		}
	}
	return all, nil
}

// time reads a date or a time (RFC 5545 §3.3.4, §3.3.5). The name of a zone that is none of IANA's may end in one; else the calendar's own
// is meant.
func (r *reader) time(p *ical.Prop) (at time.Time, err error) {
	zone := r.zone
	if name := p.Params.Get(ical.PropTimezoneID); name != "" {
		zone = zoneNamed(name, r.zone)
	}
	switch len(p.Value) {
	case len(layoutDate):
		at, err = time.ParseInLocation(layoutDate, p.Value, r.zone)
	case len(layoutUTC):
		at, err = time.Parse(layoutUTC, p.Value)
	default:
		at, err = time.ParseInLocation(layoutLocal, p.Value, zone)
	}
	if err != nil {
		return at, fmt.Errorf("%w: a time", errUnreadable)
	}
	return at, nil
}

const (
	layoutDate  = "20060102"
	layoutLocal = "20060102T150405"
	layoutUTC   = "20060102T150405Z"
)

func zoneNamed(name string, fallback *time.Location) *time.Location {
	parts := strings.Split(strings.Trim(name, "/"), "/")
	for n := min(3, len(parts)); n > 0; n-- {
		if zone, err := time.LoadLocation(strings.Join(parts[len(parts)-n:], "/")); err == nil {
			return zone
		}
	}
	return fallback
}

// uidOf names the event of a running of an action, however often it is sent.
func uidOf(run string) string { return "parley-" + run }

// event is what is written of an appointment.
func event(o *actions.Order, s span, uid string) *ical.Calendar {
	fill := func(name string, most int) string {
		text := []rune(strings.TrimSpace(strings.Map(printable, parley.FillPlaceholders(o.Config.Text(name), o.Arguments, nil))))
		return string(text[:min(len(text), most)])
	}
	title := strings.Join(strings.Fields(fill("title", mostTitle)), " ")
	if title == "" {
		title = o.Action.Name
	}
	e := ical.NewEvent()
	e.Props.SetText(ical.PropUID, uid)
	e.Props.SetDateTime(ical.PropDateTimeStamp, time.Now().UTC())
	e.Props.SetDateTime(ical.PropDateTimeStart, s.start.UTC())
	e.Props.SetDateTime(ical.PropDateTimeEnd, s.end.UTC())
	e.Props.SetText(ical.PropSummary, title)
	if notes := fill("notes", mostNotes); notes != "" {
		e.Props.SetText(ical.PropDescription, notes)
	}
	cal := ical.NewCalendar()
	cal.Props.SetText(ical.PropVersion, "2.0")
	cal.Props.SetText(ical.PropProductID, "-//Parley//Appointments//EN")
	cal.Children = append(cal.Children, e.Component)
	return cal
}

// printable drops what no calendar takes.
func printable(r rune) rune {
	if r == '\n' {
		return r
	}
	if unicode.IsControl(r) || r == unicode.ReplacementChar {
		return -1
	}
	return r
}
