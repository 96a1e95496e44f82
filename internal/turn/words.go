package turn

import (
	"slices"
	"strings"
	"unicode"
)

// lexicon are the few words by which the machine reads a turn; engines do the rest.
type lexicon struct {
	backchannels []string // said to show that one listens
	farewells    []string
	hellos       []string
	urgent       []string // one of them is enough to stop a patient agent
	open         []string // a turn that ends in one is not over
	nothings     []string // what recognizers make of noise
	digits       []string
}

var lexicons = map[string]lexicon{
	"en": {
		backchannels: []string{"uh-huh", "uh huh", "mhm", "mm-hmm", "mm hmm", "mmhmm", "mm", "hmm", "hm", "yeah", "yep", "yes", "okay", "ok", "right",
			"sure", "i see", "all right", "alright", "oh", "ah", "aha", "got it", "oh okay", "okay okay", "yes yes", "yeah yeah", "good", "great"},
		farewells: []string{"bye", "goodbye", "good bye", "good-bye", "bye bye", "bye-bye", "thanks", "thank you", "thank you bye", "thanks bye", "thank you goodbye",
			"thanks goodbye", "see you", "have a nice day", "you too", "you too bye", "okay bye", "ok bye", "okay thank you", "okay thanks", "take care",
			"thank you very much", "thank you so much"},
		hellos: []string{"hello", "hi", "hey", "hello hello", "yes", "yes hello", "good morning", "good afternoon", "good evening"},
		urgent: []string{"stop", "wait", "hold on", "excuse me", "no no", "one moment", "pardon"},
		open: []string{"and", "or", "but", "so", "because", "if", "the", "a", "an", "my", "is", "to", "for", "with", "at", "on", "in", "of", "from", "um",
			"uh", "er", "like", "that", "my number is", "my name is", "it is", "it's", "i'm", "i want", "i'd like", "would like", "about", "by"},
		nothings: []string{"you", "thank you for watching", "thanks for watching"},
		digits: []string{"zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "double", "triple", "plus",
			"hundred", "point", "dash", "area", "code"},
	},
	"es": {
		backchannels: []string{"sí", "si", "ajá", "claro", "vale", "ya", "bueno", "entiendo", "mhm"},
		farewells:    []string{"adiós", "adios", "chao", "gracias", "gracias adiós", "hasta luego", "muchas gracias"},
		hellos:       []string{"hola", "buenos días", "buenas tardes", "sí", "diga"},
		urgent:       []string{"espere", "espera", "pare", "para", "perdón", "un momento"},
		open:         []string{"y", "o", "pero", "porque", "el", "la", "un", "una", "mi", "es", "de", "para", "con", "que", "mi número es", "me llamo"},
		digits:       []string{"cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"},
	},
	"pt": {
		backchannels: []string{"sim", "aham", "certo", "tá", "tá bom", "entendi", "ok", "claro", "mhm"},
		farewells:    []string{"tchau", "adeus", "obrigado", "obrigada", "até logo", "obrigado tchau", "obrigada tchau"},
		hellos:       []string{"olá", "oi", "alô", "bom dia", "boa tarde", "boa noite"},
		urgent:       []string{"espera", "espere", "pare", "para", "desculpe", "um momento"},
		open:         []string{"e", "ou", "mas", "porque", "o", "a", "um", "uma", "meu", "minha", "é", "de", "para", "com", "que", "meu número é", "meu nome é"},
		digits:       []string{"zero", "um", "dois", "três", "quatro", "cinco", "seis", "meia", "sete", "oito", "nove"},
	},
}

// lexiconOf picks by the language of a tag such as pt-BR; English stands in for the others.
func lexiconOf(tag string) lexicon {
	base, _, _ := strings.Cut(strings.ToLower(tag), "-")
	if l, ok := lexicons[base]; ok {
		return l
	}
	return lexicons["en"]
}

// plain strips punctuation and case, so that texts compare as they sound.
func plain(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '\'', r == '-', r == '+':
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func same(a, b string) bool { return plain(a) == plain(b) }

func (l lexicon) isBackchannel(text string) bool { return slices.Contains(l.backchannels, plain(text)) }
func (l lexicon) isHello(text string) bool       { return slices.Contains(l.hellos, plain(text)) }

func (l lexicon) isFarewell(text string) bool {
	p := plain(text)
	return p == "" || slices.Contains(l.farewells, p) || slices.Contains(l.backchannels, p)
}

// isNothing tells what recognizers invent on noise; short says that the sound was hardly a word.
func (l lexicon) isNothing(text string, short bool) bool {
	p := plain(text)
	return p == "" || short && slices.Contains(l.nothings, p)
}

// words counts what a patient agent stops for: none in a backchannel, many in an urgent word.
func (l lexicon) words(text string) int {
	p := plain(text)
	for _, u := range l.urgent {
		if p == u || strings.HasPrefix(p, u+" ") {
			return 100
		}
	}
	if p == "" || l.isBackchannel(p) {
		return 0
	}
	return len(strings.Fields(p))
}

// looksOpen says that a turn with this text is probably not over: it ends in a word that wants another, or in the middle of a number.
func (l lexicon) looksOpen(text string) bool {
	t := strings.TrimSpace(text)
	if t == "" || strings.HasSuffix(t, "?") {
		return false
	}
	if strings.HasSuffix(t, ",") || strings.HasSuffix(t, "-") || strings.HasSuffix(t, "…") || strings.HasSuffix(t, "...") {
		return true
	}
	p := " " + plain(t)
	for _, w := range l.open {
		if strings.HasSuffix(p, " "+w) {
			return true
		}
	}
	return l.digitsAtEnd(p)
}

// digitsAtEnd finds a number being dictated: at least two digits last, fewer than a whole phone number.
func (l lexicon) digitsAtEnd(p string) bool {
	words := strings.Fields(p)
	n := 0
	for i := len(words) - 1; i >= 0; i-- {
		w := strings.Trim(words[i], "-+")
		switch {
		case slices.Contains(l.digits, w):
			n++
		case w != "" && strings.Trim(w, "0123456789-") == "":
			n += len(strings.ReplaceAll(w, "-", ""))
		default:
			return n >= 2 && n < 10 && len(words)-1-i > 1
		}
	}
	return n >= 2 && n < 10 && len(words) > 1
}

// looksComplete says that a text asks, answers or parts, so that nothing more needs to come.
func (l lexicon) looksComplete(text string) bool {
	p := plain(text)
	if strings.HasSuffix(strings.TrimSpace(text), "?") || l.isBackchannel(p) || p == "no" {
		return true
	}
	return slices.ContainsFunc(l.farewells, func(w string) bool { return p == w || strings.HasSuffix(p, " "+w) })
}

func join(parts ...string) string {
	var all []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			all = append(all, p)
		}
	}
	return strings.Join(all, " ")
}
