package hibari

import (
	"strings"
	"time"
	"unicode/utf8"
)

const (
	quiet = 0.002 // amplitude below which there is silence; the network's own is far below, a breath is above
	block = Rate / 100
)

// trimmer takes the silence off both ends of what the network says: about 300 ms before a sentence, during which a caller would
// only wait, and 450 ms behind it, where the pause is ours to choose. It keeps the block (10 ms) on either side of the sound.
type trimmer struct {
	begun bool
	held  []float32 // sound or silence that is not handed on yet
}

// pass takes the next samples and appends to dst what may be handed on. Silence is held back until sound follows it.
func (t *trimmer) pass(dst, pcm []float32) []float32 {
	t.held = append(t.held, pcm...)
	at, keep := 0, 0 // held[:keep] ends with sound
	for ; at+block <= len(t.held); at += block {
		if silent(t.held[at : at+block]) {
			continue
		}
		if !t.begun {
			t.begun = true
			lead := max(0, at-block)
			t.held = t.held[lead:]
			at -= lead
		}
		keep = at + block
	}
	if !t.begun { // the last block may stand in front of the first sound
		t.held = t.held[max(0, at-block):]
		return dst
	}
	dst = append(dst, t.held[:keep]...)
	t.held = t.held[:copy(t.held, t.held[keep:])]
	return dst
}

// end appends what rings on behind the last sound and forgets the rest.
func (t *trimmer) end(dst []float32) []float32 {
	if t.begun {
		dst = append(dst, t.held[:min(block, len(t.held))]...)
	}
	t.begun, t.held = false, t.held[:0]
	return dst
}

func silent(pcm []float32) bool {
	for _, v := range pcm {
		if v > quiet || v < -quiet {
			return false
		}
	}
	return true
}

// pause is how long the voice rests behind phonemes, by the mark that they end with.
func pause(phonemes string) time.Duration {
	end, _ := utf8.DecodeLastRuneInString(strings.TrimRight(phonemes, `"”) `))
	switch end {
	case '.', '!', '?':
		return 280 * time.Millisecond
	case ',', ';', ':', '—', '…':
		return 150 * time.Millisecond
	}
	return 60 * time.Millisecond
}
