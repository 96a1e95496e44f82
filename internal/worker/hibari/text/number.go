package text

import "strings"

var ones = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
	"thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"}

var tens = []string{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}

var scales = []string{"", " thousand", " million", " billion", " trillion", " quadrillion", " quintillion", " sextillion",
	" septillion", " octillion", " nonillion", " decillion"}

var ordinals = map[string]string{"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
	"nine": "ninth", "twelve": "twelfth"}

// belowThousand says n, 0 to 999.
func belowThousand(n int) string {
	var w []string
	if n >= 100 {
		w = append(w, ones[n/100], "hundred")
		n %= 100
		if n > 0 {
			w = append(w, "and")
		}
	}
	switch {
	case n >= 20 && n%10 > 0:
		w = append(w, tens[n/10]+"-"+ones[n%10])
	case n >= 20:
		w = append(w, tens[n/10])
	case n > 0 || len(w) == 0:
		w = append(w, ones[n])
	}
	return strings.Join(w, " ")
}

// cardinal says a string of ASCII digits: "one thousand, two hundred and thirty-four". One that is longer than words go is
// read digit by digit.
func cardinal(digits string) string {
	digits = strings.TrimLeft(digits, "0")
	if len(digits) > 3*len(scales) {
		return singly(digits)
	}
	var groups []string
	last := 0
	for i := 0; i < len(digits); {
		rest := len(digits) - i
		n := (rest-1)%3 + 1
		if g := small(digits[i : i+n]); g > 0 {
			groups = append(groups, belowThousand(g)+scales[(rest-1)/3])
			last = g
		}
		i += n
	}
	switch n := len(groups); {
	case n == 0:
		return ones[0]
	case n > 1 && last < 100 && strings.HasSuffix(groups[n-1], belowThousand(last)): // "one thousand and one"
		return strings.Join(groups[:n-1], ", ") + " and " + groups[n-1]
	}
	return strings.Join(groups, ", ")
}

// singly reads digits one by one.
func singly(digits string) string {
	w := make([]string, 0, len(digits))
	for _, d := range []byte(digits) {
		w = append(w, ones[d-'0'])
	}
	return strings.Join(w, " ")
}

// small is the value of at most nine digits.
func small(digits string) (n int) {
	for _, d := range []byte(digits) {
		n = 10*n + int(d-'0')
	}
	return n
}

// ordinal says digits as a rank: "twenty-third".
func ordinal(digits string) string {
	c := cardinal(digits)
	i := strings.LastIndexAny(c, " -") + 1
	last := c[i:]
	switch o, ok := ordinals[last]; {
	case ok:
		last = o
	case strings.HasSuffix(last, "y"):
		last = last[:len(last)-1] + "ieth"
	default:
		last += "th"
	}
	return c[:i] + last
}

// year says four digits as a year: "nineteen oh-five", "two thousand and five", "twenty ten".
func year(digits string) string {
	n := small(digits)
	high, low := n/100, n%100
	switch {
	case high == 0 || high%10 == 0 && low < 10:
		return cardinal(digits)
	case low == 0:
		return belowThousand(high) + " hundred"
	case low < 10:
		return belowThousand(high) + " oh-" + ones[low]
	}
	return belowThousand(high) + " " + belowThousand(low)
}

// decimal says digits with a point; zeros at the end are silent.
func decimal(s string) string {
	whole, part, _ := strings.Cut(s, ".")
	w := cardinal(whole)
	if part = strings.TrimRight(part, "0"); part != "" {
		w += " point " + singly(part)
	}
	return w
}
