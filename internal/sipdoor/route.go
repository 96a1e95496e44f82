package sipdoor

import (
	"context"
	"log/slog"
	"net/netip"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

// route brings a request to its dialog, or serves it outside of any.
func (d *Door) route(req *sip.Request, tx *sip.ServerTx) {
	tag, inDialog := req.To().Params.Get("tag")
	initial := req.Method == sip.INVITE && tag == d.tagFor(req) // pre put it there
	switch {
	case req.Method == cancelIn:
		d.canceled(req, tx)
	case inDialog && !initial:
		d.inDialog(req, tx)
	case initial && d.looped(req):
		d.respond(req, tx, refuse(sip.StatusLoopDetected, "Loop Detected"))
	case d.full() && (initial || req.Method == sip.OPTIONS): // before any work; trunks look elsewhere then
		d.respond(req, tx, noCapacity())
	default:
		if j, admitted := d.judge(req, tx); admitted {
			d.outside(req, tx, j)
		}
	}
}

// looped says that a call of ours has come back as it left: with a Via of ours and its Request-URI, which who routes to us would have
// changed (RFC 3261 §6, §16.3).
func (d *Door) looped(req *sip.Request) bool {
	for _, h := range req.GetHeaders("Via") {
		if v, ok := h.(*sip.ViaHeader); ok {
			if branch, _ := v.Params.Get("branch"); d.calling.sent(branch, &req.Recipient) {
				return true
			}
		}
	}
	return false
}

func (d *Door) full() bool {
	return d.draining.Load() || d.dialogs.count() >= d.cfg.Limits.Dialogs || d.deps.Full != nil && d.deps.Full()
}

func (d *Door) canceled(req *sip.Request, tx *sip.ServerTx) {
	if d.invites.cancel(inviteKey(req), d.cfg.Timers.CancelWait) {
		d.respond(req, tx, ok())
		return
	}
	d.respond(req, tx, noDialog())
}

func (d *Door) inDialog(req *sip.Request, tx *sip.ServerTx) {
	dlg := d.dialogs.find(dialogKey(req))
	switch {
	case dlg == nil:
		d.respond(req, tx, noDialog())
	case dlg.box.receive(func() { dlg.handle(req, tx) }):
	case closed(dlg.over):
		d.respond(req, tx, noDialog())
	default:
		d.respond(req, tx, refuse(sip.StatusInternalServerError, "Overloaded", retryAfter(2)))
	}
}

// outside serves a request that belongs to no dialog, from a sender who may send it.
func (d *Door) outside(req *sip.Request, tx *sip.ServerTx, j judgement) {
	switch req.Method {
	case sip.INVITE:
		if r := d.invited(req, tx, j); r != nil {
			d.respond(req, tx, r)
		}
	case sip.OPTIONS:
		d.respond(req, tx, refuse(sip.StatusOK, "OK", sip.NewHeader("Allow", allowed), sip.NewHeader("Accept", "application/sdp"),
			sip.NewHeader("Supported", d.cfg.supported())))
	case sip.REGISTER:
		d.enrol(req, tx, j.phone)
	case sip.BYE, sip.NOTIFY, sip.UPDATE, sip.PRACK:
		d.respond(req, tx, noDialog())
	case sip.REFER: // nobody outside of a call makes us call
		d.respond(req, tx, refuse(603, "Decline"))
	default:
		d.respond(req, tx, noSuchMethod(req.Method))
	}
}

// invited begins a call; a refusal is returned, not sent.
func (d *Door) invited(req *sip.Request, tx *sip.ServerTx, j judgement) *refusal {
	switch {
	case req.Contact() == nil || req.Contact().Address.Host == "":
		return refuse(sip.StatusBadRequest, "Missing Contact")
	case req.Recipient.Scheme == "sips":
		return notAcceptable(errSRTP)
	case d.deps.Answerer == nil:
		return refuse(sip.StatusTemporarilyUnavailable, "Temporarily Unavailable")
	}
	var offer *description
	var a agreed
	if len(req.Body()) > 0 { // without one the offer is ours
		var r *refusal
		if offer, r = offerOf(req); r != nil {
			return r
		}
		var err error
		if a, err = offer.choose(d.cfg.Codecs, d.cfg.Encryption.over(from(req).network)); err != nil {
			return notAcceptable(err)
		}
	}
	life, wrong := lifetimeOf(req).answer(max(d.cfg.Timers.Session, 0), d.cfg.Timers.LeastSession)
	if wrong != nil {
		return wrong
	}
	over, wrong := d.replaced(req, j)
	if wrong != nil {
		return wrong
	}
	p := peerOfCaller(req, d.stack.contact(userOf(&req.Recipient), from(req)))
	dlg := d.newDialog(p)
	dlg.softphone = j.phone != nil
	dlg.trunk, dlg.remoteSeq, dlg.canceled = j.trunk, int64(req.CSeq().SeqNo), d.invites.canceled(inviteKey(req))
	if !d.dialogs.enter(p.key(), dlg) { // the same request by another way (RFC 3261 §8.2.2.2)
		d.dialogs.leave(dlg)
		return refuse(sip.StatusLoopDetected, "Loop Detected")
	}
	s := &answering{dialog: dlg, req: req, tx: tx, initial: true, life: life}
	s.in = newIncoming(s, offer, a, d.inviteOf(req, j))
	dlg.serving = s
	giveUp := dlg.after(undecided, s.in.expire)
	if !d.spawn(func() { dlg.run(); giveUp.Stop() }) {
		giveUp.Stop()
		dlg.phase = finished
		dlg.run()
		return noCapacity()
	}
	dlg.box.put(func() { s.respond(sip.StatusTrying, "Trying", nil) })
	serve := func() { s.in.serve(context.Background(), d.deps.Answerer) }
	if over != nil {
		serve = func() { over.run(s.in) }
	}
	if !d.spawn(serve) {
		dlg.box.put(func() { dlg.leave(media.EndLocal) })
	}
	return nil
}

// passed is how many hops a request has taken, as its Max-Forwards tells; none where it does not say.
func passed(req *sip.Request) int {
	if h := req.MaxForwards(); h != nil {
		return max(0, media.Hops-int(h.Val()))
	}
	return 0
}

func (d *Door) inviteOf(req *sip.Request, j judgement) media.Invite {
	inv := media.Invite{
		NetworkID: req.CallID().Value(), Dialled: dialled(req), From: callerOf(req, j.trusted), TrunkID: j.trunk,
		Phone: j.phone, Source: from(req).addr, Kind: "sip", Passed: passed(req),
	}
	if j.phone != nil {
		inv.From = j.phone.Username
	}
	d.log.Info("incoming call", "sip_call", inv.NetworkID, "trunk", inv.TrunkID, "source", inv.Source.String(),
		slog.Group("pii", "dialled", inv.Dialled, "from", inv.From))
	return inv
}

// standing is how far an address is trusted before its messages are read.
type standing int

const (
	stranger standing = iota
	caller            // is on a call, or has a softphone registered
	known             // a trunk, or listed by the operator
)

func (d *Door) standing(a netip.Addr) standing {
	switch {
	case d.cfg.Accept.loopback(a) || d.cfg.Accept.network(a) || d.book.has(a):
		return known
	case d.dialogs.with(a), d.lines.behind(a):
		return caller
	}
	return stranger
}
