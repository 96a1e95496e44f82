package convo

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
)

// unconfirmed are the exact inputs among arguments that the caller has not said yes to after the agent read them back, each as it may be
// read out.
func unconfirmed(a *parley.Action, arguments json.RawMessage, history []llm.Message, language string) (readings []string) {
	var values map[string]any
	if json.Unmarshal(arguments, &values) != nil {
		return nil
	}
	for i := range a.Inputs {
		in := &a.Inputs[i]
		v, given := values[in.Name]
		if _, fixed := in.Fixed(); fixed || !given || !in.Exact() {
			continue
		}
		r := exact{value: parley.Written(v), kind: strings.ToLower(in.Type), language: strings.ToLower(language)}
		r.out = strings.NewReplacer("_", " ", "-", " ").Replace(in.Name) + " " + r.wording()
		if !r.confirmed(history) {
			readings = append(readings, r.out)
		}
	}
	return readings
}

// exact is a value that is to be read back.
type exact struct {
	value, kind, language string
	out                   string // as it may be read out, with its name
}

// confirmed says whether the agent has read the value back and the caller said yes to it next. Of a language whose numbers we do not read
// the model's word is taken for it, once it was told to do so: a question of its own, and a yes.
func (r exact) confirmed(history []llm.Message) bool {
	said, told := "", false
	for _, m := range history {
		switch m.Role {
		case llm.Agent:
			said += " " + m.Text
		case llm.Result:
			told = told || strings.Contains(m.Text, r.out)
		case llm.Caller:
			asked := told && !strings.HasPrefix(r.language, "en") && strings.HasSuffix(strings.TrimSpace(said), "?")
			if assents(m.Text, r.language) && (asked || r.heardIn(said)) {
				return true
			}
			said = ""
		}
	}
	return false
}

// refusal is what the model is told of values that were not confirmed; the wording can be said as it is.
func refusal(readings []string) string {
	list := strings.Join(readings, ", ")
	return string(encoded(map[string]any{
		"ok": false, "unconfirmed": list,
		"message": "Nothing was sent yet. Read this back to the caller, ask whether it is right, and call again after a yes: " + list + ".",
	}))
}

// yes and no in the languages that agents speak of their own accord.
var assent = map[string]struct{ yes, no *regexp.Regexp }{
	"en": {
		regexp.MustCompile(`\b(?:yes|yeah|yep|yup|yea|correct|right|exactly|sure|ok|okay|perfect|fine|good|great|` +
			`absolutely|indeed|definitely|it is|that is it|go ahead|uh huh)\b`),
		regexp.MustCompile(`\b(?:no|nope|nah|not|wrong|incorrect|change|instead|isn't|wait)\b`),
	},
	"es": {
		regexp.MustCompile(`(?:^|\P{L})(?:sí|si|correcto|exacto|eso es|claro|vale|perfecto|está bien|de acuerdo)(?:\P{L}|$)`),
		regexp.MustCompile(`(?:^|\P{L})(?:no|mal|incorrecto|error|cambiar?|espere)(?:\P{L}|$)`),
	},
	"pt": {
		regexp.MustCompile(`(?:^|\P{L})(?:sim|isso|certo|correto|exato|claro|perfeito|está bem|tudo bem|ok)(?:\P{L}|$)`),
		regexp.MustCompile(`(?:^|\P{L})(?:não|errado|incorreto|mudar|trocar|espere)(?:\P{L}|$)`),
	},
}

// assents says that somebody said yes and nothing against it.
func assents(text, language string) bool {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	w, ok := assent[base]
	if !ok {
		w = assent["en"]
	}
	text = strings.ToLower(strings.ReplaceAll(text, "’", "'"))
	return w.yes.MatchString(text) && !w.no.MatchString(strings.ReplaceAll(text, "no problem", ""))
}

// heardIn says whether the value can be heard in what was said, in figures or in words.
func (r exact) heardIn(said string) bool {
	said = strings.ToLower(said)
	if strings.Contains(said, r.out) {
		return true
	}
	switch r.kind {
	case "email":
		return strings.Contains(address(said), address(r.value))
	case "date":
		return holdsDate(said, r.value)
	case "time":
		return holdsTime(said, r.value)
	case "datetime", "date-time":
		day, clock, ok := strings.Cut(strings.ReplaceAll(r.value, " ", "T"), "T")
		return ok && holdsDate(said, day) && holdsTime(said, clock)
	}
	all, digits := figures(said), strings.Join(figures(r.value), "")
	if n, err := strconv.Atoi(r.value); err == nil && len(digits) < 3 {
		return holdsNumber(all, n)
	}
	return digits != "" && strings.Contains(strings.Join(all, ""), digits)
}

// holdsNumber says whether a number is one of some figures.
func holdsNumber(all []string, n int) bool {
	return slices.ContainsFunc(all, func(f string) bool {
		m, err := strconv.Atoi(f)
		return err == nil && m == n
	})
}

var atDot = strings.NewReplacer(" at ", "@", " arroba ", "@", " dot ", ".", " point ", ".", " punto ", ".", " ponto ", ".",
	" underscore ", "_", " dash ", "-", " hyphen ", "-", " minus ", "-", " plus ", "+")

// address is an e-mail address as it is written, of one that may be spoken or spelled.
func address(text string) string {
	text = atDot.Replace(atDot.Replace(" " + strings.ToLower(text) + " "))
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == ',' {
			return -1
		}
		return r
	}, text)
}

func holdsDate(said, value string) bool {
	d, err := time.Parse(time.DateOnly, value)
	if err != nil {
		return strings.Contains(said, strings.ToLower(value)) // "monday", as the model wrote it
	}
	named := strings.Contains(said, strings.ToLower(d.Month().String())) && holdsNumber(figures(said), d.Day())
	days := int(d.Sub(time.Now().UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
	return named || days >= 0 && days < 8 && strings.Contains(said, strings.ToLower(d.Weekday().String())) ||
		days == 0 && strings.Contains(said, "today") || days == 1 && strings.Contains(said, "tomorrow")
}

func holdsTime(said, value string) bool {
	t, err := time.Parse("15:04", value[:min(len(value), 5)])
	if err != nil {
		return strings.Contains(said, strings.ToLower(value))
	}
	all := figures(said)
	hours := holdsNumber(all, (t.Hour()+11)%12+1) || holdsNumber(all, t.Hour()) ||
		t.Hour() == 12 && strings.Contains(said, "noon") || t.Hour() == 0 && strings.Contains(said, "midnight")
	if t.Minute() == 0 || !hours || holdsNumber(all, t.Minute()) {
		return hours
	}
	return t.Minute() == 30 && strings.Contains(said, "half") || t.Minute()%15 == 0 && strings.Contains(said, "quarter")
}

var (
	figureWords = map[string]int{
		"zero": 0, "oh": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
		"twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
		"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11,
		"twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18, "nineteenth": 19,
		"twentieth": 20, "thirtieth": 30,
	}
	tens     = map[string]int{"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
	reFigure = regexp.MustCompile(`\d+|[a-z]+`)
)

// figures are the numbers in a text, in figures; "twenty third" is one.
func figures(text string) (all []string) {
	open := 0 // tens that wait for their unit
	for _, w := range reFigure.FindAllString(strings.ToLower(text), -1) {
		n, unit := figureWords[w]
		if open > 0 && (!unit || n == 0 || n > 9) {
			all = append(all, strconv.Itoa(open))
			open = 0
		}
		switch {
		case tens[w] > 0:
			open = tens[w]
		case unit:
			all = append(all, strconv.Itoa(open+n))
			open = 0
		case w[0] >= '0' && w[0] <= '9':
			all = append(all, w)
		}
	}
	if open > 0 {
		all = append(all, strconv.Itoa(open))
	}
	return all
}

// wording is the value as it may be read out.
func (r exact) wording() string {
	switch r.kind {
	case "date":
		if d, err := time.Parse(time.DateOnly, r.value); err == nil {
			return d.Format("Monday, January 2")
		}
	case "phone", "tel", "digits":
		return strings.Join(strings.Split(r.value, ""), " ")
	}
	return r.value
}
