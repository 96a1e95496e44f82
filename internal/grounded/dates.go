package grounded

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/olebedev/when"
	"github.com/olebedev/when/rules"
	"github.com/olebedev/when/rules/en"
)

// calendar finds days in speech. Clock times are read apart, since a recognizer writes them in ways that the parser does not know.
var calendar = func() *when.Parser {
	p := when.New(&rules.Options{Distance: 5, MatchByOrder: true})
	p.Add(en.Weekday(rules.Override), en.CasualDate(rules.Override), en.Deadline(rules.Override), en.ExactMonthDate(rules.Override))
	return p
}()

var ordinals = map[string]int{"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5,
	"sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
	"eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18,
	"nineteenth": 19, "twentieth": 20, "thirtieth": 30}

var (
	reDay = regexp.MustCompile(`\b(?:today|tonight|tomorrow|yesterday|(?:sun|mon|tues|wednes|thurs|fri|satur)day|(?:mon|tue|tues|wed|` +
		`thu|thurs|fri|sat|sun)\b)`)
	reDeadline = regexp.MustCompile(`\bin \d{1,2} (?:days?|weeks?)\b`)
	reMonthDay = regexp.MustCompile(`\b(?:(\d{1,2})(?: of)? (` + months + `)|(` + months + `)(?: the)? (\d{1,2}))\b(?: (20\d\d)\b)?`)
	reThe      = regexp.MustCompile(`\bthe (\d{1,2})\b(?: (?:of (?:this|the) month|please))?`)
	reNextWeek = regexp.MustCompile(`\bnext week\b|\b(?:in a week|a week from)\b`)
	reGone     = regexp.MustCompile(`\b(?:yesterday|last (?:night|week|\w+day))\b`)
	reAgo      = regexp.MustCompile(`\b(\d{1,2}|a|an) (day|week)s? ago\b`)
	// "This Sunday" is the coming one; the calendar takes it for a day of this week, gone or not.
	reThis  = regexp.MustCompile(`\b(?:this coming|this|the coming|coming|upcoming) (\w+day)\b`)
	reAfter = regexp.MustCompile(`\b(?:day after tomorrow|after tomorrow)\b`)
	reISO   = regexp.MustCompile(`\b(20\d\d)-(\d\d)-(\d\d)\b`)
)

// dateWords joins words for the calendar: ordinals as figures, the second word of "twenty first" included.
func dateWords(plain []string) string {
	out := make([]string, 0, len(plain))
	for i := 0; i < len(plain); i++ {
		w := plain[i]
		if t, ok := tens[w]; ok && i+1 < len(plain) && ordinals[plain[i+1]] > 0 && ordinals[plain[i+1]] < 10 {
			out = append(out, strconv.Itoa(t+ordinals[plain[i+1]]))
			i++
			continue
		}
		if n, ok := ordinals[w]; ok && w != "second" || ok && (i == 0 || plain[i-1] != "one" && plain[i-1] != "a") {
			out = append(out, strconv.Itoa(n))
			continue
		}
		if isOneOf(w, "st", "nd", "rd", "th") && i > 0 && isNumber(last(out)) {
			continue
		}
		out = append(out, w)
	}
	return strings.Join(digits(out), " ")
}

// findDate reads a day out of speech; days gone by are taken for those to come.
func findDate(raw string, plain []string, now time.Time) (time.Time, bool) {
	today := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, now.Location())
	if m := reISO.FindStringSubmatch(raw); m != nil {
		return validDate(number0(m[1]), number0(m[2]), number0(m[3]), today)
	}
	text := dateWords(plain)
	if m := reMonthDay.FindStringSubmatch(text); m != nil {
		return monthDay(m, today)
	}
	if m := reAgo.FindStringSubmatch(text); m != nil {
		n := max(number0(m[1]), 1)
		if m[2] == "week" {
			n *= 7
		}
		return today.AddDate(0, 0, -n), true
	}
	switch {
	case reAfter.MatchString(text):
		return today.AddDate(0, 0, 2), true
	case reDay.MatchString(text), reDeadline.MatchString(text):
		return relativeDay(text, today)
	}
	if m := reThe.FindStringSubmatch(text); m != nil {
		return nextDayOfMonth(number0(m[1]), today)
	}
	return time.Time{}, false
}

func number0(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func validDate(year, month, day int, today time.Time) (time.Time, bool) {
	d := time.Date(year, time.Month(month), day, 12, 0, 0, 0, today.Location())
	return d, int(d.Month()) == month && d.Day() == day
}

func monthDay(m []string, today time.Time) (time.Time, bool) {
	name, day := m[2]+m[3], number0(m[1]+m[4])
	month := 0
	for i := time.January; i <= time.December; i++ {
		if strings.EqualFold(i.String(), name) {
			month = int(i)
		}
	}
	if m[5] != "" {
		return validDate(number0(m[5]), month, day, today)
	}
	d, ok := validDate(today.Year(), month, day, today)
	if ok && d.Before(today) {
		return validDate(today.Year()+1, month, day, today)
	}
	return d, ok
}

func nextDayOfMonth(day int, today time.Time) (time.Time, bool) {
	for i := range 12 {
		first := time.Date(today.Year(), today.Month()+time.Month(i), 1, 12, 0, 0, 0, today.Location())
		d, ok := validDate(first.Year(), int(first.Month()), day, today)
		if ok && !d.Before(today) {
			return d, true
		}
	}
	return time.Time{}, false
}

var reYear = regexp.MustCompile(`\b(?:(19|20) ?(\d\d)|(19|20) (?:oh|o|0) (\d)|(2000)(?: and)? (\d{1,2}))\b`)

// findBirth reads a day gone by, with its year: "march fourth nineteen eighty two".
func findBirth(plain []string, now time.Time) (time.Time, bool) {
	text := dateWords(plain)
	m := reMonthDay.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	year := number0(m[5])
	rest := strings.Replace(text, strings.TrimSuffix(m[0], m[5]), "", 1)
	if y := reYear.FindStringSubmatch(rest); y != nil {
		switch {
		case y[1] != "":
			year = number0(y[1] + y[2])
		case y[3] != "":
			year = number0(y[3] + "0" + y[4])
		default:
			year = 2000 + number0(y[6])
		}
	}
	if year == 0 || year > now.Year() {
		return time.Time{}, false
	}
	m[5] = strconv.Itoa(year)
	return monthDay(m, now)
}

// relativeDay leaves "friday", "tomorrow", "in two weeks" to the calendar. A weekday with "next week" is the one after the coming Sunday.
func relativeDay(text string, today time.Time) (time.Time, bool) {
	r, err := calendar.Parse(reThis.ReplaceAllString(reNextWeek.ReplaceAllString(text, " "), "$1"), today)
	if err != nil || r == nil {
		return time.Time{}, false
	}
	d := r.Time
	if reNextWeek.MatchString(text) {
		sunday := today.AddDate(0, 0, (7-int(today.Weekday()))%7)
		for !d.After(sunday) {
			d = d.AddDate(0, 0, 7)
		}
	}
	return d, !d.Before(today) || reGone.MatchString(text)
}

// clock is a time of day in minutes after midnight.
type clock int

func (c clock) canon() string {
	return time.Date(0, 1, 1, int(c)/60, int(c)%60, 0, 0, time.UTC).Format("15:04")
}

func (c clock) spoken() string {
	t := time.Date(0, 1, 1, int(c)/60, int(c)%60, 0, 0, time.UTC)
	if t.Minute() == 0 {
		return t.Format("3 pm")
	}
	return t.Format("3:04 pm")
}

var (
	reHalfPast = regexp.MustCompile(`\b(half|quarter|\d{1,2})(?: minutes?)? (past|after|to|before) (\d{1,2})\b(?: (am|pm))?`)
	reClock    = regexp.MustCompile(`\b(\d{1,2})(?:[:.](\d\d)| (\d\d))?(?: o clock)? ?(am|pm)\b`)
	reColon    = regexp.MustCompile(`\b(\d{1,2}):(\d\d)\b`)
	reOClock   = regexp.MustCompile(`\b(\d{1,2}) o clock\b`)
	reAtTime   = regexp.MustCompile(`\b(?:at|around|about|by|for|make it|after|from|until|to)(?: about| around)? (\d{1,2})(?: (\d\d|` +
		`0 \d))?\b(?: (\w+))?`)
	reBareTime  = regexp.MustCompile(`^(?:[a-z]+ )?(\d{1,2})(?: (\d\d))?$`)
	reNoon      = regexp.MustCompile(`\b(?:noon|midday)\b`)
	reMorning   = regexp.MustCompile(`\bmorning\b`)
	reAfternoon = regexp.MustCompile(`\b(?:afternoon|evening|tonight|night)\b`)
)

// Words that may follow a bare clock time; behind "at eight" others show that it was none, as in "at eight dollars".
var afterTime = wordSet(`
	on tomorrow today if please in my i and for we with the is would or under it that this next thanks thank then but so sunday monday
	tuesday wednesday thursday friday saturday maybe name`)

// findTime reads a clock time. asked says that one was asked for, so that a bare number is one. When the half of the day is not said,
// the business's opening hours decide.
func findTime(ws []string, asked bool, open hours) (clock, bool) {
	text := strings.NewReplacer(" a m", " am", " p m", " pm").Replace(strings.Join(ws, " "))
	if reNoon.MatchString(text) {
		return 12 * 60, true
	}
	half := ""
	switch {
	case reMorning.MatchString(text):
		half = "am"
	case reAfternoon.MatchString(text):
		half = "pm"
	}
	if m := reHalfPast.FindStringSubmatch(text); m != nil {
		minutes := map[string]int{"half": 30, "quarter": 15}[m[1]]
		if minutes == 0 {
			minutes = number0(m[1])
		}
		if m[2] == "to" || m[2] == "before" {
			minutes = -minutes
		}
		return timeOf(number0(m[3]), minutes, m[4]+half, open)
	}
	if m := reClock.FindStringSubmatch(text); m != nil {
		return timeOf(number0(m[1]), number0(m[2]+m[3]), m[4], open)
	}
	if m := reColon.FindStringSubmatch(text); m != nil {
		return timeOf(number0(m[1]), number0(m[2]), half, open)
	}
	if m := reOClock.FindStringSubmatch(text); m != nil {
		return timeOf(number0(m[1]), 0, half, open)
	}
	for _, m := range reAtTime.FindAllStringSubmatch(text, -1) {
		plausible := m[2] != "" || m[3] == "" || afterTime[m[3]]
		if plausible && (asked || !strings.HasPrefix(m[0], "for") && !strings.HasPrefix(m[0], "to")) {
			return timeOf(number0(m[1]), number0(strings.ReplaceAll(m[2], " ", "")), half, open)
		}
	}
	if m := reBareTime.FindStringSubmatch(text); asked && m != nil {
		return timeOf(number0(m[1]), number0(m[2]), half, open)
	}
	return 0, false
}

func timeOf(hour, minute int, half string, open hours) (clock, bool) {
	if hour > 24 || minute > 59 {
		return 0, false
	}
	switch {
	case strings.HasPrefix(half, "pm") && hour < 12:
		hour += 12
	case strings.HasPrefix(half, "am") && hour == 12:
		hour = 0
	case half == "" && hour > 0 && hour < 12:
		hour = open.place(hour, minute)
	}
	t := hour*60 + minute
	return clock(t), t >= 0 && t < 24*60
}

// hours is the span of the day in which the business is open, in minutes; zero when its texts do not say.
type hours struct{ from, to int }

// place decides whether an hour from 1 to 11 without a half of the day is in the morning or the afternoon.
func (h hours) place(hour, minute int) int {
	t := hour*60 + minute
	inMorning, inEvening := t >= h.from && t <= h.to, t+12*60 >= h.from && t+12*60 <= h.to
	if h.to > 0 && inMorning != inEvening {
		if inEvening {
			return hour + 12
		}
		return hour
	}
	if hour < 8 {
		return hour + 12
	}
	return hour
}

var reSpan = regexp.MustCompile(`\b(\d{1,2})(?::(\d\d))?(?: (am|pm))? (?:to|until|till|and|through) (\d{1,2})(?::(\d\d))?(?: (am|pm))?\b`)

// widen takes the spans of a sentence about opening hours into account.
func (h hours) widen(ws []string) hours {
	for _, m := range reSpan.FindAllStringSubmatch(strings.NewReplacer("midnight", "24", "noon", "12 pm").Replace(strings.Join(ws, " ")), -1) {
		from, to := number0(m[1])*60+number0(m[2]), number0(m[4])*60+number0(m[5])
		if m[3] == "pm" && from < 12*60 {
			from += 12 * 60
		}
		if (m[6] == "pm" || m[6] == "" && to <= from) && to < 12*60 {
			to += 12 * 60
		}
		if from >= to || to > 24*60 {
			continue
		}
		if h.to == 0 {
			h.from = from
		}
		h.from, h.to = min(h.from, from), max(h.to, to)
	}
	return h
}
