package stream

import "github.com/parley-voice/parley/internal/rtpmedia"

// hum is the level of the comfort noise that we send, in -dBov: what a phone plays so that its line does not seem dead.
const hum = 70

// pause leaves out a packet of n samples that is silence, where comfort noise was agreed on (RFC 3389 §4); ok says that one that
// describes the noise is sent in its place.
func (o *outbound) pause(n int) (p rtpmedia.Packet, ok, paused bool) {
	sound, noise := o.pauses.Beat(o.speaking)
	if sound {
		return p, false, false
	}
	if noise {
		o.hum = rtpmedia.AppendNoise(o.hum[:0], hum)
		p = o.talker.Sound(rtpmedia.ComfortNoisePayload, o.before(), false, o.hum)
	}
	o.talker.Pause()
	o.drop(n)
	return p, noise, true
}

// before is how many ticks before the present beat the packet that is being filled began.
func (o *outbound) before() uint32 {
	old := o.have - o.codec.beat() // samples; negative within the beat
	return uint32(old*rtpmedia.Beat/o.codec.beat()) * o.codec.scale()
}

// drop takes the first n samples from the packet that is being filled.
func (o *outbound) drop(n int) {
	o.have = copy(o.pcm[:], o.pcm[n:o.have])
	o.speaking = o.now && o.have > 0
}
