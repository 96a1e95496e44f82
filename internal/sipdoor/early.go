package sipdoor

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

// earlyDialog is a dialog that a provisional response to our INVITE has begun; forks make several.
type earlyDialog struct {
	seq       uint32 // RSeq of its last reliable response
	remoteSeq int64  // of its last request
	preview   *description
	settled   *agreed // by an answer in a reliable response, and what followed it
}

// earlyOf is the early dialog of a tag; nil when there are too many.
func (g *dialing) earlyOf(tag string) *earlyDialog {
	e := g.earlies[tag]
	if e == nil && len(g.earlies) < forks {
		e = &earlyDialog{remoteSeq: -1}
		g.earlies[tag] = e
	}
	return e
}

// heed takes what a provisional response says of the session. In an unreliable one that is only a preview of the answer: sound may come
// by it, but the answer is still to come (RFC 3262 §5, RFC 6337 §3.1). It reports whether the response is new and in order.
func (g *dialing) heed(res *sip.Response) bool {
	tag, _ := res.To().Params.Get("tag")
	e := g.earlyOf(tag)
	if e == nil {
		return false
	}
	body, err := readSDP(res.Body())
	seq, reliable := reliableSeq(res)
	if !reliable || g.dialog.door.cfg.Reliable == ReliableNever {
		if err == nil {
			e.preview = body
			if a, err := g.dialog.accepted(body); err == nil {
				g.listen(a)
			}
		}
		return true
	}
	if e.seq != 0 && seq != e.seq+1 { // repeated, or out of order: it will come again (RFC 3262 §4)
		return false
	}
	e.seq = seq
	g.prack(res, seq)
	if err == nil && e.settled == nil {
		if a, err := g.dialog.accepted(body); err == nil {
			e.settled = &a
			g.listen(a)
		}
	}
	return true
}

// reliableSeq is the RSeq of a provisional response that wants a PRACK.
func reliableSeq(res *sip.Response) (seq uint32, ok bool) {
	h := res.GetHeader("RSeq")
	if h == nil || res.StatusCode <= 100 || !has(res, "Require", rel) {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(h.Value()), 10, 32)
	return uint32(n), err == nil && n > 0
}

// prack acknowledges a reliable provisional response within its early dialog (RFC 3262 §4).
func (g *dialing) prack(res *sip.Response, seq uint32) {
	d := g.dialog
	p := d.peer.answeredBy(res)
	req := p.request(sip.PRACK, d.door.stack.agent)
	d.peer.seq = p.seq
	req.AppendHeader(sip.NewHeader("RAck", fmt.Sprintf("%d %d INVITE", seq, res.CSeq().SeqNo)))
	if d.creds != nil {
		d.creds.sign(req)
	}
	d.transactWith(&p, req, func(answer *sip.Response, err error) {
		if err != nil {
			d.log.Info("PRACK without answer", "error", err)
		} else if !answer.IsSuccess() {
			d.log.Info("PRACK refused", "status", answer.StatusCode)
		}
	})
}

// listen lets whoever waits hear the far side's network before the answer, as the last description has it (RFC 3960 §3.2; of several
// phones the last one that spoke). We send silence alone meanwhile, which opens the way through NAT.
func (g *dialing) listen(a agreed) {
	if g.waiting == nil {
		return
	}
	d := g.dialog
	p := d.door.params(a, d)
	p.Unanswered = true
	d.stream.Start(p)
	if g.deafen != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	s, silent := d.stream, make(chan struct{})
	if !d.door.spawn(func() {
		defer close(silent)
		var t media.Tick
		for s.Read(ctx, &t) == nil {
			if s.Sounding() {
				g.waiting.Hear(&t.Heard)
			}
		}
	}) {
		stop()
		return
	}
	g.deafen = func() { stop(); <-silent }
}

// hush ends listen; the sound belongs to the call then.
func (g *dialing) hush() {
	if g.deafen != nil {
		g.deafen()
		g.deafen = nil
	}
}
