package spoken

import (
	"regexp"
	"strings"
)

// streets are what ends the name of a street.
var streets = map[string]string{"St": "Street", "Ave": "Avenue", "Rd": "Road", "Blvd": "Boulevard", "Dr": "Drive", "Ln": "Lane", "Ct": "Court",
	"Pl": "Place",
	"Sq": "Square", "Hwy": "Highway", "Pkwy": "Parkway", "Ter": "Terrace", "Cir": "Circle"}

var directions = map[string]string{"N": "North", "S": "South", "E": "East", "W": "West",
	"NE": "Northeast", "NW": "Northwest", "SE": "Southeast", "SW": "Southwest"}

var states = map[string]string{"AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado", "CT": "Connecticut",
	"DE": "Delaware", "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas",
	"KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota", "MS": "Mississippi",
	"MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York",
	"NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island",
	"SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington",
	"WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming", "DC": "D.C"}

const (
	streetEnd = `(Street|Avenue|Road|Boulevard|Drive|Lane|Court|Place|Square|Highway|Parkway|Terrace|Circle|Way|` +
		`St|Ave|Rd|Blvd|Dr|Ln|Ct|Pl|Sq|Hwy|Pkwy|Ter|Cir)\b\.?`
	nameWord = `(?:[A-Z][A-Za-z'’]*\.?|\d{1,3}(?:st|nd|rd|th)) `
)

var (
	reAddress = regexp.MustCompile(`^(\d{1,5})([A-Za-z])? ((?:` + nameWord + `){1,4}?)` + streetEnd + `(?: (NE|NW|SE|SW|[NSEW])\b\.?)?`)
	reStreet  = regexp.MustCompile(`^(Ave|Rd|Blvd|Ln|Hwy|Pkwy|St)\b(\.)?`)
	reNamed   = regexp.MustCompile(`(?:[A-Z][a-z'’]+|\d(?:st|nd|rd|th)|(?:first|second|third|fifth|th)) $`)
	reState   = regexp.MustCompile(`^([A-Z]{2}),? (\d{5})(?:-(\d{4}))?\b`)
	reSuffix  = regexp.MustCompile(`^(Apt|Ste|Bldg|Fl|Rm)\b\.? ?#?`)
	rooms     = map[string]string{"Apt": "Apartment", "Ste": "Suite", "Bldg": "Building", "Fl": "Floor", "Rm": "Room"}
)

// address says "350 N. Oak St." as "three fifty North Oak Street".
func address(c cursor) (string, int) {
	m := reAddress.FindStringSubmatch(c.rest)
	if m == nil {
		return "", 0
	}
	said := []string{house(m[1]) + strings.ToUpper(spaceBefore(m[2]))}
	for _, w := range strings.Fields(m[3]) {
		bare := strings.TrimSuffix(w, ".")
		switch o := reOrdinal.FindStringSubmatch(w); {
		case o != nil:
			w = Ordinal(o[1])
		case directions[bare] != "":
			w = directions[bare]
		case bare == "St":
			w = "Saint"
		}
		said = append(said, w)
	}
	end := m[4]
	if full, ok := streets[end]; ok {
		end = full
	}
	said = append(said, end)
	if m[5] != "" {
		said = append(said, directions[m[5]])
	}
	return strings.Join(said, " "), len(m[0]) - keepPoint(m[0], c.rest[len(m[0]):])
}

func spaceBefore(s string) string {
	if s == "" {
		return ""
	}
	return " " + s
}

// house says the number of a house: in pairs, and one by one if it has five digits.
func house(digits string) string {
	switch len(digits) {
	case 3:
		if digits[1:] == "00" {
			return Cardinal(digits)
		}
		if digits[1] == '0' {
			return Digits(digits[:1]) + " oh " + Digits(digits[2:])
		}
		return Cardinal(digits[:1]) + " " + Cardinal(digits[1:])
	case 4:
		return Year(digits)
	case 5:
		return Digits(digits)
	}
	return Cardinal(digits)
}

// street says the short end of a street's name behind that name, and "Apt. 4" and its like.
func street(c cursor) (string, int) {
	if m := reSuffix.FindStringSubmatch(c.rest); m != nil && sayableNumber(c.rest[len(m[0]):]) {
		return rooms[m[1]] + " ", len(m[0])
	}
	m := reStreet.FindStringSubmatch(c.rest)
	if m == nil || !reNamed.MatchString(c.before) || m[1] == "St" && m[2] == "" && !closed(c.rest[len(m[0]):]) {
		return "", 0
	}
	return streets[m[1]], len(m[0]) - keepPoint(m[0], c.rest[len(m[0]):])
}

// sayableNumber says that a number of a door follows: "4", "4B".
func sayableNumber(rest string) bool {
	return digit(rest) || len(rest) > 0 && rest[0] >= 'A' && rest[0] <= 'Z' && closed(rest[1:])
}

// state says "MA 02110" as "Massachusetts, zero two one one zero".
func state(c cursor) (string, int) {
	m := reState.FindStringSubmatch(c.rest)
	if m == nil || states[m[1]] == "" || !closed(c.rest[len(m[0]):]) {
		return "", 0
	}
	said := states[m[1]] + ", " + Digits(m[2])
	if m[3] != "" {
		said += ", " + Digits(m[3])
	}
	return said, len(m[0])
}

var (
	reTitle = regexp.MustCompile(`^(Dr|St|Prof|Mt|Ft)\b\.? ([A-Z])`)
	titles  = map[string]string{"Dr": "Doctor", "St": "Saint", "Prof": "Professor", "Mt": "Mount", "Ft": "Fort"}
	reShort = regexp.MustCompile(`^(?:w/o?|(?:[A-Za-z]+\.)*[A-Za-z]+)`)
	short   = map[string]string{"e.g": "for example", "i.e": "that is", "etc": "et cetera", "approx": "approximately",
		"appt": "appointment", "appts": "appointments",
		"vs": "versus", "w/": "with", "w/o": "without", "ext": "extension", "dept": "department", "Dept": "Department",
		"tel": "telephone", "Tel": "Telephone", "incl": "including",
		"mins": "minutes", "hrs": "hours", "No": "Number"}
	alone = set("etc appt appts vs w/ w/o mins hrs") // said in full without a point too
)

// title says the short form in front of a name.
func title(c cursor) (string, int) {
	m := reTitle.FindStringSubmatch(c.rest)
	if m == nil || m[1] == "St" && reNamed.MatchString(c.before) && !saintBefore(c.before) {
		return "", 0
	}
	return titles[m[1]] + " ", len(m[0]) - 1
}

// saintBefore says that the capital before is no street's name but begins the sentence.
func saintBefore(before string) bool {
	t := strings.TrimSpace(before)
	return !strings.Contains(t, " ") || strings.ContainsAny(t[max(0, strings.LastIndex(t, " ")-1):strings.LastIndex(t, " ")], ".!?")
}

// shortWord says other abbreviations in full.
func shortWord(c cursor) (string, int) {
	m := reShort.FindString(c.rest)
	full, ok := short[m]
	rest := c.rest[len(m):]
	if !ok || wordEnd(rest) > 0 || !strings.HasPrefix(rest, ".") && !alone[m] || m == "No" && !digit(strings.TrimLeft(rest, ". ")) {
		return "", 0
	}
	return full, len(m) + point(rest)
}
