package sipdoor

import (
	"math/rand/v2"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

// respond answers a request.
func (d *Door) respond(req *sip.Request, tx *sip.ServerTx, r *refusal) {
	res := sip.NewResponseFromRequest(req, r.status, r.reason, nil)
	res.SipVersion = "SIP/2.0" // the library repeats what was asked in
	for _, h := range r.headers {
		res.AppendHeader(h)
	}
	res.AppendHeader(sip.NewHeader("Server", d.cfg.UserAgent))
	if r.body != nil {
		res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		res.SetBody(r.body)
	}
	if err := tx.Respond(res); err != nil {
		d.log.Debug("SIP response not sent", "status", r.status, "error", err)
		tx.Terminate()
	}
}

func ok() *refusal { return refuse(sip.StatusOK, "OK") }

// handle serves a request within the dialog.
func (d *dialog) handle(req *sip.Request, tx *sip.ServerTx) {
	answer := func(r *refusal) { d.door.respond(req, tx, r) }
	switch {
	case d.phase == finished:
		answer(noDialog())
		return
	case int64(req.CSeq().SeqNo) <= *d.lastSeq(req): // out of order (RFC 3261 §12.2.2); a repetition is kept from us by its transaction
		answer(refuse(sip.StatusInternalServerError, "Request Out of Order"))
		return
	}
	*d.lastSeq(req) = int64(req.CSeq().SeqNo)
	switch req.Method {
	case sip.BYE:
		answer(ok())
		d.hungUp()
	case sip.INVITE:
		d.reinvited(req, tx)
	case sip.UPDATE:
		d.updated(req, tx)
	case sip.PRACK:
		d.pracked(req, tx)
	case sip.OPTIONS:
		answer(ok())
	case sip.INFO:
		answer(d.informed(req))
	case sip.REFER:
		d.askedToCall(req, tx)
	case sip.NOTIFY:
		d.notified(req, tx)
	default:
		answer(noSuchMethod(req.Method))
	}
}

// lastSeq is the CSeq of the peer's last request; where our INVITE has forked each phone counts for itself.
func (d *dialog) lastSeq(req *sip.Request) *int64 {
	if d.dialing.pending() {
		tag, _ := req.From().Params.Get("tag")
		if e := d.dialing.earlies[tag]; e != nil {
			return &e.remoteSeq
		}
	}
	return &d.remoteSeq
}

// hungUp ends the dialog on the peer's BYE. A BYE of ours that is on its way crosses it; nobody will answer that one better.
func (d *dialog) hungUp() {
	if d.stream != nil {
		d.stream.End(media.EndRemote)
	}
	switch s := d.serving; {
	case s != nil && !s.final: // a caller may end an early dialog so (§15.1.2)
		s.refuse(refuse(sip.StatusRequestTerminated, "Request Terminated"))
		s.goAway()
	case s != nil:
		s.stop()
	}
	if d.dialing.pending() {
		d.dialing.settle(result{err: &media.NotAnswered{Outcome: media.OutcomeFailed, Reason: reasonHungUp}})
	}
	d.outlive()
}

// reinvited serves an INVITE within the dialog: hold, resume, another address or codec, or a sign of life (RFC 3261 §14.2).
func (d *dialog) reinvited(req *sip.Request, tx *sip.ServerTx) {
	switch {
	case d.dialing.pending() || d.proposal != nil || d.serving != nil && d.serving.final: // our INVITE, or our 2xx without its ACK
		d.door.respond(req, tx, refuse(sip.StatusRequestPending, "Request Pending"))
		return
	case d.serving != nil:
		d.door.respond(req, tx, refuse(sip.StatusInternalServerError, "INVITE In Progress", retryAfter(rand.N(11))))
		return
	case d.phase >= leaving:
		d.door.respond(req, tx, noDialog())
		return
	}
	life, wrong := d.lasts(req)
	if wrong != nil {
		d.door.respond(req, tx, wrong)
		return
	}
	s := &answering{dialog: d, req: req, tx: tx, life: life}
	d.serving = s
	if len(req.Body()) == 0 { // the offer is ours, the answer comes with the ACK (§13.2.1)
		s.delayed = true
		s.accept(d.sound.offer())
		d.peer.retarget(req)
		return
	}
	offer, r := offerOf(req)
	if r == nil {
		var body []byte
		if body, r = d.renegotiate(offer); r == nil {
			d.peer.retarget(req)
			s.accept(body)
			return
		}
	}
	s.refuse(r) // the call goes on as it was
	d.serving = nil
}

// renegotiate changes what is sent where by a new offer and returns our answer to it.
func (d *dialog) renegotiate(offer *description) ([]byte, *refusal) {
	a, err := d.settle(offer)
	if err != nil {
		return nil, notAcceptable(err)
	}
	d.stream.Update(d.door.params(a, d))
	d.log.Info("call renegotiated", "hold", a.sendHold, "codec", a.codec)
	return d.sound.answer(offer, a), nil
}
