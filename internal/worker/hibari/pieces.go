package hibari

import (
	"strings"
	"unicode/utf8"
)

// Lengths of what the network is given at once, in phonemes. Its time grows with them, and nothing is heard before it is done;
// but a sentence cut in two loses some of its melody.
const (
	firstPiece = 70  // about ten words: the first sound after 30 ms
	laterPiece = 200 // while the piece before it plays
	leastPiece = 20  // a shorter piece is not worth a cut
)

// longRun bounds, in bytes, what the front end reads at once, whose time grows faster than the text. No sentence comes near it.
const longRun = 1000

// runs cuts a text without punctuation between words, or anywhere if there are none.
func runs(sentence string) (out []string) {
	for len(sentence) > longRun {
		end := strings.LastIndexByte(sentence[:longRun], ' ')
		if end <= 0 {
			for end = longRun; end > longRun-utf8.UTFMax && !utf8.RuneStart(sentence[end]); {
				end--
			}
		}
		out = append(out, sentence[:end])
		sentence = strings.TrimLeft(sentence[end:], " ")
	}
	return append(out, sentence)
}

// pieces cuts the phonemes of a sentence behind commas and the like, or between words if there is no other way.
func pieces(phonemes string, first bool) (out []string) {
	most := laterPiece
	if first {
		most = firstPiece
	}
	for utf8.RuneCountInString(phonemes) > most {
		n := cut(phonemes, most)
		if n == 0 && most < laterPiece {
			most = laterPiece
			continue
		}
		if n == 0 {
			n = hardCut(phonemes, most)
		}
		out = append(out, strings.TrimSpace(phonemes[:n]))
		phonemes = strings.TrimSpace(phonemes[n:])
		most = laterPiece
	}
	return append(out, phonemes)
}

// cut is the end of the last clause that fits, 0 if there is none that is worth it.
func cut(phonemes string, most int) int {
	best, count := 0, 0
	for i, r := range phonemes {
		count++
		end := i + utf8.RuneLen(r)
		if count > most {
			break
		}
		if count >= leastPiece && strings.ContainsRune(",;:—", r) && strings.HasPrefix(phonemes[end:], " ") &&
			utf8.RuneCountInString(phonemes[end:]) > leastPiece {
			best = end
		}
	}
	return best
}

// hardCut is the end of the last whole word that fits, or just the most that does.
func hardCut(phonemes string, most int) int {
	end, count := 0, 0
	for i := range phonemes {
		if count == most {
			end = i
			break
		}
		count++
	}
	if i := strings.LastIndexByte(phonemes[:end], ' '); i > 0 {
		return i
	}
	return end
}
