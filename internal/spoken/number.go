package spoken

import "strings"

var ones = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
	"thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"}

var tens = []string{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}

var scales = []string{"", " thousand", " million", " billion", " trillion", " quadrillion", " quintillion", " sextillion",
	" septillion", " octillion", " nonillion", " decillion"}

var irregular = map[string]string{"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
	"nine": "ninth", "twelve": "twelfth"}

// Cardinal says a string of ASCII digits as a number: "one thousand two hundred thirty-four". One that is longer than words go
// (36 digits) is read digit by digit.
func Cardinal(digits string) string {
	digits = strings.TrimLeft(digits, "0")
	if len(digits) > 3*len(scales) {
		return Digits(digits)
	}
	var groups []string
	for i := 0; i < len(digits); {
		rest := len(digits) - i
		n := (rest-1)%3 + 1
		if g := value(digits[i : i+n]); g > 0 {
			groups = append(groups, belowThousand(g)+scales[(rest-1)/3])
		}
		i += n
	}
	if len(groups) == 0 {
		return ones[0]
	}
	return strings.Join(groups, " ")
}

// belowThousand says n, 0 to 999.
func belowThousand(n int) string {
	switch {
	case n >= 100 && n%100 == 0:
		return ones[n/100] + " hundred"
	case n >= 100:
		return ones[n/100] + " hundred " + belowThousand(n%100)
	case n >= 20 && n%10 > 0:
		return tens[n/10] + "-" + ones[n%10]
	case n >= 20:
		return tens[n/10]
	}
	return ones[n]
}

// Digits says ASCII digits one by one.
func Digits(digits string) string {
	w := make([]string, 0, len(digits))
	for _, d := range []byte(digits) {
		w = append(w, ones[d-'0'])
	}
	return strings.Join(w, " ")
}

// value is that of at most nine digits.
func value(digits string) (n int) {
	for _, d := range []byte(digits) {
		n = 10*n + int(d-'0')
	}
	return n
}

// Ordinal says digits as a rank: "twenty-third".
func Ordinal(digits string) string {
	c := Cardinal(digits)
	i := strings.LastIndexAny(c, " -") + 1
	last := c[i:]
	switch o, ok := irregular[last]; {
	case ok:
		last = o
	case strings.HasSuffix(last, "y"):
		last = last[:len(last)-1] + "ieth"
	default:
		last += "th"
	}
	return c[:i] + last
}

// Year says four digits as a year, and as a house number: "nineteen oh-five", "two thousand five", "twenty ten".
func Year(digits string) string {
	n := value(digits)
	high, low := n/100, n%100
	switch {
	case high == 0 || high%10 == 0 && low < 10:
		return Cardinal(digits)
	case low == 0:
		return belowThousand(high) + " hundred"
	case low < 10:
		return belowThousand(high) + " oh-" + ones[low]
	}
	return belowThousand(high) + " " + belowThousand(low)
}

// Decimal says digits with a point: "three point one four". Zeros at the end are silent.
func Decimal(s string) string {
	whole, part, _ := strings.Cut(s, ".")
	w := Cardinal(whole)
	if part = strings.TrimRight(part, "0"); part != "" {
		w += " point " + Digits(part)
	}
	return w
}
