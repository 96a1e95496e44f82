package sipdoor

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley"
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
	trunk   string            // id of its trunk; empty for none, and for one of several that share the address
	trusted bool              // a trunk: what it asserts of its callers is believed
	phone   *parley.Softphone // whose credentials it has shown
}

// lookup bounds what is asked of the house about one request.
const lookup = 2 * time.Second

// judge decides whether the sender of a request outside of dialogs may send it, and answers it if not: with a challenge where
// credentials could help, with 403 where not, and not at all after too many tries.
func (d *Door) judge(req *sip.Request, tx *sip.ServerTx) (judgement, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), lookup)
	defer cancel()
	source := from(req).addr
	j := d.behind(ctx, source)
	if req.Method == sip.INVITE && d.crowds(source.Addr()) {
		d.respond(req, tx, noCapacity())
		return j, false
	}
	if d.welcome(source.Addr(), j) && !d.mustProve(ctx, req, source, j) {
		return j, true
	}
	if d.strikes.spent(source.Addr()) && !d.lines.at(source) {
		tx.Terminate()
		return j, false
	}
	if !d.mayProve(ctx) {
		d.strike(req, refusedStranger)
		d.respond(req, tx, refuse(sip.StatusForbidden, "Forbidden"))
		return j, false
	}
	ok := d.proves(ctx, req, tx, &j)
	return j, ok
}

// crowds says that an address which is neither a trunk's nor listed has its share of all calls, a tenth.
func (d *Door) crowds(a netip.Addr) bool {
	return d.standing(a) != known && d.dialogs.countAt(a) >= max(1, d.cfg.Limits.Dialogs/10)
}

// welcome says that a sender may come in without credentials.
func (d *Door) welcome(a netip.Addr, j judgement) bool {
	accept := &d.cfg.Accept
	return accept.Any || j.trusted && accept.Trunks || accept.loopback(a) || accept.network(a)
}

// mustProve says that a request is for softphones alone, wherever it comes from: a registration, a call from where one is registered, and
// a call to a name, which nobody else can reach.
func (d *Door) mustProve(ctx context.Context, req *sip.Request, source netip.AddrPort, j judgement) bool {
	switch {
	case d.deps.Softphones == nil:
		return false
	case req.Method == sip.REGISTER:
		return true
	case req.Method != sip.INVITE || j.trusted:
		return false
	}
	return d.lines.at(source) || isName(userOf(&req.Recipient)) && d.phonesExist(ctx)
}

// isName says that a user part is no phone number.
func isName(user string) bool { return strings.Trim(user, "+0123456789-.()*#") != "" }

// mayProve says whether there is anybody whose credentials could be shown.
func (d *Door) mayProve(ctx context.Context) bool {
	return len(d.cfg.Accept.Users) > 0 || d.phonesExist(ctx)
}

// proves checks the credentials of a request and answers it unless they are sound.
func (d *Door) proves(ctx context.Context, req *sip.Request, tx *sip.ServerTx, j *judgement) bool {
	l, p, err := d.porter.verify(ctx, req)
	switch {
	case err != nil:
		d.log.Warn("softphones not read", "error", err)
		d.respond(req, tx, noCapacity())
	case p == sound:
		if j.phone = l.phone; l.phone == nil {
			or(&j.trunk, d.book.user(l.user))
		}
		return true
	case p == improper:
		d.respond(req, tx, refuse(sip.StatusBadRequest, "Credentials Not As Challenged"))
	default:
		if p == wrong {
			d.strike(req, wrongCredentials)
		}
		d.respond(req, tx, d.porter.challenge(from(req).addr.Addr(), p == stale))
	}
	return false
}

// behind names the trunk of a source; for one that is not known the list of trunks is read anew.
func (d *Door) behind(ctx context.Context, source netip.AddrPort) judgement {
	id, known := d.book.of(source)
	if !known && !d.strikes.spent(source.Addr()) {
		d.book.fresh(ctx)
		id, known = d.book.of(source)
	}
	return judgement{trunk: id, trusted: known}
}
