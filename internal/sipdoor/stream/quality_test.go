package stream

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

func TestQualityOfACall(t *testing.T) {
	r := newRig(t)
	r.Start(r.params())
	for i := range 1000 {
		if i%50 == 20 { // 2 % are lost
			r.seq, r.ts = r.seq+1, r.ts+rtpmedia.Beat
		} else {
			r.talks(r.at, sound)
		}
		r.beat()
	}
	if q := r.Stats().Quality; q.RoundTripMillis != nil || q.FarLossPercent != nil {
		t.Errorf("the far end said nothing: %+v", q)
	}
	now := time.Unix(1e9, 0)
	report := rtcp.ReceptionReport{
		SSRC: r.out.talker.SSRC, TotalLost: 10, Jitter: 80, LastSenderReport: uint32(rtpmedia.NTP(now.Add(-300*time.Millisecond)) >> 16), Delay: 65536 / 10,
	}
	b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 77, Reports: []rtcp.ReceptionReport{report}}})
	if err != nil {
		t.Fatal(err)
	}
	r.takeControl(b, r.at, now)
	q := r.Stats().Quality
	if d := *q.RoundTripMillis - 200; d < -1 || d > 1 { // RFC 3550 §6.4.1: 300 ms less the 100 ms that it was kept
		t.Errorf("round trip %.2f ms", *q.RoundTripMillis)
	}
	if *q.FarLossPercent != 1 || *q.FarJitterMillis != 10 {
		t.Errorf("the far end lost %.2f %%, jitter %.2f ms", *q.FarLossPercent, *q.FarJitterMillis)
	}
	want := parley.Quality{Codec: "PCMU", Encryption: "none", Received: 980, Sent: 1000, Lost: 20, LossPercent: 2, ConcealedPercent: 2, Method: "G.107"}
	got := *q
	got.RoundTripMillis, got.FarLossPercent, got.FarJitterMillis, got.BufferMillis, got.MOSEstimate, got.Rating = nil, nil, nil, 0, 0, 0
	if got != want || q.MOSEstimate < 4 || q.MOSEstimate > 4.3 || q.BufferMillis < 15 || q.BufferMillis > 45 {
		t.Errorf("%+v", q)
	}
}

func TestGoodbyeOfASourceEndsNoCall(t *testing.T) { // RFC 3550 §6.3.4, §6.6
	r := newRig(t)
	r.Start(r.params())
	r.talks(r.at, sound)
	b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 77}, &rtcp.Goodbye{Sources: []uint32{77}}})
	if err != nil {
		t.Fatal(err)
	}
	r.takeControl(b, r.at, time.Now())
	r.beats(5)
	r.talks(r.at, sound)
	if s := r.Stats(); s.Received != 2 || r.Cause() != "" {
		t.Errorf("%+v, ended by %q", s, r.Cause())
	}
}
