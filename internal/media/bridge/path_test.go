package bridge

import (
	"testing"

	"github.com/parley-voice/parley/internal/media"
)

// A clock that is 1 % slow would add a second of delay every 100 s: what is too much is left out, in pauses where there are any.
func TestClocksThatDifferDoNotAddUp(t *testing.T) {
	for name, pauses := range map[string]bool{"with pauses": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			var p path
			var sound, silence media.Frame
			for i := range sound {
				sound[i] = 8000
			}
			var played, longest, cut int64
			for beat := range 10000 {
				f := &sound
				if pauses && beat%50 > 40 {
					f = &silence
				}
				if !p.room(f) && f == &sound {
					cut++
				}
				if beat%100 != 0 && played < p.written.Load() { // the far clock leaves out every hundredth beat
					played++
				}
				p.left(played)
				longest = max(longest, p.written.Load()-played)
			}
			dropped := p.dropped.Load()
			if longest > most || dropped < 80 || dropped > 120 {
				t.Errorf("at most %d frames waited, %d were dropped", longest, dropped)
			}
			if pauses && cut > 0 {
				t.Errorf("%d of them in the middle of speech", cut)
			}
		})
	}
}
