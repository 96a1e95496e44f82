package modelstest

import (
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/audio"
)

// Speech of people must never be taken for keys: the clips are heard from eight beginnings and at three levels, as they are and through
// the telephone.
func TestSpeechPressesNoKeys(t *testing.T) {
	seconds := 0.0
	for _, u := range Human(t) {
		wide := u.PCM
		narrow, err := audio.Resample(wide, audio.Wide, audio.Narrow)
		if err != nil {
			t.Fatal(err)
		}
		coded := make([]byte, len(narrow))
		audio.PCMU.Encode(coded, narrow)
		audio.PCMU.Decode(narrow, coded)
		for rate, pcm := range map[audio.Hz][]int16{audio.Wide: wide, audio.Narrow: narrow} {
			n := rate.Samples(20 * time.Millisecond)
			for _, gain := range []float32{0.25, 1, 4} {
				loud := append([]int16(nil), pcm...)
				audio.Gain(loud, gain)
				for from := 0; from < n; from += n / 8 {
					d := audio.NewDTMF(rate)
					for i := from; i+n <= len(loud); i += n {
						if k, ok := d.Frame(loud[i : i+n]); ok {
							t.Errorf("%s at %d Hz, gain %v: key %c at %.2f s", u.Name, rate, gain, k, rate.Duration(i).Seconds())
						}
					}
					seconds += rate.Duration(len(loud) - from).Seconds()
				}
			}
		}
	}
	t.Logf("no key in %.0f minutes", seconds/60)
}
