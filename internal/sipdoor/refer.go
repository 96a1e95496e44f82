package sipdoor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

// referring is a REFER of ours (RFC 3515) from its first sending to the moment when it is known what became of it: by the NOTIFYs of the
// implicit subscription, which may come before the response to the REFER, late, repeatedly, or after the far side's BYE.
type referring struct {
	dialog *dialog
	to, by string
	seqs   []uint32 // of the REFER and its signed repetition: one of them names the subscription (§2.4.6)
	told   bool     // a NOTIFY came: the REFER was taken, whatever became of its response
	status int      // of the call to the target, as last told
	over   bool
	limit  *time.Timer
	result chan media.Report
}

var _ media.Referrer = (*leg)(nil)

// Refer implements media.Referrer.
func (l *leg) Refer(ctx context.Context, r media.Referral) (media.Report, error) {
	d := l.dialog.Load()
	to, err := d.door.referTo(ctx, d, r)
	if err != nil {
		return media.Report{}, err
	}
	g := &referring{dialog: d, to: to, result: make(chan media.Report, 1)}
	if err := d.ask(ctx, g.begin); err != nil {
		return media.Report{}, err
	}
	select {
	case report := <-g.result:
		return report, nil
	case <-ctx.Done():
		d.box.put(func() { g.settle(media.OutcomeUnknown, 0, reasonCanceled) })
		return media.Report{Outcome: media.OutcomeUnknown, Reason: reasonCanceled}, nil
	}
}

// referTo writes the address of a target: a number or user where the far side's trunk is, else where the far side itself is; for an
// attended transfer the target of the other call, with what takes that call over.
func (d *Door) referTo(ctx context.Context, of *dialog, r media.Referral) (string, error) {
	if r.Replaces != nil {
		return replacing(ctx, r.Replaces)
	}
	if of.softphone {
		return "", errors.New("sipdoor: a softphone knows no way to numbers but us")
	}
	var uri sip.Uri
	err := of.ask(ctx, func() error {
		uri = sip.Uri{Scheme: "sip", User: r.To, Host: of.peer.target.Host, Port: of.peer.target.Port}
		return nil
	})
	if host, port := d.book.domain(of.trunk); host != "" {
		uri.Host, uri.Port = host, port
	}
	return "<" + uri.String() + ">", err
}

// domain is the host that a trunk's addresses name, and its port where that is not the usual one; empty when it is not known.
func (b *book) domain(trunk string) (host string, port int) {
	for _, e := range b.page.Load().entries {
		if trunk != "" && e.trunk.ID == trunk {
			host, network, port := split(e.trunk.Domain, e.trunk.Transport, e.trunk.Port)
			or(&network, "udp")
			if port == sip.DefaultPort(network) {
				port = 0
			}
			return host, port
		}
	}
	return "", 0
}

// begin sends the REFER, in the dialog's goroutine. A call has one at a time.
func (g *referring) begin() error {
	d := g.dialog
	switch {
	case d.phase != confirmed:
		return media.ErrEnded
	case d.referring.pending():
		return fmt.Errorf("sipdoor: a REFER is on its way already")
	}
	by := sip.Uri{Scheme: "sip", User: d.peer.local.User, Host: d.peer.local.Host, Port: d.peer.local.Port}
	g.by = "<" + by.String() + ">"
	d.referring = g
	g.limit = d.after(d.door.cfg.Timers.Refer, func() { g.settle(media.OutcomeUnknown, g.status, "no_notify") })
	g.start()
	return nil
}

// start sends the REFER once the far side has acknowledged our last 2xx: it does not count itself in the call before.
func (g *referring) start() {
	switch {
	case g.over:
	case g.dialog.serving != nil:
		g.dialog.after(g.dialog.door.cfg.Timers.T1/4, g.start)
	default:
		g.send(g.dialog.creds)
	}
}

func (g *referring) pending() bool { return g != nil && !g.over }

// send sends the request in one transaction, which repeats it until a response comes or Timer F fires (RFC 3261 §17.1.2). creds answer
// its challenge, nil when they have.
func (g *referring) send(creds *credentials) {
	d := g.dialog
	req := d.peer.request(sip.REFER, d.door.stack.agent)
	g.seqs = append(g.seqs, d.peer.seq)
	for name, value := range map[string]string{"Refer-To": g.to, "Referred-By": g.by, "Refer-Sub": "true"} {
		req.AppendHeader(sip.NewHeader(name, value))
	}
	req.AppendHeader(&sip.ContactHeader{Address: d.peer.contact})
	if d.creds != nil {
		d.creds.sign(req)
	}
	d.transact(req, func(res *sip.Response, err error) { g.answered(res, err, creds) })
}

// transact sends a request in the dialog and brings its final response, or why there is none, back to the dialog's goroutine.
func (d *dialog) transact(req *sip.Request, then func(*sip.Response, error)) {
	d.transactWith(&d.peer, req, then)
}

func (d *dialog) transactWith(p *peer, req *sip.Request, then func(*sip.Response, error)) {
	to := d.door.nextHop(p)
	sent := d.door.spawn(func() {
		ctx, cancel := context.WithTimeout(context.Background(), d.door.cfg.Timers.lastAck())
		defer cancel()
		err := d.door.stack.address(ctx, req, to)
		var res *sip.Response
		if err == nil {
			res, err = d.door.stack.exchange(ctx, req)
		}
		d.box.put(func() { then(res, err) })
	})
	if !sent {
		then(nil, errStopped)
	}
}

// answered takes the final response to the REFER. Its loss costs nothing where NOTIFYs come.
func (g *referring) answered(res *sip.Response, err error, creds *credentials) {
	if err == nil && res.IsSuccess() {
		g.dialog.creds.proven()
	}
	switch {
	case g.over:
	case err != nil && g.told:
	case err != nil:
		g.dialog.log.Warn("REFER without answer", "error", err)
		g.settle(media.OutcomeUnknown, 0, "no_answer_to_refer")
	case challenged(res) && creds != nil && creds.take(res):
		g.send(nil)
	case res.IsSuccess():
		if h := res.GetHeader("Refer-Sub"); h != nil && strings.EqualFold(strings.TrimSpace(h.Value()), "false") { // RFC 4488 §4
			g.settle(media.OutcomeUnknown, 0, "no_subscription")
		}
	default:
		g.refused(res.StatusCode)
	}
}

// refused ends a REFER that was not taken. After a 481 there is no call any more (RFC 3261 §12.2.1.2).
func (g *referring) refused(status int) {
	outcome := media.OutcomeFailed
	if status == sip.StatusForbidden || status >= 600 {
		outcome = media.OutcomeRefused
	}
	g.settle(outcome, status, "refer_"+strconv.Itoa(status))
	if status == sip.StatusCallTransactionDoesNotExists {
		g.dialog.leave(media.EndNetwork)
	}
}

// notified takes what a NOTIFY says of the call to the target (§2.4.5): a final status is the outcome; a subscription that ends without
// one leaves it unknown, unless the far side was not allowed to call.
func (g *referring) notified(status int, state, reason string) {
	if g.over {
		return
	}
	g.told = true
	if status > 0 {
		g.status = status
	}
	switch {
	case g.status >= 200:
		r := reportOf(g.status)
		g.settle(r.Outcome, r.Status, r.Reason)
	case state != "terminated":
	case reason == "rejected": // RFC 6665 §4.1.3
		g.settle(media.OutcomeRefused, g.status, "subscription_rejected")
	default:
		g.settle(media.OutcomeUnknown, g.status, "subscription_ended")
	}
}

// reportOf is what a final status of the call to the target means for the transfer.
func reportOf(status int) media.Report {
	switch {
	case status < 300:
		return media.Report{Outcome: media.OutcomeAnswered, Status: status, Reason: "sip_" + strconv.Itoa(status)}
	case status == sip.StatusForbidden, status == 603, status == 607, status == 608:
		return media.Report{Outcome: media.OutcomeRefused, Status: status, Reason: "sip_" + strconv.Itoa(status)}
	}
	na := outcomeOf(status)
	return media.Report{Outcome: na.Outcome, Status: status, Reason: na.Reason}
}

// settle tells whoever waits, once. A call that stayed only to hear of this is over then.
func (g *referring) settle(outcome media.Outcome, status int, reason string) {
	if g.over {
		return
	}
	g.over = true
	g.limit.Stop()
	g.dialog.log.Info("transfer by REFER", "outcome", outcome, "status", status, "reason", reason)
	g.result <- media.Report{Outcome: outcome, Status: status, Reason: reason}
	g.dialog.depart()
}

// forget settles a REFER whose call is over for good.
func (g *referring) forget() {
	if g.pending() {
		g.settle(media.OutcomeUnknown, g.status, reasonHungUp)
	}
}

// depart ends a call that the far side has hung up, unless NOTIFYs are to come or to be sent: the subscription outlives the BYE
// (RFC 5057 §4.1).
func (d *dialog) depart() {
	switch {
	case d.phase == finished || d.phase == confirmed || d.phase == early || d.phase == leaving:
	case d.referring.pending() || d.referred.pending():
	default:
		d.phase = finished
	}
}

// outlive ends the call after the far side's BYE, but stays for a while where a transfer is under way.
func (d *dialog) outlive() {
	d.phase = subscribed
	if d.depart(); d.phase == subscribed {
		d.after(d.door.cfg.Timers.lastAck(), func() { d.phase = finished })
	}
}
