package sipdoor

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

// URITarget is a call to an address rather than through a trunk, as a phone makes it.
type URITarget struct {
	URI       string // sip:USER@HOST[:PORT][;transport=…]
	Transport string // udp, tcp or tls; empty takes the URI's, else udp
	From      string // our number
	// Username and Password answer challenges; empty for none.
	Username, Password string
	Ring               time.Duration // how long it may ring; zero takes the door's
}

// order is a call to be placed.
type order struct {
	trunk    string
	hops     []hop
	to, from sip.Uri
	creds    *credentials
	ring     time.Duration
	replaces string // the call that it takes over (RFC 3891)
	waiting  media.Waiting
	passed   int // hops, of media.Hops
}

// Dial implements media.Dialer: it rings through a trunk, or at a softphone.
func (d *Door) Dial(ctx context.Context, t media.Target, ringing func(networkID string)) (media.Leg, string, error) {
	if err := d.ready(ctx); err != nil {
		return nil, "", notReady(ctx, err)
	}
	if t.Phone != nil {
		return d.dialPhone(ctx, t, ringing)
	}
	trunk := &Trunk{t.Trunk, t.Password}
	finding, stop := context.WithTimeout(ctx, d.cfg.Timers.Unreached)
	defer stop()
	hops, err := d.hopsTo(finding, trunk)
	if err != nil {
		d.log.Warn("trunk not reachable", "trunk", trunk.ID, "error", err)
		return nil, "", notReady(ctx, err)
	}
	host, _, _ := split(trunk.Domain, trunk.Transport, trunk.Port)
	uri := func(user string) sip.Uri { return sip.Uri{Scheme: "sip", User: user, Host: host} }
	to := uri(t.To)
	if trunk.Port != sip.DefaultPort(hops[0].network) {
		to.Port = trunk.Port
	}
	return d.place(ctx, order{
		trunk: trunk.ID, hops: hops, to: to, from: uri(t.From), creds: trunk.credentials(), replaces: t.Replaces, waiting: t.Waiting, passed: t.Passed,
	}, ringing)
}

// DialURI rings an address. Its errors are those of Dial.
func (d *Door) DialURI(ctx context.Context, t URITarget, ringing func(networkID string)) (media.Leg, string, error) {
	if err := d.ready(ctx); err != nil {
		return nil, "", notReady(ctx, err)
	}
	var to sip.Uri
	if err := sip.ParseUri(t.URI, &to); err != nil || to.Host == "" || to.Scheme != "sip" && to.Scheme != "sips" {
		return nil, "", errors.New("sipdoor: not an address such as sip:USER@HOST:PORT")
	}
	network := strings.ToLower(t.Transport)
	or(&network, to.UriParams.GetOr("transport", ""))
	if network == "" && to.Scheme == "sips" {
		network = "tls"
	}
	hops, err := resolve(ctx, d.deps.Resolver, strings.Trim(to.Host, "[]"), network, to.Port)
	if err != nil {
		return nil, "", err
	}
	return d.place(ctx, order{
		hops: hops, to: to, ring: t.Ring, creds: newCredentials(t.Username, t.Password, nil),
		from: sip.Uri{Scheme: "sip", User: t.From, Host: d.stack.self(hops[0].addr.Addr()).String()},
	}, ringing)
}

func notReady(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &media.NotAnswered{Outcome: media.OutcomeCanceled, Reason: reasonCanceled}
	}
	if errors.Is(err, errStopped) {
		return &media.NotAnswered{Outcome: media.OutcomeFailed, Reason: reasonClosed}
	}
	return &media.NotAnswered{Outcome: media.OutcomeFailed, Reason: reasonUnreachable}
}

func (d *Door) newDialing(o order) *dialing {
	p := peer{callID: rand.Text(), localTag: rand.Text(), local: o.from, remote: *o.to.Clone(), target: o.to, seq: firstSeq(), source: o.hops[0]}
	p.remote.UriParams, p.remote.Headers = nil, nil
	dlg := d.newDialog(p)
	dlg.trunk, dlg.creds = o.trunk, o.creds
	g := &dialing{
		dialog: dlg, replaces: o.replaces, waiting: o.waiting, passed: o.passed, callID: p.callID, localTag: p.localTag, uri: o.to.Addr(), hops: o.hops, timeout: o.ring,
		acks: map[string]*sip.Request{}, earlies: map[string]*earlyDialog{},
		rings: make(chan struct{}, 1), result: make(chan result, 1),
	}
	or(&g.timeout, d.cfg.Timers.Ring)
	dlg.dialing = g
	return g
}

// place runs the call until it is answered, refused or given up.
func (d *Door) place(ctx context.Context, o order, ringing func(networkID string)) (media.Leg, string, error) {
	if o.passed > media.Hops { // as a proxy would say (RFC 3261 §16.3)
		return nil, "", outcomeOf(sip.StatusTooManyHops)
	}
	if d.dialogs.count() >= d.cfg.Limits.Dialogs {
		return nil, "", &media.NotAnswered{Outcome: media.OutcomeFailed, Reason: reasonNoCapacity}
	}
	g := d.newDialing(o)
	dlg := g.dialog
	d.log.Info("outgoing call", "sip_call", g.callID, "trunk", o.trunk, slog.Group("pii", "to", o.to.User, "from", o.from.User))
	if !d.spawn(dlg.run) {
		dlg.phase = finished
		dlg.run()
	}
	dlg.box.put(g.attempt)
	late := dlg.after(g.timeout, g.late)
	defer late.Stop()
	for {
		select {
		case <-g.rings:
			ringing(g.callID)
		case r := <-g.result:
			select {
			case <-g.rings:
				ringing(g.callID)
			default:
			}
			if r.leg == nil || ctx.Err() == nil {
				return r.leg, g.callID, r.err
			}
			_ = r.leg.Hangup(ctx) // only tells: it may be another dialog's by now
			return nil, g.callID, g.takeBack()
		case <-ctx.Done():
			return nil, g.callID, g.takeBack()
		}
	}
}

// takeBack ends the call whatever its state.
func (g *dialing) takeBack() error {
	why := &media.NotAnswered{Outcome: media.OutcomeCanceled, Reason: reasonCanceled}
	g.dialog.box.put(func() {
		if g.done {
			g.dialog.leave(media.EndLocal)
			return
		}
		g.giveUp(why)
	})
	return why
}
