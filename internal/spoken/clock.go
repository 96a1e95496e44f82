package spoken

import (
	"regexp"
	"strings"
)

var (
	reClock  = regexp.MustCompile(`^(\d{1,2}):(\d{2})(?: ?([AaPp])\.?[Mm]\b)?`)
	reHour   = regexp.MustCompile(`^(\d{1,2}) ?([AaPp])\.?[Mm]\b`)
	reBare   = regexp.MustCompile(`^(\d{1,2})\b`)
	reDash   = regexp.MustCompile(`^ ?[-–—] ?`)
	reAllDay = regexp.MustCompile(`^24 ?/ ?7\b`)
)

// clockRange says a clock time, or two with a dash between them.
func clockRange(c cursor) (string, int) {
	said, n := clockTime(c.rest)
	from := n
	if n == 0 { // "9–5 pm": the first may be a bare hour
		m := reBare.FindString(c.rest)
		if m == "" || value(m) > 24 {
			return "", 0
		}
		said, from = Cardinal(m), len(m)
	}
	if d := reDash.FindString(c.rest[from:]); d != "" {
		if until, k := clockTime(c.rest[from+len(d):]); k > 0 {
			return said + " to " + until, from + len(d) + k
		}
	}
	return said, n
}

// clockTime says one time as people do, on twelve hours.
func clockTime(s string) (said string, n int) {
	hour, minute, half := "", "00", ""
	if m := reClock.FindStringSubmatch(s); m != nil {
		hour, minute, half, n = m[1], m[2], strings.ToUpper(m[3]), len(m[0])
	} else if m := reHour.FindStringSubmatch(s); m != nil {
		hour, half, n = m[1], strings.ToUpper(m[2]), len(m[0])
	} else {
		return "", 0
	}
	h, minutes := value(hour), value(minute)
	if h > 24 || minutes > 59 || half == "" && !closed(reDash.ReplaceAllString(s[n:], " ")) || half != "" && digit(s[n:]) {
		return "", 0
	}
	if half != "" {
		n += point(s[n:])
	}
	switch {
	case half == "" && h%24 == 0 && minutes == 0:
		return "midnight", n
	case half == "" && h%24 == 0:
		half = "A"
	case half == "" && h > 12:
		half = "P"
	}
	return onTwelve(h, minutes, half), n
}

// onTwelve says an hour, with A.M or P.M if it is known which.
func onTwelve(h, minutes int, half string) string {
	if h %= 12; h == 0 {
		h = 12
	}
	said := ones[h]
	switch {
	case minutes == 0 && half == "":
		return said + " o'clock"
	case minutes > 0 && minutes < 10:
		said += " oh " + ones[minutes]
	case minutes > 0:
		said += " " + belowThousand(minutes)
	}
	if half != "" {
		said += " " + half + ".M"
	}
	return said
}

func allDay(c cursor) (string, int) {
	if m := reAllDay.FindString(c.rest); m != "" && closed(c.rest[len(m):]) {
		return "twenty-four seven", len(m)
	}
	return "", 0
}
