package sipdoor

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

const (
	// signings is how many challenges an INVITE answers: a proxy's, the far end's, and a stale nonce.
	signings = 3
	// forks is how many answering phones one INVITE may bring.
	forks = 16
)

// dialing is an INVITE of ours: its attempts, one address after the other, and what becomes of it. The library repeats the request and
// acknowledges refusals; each 2xx is acknowledged here, with the tag of who sent it (RFC 3261 §13.2.2.4).
type dialing struct {
	dialog           *dialog
	callID, localTag string // also for the read loop
	uri              string // that it was begun with, for the read loop as well
	entered          atomic.Int32

	replaces string
	passed   int   // hops that the call has taken before
	hops     []hop // to be tried, best first
	timeout  time.Duration
	signed   int
	asked    int          // the status of a refusal that is to be met, a challenge or a session too short; 0 for none
	req      *sip.Request // the attempt on its way
	tx       *sip.ClientTx
	branches []string
	alive    bool                    // the attempt got a response
	earlies  map[string]*earlyDialog // by the tag of who speaks
	ringing  bool
	waiting  media.Waiting           // who hears what comes before the answer; nil for nobody
	deafen   func()                  // ends that; nil when there is nothing to hear
	acks     map[string]*sip.Request // by the tag of who answered
	why      *media.NotAnswered      // we gave up
	canceled bool                    // a CANCEL is out
	done     bool                    // answered, refused or given up for good
	timers   []*time.Timer

	rings  chan struct{}
	result chan result
}

type result struct {
	leg media.Leg
	err error
}

func (g *dialing) pending() bool { return g != nil && !g.done }

// attempt sends the INVITE to the first of the remaining addresses.
func (g *dialing) attempt() {
	d := g.dialog
	for ; len(g.hops) > 0; g.hops = g.hops[1:] {
		old := d.stream
		if err := d.openStream(g.hops[0].addr.Addr()); err != nil {
			g.fail(&media.NotAnswered{Outcome: media.OutcomeFailed, Reason: reasonNoPorts})
			return
		}
		if old != nil {
			g.hush()
			_ = old.Close()
		}
		g.signed = 0
		err := g.send()
		if err == nil {
			return
		}
		d.door.health.mark(g.hops[0], false)
		d.log.Info("address of the trunk not reached", "address", g.hops[0].addr.String(), "transport", g.hops[0].network, "error", err)
	}
	g.fail(&media.NotAnswered{Outcome: media.OutcomeFailed, Reason: reasonUnreachable})
}

// send sends an INVITE, signed with what is known of the trunk's challenges.
func (g *dialing) send() error {
	d, to := g.dialog, g.hops[0]
	d.peer.contact = d.door.stack.contact(d.peer.local.User, to)
	d.peer.source = to
	req := d.peer.request(sip.INVITE, d.door.stack.agent)
	*req.MaxForwards() = sip.MaxForwardsHeader(media.Hops - g.passed)
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	if g.replaces != "" {
		req.AppendHeader(sip.NewHeader("Replaces", g.replaces))
		req.AppendHeader(sip.NewHeader("Require", "replaces"))
	}
	req.AppendHeader(sip.NewHeader("Supported", d.door.cfg.supported()))
	for _, h := range d.keeping.wants("") {
		req.AppendHeader(h)
	}
	req.SetBody(d.sound.offer())
	if d.creds != nil && !d.creds.sign(req) {
		d.creds.forget()
	}
	ctx, cancel := context.WithTimeout(context.Background(), reach)
	defer cancel()
	if err := d.door.stack.address(ctx, req, to); err != nil {
		return err
	}
	branch, _ := req.Via().Params.Get("branch")
	g.branches = append(g.branches, branch)
	d.door.calling.expect(branch, g)
	tx, err := d.door.stack.txl.Request(ctx, req)
	if err != nil {
		return err
	}
	g.req, g.tx, g.alive = req, tx, false
	d.door.spawn(func() { g.drain(branch, tx) })
	g.timers = append(g.timers, d.after(d.door.cfg.Timers.Unreached, func() { g.unreached(branch) }))
	return nil
}

// drain takes responses off the library's hands; they have come by the read loop already, in order. What is left to learn is that a
// refusal was acknowledged, and the end.
func (g *dialing) drain(branch string, tx *sip.ClientTx) {
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() && !res.IsSuccess() {
				g.dialog.box.put(func() { g.acknowledged(branch) })
			}
		case <-tx.Done():
			g.dialog.box.put(func() { g.unreached(branch) })
			return
		}
	}
}

func (g *dialing) current(branch string) bool {
	return !g.done && branch == g.branches[len(g.branches)-1]
}

// unreached turns to the next address when the present one gave no sign of life.
func (g *dialing) unreached(branch string) {
	if !g.current(branch) || g.alive {
		return
	}
	g.tx.Terminate()
	g.dialog.door.health.mark(g.hops[0], false)
	if g.why == nil && len(g.hops) > 1 {
		g.hops = g.hops[1:]
		g.attempt()
		return
	}
	g.giveUp(&media.NotAnswered{Outcome: media.OutcomeFailed, Reason: reasonUnreachable})
	g.linger()
}

// linger stays for a response that comes late: a call that rings must be taken back, one that is answered must be ended.
func (g *dialing) linger() {
	d := g.dialog
	d.ended = nil
	_ = d.stream.Close() // frees its ports
	g.timers = append(g.timers, d.after(d.door.cfg.Timers.lastAck(), func() {
		if !g.done && !g.canceled {
			g.fail(g.why)
		}
	}))
}

// received takes a response to one of the attempts.
func (g *dialing) received(branch string, res *sip.Response) {
	switch {
	case res.IsSuccess():
		g.answered(res)
	case !g.current(branch):
	case res.IsProvisional():
		g.progress(res)
	default:
		g.refused(res)
	}
}

func (g *dialing) progress(res *sip.Response) {
	g.alive = true
	if res.StatusCode > sip.StatusTrying { // a proxy says 100 before it asks
		g.dialog.creds.proven()
	}
	if g.why != nil {
		g.cancel() // only now may it be sent (RFC 3261 §9.1)
		return
	}
	if res.StatusCode > sip.StatusTrying && !g.heed(res) {
		return
	}
	if res.StatusCode == sip.StatusRinging && g.waiting != nil {
		g.waiting.Ring()
	}
	if !g.ringing && (res.StatusCode == sip.StatusRinging || res.StatusCode == sip.StatusSessionInProgress) {
		g.ringing = true
		g.rings <- struct{}{}
	}
}

// refused takes a final response that is no answer: a challenge is met, an overloaded server passed by, all else is the end.
func (g *dialing) refused(res *sip.Response) {
	g.alive = true
	if g.why != nil {
		g.fail(g.why)
		return
	}
	d := g.dialog
	if challenged(res) && d.creds != nil && g.signed < signings && d.creds.take(res) {
		g.signed++
		g.asked = res.StatusCode
		return
	}
	if d.keeping.tooBrief(res) {
		g.asked = res.StatusCode
		return
	}
	if res.StatusCode == sip.StatusServiceUnavailable && len(g.hops) > 1 { // RFC 3263 §4.3
		g.hops = g.hops[1:]
		g.attempt()
		return
	}
	g.fail(outcomeOf(res.StatusCode))
}

// acknowledged meets a refusal, now that its ACK is out: a peer may not take the next INVITE before (RFC 3261 §17.1.1.2).
func (g *dialing) acknowledged(branch string) {
	if g.asked == 0 || !g.current(branch) {
		return
	}
	status := g.asked
	g.asked = 0
	switch {
	case g.why != nil:
		g.fail(g.why)
	case g.send() != nil:
		g.fail(outcomeOf(status))
	}
}

// fail ends the call without an answer.
func (g *dialing) fail(why *media.NotAnswered) {
	g.settle(result{err: why})
	g.dialog.phase = finished
}

// settle tells the dialler, once.
func (g *dialing) settle(r result) {
	g.done = true
	g.hush()
	for _, t := range g.timers {
		t.Stop()
	}
	select {
	case g.result <- r:
	default:
	}
}

// late gives up on a call that nobody takes; where nothing ever answered it did not even ring.
func (g *dialing) late() {
	why := &media.NotAnswered{Outcome: media.OutcomeNoAnswer, Reason: reasonRingTimeout}
	if !g.alive {
		why = &media.NotAnswered{Outcome: media.OutcomeFailed, Reason: reasonUnreachable}
	}
	g.giveUp(why)
}

// giveUp takes the INVITE back. The dialler hears at once; the dialog goes on until the far end has agreed, since its 200 may cross
// our CANCEL.
func (g *dialing) giveUp(why *media.NotAnswered) {
	if g.done || g.why != nil {
		return
	}
	g.why = why
	g.hush()
	select {
	case g.result <- result{err: why}:
	default:
	}
	if g.alive {
		g.cancel()
	}
}

// cancel sends a CANCEL, made of the INVITE (RFC 3261 §9.1).
func (g *dialing) cancel() {
	if g.canceled {
		return
	}
	g.canceled = true
	d := g.dialog
	req := sip.NewRequest(sip.CANCEL, *g.req.Recipient.Clone())
	req.AppendHeader(g.req.Via().Clone())
	for _, h := range g.req.GetHeaders("Route") {
		req.AppendHeader(sip.HeaderClone(h))
	}
	hops := sip.MaxForwardsHeader(media.Hops)
	for _, h := range []sip.Header{&hops, sip.HeaderClone(g.req.From()), sip.HeaderClone(g.req.To()), sip.HeaderClone(g.req.CallID()),
		&sip.CSeqHeader{SeqNo: g.req.CSeq().SeqNo, MethodName: sip.CANCEL}} {
		req.AppendHeader(h)
	}
	req.SetBody(nil)
	over := hop{network: sip.NetworkToLower(g.req.Transport()), addr: g.hops[0].addr}
	d.door.stack.bound(req, over)
	limit := d.door.cfg.Timers.lastAck()
	d.door.spawn(func() {
		ctx, stop := context.WithTimeout(context.Background(), limit)
		defer stop()
		if _, err := d.door.stack.exchange(ctx, req); err != nil {
			d.log.Debug("CANCEL without answer", "error", err)
		}
	})
	g.timers = append(g.timers, d.after(limit, func() {
		if !g.done {
			g.fail(g.why)
		}
	}))
}

// answered takes a 2xx: the first is the call, unless we have given up; others come from forks.
func (g *dialing) answered(res *sip.Response) {
	d := g.dialog
	d.creds.proven()
	tag, _ := res.To().Params.Get("tag")
	if ack := g.acks[tag]; ack != nil {
		d.report(d.door.stack.write(ack))
		return
	}
	if len(g.acks) == forks {
		return
	}
	p := d.peer.answeredBy(res)
	g.acks[tag] = d.acknowledge(&p, res.CSeq().SeqNo, g.req)
	switch {
	case g.done:
		g.dismiss(p)
	case g.why != nil:
		g.settle(result{err: g.why})
		d.peer = p
		d.bye()
	default:
		d.peer, d.phase = p, confirmed
		if e := g.earlies[tag]; e != nil {
			d.remoteSeq = e.remoteSeq
		}
		g.connected(res)
	}
}

// answerIn is what the peer of a 2xx has agreed to: in a reliable provisional response before, after which the 2xx says nothing more
// (RFC 3261 §13.2.1, RFC 3262 §5); else in the 2xx; else, where that is silent, in what it let us see before.
func (g *dialing) answerIn(res *sip.Response) (agreed, error) {
	tag, _ := res.To().Params.Get("tag")
	e := g.earlies[tag]
	if e != nil && e.settled != nil {
		return *e.settled, nil
	}
	body, err := readSDP(res.Body())
	if err != nil && e != nil && e.preview != nil {
		body, err = e.preview, nil
	}
	if err != nil {
		return agreed{}, err
	}
	return g.dialog.accepted(body)
}

// connected begins the call by the answer.
func (g *dialing) connected(res *sip.Response) {
	d := g.dialog
	a, err := g.answerIn(res)
	if err != nil {
		d.log.Warn("answer not usable: ending the call", "error", err)
		g.settle(result{err: &media.NotAnswered{Outcome: media.OutcomeFailed, Status: res.StatusCode, Reason: reasonBadAnswer}})
		d.bye()
		return
	}
	d.stream.Start(d.door.params(a, d))
	d.keeping.updates = allows(res, sip.UPDATE)
	d.keep(lifetimeOf(res), true)
	g.settle(result{leg: d.theLeg()})
}

// acknowledge sends the ACK to a 2xx: a request of its own with the CSeq and the credentials of the INVITE.
func (d *dialog) acknowledge(p *peer, seq uint32, invite *sip.Request) *sip.Request {
	ack := p.numbered(sip.ACK, seq, d.door.stack.agent)
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		for _, h := range invite.GetHeaders(name) {
			ack.AppendHeader(sip.HeaderClone(h))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), reach)
	defer cancel()
	err := d.door.stack.address(ctx, ack, d.door.nextHop(p))
	if err == nil {
		err = d.door.stack.write(ack)
	}
	d.report(err)
	return ack
}

func (d *dialog) report(err error) {
	if err != nil {
		d.log.Warn("ACK not sent", "error", err)
	}
}

// dismiss ends a call that a fork answered after another.
func (g *dialing) dismiss(p peer) {
	d := g.dialog
	req := p.request(sip.BYE, d.door.stack.agent)
	d.door.spawn(func() {
		ctx, stop := context.WithTimeout(context.Background(), d.door.cfg.Timers.lastAck())
		defer stop()
		if err := d.door.stack.address(ctx, req, d.door.nextHop(&p)); err != nil {
			return
		}
		_, _ = d.door.stack.exchange(ctx, req)
	})
}

// forget ends what waits for responses.
func (g *dialing) forget() {
	g.settle(result{err: &media.NotAnswered{Outcome: media.OutcomeFailed, Reason: reasonClosed}})
	g.dialog.door.calling.forget(slices.Clone(g.branches))
}
