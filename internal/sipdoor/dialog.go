package sipdoor

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// key names a dialog: Call-ID, our tag, the peer's tag (RFC 3261 §12).
type key struct{ callID, local, remote string }

// dialogKey is the key of the dialog that a request from the network belongs to.
func dialogKey(m *sip.Request) key {
	k := key{callID: m.CallID().Value()}
	k.local, _ = m.To().Params.Get("tag")
	k.remote, _ = m.From().Params.Get("tag")
	return k
}

func (p *peer) key() key { return key{p.callID, p.localTag, p.remoteTag} }

// dialogs finds the dialog of a message.
type dialogs struct {
	mu  sync.RWMutex
	by  map[key]*dialog
	all map[*dialog][]key
	at  map[netip.Addr]int // how many are with an address
}

func (s *dialogs) find(k key) *dialog {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.by[k]
}

// enter lets a dialog be found; false when another has the key. A dialog may have several while an INVITE of ours is forked.
func (s *dialogs) enter(k key, d *dialog) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys, there := s.all[d]
	if other := s.by[k]; other != nil || !there {
		return other == d && there
	}
	s.by[k] = d
	s.all[d] = append(keys, k)
	return true
}

func (s *dialogs) begin(d *dialog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[d] = nil
	s.at[d.begunWith]++
}

func (s *dialogs) leave(d *dialog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.all[d] {
		delete(s.by, k)
	}
	delete(s.all, d)
	if s.at[d.begunWith]--; s.at[d.begunWith] == 0 {
		delete(s.at, d.begunWith)
	}
}

// with says whether an address is on a call.
func (s *dialogs) with(a netip.Addr) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.at[a] > 0
}

// countAt is how many dialogs there are with an address.
func (s *dialogs) countAt(a netip.Addr) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.at[a]
}

func (s *dialogs) list() []*dialog {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*dialog, 0, len(s.all))
	for d := range s.all {
		out = append(out, d)
	}
	return out
}

func (s *dialogs) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.all)
}

// phase is how far a dialog is.
type phase int

const (
	early      phase = iota // an INVITE has no final response yet
	confirmed               // it has a 2xx
	leaving                 // a BYE of ours is on its way
	subscribed              // the peer has hung up, but NOTIFYs of a transfer go on
	finished                // the loop ends
)

// dialog is one call. Its goroutine empties the mailbox; only functions run there touch what stands below box.
type dialog struct {
	door *Door
	log  *slog.Logger
	box  *mailbox
	over chan struct{} // closed when the loop has ended

	begunWith netip.Addr // whom it was begun by or with

	peer      peer
	remoteSeq int64  // of the peer's last request, -1 before the first
	trunk     string // id of the trunk it goes through, empty for none
	softphone bool   // it calls from a registered one
	creds     *credentials
	phase     phase
	serving   *answering // an INVITE of the peer's that is not done with
	dialing   *dialing   // our INVITE, until it is answered
	proposal  *proposal  // our later INVITE, until it is answered
	keeping   keeping    // its session timer
	leg       *leg       // made when it is first wanted
	referring *referring // our REFER, the last one
	referred  *referred  // the peer's REFER, the last one
	stream    *stream.Stream
	sound     session
	ended     <-chan struct{} // the stream's end
	canceled  <-chan struct{} // the caller's CANCEL
	wantsBye  bool            // we hung up before the ACK to our 2xx
}

func (d *Door) newDialog(p peer) *dialog {
	dlg := &dialog{door: d, begunWith: p.source.addr.Addr(), box: newMailbox(), over: make(chan struct{}), peer: p, remoteSeq: -1}
	dlg.keeping.ask = max(d.cfg.Timers.Session, 0)
	dlg.log = d.log.With("sip_call", p.callID)
	d.dialogs.begin(dlg)
	return dlg
}

// run is the dialog's goroutine.
func (d *dialog) run() {
	for d.phase != finished {
		select {
		case <-d.box.wake:
			for _, f := range d.box.take() {
				d.safely(f)
			}
		case <-d.ended:
			d.ended = nil
			d.safely(func() { d.leave(d.stream.Cause()) })
		case <-d.canceled:
			d.canceled = nil
			d.safely(d.cancel)
		}
	}
	d.door.dialogs.leave(d)
	if d.dialing != nil {
		d.dialing.forget()
	}
	d.keeping.stop()
	d.referring.forget()
	d.proposal.forget()
	if d.serving != nil {
		d.serving.stop()
		d.serving.goAway()
	}
	for _, f := range d.box.close() {
		d.safely(f) // requests that wait get their 481
	}
	if d.stream != nil {
		d.stream.End(media.EndNetwork)
		_ = d.stream.Close()
		d.log.Info("call over", "cause", d.stream.Cause(), "sound", d.stream.Stats())
	}
	close(d.over)
}

func (d *dialog) safely(f func()) {
	defer func() {
		if p := recover(); p != nil {
			d.log.Error("panic in SIP dialog", "panic", p, "stack", string(debug.Stack()))
			d.phase = finished
		}
	}()
	f()
}

// after runs f in the dialog when dur has passed.
func (d *dialog) after(dur time.Duration, f func()) *time.Timer {
	return time.AfterFunc(dur, func() { d.box.put(f) })
}

// ask runs f in the dialog and returns its error; ErrEnded when the dialog is over.
func (d *dialog) ask(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	if !d.box.put(func() { done <- f() }) {
		return media.ErrEnded
	}
	select {
	case err := <-done:
		return err
	case <-d.over:
		select {
		case err := <-done:
			return err
		default:
			return media.ErrEnded
		}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave ends the call from our side: the stream stops at once, and the peer is told by what its state calls for.
func (d *dialog) leave(cause media.EndCause) {
	if d.stream != nil {
		d.stream.End(cause)
	}
	switch {
	case d.phase >= leaving:
	case d.dialing.pending() && d.dialing.why != nil && !d.dialing.alive: // nobody to be told
		d.phase = finished
	case d.dialing.pending():
		d.dialing.giveUp(&media.NotAnswered{Outcome: media.OutcomeFailed, Reason: reasonClosed})
	case d.phase == early && d.serving != nil:
		d.serving.refuse(noCapacity())
		d.phase = finished
	case d.serving != nil && d.serving.initial:
		d.wantsBye = true // a callee sends no BYE before the ACK (RFC 3261 §15)
	default:
		d.bye()
	}
}

// bye tells the peer that the call is over and ends the dialog when it has heard, or cannot.
func (d *dialog) bye() {
	d.phase = leaving
	d.sayBye(d.creds)
}

// sayBye sends a BYE; creds answer its challenge, nil when they have.
func (d *dialog) sayBye(creds *credentials) {
	req := d.peer.request(sip.BYE, d.door.stack.agent)
	if d.creds != nil {
		d.creds.sign(req)
	}
	to := d.door.nextHop(&d.peer)
	ctx, cancel := context.WithTimeout(context.Background(), d.door.cfg.Timers.lastAck())
	if err := d.door.stack.address(ctx, req, to); err != nil {
		cancel()
		d.log.Warn("BYE not sent", "error", err)
		d.phase = finished
		return
	}
	sent := d.door.spawn(func() {
		defer cancel()
		res, err := d.door.stack.exchange(ctx, req)
		d.box.put(func() { d.byeAnswered(res, err, creds) })
	})
	if !sent {
		cancel()
		d.phase = finished
	}
}

func (d *dialog) byeAnswered(res *sip.Response, err error, creds *credentials) {
	if err != nil {
		d.log.Info("BYE without answer", "error", err)
	} else if challenged(res) && creds != nil {
		if creds.take(res) {
			d.sayBye(nil)
			return
		}
	}
	d.phase = finished
}
