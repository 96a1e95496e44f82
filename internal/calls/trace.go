package calls

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

const (
	traceMost    = 200             // messages that are kept of a call
	traceLoose   = 40              // messages that wait for a call to get its row
	traceWaiting = 8 << 20         // bytes that wait so, of all calls
	traceAfter   = 2 * time.Minute // after its last message a call's trace is closed: longer than any repetition of a BYE
)

// traces brings SIP messages to the calls that they belong to. Those that come before the call has a row wait in bounded memory; those
// of a call that never gets one are forgotten. They are known by the network's id of the call until then.
type traces struct {
	put func(parley.SIPMessage)

	mu      sync.Mutex
	by      map[string]*trace
	order   []string // network ids in order of their first message
	waiting int      // bytes
}

type trace struct {
	callID string // empty until the call has a row
	seq    int
	loose  []parley.SIPMessage
	last   time.Time
}

func newTraces(put func(parley.SIPMessage)) *traces {
	return &traces{put: put, by: map[string]*trace{}}
}

// add takes a message. Only an INVITE begins a trace.
func (t *traces) add(networkID string, m parley.SIPMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr := t.by[networkID]
	if tr == nil {
		if !strings.HasPrefix(m.Raw, "INVITE ") {
			return
		}
		tr = &trace{}
		t.by[networkID] = tr
		t.order = append(t.order, networkID)
	}
	if tr.last = m.At; tr.seq == traceMost || tr.callID == "" && len(tr.loose) == traceLoose {
		return
	}
	tr.seq++
	m.ID, m.Seq = parley.NewID(), tr.seq
	if m.CallID = tr.callID; m.CallID != "" {
		t.put(m)
		return
	}
	tr.loose = append(tr.loose, m)
	t.waiting += weight(&m)
	t.makeRoom(tr)
}

// makeRoom forgets the oldest traces without a row when too much waits; never the one being added to.
func (t *traces) makeRoom(but *trace) {
	if t.waiting <= traceWaiting {
		return
	}
	t.order = slices.DeleteFunc(t.order, func(id string) bool {
		tr := t.by[id]
		if tr != nil && tr != but && tr.callID == "" && t.waiting > traceWaiting*3/4 {
			t.forget(id)
			return true
		}
		return tr == nil
	})
}

// weight is what a message takes of the memory.
func weight(m *parley.SIPMessage) int { return 256 + len(m.Raw) }

func (t *traces) forget(networkID string) {
	if tr := t.by[networkID]; tr != nil {
		for i := range tr.loose {
			t.waiting -= weight(&tr.loose[i])
		}
		delete(t.by, networkID)
	}
}

// attach says which call a network's id belongs to. Repeating it is harmless.
func (t *traces) attach(networkID, callID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr := t.by[networkID]
	if tr == nil || tr.callID != "" {
		return
	}
	tr.callID = callID
	for _, m := range tr.loose {
		m.CallID = callID
		t.waiting -= weight(&m)
		t.put(m)
	}
	tr.loose = nil
}

// prune forgets traces that have brought nothing for a while, unless their call is live.
func (t *traces) prune(now time.Time, live func(callID string) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, tr := range t.by {
		if now.Sub(tr.last) > traceAfter && (tr.callID == "" || !live(tr.callID)) {
			t.forget(id)
		}
	}
	t.order = slices.DeleteFunc(t.order, func(id string) bool { return t.by[id] == nil })
}

// TraceSIP takes a SIP message that passed the door. It never blocks on anything but other messages.
func (s *Switchboard) TraceSIP(networkID string, m parley.SIPMessage) { s.traces.add(networkID, m) }

// SIPMessages returns the SIP messages of a call. Whoever lacks the ability to trace calls sees them without numbers, addresses and
// bodies.
func (s *Switchboard) SIPMessages(ctx context.Context, actor parley.Actor, id string) (ms []parley.SIPMessage, err error) {
	if err := actor.Require(parley.ReadCalls); err != nil {
		return nil, err
	}
	err = s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		if _, err = tx.Call(ctx, actor.EnvironmentID, id); err != nil {
			return err
		}
		ms, err = tx.SIPMessagesOf(ctx, id)
		return err
	})
	if err == nil && !actor.Can(parley.TraceCalls) {
		mask(ms)
	}
	return ms, err
}
