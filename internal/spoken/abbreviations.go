package spoken

import "strings"

// neverEnds holds abbreviations behind whose point a sentence goes on.
var neverEnds = set(`mr mrs ms dr prof rev hon gen col capt lt sgt st ave blvd rd ln hwy pkwy ste apt bldg dept fig vol ext tel
	approx est vs e.g i.e cf nr min max mt ft jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri`)

// endsSentence holds abbreviations behind whose point a sentence may end if a capital follows.
var endsSentence = set(`a.m p.m am pm inc ltd corp co etc jr sr bros u.s u.k ph.d m.d`)

var weekdays = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

var months = []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// calendarWord finds the weekday or month, whole or shortened, that text begins with.
func calendarWord(text string) (string, bool) {
	w := strings.ToLower(text[:wordEnd(text)])
	if len(w) < 3 {
		return "", false
	}
	for _, list := range [][]string{weekdays, months} {
		for _, full := range list {
			f := strings.ToLower(full)
			if strings.HasPrefix(f, w) {
				return full, true
			}
		}
	}
	return "", false
}

// wordEnd is the length of the letters that text begins with.
func wordEnd(text string) int {
	for i, r := range text {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return i
		}
	}
	return len(text)
}
