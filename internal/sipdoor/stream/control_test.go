package stream

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/rtpmedia"
)

// compoundAt takes the stream's report apart.
func compoundAt(t *testing.T, r *rig, now time.Time) (*rtcp.SenderReport, rtcp.ReceptionReport) {
	t.Helper()
	r.mu.Lock()
	packets := r.compound(now)
	r.mu.Unlock()
	sr, ok := packets[0].(*rtcp.SenderReport)
	if _, named := packets[1].(*rtcp.SourceDescription); !ok || !named || len(sr.Reports) != 1 {
		t.Fatalf("%v", packets)
	}
	return sr, sr.Reports[0]
}

func TestReportsSayWhatWasSentAndHeard(t *testing.T) {
	r := newRig(t)
	r.Start(r.params())
	for i := range 10 {
		if i == 4 {
			r.seq, r.ts = r.seq+1, r.ts+160 // lost
			continue
		}
		r.talks(r.at, sound)
	}
	r.beats(3)
	now := time.Unix(1_800_000_000, 0)
	theirs, err := (&rtcp.SenderReport{SSRC: 77, NTPTime: 0x1122334455667788}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.takeControl(theirs, netip.AddrPortFrom(loopback, r.at.Port()+1), now)
	sr, block := compoundAt(t, r, now.Add(2*time.Second))
	if sr.PacketCount != 3 || sr.OctetCount != 3*160 || sr.NTPTime != rtpmedia.NTP(now.Add(2*time.Second)) {
		t.Errorf("%+v", sr)
	}
	if block.SSRC != 77 || block.TotalLost != 1 || block.FractionLost != 25 || block.LastSenderReport != 0x33445566 || block.Delay != 2<<16 {
		t.Errorf("%+v", block)
	}
}

func TestRoundTripIsTakenFromTheirReport(t *testing.T) {
	r := newRig(t)
	r.Start(r.params())
	now := time.Unix(1_800_000_000, 0)
	sent := uint32(rtpmedia.NTP(now.Add(-300*time.Millisecond)) >> 16)
	theirs, err := (&rtcp.ReceiverReport{SSRC: 77, Reports: []rtcp.ReceptionReport{
		{SSRC: 4711, LastSenderReport: 1}, {SSRC: r.out.talker.SSRC, LastSenderReport: sent, Delay: 65536 / 4},
	}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.takeControl(theirs, port(9), now)
	if ms := r.Stats().RoundTripMillis; ms < 49.9 || ms > 50.1 {
		t.Errorf("%.2f ms", ms)
	}
}

func TestTheEndIsToldByRTCP(t *testing.T) {
	r := newRig(t)
	farControl, err := listen(loopback, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer farControl.Close()
	r.Start(r.params())
	r.takeControl([]byte{0x80, 201, 0, 1, 0, 0, 0, 9}, netip.MustParseAddrPort(farControl.LocalAddr().String()), time.Now())
	r.End(media.EndLocal)
	buf := make([]byte, maxDatagram)
	if err := farControl.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := farControl.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := rtcp.Unmarshal(buf[:n])
	if err != nil {
		t.Fatal(err)
	}
	if bye, ok := packets[len(packets)-1].(*rtcp.Goodbye); !ok || bye.Sources[0] != r.out.talker.SSRC {
		t.Errorf("%v", packets)
	}
}
