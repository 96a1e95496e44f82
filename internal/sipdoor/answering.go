package sipdoor

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

// answering is an INVITE of the peer's on its way to the final response and its ACK, the first of a dialog or a later one.
// The library repeats refusals; repeating a 2xx until its ACK is ours (RFC 3261 §13.3.1.4).
type answering struct {
	dialog  *dialog
	req     *sip.Request
	tx      *sip.ServerTx
	initial bool
	in      *incoming // of an initial one

	final    bool          // a final response was sent
	res      *sip.Response // the 2xx
	delayed  bool          // the 2xx carries our offer, the ACK the answer
	unacked  *provisional  // a reliable provisional response that waits for its PRACK
	offering bool          // it carries our offer, the PRACK the answer
	life     lifetime      // of the session, as the 2xx says
	wait     time.Duration // until the next repetition
	repeats  *time.Timer
	last     *time.Timer
}

// respond sends a response with what every response of ours in a dialog carries.
func (s *answering) respond(status int, reason string, body []byte, headers ...sip.Header) *sip.Response {
	d := s.dialog
	res := sip.NewResponseFromRequest(s.req, status, reason, nil)
	if status > 100 && status < 300 {
		res.AppendHeader(&sip.ContactHeader{Address: d.peer.contact})
		res.AppendHeader(sip.NewHeader("Allow", allowed))
		res.AppendHeader(sip.NewHeader("Supported", d.door.cfg.supported()))
	}
	for _, h := range headers {
		res.AppendHeader(h)
	}
	res.AppendHeader(sip.NewHeader("Server", d.door.stack.agent))
	if body != nil {
		res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		res.SetBody(body)
	}
	s.send(res)
	return res
}

// send goes by the transaction, or past it when that is gone, as over TCP.
func (s *answering) send(res *sip.Response) {
	if s.tx.Respond(res) == nil {
		return
	}
	if err := s.tx.Connection().WriteMsg(res); err != nil {
		s.dialog.log.Debug("SIP response not sent", "status", res.StatusCode, "error", err)
	}
}

// refuse sends a final response that says no.
func (s *answering) refuse(r *refusal) {
	s.final = true
	s.unacked.stop()
	s.respond(r.status, r.reason, nil, r.headers...)
}

// accept sends the 200 and repeats it until the ACK comes: after T1, then doubled up to T2.
func (s *answering) accept(body []byte) {
	t := s.dialog.door.cfg.Timers
	s.final = true
	s.res = s.respond(sip.StatusOK, "OK", body, s.life.headers()...)
	s.dialog.keeping.updates = allows(s.req, sip.UPDATE)
	s.dialog.keep(s.life, false)
	s.wait = t.T1
	s.repeats = s.dialog.after(s.wait, s.again)
	s.last = s.dialog.after(t.lastAck(), s.never)
}

func (s *answering) again() {
	if s.dialog.serving != s {
		return
	}
	s.send(s.res)
	s.wait = min(2*s.wait, s.dialog.door.cfg.Timers.T2)
	s.repeats = s.dialog.after(s.wait, s.again)
}

// never ends a call whose 2xx was not acknowledged.
func (s *answering) never() {
	d := s.dialog
	if d.serving != s {
		return
	}
	d.log.Warn("no ACK to our 200: ending the call")
	s.stop()
	d.serving = nil
	if d.stream != nil {
		d.stream.End(media.EndNetwork)
	}
	d.bye()
}

func (s *answering) stop() {
	s.unacked.stop()
	if s.repeats != nil {
		s.repeats.Stop()
		s.last.Stop()
	}
}

// goAway tells whoever considers the call that the caller is gone.
func (s *answering) goAway() {
	if s.in != nil {
		s.in.leave()
	}
}

// acknowledged takes the ACK to a 2xx: a request of its own, known by its CSeq (RFC 3261 §13.2.2.4).
func (d *dialog) acknowledged(ack *sip.Request) {
	s := d.serving
	if s == nil || s.res == nil || ack.CSeq().SeqNo != s.req.CSeq().SeqNo {
		return
	}
	s.stop()
	d.serving = nil
	if d.wantsBye {
		d.bye()
		return
	}
	if s.delayed && !d.takeAnswer(ack) {
		d.log.Warn("no usable answer in the ACK: ending the call")
		d.leave(media.EndNetwork)
	}
}

// takeAnswer starts or changes the sound by the answer to our offer, in a 2xx or its ACK.
func (d *dialog) takeAnswer(m sip.Message) bool {
	answer, err := readSDP(m.Body())
	if err != nil {
		return false
	}
	a, err := d.accepted(answer)
	if err != nil {
		return false
	}
	d.stream.Start(d.door.params(a, d))
	return true
}

// cancel takes the caller's CANCEL, which only an INVITE without a final response heeds (RFC 3261 §9.2).
func (d *dialog) cancel() {
	s := d.serving
	if s == nil || s.final {
		return
	}
	s.refuse(refuse(sip.StatusRequestTerminated, "Request Terminated"))
	s.goAway()
	d.phase = finished
}
