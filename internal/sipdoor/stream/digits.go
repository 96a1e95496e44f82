package stream

import "fmt"

// ErrNoEvents says that no telephone-event was agreed on, so that a digit must take another way.
var ErrNoEvents = fmt.Errorf("%w: no telephone-event was agreed on", ErrDigit)

// echo is for how many beats a key in the sound and the same one by signalling are one press: a second.
const echo = 50

// digits is what is known of the talker's ways to press keys. The better one rules: events, then signalling, then tones in the sound.
type digits struct {
	events  bool // telephone-events came
	outside bool // signalling brought some
	tone    byte // the last one that was heard in the sound
	since   int  // beats since then
}

// Pressed takes a key that signalling brought, as SIP's INFO does.
func (s *Stream) Pressed(digit byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &s.in.digits
	d.outside = true
	if d.events || d.tone == digit && d.since < echo {
		d.tone = 0
		return
	}
	s.Press(digit)
}

// listen hears keys in the beat's sound where there is no better way; lost says that the sound is made up.
func (s *Stream) listen(lost bool) {
	d := &s.in.digits
	if s.p.DTMFPayload != 0 || d.outside {
		return
	}
	d.since++
	if lost {
		s.in.tones.Gap()
		return
	}
	if k, ok := s.in.tones.Frame(s.in.pcm[:s.in.codec.beat()]); ok {
		d.tone, d.since = k, 0
		s.Press(k)
	}
}
