// Package speechtest holds scripted engines of speech, and the suites that every real one passes. Its sound carries its own words:
// Sound writes the letters of each word into the samples of a tone, and Words reads them back wherever the tone went, so that a test can
// follow a sentence through buffers, queues and cuts. Nothing here survives a codec.
package speechtest

import (
	"strings"
	"time"

	"github.com/parley-voice/parley/internal/speech"
)

// WordTime is how long a word of Sound lasts at normal speed.
const WordTime = 300 * time.Millisecond

// Samples that carry words. A word is mark, base+length, base+byte…, then the tone to its end.
const (
	mark = 15000
	base = 10000
	tone = 8000
	// hiss is the level of Noise: as loud as a voice, without words.
	hiss = 6000
)

// loud is the mean level above which Detector takes a window for speech.
const loud = 2000

// Samples converts a time to samples of the contract's rate.
func Samples(d time.Duration) int { return int(speech.Rate * d / time.Second) }

// Sound says a text, WordTime a word.
func Sound(text string) []int16 { return spoken(text, WordTime) }

func spoken(text string, each time.Duration) []int16 {
	var pcm []int16
	for _, w := range strings.Fields(text) {
		pcm = append(pcm, word(w, Samples(each))...)
	}
	return pcm
}

func word(w string, n int) []int16 {
	pcm := Tone(n)
	letters := []byte(w)
	if most := n - 2; len(letters) > most {
		letters = letters[:most]
	}
	pcm[0], pcm[1] = mark, base+int16(len(letters))
	for i, b := range letters {
		pcm[2+i] = base + int16(b)
	}
	return pcm
}

// Tone is n samples as loud as a voice, without words.
func Tone(n int) []int16 { return square(n, tone) }

// Noise is a sound that the detector takes for a voice and in which the recognizer finds no words, such as a cough.
func Noise(d time.Duration) []int16 { return square(Samples(d), hiss) }

func square(n int, level int16) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = level
		if i%8 >= 4 {
			pcm[i] = -level
		}
	}
	return pcm
}

// Word is a word found in sound.
type Word struct {
	Text string
	At   time.Duration // of its first sample
	For  time.Duration // that it sounds on: less than WordTime when it was cut
}

// Words finds the words in sound. A word whose beginning is missing is not found.
func Words(pcm []int16) []Word {
	var words []Word
	for i := 0; i < len(pcm); i++ {
		if pcm[i] != mark || i+1 >= len(pcm) {
			continue
		}
		n := int(pcm[i+1] - base)
		if n < 1 || i+2+n > len(pcm) {
			continue
		}
		letters := make([]byte, n)
		for k := range letters {
			letters[k] = byte(pcm[i+2+k] - base)
		}
		end := i + 2 + n
		for end < len(pcm) && pcm[end] != mark && pcm[end] != 0 {
			end++
		}
		words = append(words, Word{Text: string(letters), At: length(i), For: length(end - i)})
		i = end - 1
	}
	return words
}

// Text joins the words found in sound.
func Text(pcm []int16) string {
	var all []string
	for _, w := range Words(pcm) {
		all = append(all, w.Text)
	}
	return strings.Join(all, " ")
}

func length(samples int) time.Duration {
	return time.Duration(samples) * time.Second / speech.Rate
}
