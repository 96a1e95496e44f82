package flow

import (
	"math"
	"net/mail"
	"strconv"
	"strings"
	"time"
)

const (
	mostValue = 1000 // bytes of one
	// A telephone number in digits: E.164 allows 15, short ones are local.
	leastPhone, mostPhone = 5, 15
)

// take checks what a caller is said to have given, and gives it the type of its kind.
func (v *Variable) take(a Answer) (Value, bool) {
	text := strings.TrimSpace(a.Value)
	if text == "" || len(text) > mostValue {
		return Value{}, false
	}
	out := Value{Value: text, Spoken: a.Spoken}
	ok := true
	switch v.Kind {
	case Number:
		n, err := strconv.ParseFloat(text, 64)
		out.Value, ok = n, err == nil && v.within(n)
	case Boolean:
		b, err := strconv.ParseBool(text)
		out.Value, ok = b, err == nil
	case Date:
		ok = isTime("2006-01-02", text)
	case Time:
		ok = isTime("15:04", text)
	case Email:
		m, err := mail.ParseAddress(text)
		ok = err == nil && m.Address == text
	case Phone:
		out.Value, ok = phone(text)
	case Choice:
		out.Value, ok = v.option(text)
	}
	return out, ok && (v.pattern == nil || v.pattern.MatchString(written(out.Value)))
}

func (v *Variable) within(n float64) bool {
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0):
		return false
	case v.Whole && n != math.Trunc(n):
		return false
	}
	return (v.Min == nil || n >= *v.Min) && (v.Max == nil || n <= *v.Max)
}

func isTime(layout, text string) bool {
	_, err := time.Parse(layout, text)
	return err == nil
}

// phone drops what people write between digits.
func phone(text string) (string, bool) {
	digits := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "").Replace(text)
	bare := strings.TrimPrefix(digits, "+")
	return digits, len(bare) >= leastPhone && len(bare) <= mostPhone && strings.Trim(bare, "0123456789") == ""
}

func (v *Variable) option(text string) (string, bool) {
	for _, o := range v.Options {
		if strings.EqualFold(strings.TrimSpace(o), text) {
			return o, true
		}
	}
	return "", false
}
