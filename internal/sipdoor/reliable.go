package sipdoor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Reliable says when provisional responses are sent reliably (RFC 3262).
type Reliable int

// When; the zero value does what the caller insists on.
const (
	ReliableIfRequired  Reliable = iota // when the caller requires it
	ReliableIfSupported                 // whenever the caller can
	ReliableNever                       // who requires it is refused with 420, and our calls do not support it
)

// rel is the option tag.
const rel = "100rel"

// has says whether a list of option tags, in one header or several, holds one.
func has(m interface{ GetHeaders(string) []sip.Header }, header, option string) bool {
	for _, h := range m.GetHeaders(header) {
		if in(h.Value(), option) {
			return true
		}
	}
	return false
}

// provisional is a reliable provisional response of ours on its way to its PRACK.
type provisional struct {
	res  *sip.Response
	seq  uint32 // RSeq
	wait time.Duration
	next *time.Timer
	last *time.Timer
	done chan struct{} // closed by the PRACK
}

// reliably says whether an INVITE's provisional responses go reliably.
func (s *answering) reliably() bool {
	use := s.dialog.door.cfg.Reliable
	return s.initial && use != ReliableNever && (has(s.req, "Require", rel) || use == ReliableIfSupported && has(s.req, "Supported", rel))
}

// progress sends a reliable provisional response and repeats it, after T1 and then doubled, until its PRACK comes (RFC 3262 §3).
func (s *answering) progress(status int, reason string, body []byte) {
	if s.unacked != nil {
		return // one at a time
	}
	d := s.dialog
	p := &provisional{seq: d.peer.seq, wait: d.door.cfg.Timers.T1, done: make(chan struct{})} // random below 2^31, as it must begin
	s.unacked = p
	p.res = s.respond(status, reason, body, sip.NewHeader("Require", rel), sip.NewHeader("RSeq", strconv.Itoa(int(p.seq))))
	var again func()
	again = func() {
		if s.unacked != p || s.final {
			return
		}
		s.send(p.res)
		p.wait *= 2
		p.next = d.after(p.wait, again)
	}
	p.next = d.after(p.wait, again)
	p.last = d.after(d.door.cfg.Timers.lastAck(), func() {
		if s.unacked == p && !s.final { // §3: the request is refused then
			d.log.Warn("no PRACK to our provisional response: refusing the call")
			s.refuse(refuse(504, "Server Time-out"))
			s.goAway()
			d.phase = finished
		}
	})
}

// stop ends the repetition.
func (p *provisional) stop() {
	if p != nil {
		p.next.Stop()
		p.last.Stop()
	}
}

// pracked takes a PRACK: it names the response that it acknowledges, and may carry the answer to the offer in it, or a new offer
// once that is settled (RFC 3262 §3, §5).
func (d *dialog) pracked(req *sip.Request, tx *sip.ServerTx) {
	s := d.serving
	if s == nil || s.unacked == nil || !s.unacked.acknowledgedBy(req, s.req.CSeq().SeqNo) {
		d.door.respond(req, tx, noDialog())
		return
	}
	p := s.unacked
	var body []byte
	if len(req.Body()) > 0 {
		var r *refusal
		if body, r = s.negotiate(req); r != nil {
			d.door.respond(req, tx, r)
			return
		}
	} else if s.offering {
		d.door.respond(req, tx, refuse(sip.StatusBadRequest, "Missing Answer"))
		return
	}
	p.stop()
	s.unacked = nil
	d.respondTo(req, tx, body)
	close(p.done)
}

// acknowledgedBy reads RAck: RSeq, CSeq and method of the response (§7.2).
func (p *provisional) acknowledgedBy(req *sip.Request, invite uint32) bool {
	h := req.GetHeader("RAck")
	return h != nil && slices.Equal(strings.Fields(h.Value()), []string{fmt.Sprint(p.seq), fmt.Sprint(invite), "INVITE"})
}

// negotiate takes what a PRACK carries: the answer that we wait for, or else an offer, which is answered in the 2xx.
func (s *answering) negotiate(req *sip.Request) (body []byte, r *refusal) {
	d := s.dialog
	if s.offering {
		answer, r := offerOf(req)
		if r != nil {
			return nil, r
		}
		a, err := d.accepted(answer)
		if err != nil {
			return nil, notAcceptable(err)
		}
		s.in.agreed, s.offering = a, false
		return nil, nil
	}
	return d.takeOffer(req)
}
