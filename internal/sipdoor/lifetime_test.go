package sipdoor

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

func TestLifetime(t *testing.T) {
	const half = 30 * time.Minute
	for _, c := range []struct {
		name    string // with the section of RFC 4028
		headers string
		ours    time.Duration
		want    string // the headers of our 2xx, or of the refusal
	}{
		{"§9: a caller that knows timers and says nothing is refreshed by us", "Supported: timer", half, "Session-Expires: 1800;refresher=uas"},
		{"§9: one that does not know them is left alone", "Supported: 100rel", half, ""},
		{"§9: where we ask for none, none begins", "Supported: timer", 0, ""},
		{"§9: its interval is taken", "Supported: timer\nSession-Expires: 600", half, "Session-Expires: 600;refresher=uas"},
		{"§9: ours is taken where it is less", "Supported: timer\nSession-Expires: 7200", half, "Session-Expires: 1800;refresher=uas"},
		{"§9: but not less than its Min-SE", "Supported: timer\nSession-Expires: 7200\nMin-SE: 3600", half, "Session-Expires: 3600;refresher=uas"},
		{"§9 table 2: a caller that wants to refresh does, and must", "Supported: timer\nSession-Expires: 600;refresher=uac", half,
			"Session-Expires: 600;refresher=uac Require: timer"},
		{"§9 table 2: one that wants us to has us", "Supported: timer\nSession-Expires: 600;refresher=uas", half, "Session-Expires: 600;refresher=uas"},
		{"§9: a proxy's interval for a caller without timers is ours to keep", "Session-Expires: 600;refresher=uac", half, "Session-Expires: 600;refresher=uas"},
		{"§9: compact forms", "k: timer\nx: 600;refresher=uac", half, "Session-Expires: 600;refresher=uac Require: timer"},
		{"§6: too short is refused with our least", "Supported: timer\nSession-Expires: 60", half, "Min-SE: 90"},
		{"§9: and only made longer for who does not know why", "Session-Expires: 60", half, "Session-Expires: 90;refresher=uas"},
		{"an interval that is no number", "Supported: timer\nSession-Expires: soon", half, "Session-Expires: 1800;refresher=uas"},
		{"one beyond all numbers", "Supported: timer\nSession-Expires: 99999999999999999999", half, "Session-Expires: 1800;refresher=uas"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"})
			for l := range strings.SplitSeq(c.headers, "\n") {
				name, value, _ := strings.Cut(l, ": ")
				m.AppendHeader(sip.NewHeader(name, value))
			}
			l, wrong := lifetimeOf(m).answer(c.ours, shortestSession)
			all := l.headers()
			if wrong != nil {
				if all = wrong.headers; wrong.status != 422 {
					t.Error(wrong.status)
				}
			}
			var got []string
			for _, h := range all {
				got = append(got, h.Name()+": "+h.Value())
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestLifetimeEnds is RFC 4028 §10.
func TestLifetimeEnds(t *testing.T) {
	for interval, want := range map[time.Duration][2]time.Duration{
		30 * time.Minute: {15 * time.Minute, 30*time.Minute - 32*time.Second}, 90 * time.Second: {45 * time.Second, time.Minute},
	} {
		l := lifetime{interval: interval}
		if l.refreshIn() != want[0] || l.endIn() != want[1] {
			t.Errorf("%s is refreshed after %s and ends after %s, want %s", interval, l.refreshIn(), l.endIn(), want)
		}
	}
}
