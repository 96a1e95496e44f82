package spoken

import (
	"regexp"
	"strings"
)

const (
	month = `(January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?`
	day   = `(\d{1,2})(?:st|nd|rd|th)?\b`
	until = `(?: ?[-–] ?` + day + `)?`
)

var (
	reISO        = regexp.MustCompile(`^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?`)
	reSlashes    = regexp.MustCompile(`^(\d{1,2})([/.])(\d{1,2})[/.](\d{4}|\d{2})\b`)
	reDayOfYear  = regexp.MustCompile(`^(\d{1,2})/(\d{1,2})\b`)
	reDateBefore = regexp.MustCompile(`(?i)\b(?:on|by|from|until|till|before|after|since|(?:mon|tues|wednes|thurs|fri|satur|sun)day,?) $`)
	reMonthDay   = regexp.MustCompile(`^` + month + ` ` + day + until + `(?:(,)? (\d{4})\b)?`)
	reMonthYear  = regexp.MustCompile(`^` + month + ` (\d{4})\b`)
	reMonthRange = regexp.MustCompile(`^` + month + ` ?[-–] ?` + month)
	reMonth      = regexp.MustCompile(`^` + month)
	reDayMonth   = regexp.MustCompile(`^` + day + until + ` (of )?` + month + `(?:(,)? (\d{4})\b)?`)
	reOrdinal    = regexp.MustCompile(`^(\d{1,6})(?:st|nd|rd|th)\b(?: ?[-–] ?(\d{1,6})(?:st|nd|rd|th)\b)?`)
)

// date says a day of a month; either may be empty of a year.
func (c cursor) date(year string, month, first, last string) string {
	d := Ordinal(first)
	if last != "" {
		d += " to " + Ordinal(last)
	}
	if year != "" {
		year = ", " + Year(year)
	}
	switch {
	case !c.british:
		return month + " " + d + year
	case strings.HasSuffix(strings.ToLower(c.before), "the "):
		return d + " of " + month + year
	}
	return "the " + d + " of " + month + year
}

func valid(month, day int) bool { return month >= 1 && month <= 12 && day >= 1 && day <= 31 }

// timestamp says "2026-11-28" and "2026-11-28T09:30:00Z".
func timestamp(c cursor) (string, int) {
	m := reISO.FindStringSubmatch(c.rest)
	if m == nil || !valid(value(m[2]), value(m[3])) || !closed(c.rest[len(m[0]):]) {
		return "", 0
	}
	said := c.date(m[1], months[value(m[2])-1], m[3], "")
	if m[4] != "" {
		t, _ := clockTime(m[4])
		said += " at " + t
	}
	return said, len(m[0])
}

// numericDate says "11/28/2026"; the British, and all who write points, put the day first. "11/28" is a date where one is
// expected, and a fraction otherwise.
func numericDate(c cursor) (string, int) {
	m := reSlashes.FindStringSubmatch(c.rest)
	if m == nil {
		g := reDayOfYear.FindStringSubmatch(c.rest)
		if g == nil || !reDateBefore.MatchString(c.before) {
			return "", 0
		}
		m = []string{g[0], g[1], "/", g[2], ""}
	}
	mon, d := m[1], m[3]
	if c.british || m[2] == "." {
		mon, d = d, mon
	}
	if value(mon) > 12 {
		mon, d = d, mon
	}
	if !valid(value(mon), value(d)) || !closed(c.rest[len(m[0]):]) || m[2] == "." && len(m[4]) != 4 {
		return "", 0
	}
	if len(m[4]) == 2 {
		m[4] = "20" + m[4]
	}
	return c.date(m[4], months[value(mon)-1], d, ""), len(m[0])
}

func fullMonth(short string) string {
	for _, m := range months {
		if m[:3] == short[:3] {
			return m
		}
	}
	return short
}

// monthDay says what begins with a month: "Nov 3rd", "November 3–5, 2026", "Nov. 2026", "Nov–Dec" and the month alone.
func monthDay(c cursor) (string, int) {
	if m := reMonthDay.FindStringSubmatch(c.rest); m != nil && valid(1, value(m[2])) && closed(c.rest[len(m[0]):]) {
		if m[4] == "" && m[5] != "" && value(m[5]) > 2200 { // no year
			m[0], m[5] = m[0][:len(m[0])-5], ""
		}
		return c.date(m[5], fullMonth(m[1]), m[2], m[3]), len(m[0])
	}
	if m := reMonthYear.FindStringSubmatch(c.rest); m != nil && closed(c.rest[len(m[0]):]) {
		return fullMonth(m[1]) + " " + Year(m[2]), len(m[0])
	}
	if m := reMonthRange.FindStringSubmatch(c.rest); m != nil {
		return fullMonth(m[1]) + " to " + fullMonth(m[2]), len(m[0]) - keepPoint(m[0], c.rest[len(m[0]):])
	}
	m := reMonth.FindStringSubmatch(c.rest)
	if m == nil || len(m[1]) > 4 || m[1] == "May" || m[0] == "Jan" || m[0] == "Mar" { // those may be names and verbs
		return "", 0
	}
	return fullMonth(m[1]), len(m[0]) - keepPoint(m[0], c.rest[len(m[0]):])
}

// keepPoint is 1 if the point with which match ends also ends the sentence.
func keepPoint(match, rest string) int {
	if strings.HasSuffix(match, ".") && ends(rest) {
		return 1
	}
	return 0
}

// dayMonth says "28 Nov 2026" and "the 3rd of November".
func dayMonth(c cursor) (string, int) {
	m := reDayMonth.FindStringSubmatch(c.rest)
	if m == nil || !valid(1, value(m[1])) || !closed(c.rest[len(m[0]):]) {
		return "", 0
	}
	n := len(m[0])
	if m[6] == "" {
		n -= keepPoint(m[0], c.rest[n:])
	}
	if m[3] != "" || strings.HasSuffix(strings.ToLower(c.before), "the ") { // as it is written
		c.british = true
	}
	return c.date(m[6], fullMonth(m[4]), m[1], m[2]), n
}

// ordinalRange says "3rd" and "3rd–5th".
func ordinalRange(c cursor) (string, int) {
	m := reOrdinal.FindStringSubmatch(c.rest)
	if m == nil {
		return "", 0
	}
	said := Ordinal(m[1])
	if m[2] != "" {
		said += " to " + Ordinal(m[2])
	}
	return said, len(m[0])
}

const shortDay = `(Mon|Tues|Tue|Wed|Thurs|Thur|Thu|Fri|Sat|Sun)(?:day|nesday|sday|rsday|urday)?(s)?\b\.?`

var (
	reDayRange  = regexp.MustCompile(`^` + shortDay + ` ?([-–—/&]) ?` + shortDay)
	reDay       = regexp.MustCompile(`^(Mon|Tues|Tue|Wed|Thurs|Thur|Thu|Fri)\b\.?`)
	reWeekend   = regexp.MustCompile(`^(Sat|Sun)(?:\.|\b[,:]? (?:\d|[A-Z][a-z]{2}\.? \d))`)
	reListedDay = regexp.MustCompile(`^(Sat|Sun)\b`)
	reDayBefore = regexp.MustCompile(`(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat)(?:day|nesday|sday|rsday|urday)?\.?,? (?:and |or |to |& )?$`)
)

// weekday says "Mon–Fri" and "Tue." in full. Sat and Sun are words too: they must look like days.
func weekday(c cursor) (string, int) {
	if m := reDayRange.FindStringSubmatch(c.rest); m != nil {
		from, _ := calendarWord(m[1])
		to, _ := calendarWord(m[4])
		join := " to "
		if m[3] == "/" || m[3] == "&" {
			join = " and "
		}
		return from + m[2] + join + to + m[5], len(m[0]) - keepPoint(m[0], c.rest[len(m[0]):])
	}
	if m := reDay.FindStringSubmatch(c.rest); m != nil {
		full, _ := calendarWord(m[1])
		return full, len(m[0]) - keepPoint(m[0], c.rest[len(m[0]):])
	}
	m := reWeekend.FindStringSubmatch(c.rest)
	if m != nil && strings.HasSuffix(m[0], ".") && ends(c.rest[len(m[0]):]) && !reDateBefore.MatchString(c.before) {
		m = nil
	}
	if m == nil && reDayBefore.MatchString(c.before) {
		m = reListedDay.FindStringSubmatch(c.rest)
	}
	if m == nil {
		return "", 0
	}
	full, _ := calendarWord(m[1])
	return full, len(m[1]) + point(c.rest[len(m[1]):])
}
