package sipdoor

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// cancelIn is the method that a CANCEL from the network is given: the library would answer the INVITE itself otherwise, beside the
// dialog, which alone knows what has been answered. No method on the wire has small letters.
const cancelIn sip.RequestMethod = "cancel"

// pre sees every message in the order of arrival, before anybody else holds it: the place for edits and for what order decides.
func (d *Door) pre(m sip.Message) {
	defer func() {
		if p := recover(); p != nil {
			d.log.Error("panic in SIP read loop", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	tracer(d.deps.Trace).parsed(m)
	switch m := m.(type) {
	case *sip.Request:
		if faultOf(m) == nil {
			d.preRequest(m)
		}
	case *sip.Response:
		if v, c := m.Via(), m.CSeq(); v != nil && c != nil && c.MethodName == sip.INVITE {
			branch, _ := v.Params.Get("branch")
			d.calling.deliver(branch, m)
		}
	}
}

func (d *Door) preRequest(m *sip.Request) {
	via := m.Via()
	trim(m.To().Params)
	trim(m.From().Params)
	// A host other than the sender's is noted, so that the answer finds its way (RFC 3261 §18.2.1).
	if a := from(m).addr.Addr(); a.IsValid() && via.Host != a.String() && !via.Params.Has("rport") {
		via.Params.Add("received", a.String())
	}
	switch m.Method {
	case sip.INVITE:
		if !m.To().Params.Has("tag") {
			m.To().Params.Add("tag", d.tagFor(m))
			d.invites.note(inviteKey(m))
		}
	case sip.ACK:
		if dlg := d.dialogs.find(dialogKey(m)); dlg != nil {
			dlg.box.receive(func() { dlg.acknowledged(m) })
		}
	case sip.CANCEL:
		m.Method = cancelIn
		if !m.To().Params.Has("tag") {
			m.To().Params.Add("tag", d.tagFor(m)) // that of the INVITE's responses (§9.2)
		}
	}
}

// trim takes the blanks away that may stand around a parameter's name and value (RFC 3261 §25.1, SEMI and EQUAL).
func trim(params sip.HeaderParams) {
	for i := range params {
		params[i].K, params[i].V = strings.TrimSpace(params[i].K), strings.TrimSpace(params[i].V)
	}
}

// tagFor is the To tag that we give a request. It follows from the request, so that repetitions get the same, and nobody else can make
// it: a request that bears it came without one.
func (d *Door) tagFor(m *sip.Request) string {
	fromTag, _ := m.From().Params.Get("tag")
	h := hmac.New(sha256.New, d.secret)
	for _, part := range []string{"to", m.CallID().Value(), fromTag, strconv.Itoa(int(m.CSeq().SeqNo))} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:10])
}

// inviteKey is what a CANCEL has in common with its INVITE (RFC 3261 §9.1).
func inviteKey(m *sip.Request) string {
	branch, _ := m.Via().Params.Get("branch")
	return branch + "|" + m.Via().SentBy() + "|" + m.CallID().Value()
}

const (
	// remembers is for how long an INVITE can be found by its CANCEL.
	remembers = time.Minute
	// noticed is how many INVITEs are remembered; past it all are forgotten, which costs a CANCEL at worst.
	noticed = 20000
)

// inviteLog knows the INVITEs that arrived and brings CANCELs to them, whichever comes first.
type inviteLog struct {
	mu sync.Mutex
	by map[string]*noted
}

type noted struct {
	at      time.Time
	arrived chan struct{} // closed when the INVITE came
	cancel  chan struct{} // closed when its CANCEL came
}

func (l *inviteLog) entry(key string) *noted {
	n := l.by[key]
	if n == nil {
		if len(l.by) >= noticed {
			clear(l.by)
		}
		n = &noted{at: time.Now(), arrived: make(chan struct{}), cancel: make(chan struct{})}
		l.by[key] = n
	}
	return n
}

// note is called by the read loop for each INVITE, repeated ones included.
func (l *inviteLog) note(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.entry(key); !closed(n.arrived) {
		close(n.arrived)
	}
}

// canceled is closed when an INVITE's CANCEL comes or has come.
func (l *inviteLog) canceled(key string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.entry(key).cancel
}

// cancel brings a CANCEL to its INVITE and waits for one that was overtaken; false when none came.
func (l *inviteLog) cancel(key string, wait time.Duration) bool {
	l.mu.Lock()
	n := l.entry(key)
	if !closed(n.cancel) {
		close(n.cancel)
	}
	l.mu.Unlock()
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-n.arrived:
		return true
	case <-t.C:
		return closed(n.arrived)
	}
}

// prune forgets what is old.
func (l *inviteLog) prune(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, n := range l.by {
		if now.Sub(n.at) > remembers {
			delete(l.by, key)
		}
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
