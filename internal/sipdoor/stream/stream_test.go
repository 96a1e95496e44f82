package stream

import (
	"errors"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = netip.MustParseAddr("127.0.0.1")

// rig is a stream whose clock the test beats, and a far end on real sockets.
type rig struct {
	*Stream
	t   *testing.T
	far *net.UDPConn
	at  netip.AddrPort // far's address
	seq uint16
	ts  uint32
}

func open(t *testing.T, c Config) *Stream {
	t.Helper()
	c.LocalIP, c.Log = loopback, slog.New(slog.DiscardHandler)
	if c.Pacer == nil {
		c.Pacer = NewPacer(1)
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newRig(t *testing.T) *rig {
	t.Helper()
	far, err := listen(loopback, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	at := far.LocalAddr().(*net.UDPAddr).AddrPort()
	return &rig{Stream: open(t, Config{}), t: t, far: far, at: at}
}

// params agrees on µ-law with the far end, telephone-event as 101.
func (r *rig) params() Params {
	return Params{Remote: r.at, PayloadType: 0, DTMFPayload: 101}
}

// talks hands a packet of sound over as if it came from there.
func (r *rig) talks(from netip.AddrPort, code []byte) {
	p := rtpmedia.Packet{Sequence: r.seq, Timestamp: r.ts, SSRC: 77, Payload: code}
	r.seq++
	r.ts += uint32(len(code))
	r.receive(p.Append(nil), from, r.ts)
}

func (r *rig) beats(n int) {
	for range n {
		r.beat()
	}
}

// packet reads what the far end got.
func (r *rig) packet() rtpmedia.Packet {
	r.t.Helper()
	buf := make([]byte, maxDatagram)
	if err := r.far.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	n, err := r.far.Read(buf)
	if err != nil {
		r.t.Fatal(err)
	}
	p, err := rtpmedia.Parse(buf[:n])
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func (r *rig) wantSent(n int64) {
	r.t.Helper()
	if got := r.Stats().Sent; got != n {
		r.t.Errorf("%d packets sent, want %d", got, n)
	}
}

func port(p uint16) netip.AddrPort { return netip.AddrPortFrom(loopback, p) }

func TestSoundGoesBothWays(t *testing.T) {
	for _, codec := range Codecs() {
		r, their := newRig(t), newFarCodec(t, codec)
		p := r.params()
		p.Codec, p.PayloadType = codec, payload(codec)
		r.Start(p)
		said, heard := audio.Tone{Rate: 16000, Frequency: 700, Peak: 8000}, audio.Tone{Rate: their.rate, Frequency: 500, Peak: 8000}
		var f media.Frame
		var far, near []int16
		pcm := make([]int16, codec.beat())
		for range 25 {
			said.Fill(f[:])
			if err := r.Write(t.Context(), &f); err != nil {
				t.Fatal(err)
			}
			heard.Fill(pcm)
			r.receive(their.says(pcm).Append(nil), r.at, uint32(len(near)/2))
			r.beat()
			got := r.packet()
			if got.PayloadType != payload(codec) || codec != Opus && len(got.Payload) != rtpmedia.Beat {
				t.Fatalf("payload type %d, %d bytes", got.PayloadType, len(got.Payload))
			}
			far = append(far, their.hears(got)...)
			var k media.Tick
			if err := r.Read(t.Context(), &k); err != nil || k.Played == 0 {
				t.Fatal(k.Played, err)
			}
			near = append(near, k.Heard[:]...)
		}
		if a := amplitude(far[len(far)/5:], float64(their.rate), 700); a < 7600 || a > 8400 {
			t.Errorf("%s: the far end hears %0.f", codec, a)
		}
		if a := amplitude(near[1600:], 16000, 500); a < 7600 || a > 8400 {
			t.Errorf("%s: we hear %.0f", codec, a)
		}
		if s := r.Stats(); s.Received != 25 || s.Sent != 25 || s.Lost != 0 || s.Codec != codec.String() {
			t.Errorf("%+v", s)
		}
	}
}

func amplitude(pcm []int16, rate, freq float64) float64 {
	var re, im float64
	for i, v := range pcm {
		a := 2 * math.Pi * freq * float64(i) / rate
		re, im = re+float64(v)*math.Cos(a), im+float64(v)*math.Sin(a)
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm))
}

var sound = make([]byte, rtpmedia.Beat)

func TestSoundGoesToWhereItComesFrom(t *testing.T) {
	r := newRig(t)
	p := r.params()
	p.Remote, p.AllowedSource = netip.MustParseAddrPort("192.0.2.1:4000"), func(a netip.Addr) bool { return a == loopback }
	r.Start(p)
	r.talks(netip.MustParseAddrPort("192.0.2.9:4000"), sound)
	r.talks(r.at, sound)
	r.talks(port(9), sound) // the same host, another port, after the source is established
	r.beat()
	r.packet()
	if s := r.Stats(); s.Refused != 2 || s.Received != 1 {
		t.Errorf("%+v", s)
	}
}

func TestOfferedAddressGetsFifteenSecondsUnlessItAnswers(t *testing.T) {
	rr := []byte{0x80, 201, 0, 1, 0, 0, 0, 9} // an empty receiver report
	t.Run("nothing comes", func(t *testing.T) {
		r := newRig(t)
		r.Start(r.params())
		r.beats(800)
		r.wantSent(750)
		r.takeControl(rr, netip.MustParseAddrPort("192.0.2.1:5"), time.Now())
		r.beats(10)
		r.wantSent(750)
	})
	t.Run("RTCP comes", func(t *testing.T) {
		r := newRig(t)
		r.Start(r.params())
		r.beats(700)
		r.takeControl(rr, netip.AddrPortFrom(loopback, r.at.Port()+1), time.Now())
		r.beats(100)
		r.wantSent(800)
	})
	t.Run("no address was offered", func(t *testing.T) {
		r := newRig(t)
		p := r.params()
		p.Remote, p.AllowedSource = netip.AddrPort{}, func(netip.Addr) bool { return true }
		r.Start(p)
		r.beats(10)
		r.wantSent(0)
		r.talks(r.at, sound)
		r.beat()
		r.packet()
	})
}

func TestOnlyAnUpdateMovesAnEstablishedSource(t *testing.T) {
	r := newRig(t)
	p := r.params()
	r.Start(p)
	r.talks(r.at, sound)
	r.Update(p) // such as a hold: the address stays
	r.talks(port(9), sound)
	if n := r.Stats().Refused; n != 1 {
		t.Errorf("%d refused", n)
	}
	p.Remote = port(10)
	r.Update(p)
	r.talks(port(9), sound) // the same host may come from another port
	if s := r.Stats(); s.Refused != 1 || s.Received != 2 {
		t.Errorf("%+v", s)
	}
	r.talks(r.at, sound)
	if n := r.Stats().Refused; n != 2 {
		t.Errorf("the old source is still taken: %d refused", n)
	}
}

func TestMediaTimeout(t *testing.T) {
	limit := int(30 * time.Second / media.FrameTime)
	for _, c := range []struct {
		name       string
		came, hold bool
		beats      int
		ended      bool
	}{
		{"nothing for 30 s ends it", true, false, limit, true},
		{"a beat less does not", true, false, limit - 1, false},
		{"nothing ever counts too", false, false, limit, true},
		{"on hold nothing is expected", true, true, 2 * limit, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			p := r.params()
			p.RecvHold = c.hold
			r.Start(p)
			if c.came {
				r.beats(100)
				r.talks(r.at, sound)
			}
			r.beats(c.beats)
			if ended := r.Cause() == media.EndSilence; ended != c.ended {
				t.Errorf("cause %q", r.Cause())
			}
		})
	}
}

func TestKeysGoBothWays(t *testing.T) {
	r := newRig(t)
	r.Start(r.params())
	event := rtpmedia.Packet{PayloadType: 101, Timestamp: 5, SSRC: 77, Payload: []byte{11, 0x8A, 0, 160}}
	for i := range 3 {
		event.Sequence = uint16(i)
		r.receive(event.Append(nil), r.at, 0)
	}
	if d := <-r.Digits(); d != '#' || len(r.Digits()) != 0 {
		t.Errorf("%c, %d more", d, len(r.Digits()))
	}
	if err := r.SendDigit(t.Context(), '7'); err != nil {
		t.Fatal(err)
	}
	r.beats(8)
	var keys rtpmedia.Keys
	heard := ""
	for range 8 + 7 {
		if p := r.packet(); p.PayloadType == 101 {
			if d, ok := keys.Packet(p); ok {
				heard += string(d)
			}
		}
	}
	if heard != "7" {
		t.Errorf("the far end heard %q", heard)
	}
	if err := r.SendDigit(t.Context(), 'x'); !errors.Is(err, ErrDigit) {
		t.Error(err)
	}
	p := r.params()
	p.DTMFPayload = 0
	r.Update(p)
	if err := r.SendDigit(t.Context(), '7'); !errors.Is(err, ErrDigit) {
		t.Error(err)
	}
	r.End(media.EndRemote)
	if err := r.SendDigit(t.Context(), '7'); !errors.Is(err, media.ErrEnded) {
		t.Error(err)
	}
}

func TestTimestampsGoOnOverAHoldAndTalkSpurtsAreMarked(t *testing.T) {
	r := newRig(t)
	r.Start(r.params())
	say := func() {
		if err := r.Write(t.Context(), &media.Frame{100}); err != nil {
			t.Fatal(err)
		}
	}
	r.beat()
	silence := r.packet()
	say()
	r.beat()
	spurt := r.packet()
	if silence.Marker || !spurt.Marker || silence.Payload[0] != 0xFF {
		t.Errorf("markers %v, %v; silence is %#x", silence.Marker, spurt.Marker, silence.Payload[0])
	}
	p := r.params()
	p.SendHold = true
	r.Update(p)
	r.beats(10)
	r.wantSent(2)
	r.Update(r.params())
	say()
	r.beat()
	if q := r.packet(); q.Timestamp != spurt.Timestamp+11*rtpmedia.Beat || q.Sequence != spurt.Sequence+1 || !q.Marker {
		t.Errorf("after the hold: %d ticks and %d packets later, marker %v", q.Timestamp-spurt.Timestamp, q.Sequence-spurt.Sequence, q.Marker)
	}
}

func TestANewTalkerOnTheSameSourceIsFollowed(t *testing.T) {
	r := newRig(t)
	r.Start(r.params())
	for range 5 {
		r.talks(r.at, sound)
		r.beat()
	}
	p := rtpmedia.Packet{Sequence: 50000, Timestamp: 1 << 30, SSRC: 78, Payload: sound}
	r.receive(p.Append(nil), r.at, r.ts)
	r.beats(2)
	var k media.Tick
	for range 7 {
		if err := r.Read(t.Context(), &k); err != nil {
			t.Fatal(err)
		}
	}
	if s := r.Stats(); k.Lost || s.Received != 6 || s.Lost != 0 {
		t.Errorf("lost %v, %+v", k.Lost, s)
	}
}

func TestGarbageIsIgnored(t *testing.T) {
	r := newRig(t)
	r.Start(r.params())
	r.receive([]byte("hello"), r.at, 0)
	r.receive(rtpmedia.Packet{PayloadType: 96, Payload: sound}.Append(nil), r.at, 0)
	r.takeControl([]byte{1, 2, 3}, r.at, time.Now())
	if s := r.Stats(); s.Received != 0 || r.route.established {
		t.Errorf("%+v", s)
	}
}

func TestBeatAllocatesNothing(t *testing.T) {
	r := newRig(t)
	r.Start(r.params())
	b := rtpmedia.Packet{SSRC: 77, Payload: sound}.Append(nil)
	var f media.Frame
	var k media.Tick
	ctx, i := t.Context(), 0
	if n := testing.AllocsPerRun(500, func() {
		i++
		b[2], b[3] = byte(i>>8), byte(i)
		b[4], b[5], b[6], b[7] = byte(i*160>>24), byte(i*160>>16), byte(i*160>>8), byte(i*160)
		r.receive(b, r.at, uint32(i*160))
		_ = r.Write(ctx, &f)
		r.beat()
		_ = r.Read(ctx, &k)
	}); n != 0 {
		t.Errorf("%v allocations a beat", n)
	}
	if s := r.Stats(); s.Received != 501 || s.Sent != 501 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}

func BenchmarkBeat(b *testing.B) {
	s, err := Open(Config{LocalIP: loopback, Pacer: NewPacer(1), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	to := port(9)
	s.Start(Params{Remote: to, PayloadType: 0, DTMFPayload: 101})
	d := rtpmedia.Packet{SSRC: 77, Payload: sound}.Append(nil)
	var f media.Frame
	var k media.Tick
	ctx, i := b.Context(), uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		i++
		ts := i * rtpmedia.Beat
		d[2], d[3], d[4], d[5], d[6], d[7] = byte(i>>8), byte(i), byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
		s.receive(d, to, ts)
		_ = s.Write(ctx, &f)
		s.beat()
		_ = s.Read(ctx, &k)
	}
}

// Before the answer silence ends nothing and uses up nothing that the call needs.
func TestAWaitForTheAnswerCostsNothing(t *testing.T) {
	r := newRig(t)
	p := r.params()
	p.Unanswered = true
	r.Start(p)
	r.beats(2 * r.limit)
	select {
	case <-r.Done():
		t.Fatal("ended before the answer")
	default:
	}
	r.wantSent(unconfirmed)
	p.Unanswered = false
	r.Update(p)
	r.beats(10)
	r.wantSent(unconfirmed + 10)
}

func TestSoundingIsWhilePacketsCome(t *testing.T) {
	r := newRig(t)
	r.Start(r.params())
	r.beats(1)
	if r.Sounding() {
		t.Error("before any packet")
	}
	r.talks(r.at, make([]byte, rtpmedia.Beat))
	r.beats(lull - 1)
	if !r.Sounding() {
		t.Error("not after a packet")
	}
	r.beats(1)
	if r.Sounding() {
		t.Error("half a second after the last packet")
	}
}
