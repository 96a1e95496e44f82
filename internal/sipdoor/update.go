package sipdoor

import (
	"github.com/emiago/sipgo/sip"
)

// offerState says whose offer waits for its answer (RFC 3264 §4: one at a time).
type offerState int

const (
	answered offerState = iota
	ours
	theirs
)

// offers is the state of offer and answer in the dialog; tag is the peer's, where our INVITE may have forked.
func (d *dialog) offers(tag string) offerState {
	s := d.serving
	switch {
	case d.dialing.pending():
		if e := d.dialing.earlies[tag]; e == nil || e.settled == nil {
			return ours
		}
	case d.proposal != nil:
		return ours
	case s != nil && (s.offering || s.delayed):
		return ours
	case s != nil && s.initial && !s.final && s.in != nil && s.in.offer != nil:
		return theirs
	}
	return answered
}

// updated serves an UPDATE (RFC 3311 §5.2): a new target, and a new offer unless another waits for its answer.
func (d *dialog) updated(req *sip.Request, tx *sip.ServerTx) {
	if d.phase >= leaving {
		d.door.respond(req, tx, noDialog())
		return
	}
	life, r := d.lasts(req)
	if d.phase != confirmed { // the 2xx to the INVITE says it then
		life = lifetime{}
	}
	if r != nil {
		d.door.respond(req, tx, r)
		return
	}
	var body []byte
	if len(req.Body()) > 0 {
		tag, _ := req.From().Params.Get("tag")
		switch d.offers(tag) {
		case ours:
			r = refuse(sip.StatusRequestPending, "Request Pending")
		case theirs:
			r = refuse(sip.StatusInternalServerError, "Offer Unanswered", retryAfter(3))
		default:
			body, r = d.takeOffer(req)
		}
		if r != nil {
			d.door.respond(req, tx, r) // nothing has changed, the target neither
			return
		}
	}
	if !d.dialing.pending() { // an early dialog's target is in its response
		d.peer.retarget(req)
	}
	d.respondTo(req, tx, body, life.headers()...)
	d.keep(life, false)
}

// takeOffer agrees on the offer in a PRACK or an UPDATE and returns the answer. Before the call is answered it only takes note.
func (d *dialog) takeOffer(req *sip.Request) ([]byte, *refusal) {
	offer, r := offerOf(req)
	if r != nil {
		return nil, r
	}
	if d.phase == confirmed {
		return d.renegotiate(offer)
	}
	a, err := d.settle(offer)
	if err != nil {
		return nil, notAcceptable(err)
	}
	tag, _ := req.From().Params.Get("tag")
	switch s := d.serving; {
	case d.dialing.pending():
		d.dialing.earlies[tag].settled = &a
		d.dialing.listen(a)
	case s != nil && s.in != nil:
		s.in.agreed = a
	}
	return d.sound.answer(offer, a), nil
}

// respondTo is the 200 to a request that may change target and session.
func (d *dialog) respondTo(req *sip.Request, tx *sip.ServerTx, body []byte, headers ...sip.Header) {
	r := refuse(sip.StatusOK, "OK", &sip.ContactHeader{Address: d.peer.contact}, sip.NewHeader("Allow", allowed))
	r.headers, r.body = append(r.headers, headers...), body
	d.door.respond(req, tx, r)
}
