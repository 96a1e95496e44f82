package sipdoor

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// shortestSession is the least that anybody may ask for (RFC 4028 §5).
	shortestSession = 90 * time.Second
	// longestSession bounds what is believed.
	longestSession = 24 * time.Hour
	// tooBrief is the status for a session shorter than one's least (§6).
	tooBrief = 422
)

// lifetime is what a request or a 2xx says of how long the session lasts without a refresh (RFC 4028 §4). Roles are those of the
// transaction.
type lifetime struct {
	interval time.Duration // Session-Expires; zero for none
	byCaller bool          // refresher=uac
	byCallee bool          // refresher=uas; neither leaves the choice
	least    time.Duration // Min-SE, as far as it is more than the shortest
	known    bool          // the sender supports timers
}

// lifetimeOf reads a message.
func lifetimeOf(m interface {
	GetHeader(string) sip.Header
	GetHeaders(string) []sip.Header
}) lifetime {
	l := lifetime{least: shortestSession}
	h := m.GetHeader("Session-Expires")
	if h == nil {
		h = m.GetHeader("x") // its compact form
	}
	if h != nil {
		value, params := parameters(h.Value())
		l.interval = min(delta(value), longestSession)
		role := strings.ToLower(params["refresher"])
		l.byCaller, l.byCallee = role == "uac", role == "uas"
	}
	if h := m.GetHeader("Min-SE"); h != nil {
		value, _ := parameters(h.Value())
		l.least = min(max(l.least, delta(value)), longestSession)
	}
	l.known = has(m, "Supported", "timer") || has(m, "k", "timer") || has(m, "Require", "timer")
	return l
}

// delta reads a number of seconds, 0 for none.
func delta(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// answer is what a callee makes of a request (§9): ours is what it would have and its least. It is refused when the sender would have
// less than that and understands why.
func (l lifetime) answer(ours, least time.Duration) (lifetime, *refusal) {
	switch {
	case l.interval > 0 && l.interval < least && l.known:
		return lifetime{}, refuse(tooBrief, "Session Interval Too Small", sip.NewHeader("Min-SE", inSeconds(least)))
	case l.interval > 0: // it may be a proxy's, for a sender that knows nothing of timers: then we refresh
		a := lifetime{interval: max(l.interval, least, l.least), byCaller: l.known && l.byCaller, known: l.known}
		if ours > 0 && ours < a.interval {
			a.interval = max(ours, least, l.least) // it may be lowered, but not below Min-SE
		}
		a.byCallee = !a.byCaller
		return a, nil
	case l.known && ours > 0:
		return lifetime{interval: max(ours, least, l.least), byCallee: true, known: true}, nil
	}
	return lifetime{}, nil // the session does not expire
}

// headers are those of a callee's 2xx. A refresher who is not the callee must know that he is (§9).
func (l lifetime) headers() []sip.Header {
	if l.interval == 0 {
		return nil
	}
	all := []sip.Header{sip.NewHeader("Session-Expires", l.String())}
	if l.byCaller {
		all = append(all, sip.NewHeader("Require", "timer"))
	}
	return all
}

// String is the value of Session-Expires.
func (l lifetime) String() string {
	switch {
	case l.byCaller:
		return inSeconds(l.interval) + ";refresher=uac"
	case l.byCallee:
		return inSeconds(l.interval) + ";refresher=uas"
	}
	return inSeconds(l.interval)
}

func inSeconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// refreshIn is when the session is refreshed (§10).
func (l lifetime) refreshIn() time.Duration { return l.interval / 2 }

// endIn is when a session without a refresh ends: half a minute before it expires, or at two thirds of a short one (§10).
func (l lifetime) endIn() time.Duration { return l.interval - min(32*time.Second, l.interval/3) }
