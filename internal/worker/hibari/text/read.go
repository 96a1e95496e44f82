package text

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Phonemes reads one sentence. An error is one of the Reader.
func (a *Accent) Phonemes(sentence string) (string, error) {
	words := arrange(a.tokens(a.normalizer.normalize(sentence)))
	if err := a.read(words); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, w := range words {
		b.WriteString(strings.NewReplacer("ɾ", "T", "ʔ", "t").Replace(w.phonemes()))
		if w[len(w)-1].space {
			b.WriteByte(' ')
		}
	}
	return strings.TrimSpace(b.String()), nil
}

// reLink matches [text](/phonemes/), by which a text may say how a word is pronounced.
var reLink = regexp.MustCompile(`\[([^\]]+)\]\(([^\)]*)\)`)

func (a *Accent) tokens(text string) (out []*token) {
	at := 0
	for _, m := range reLink.FindAllStringSubmatchIndex(text, -1) {
		out = append(out, a.tagged(text[at:m[0]])...)
		t := &token{text: text[m[2]:m[3]], tag: "NN", head: true, space: unicode.IsSpace(first(text[m[1]:]))}
		if p := text[m[4]:m[5]]; len(p) > 1 && p[0] == '/' && p[len(p)-1] == '/' {
			t.settle(strings.TrimRight(p[1:], "/"))
		}
		out = append(out, t)
		at = m[1]
	}
	return append(out, a.tagged(text[at:])...)
}

func (a *Accent) tagged(text string) []*token {
	pieces := a.tokenizer.tokens(text)
	words := make([]string, len(pieces))
	for i, p := range pieces {
		words[i] = p.text
	}
	out := make([]*token, len(pieces))
	for i, tag := range a.tagger.tag(words) {
		out[i] = &token{text: words[i], tag: tag, space: pieces[i].space, head: true}
	}
	return out
}

// read gives every word its phonemes, from the last to the first, because the sound of some depends on what follows.
func (a *Accent) read(words []word) error {
	p := place{}
	for i := len(words) - 1; i >= 0; i-- {
		w := words[i]
		if len(w) > 1 {
			if err := a.compound(w, &p); err != nil {
				return err
			}
			continue
		}
		t := w[0]
		if !t.read {
			if ps, ok := a.lexicon.token(t, p); ok {
				t.settle(ps)
			} else if err := a.fallback(t, t.text); err != nil {
				return err
			}
		}
		p.pass(t.phonemes, t)
	}
	return nil
}

// pass makes the place in front of a token that was read.
func (p *place) pass(ps string, t *token) {
	p.next = sound(ps, p.next)
	p.to = isTo(t.text, t.tag)
}

// longestRun is how many tokens may be one entry of the lexicon, or one abbreviation with points.
const longestRun = 24

// compound reads a word of several tokens: the longest runs that the lexicon knows, from the right. If a part stays unknown the
// whole is read by the Reader.
func (a *Accent) compound(w word, p *place) error {
	for left, right := max(0, len(w)-longestRun), len(w); left < right; {
		run := w[left:right]
		if t := run.merge(); run.free() {
			if ps, ok := a.lexicon.token(t, *p); ok {
				for _, x := range run {
					x.settle("")
				}
				run[0].settle(ps)
				p.pass(ps, t)
				left, right = max(0, left-longestRun), left
				continue
			}
		}
		if left+1 < right {
			left++
			continue
		}
		right--
		left = max(0, right-longestRun)
		if t := w[right]; !t.read {
			if !isJunk(t.text) {
				whole := w.merge()
				for _, x := range w[1:] {
					x.settle("")
				}
				return a.fallback(w[0], whole.text)
			}
			t.settle("")
		}
	}
	w.balance()
	return nil
}

func (w word) free() bool {
	for _, t := range w {
		if !t.free() {
			return false
		}
	}
	return true
}

// signSounds are read where a sign stands among letters.
var signSounds = map[rune]string{'/': "slˈæʃ", '=': "ˈikwᵊlz", '+': "plˈʌs", '&': "ænd", '@': "æt", '%': "pəɹsˈɛnt", '#': "hˈæʃ",
	'*': "ˈæstəɹˌɪsk", '~': "tˈɪldə", '^': "kˈɛɹət", '<': "lˈɛs ðən", '>': "ɡɹˈATəɹ ðən", '—': "—"}

var rePiece = regexp.MustCompile(`(?:\pL|\p{Nl}|\p{No})+(?:['’](?:\pL|\p{Nl}|\p{No})+)*|\p{Nd}+(?:[,.]\p{Nd}+)*|[^\pL\pN_\s]+`)

// fallback reads what no rule knows: letters by the Reader, digits as a number, signs by name.
func (a *Accent) fallback(t *token, text string) error {
	var out []string
	for _, piece := range rePiece.FindAllString(text, -1) {
		ps, err := "", error(nil)
		switch r := first(piece); {
		case decimals(string(r)):
			ps, _ = a.lexicon.number(foldDigits(piece), "", false)
		case alpha(string(r)):
			ps, err = a.unknown(piece)
		default:
			for _, r := range piece {
				ps += signSounds[r]
			}
		}
		if err != nil {
			return fmt.Errorf("read an unknown word: %w", err)
		}
		if ps != "" {
			out = append(out, ps)
		}
	}
	t.settle(strings.Join(out, " "))
	return nil
}

// foldDigits writes digits of every script in ASCII.
func foldDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.Is(unicode.Nd, r) {
			return r
		}
		zero := r // the digits of a script stand in a row of ten
		for unicode.Is(unicode.Nd, zero-1) && r-zero < 9 {
			zero--
		}
		return '0' + (r - zero)
	}, s)
}

var plainQuote = strings.NewReplacer("‘", "'", "’", "'")

// token reads a token by the lexicon or as a number.
func (l *lexicon) token(t *token, p place) (string, bool) {
	w := t.text
	if t.alias != "" {
		w = t.alias
	}
	w = foldDigits(norm.NFKC.String(plainQuote.Replace(w)))
	p.tag, p.stress = t.tag, asIs
	switch {
	case lower(w):
	case upper(w):
		p.stress = loud
	default:
		p.stress = stronger
	}
	if ps, ok := l.word(w, p); ok {
		return l.price(ps, t.currency), true
	}
	if isNumber(w, t.head) {
		return l.number(w, t.currency, t.head)
	}
	return "", false
}

// mixed says that a spelling has a space, a slash, or more than one kind of character.
func (w word) mixed() bool {
	kinds := map[int]bool{}
	for _, t := range w {
		if strings.ContainsAny(t.text, " /") {
			return true
		}
		for _, r := range t.text {
			switch {
			case strings.ContainsRune(junk, r):
			case unicode.IsLetter(r):
				kinds[0] = true
			case isDigit(r):
				kinds[1] = true
			default:
				kinds[2] = true
			}
		}
	}
	return len(kinds) > 1
}

// lone says that a token is a single character.
func (t *token) lone() bool { return utf8.RuneCountInString(t.text) == 1 }
