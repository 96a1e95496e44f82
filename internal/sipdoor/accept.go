package sipdoor

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

func (a *Accept) loopback(from netip.Addr) bool { return a.Loopback && from.IsLoopback() }

func (a *Accept) network(from netip.Addr) bool {
	for _, n := range a.Networks {
		if n.Contains(from) {
			return true
		}
	}
	return false
}

// judgement is what is known of a sender who may come in.
type judgement struct {
	trunk   string // id of its trunk; empty for none, and for one of several that share the address
	trusted bool   // a trunk: what it asserts of its callers is believed
}

// judge decides whether the sender of a request outside of dialogs may send it, and answers it if not: with a challenge where
// credentials could help, with 403 where not, and not at all after too many tries.
func (d *Door) judge(req *sip.Request, tx *sip.ServerTx) (judgement, bool) {
	source, a := from(req).addr, &d.cfg.Accept
	j := d.behind(source)
	if a.Any || j.trusted && a.Trunks || a.loopback(source.Addr()) || a.network(source.Addr()) {
		return j, true
	}
	if d.strikes.spent(source.Addr()) {
		tx.Terminate()
		return j, false
	}
	if len(a.Users) == 0 {
		d.strike(req, "stranger")
		d.respond(req, tx, refuse(sip.StatusForbidden, "Forbidden"))
		return j, false
	}
	user, stale, sound := d.nonces.verify(req, a.Users)
	if sound {
		or(&j.trunk, d.book.user(user))
		return j, true
	}
	if len(req.GetHeaders("Authorization")) > 0 && !stale {
		d.strike(req, "wrong credentials")
	}
	d.respond(req, tx, d.nonces.challenge(source.Addr(), stale))
	return j, false
}

// behind names the trunk of a source; for one that is not known the list of trunks is read anew.
func (d *Door) behind(source netip.AddrPort) judgement {
	id, known := d.book.of(source)
	if !known && !d.strikes.spent(source.Addr()) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		d.book.fresh(ctx)
		id, known = d.book.of(source)
	}
	return judgement{trunk: id, trusted: known}
}

// strike counts and logs an attempt that failed.
func (d *Door) strike(req *sip.Request, why string) {
	source := from(req).addr
	d.strikes.allow(source.Addr())
	d.log.Warn("SIP request refused", "reason", why, "method", string(req.Method), "source", source.String(),
		slog.Group("pii", "dialled", userOf(&req.Recipient)))
}
