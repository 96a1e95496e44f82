package stream

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

// farCodec codes as the far end does.
type farCodec struct {
	t       *testing.T
	codec   Codec
	rate    audio.Hz
	decoder decoder
	encoder encoder
	next    rtpmedia.Packet
}

func newFarCodec(t *testing.T, c Codec) *farCodec {
	t.Helper()
	d, err1 := newDecoder(c)
	e, err2 := newEncoder(c, Tuning{})
	if err1 != nil || err2 != nil {
		t.Skip(err1, err2)
	}
	return &farCodec{t: t, codec: c, rate: specs[c].rate, decoder: d, encoder: e, next: rtpmedia.Packet{PayloadType: payload(c), SSRC: 7}}
}

// payload is a codec's payload type in tests.
func payload(c Codec) uint8 {
	if pt, ok := c.StaticPayload(); ok {
		return pt
	}
	return 96
}

// says makes the next packet.
func (f *farCodec) says(pcm []int16) rtpmedia.Packet {
	p := f.next
	p.Payload = f.encoder.encode(make([]byte, 0, maxPayload), pcm)
	f.next.Sequence++
	f.next.Timestamp += uint32(len(pcm)*rtpmedia.Beat/f.codec.beat()) * f.codec.scale()
	return p
}

// hears decodes packets of whole beats.
func (f *farCodec) hears(p rtpmedia.Packet) (pcm []int16) {
	f.t.Helper()
	ticks := f.decoder.ticks(p.Timestamp/f.codec.scale(), p.Payload)
	for ; len(ticks) >= rtpmedia.Beat; ticks = ticks[rtpmedia.Beat:] {
		beat := make([]int16, f.codec.beat())
		f.decoder.decode(beat, (*[rtpmedia.Beat]byte)(ticks))
		pcm = append(pcm, beat...)
	}
	return pcm
}

// A packet holds as much time as was asked for (RFC 3264 §5.1, RFC 8866 §6.4), and its timestamp is that of its first sample.
func TestPacketTimeIsTheOneAskedFor(t *testing.T) {
	for _, codec := range Codecs() {
		for _, ms := range []int{10, 20, 25, 30, 40, 50, 60} {
			if codec == Opus && codec.PacketTime(time.Duration(ms)*time.Millisecond) != time.Duration(ms)*time.Millisecond {
				continue
			}
			t.Run(fmt.Sprintf("%s %d ms", codec, ms), func(t *testing.T) {
				r := newRig(t)
				p := r.params()
				p.Codec, p.PayloadType, p.PacketTime = codec, payload(codec), time.Duration(ms)*time.Millisecond
				r.Start(p)
				for range 30 {
					if err := r.Write(t.Context(), &media.Frame{1: 9000}); err != nil {
						t.Fatal(err)
					}
				}
				r.beats(30)
				r.wantSent(int64(600 / ms))
				first := r.packet()
				for i := 1; i < 600/ms; i++ {
					q := r.packet()
					whole := codec == Opus || len(q.Payload) == ms*8
					if q.Timestamp-first.Timestamp != uint32(i*ms*codec.Clock()/1000) || !whole || q.Sequence-first.Sequence != uint16(i) || q.Marker {
						t.Fatalf("packet %d: %d ticks after the first, %d bytes, marker %v", i, q.Timestamp-first.Timestamp, len(q.Payload), q.Marker)
					}
				}
				if !first.Marker {
					t.Error("the talk spurt is not marked")
				}
			})
		}
	}
}

// Any length is heard, whatever was asked for.
func TestPacketsOfAnyLengthAreHeard(t *testing.T) {
	for _, codec := range Codecs() {
		for _, ms := range []int{10, 20, 30, 40, 60} {
			if codec == Opus && ms == 30 { // no length of Opus
				continue
			}
			t.Run(fmt.Sprintf("%s %d ms", codec, ms), func(t *testing.T) {
				r, their := newRig(t), newFarCodec(t, codec)
				p := r.params()
				p.Codec, p.PayloadType = codec, payload(codec)
				r.Start(p)
				tone := audio.Tone{Rate: their.rate, Frequency: 500, Peak: 8000}
				pcm := make([]int16, their.rate.Samples(time.Duration(ms)*time.Millisecond))
				var near []int16
				for at, sent := 0, 0; at < 600; at += 20 {
					for ; sent+ms <= at+20; sent += ms {
						tone.Fill(pcm)
						r.receive(their.says(pcm).Append(nil), r.at, uint32(sent*8))
					}
					r.beat()
					var k media.Tick
					if err := r.Read(t.Context(), &k); err != nil {
						t.Fatal(err)
					}
					near = append(near, k.Heard[:]...)
				}
				if a := amplitude(near[3200:], 16000, 500); a < 7500 || a > 8500 {
					t.Errorf("we hear %.0f", a)
				}
			})
		}
	}
}

// RFC 3264 §6.1: of several codecs agreed on the other side may send any at any time.
func TestTheTalkerMayTurnToAnotherAgreedCodec(t *testing.T) {
	r, wide := newRig(t), newFarCodec(t, G722)
	p := r.params()
	p.Others = []Format{{Codec: PCMA, PayloadType: 8}, {Codec: G722, PayloadType: 9}}
	r.Start(p)
	tone := audio.Tone{Rate: 16000, Frequency: 5000, Peak: 8000}
	var near []int16
	r.talks(r.at, sound)
	for range 30 {
		var f media.Frame
		tone.Fill(f[:])
		r.receive(wide.says(f[:]).Append(nil), r.at, uint32(len(near)/2))
		r.beat()
		var k media.Tick
		if err := r.Read(t.Context(), &k); err != nil {
			t.Fatal(err)
		}
		near = append(near, k.Heard[:]...)
	}
	if a := amplitude(near[3200:], 16000, 5000); a < 7000 {
		t.Errorf("we hear %.0f", a)
	}
	if q := r.packet(); q.PayloadType != 0 {
		t.Errorf("we send payload type %d", q.PayloadType)
	}
}

func TestCodecBeatAllocatesNothing(t *testing.T) {
	for _, codec := range Codecs() {
		for _, ms := range []int{10, 20, 30, 60} {
			r, their := newRig(t), newFarCodec(t, codec)
			p := r.params()
			p.Codec, p.PayloadType, p.PacketTime = codec, payload(codec), time.Duration(ms)*time.Millisecond
			r.Start(p)
			d := their.says(make([]int16, codec.beat())).Append(nil)
			f, ctx, i := media.Frame{5: 9000}, t.Context(), uint32(0)
			var k media.Tick
			if n := testing.AllocsPerRun(200, func() {
				i++
				ts := i * rtpmedia.Beat * codec.scale()
				d[2], d[3], d[4], d[5], d[6], d[7] = byte(i>>8), byte(i), byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
				r.receive(d, r.at, i*rtpmedia.Beat)
				_ = r.Write(ctx, &f)
				r.beat()
				_ = r.Read(ctx, &k)
			}); n != 0 {
				t.Errorf("%s, %d ms: %v allocations a beat", codec, ms, n)
			}
		}
	}
}
