package stream

import (
	"math"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

// quality sums up what was measured, received and lost packets of all sources included. The stream is locked.
func (s *Stream) quality(received, lost int64) *parley.Quality {
	share, run := s.in.gaps.Concealed()
	waits := time.Duration(s.in.buffer.Waits()) * time.Second / rtpmedia.ClockRate
	path := rtpmedia.Path{
		Impairment: s.p.Codec.impairment(), Loss: share, Burst: run,
		Delay: s.control.roundTrip/2 + waits + 2*media.FrameTime, // a packet's length and a beat beside the way and the wait
	}
	r := path.Rating()
	q := &parley.Quality{
		Codec: s.p.Codec.String(), Encryption: s.encryption(), Received: received, Sent: s.out.sent, Lost: lost, Late: s.in.buffer.Late(),
		LossPercent: percent(lost, received+lost), JitterMillis: millis(s.in.reception.Jitter()), BufferMillis: millis(waits),
		ConcealedPercent: rounded(100 * share), Rating: rounded(r), MOSEstimate: rounded(rtpmedia.MOS(r)), Method: parley.QualityMethod,
	}
	if s.control.roundTrip > 0 {
		q.RoundTripMillis = new(millis(s.control.roundTrip))
	}
	if far := s.control.far; far.known {
		q.FarLossPercent, q.FarJitterMillis = new(percent(int64(far.lost), s.out.sent)), new(millis(far.jitter))
	}
	return q
}

func (s *Stream) encryption() string {
	switch {
	case s.p.DTLS != nil:
		return "dtls"
	case s.p.SRTP != nil:
		return "sdes"
	}
	return "none"
}

// impairment is the codec's by G.113; one that it does not list counts as G.711.
func (c Codec) impairment() rtpmedia.Impairment {
	if c == G722 {
		return rtpmedia.ImpairmentG722()
	}
	return rtpmedia.ImpairmentG711()
}

func percent(part, of int64) float64 {
	if of <= 0 {
		return 0
	}
	return rounded(100 * float64(part) / float64(of))
}

func millis(d time.Duration) float64 { return rounded(float64(d) / float64(time.Millisecond)) }

// rounded has two places.
func rounded(v float64) float64 { return math.Round(100*v) / 100 }
