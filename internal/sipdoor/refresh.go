package sipdoor

import (
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

// raises is how often a session that somebody finds too short is made longer: each proxy on the way may want more.
const raises = 4

// keeping is the session timer of a call (RFC 4028): whoever of both refreshes, the call ends when nobody does.
type keeping struct {
	ask     time.Duration // the interval we ask for; zero asks for none
	least   time.Duration // Min-SE of who found one too short; zero for nobody
	raised  int
	updates bool // the peer takes UPDATE
	refresh *time.Timer
	end     *time.Timer
}

// wants are the headers by which a caller asks for a session timer, or goes on with the one there is (§7.1, §7.4).
func (k *keeping) wants(refresher string) []sip.Header {
	if k.ask == 0 {
		return nil
	}
	all := []sip.Header{sip.NewHeader("Session-Expires", inSeconds(k.ask)+refresher)}
	if k.least > 0 {
		all = append(all, sip.NewHeader("Min-SE", inSeconds(k.least)))
	}
	return all
}

// tooBrief takes a 422: it is asked again for as much as the answer wants (§7.3). False when that has been done often enough.
func (k *keeping) tooBrief(res *sip.Response) bool {
	l := lifetimeOf(res)
	if res.StatusCode != tooBrief || k.raised == raises || l.least <= k.least && l.least <= k.ask {
		return false
	}
	k.raised++
	k.least = max(k.least, l.least)
	k.ask = max(k.ask, k.least)
	return true
}

func (k *keeping) stop() {
	for _, t := range []*time.Timer{k.refresh, k.end} {
		if t != nil {
			t.Stop()
		}
	}
}

// lasts judges what a request of the peer's says of the session timer.
func (d *dialog) lasts(req *sip.Request) (lifetime, *refusal) {
	t := d.door.cfg.Timers
	return lifetimeOf(req).answer(max(t.Session, 0), t.LeastSession)
}

// keep begins the session's time anew after a 2xx, in which the caller of that transaction was us, or the peer (§10). Without an interval
// the session does not expire.
func (d *dialog) keep(l lifetime, calling bool) {
	k := &d.keeping
	k.stop()
	if l.interval == 0 || d.phase != confirmed {
		return
	}
	k.ask = l.interval
	k.end = d.after(l.endIn(), d.expire)
	if calling && !l.byCallee || !calling && l.byCallee { // a 2xx that names nobody means the caller
		d.refreshAfter(l.refreshIn())
	}
}

func (d *dialog) refreshAfter(wait time.Duration) {
	if t := d.keeping.refresh; t != nil {
		t.Stop()
	}
	d.keeping.refresh = d.after(wait, d.refresh)
}

// expire ends a call that nobody has refreshed.
func (d *dialog) expire() {
	if d.phase != confirmed {
		return
	}
	d.log.Warn("session not refreshed: ending the call")
	d.leave(media.EndNetwork)
}

// refresh shows that we are here: by UPDATE where the peer takes it, else by an INVITE with the description as it stands.
func (d *dialog) refresh() {
	if d.phase != confirmed {
		return
	}
	if !d.keeping.updates {
		nothing := func() {}
		if _, err := d.propose(nothing, nothing); err != nil { // such as an INVITE that is open, which refreshes as well
			d.refreshAfter(d.glare())
		} else if d.proposal == nil { // it could not be sent
			d.refreshAfter(d.keeping.ask / 8)
		} else {
			d.proposal.then = d.refreshed
		}
		return
	}
	req := d.peer.request(sip.UPDATE, d.door.stack.agent)
	req.AppendHeader(&sip.ContactHeader{Address: d.peer.contact})
	for _, h := range d.refreshing() {
		req.AppendHeader(h)
	}
	if d.creds != nil {
		d.creds.sign(req)
	}
	d.transact(req, func(res *sip.Response, err error) {
		if err == nil && res.IsSuccess() {
			d.creds.proven()
			d.peer.retarget(res)
		}
		d.refreshed(res, err)
	})
}

// refreshing are the headers of a refresh of ours, which makes us its caller, and of any INVITE within the call, since each refreshes.
func (d *dialog) refreshing() []sip.Header {
	return append(d.keeping.wants(";refresher=uac"), sip.NewHeader("Supported", d.door.cfg.supported()))
}

// refreshed takes what came of a refresh. Only silence, 408 and 481 say that there is no call any more (RFC 3261 §12.2.1.2); all else is
// tried again, as long as the session lasts.
func (d *dialog) refreshed(res *sip.Response, err error) {
	k := &d.keeping
	switch {
	case d.phase != confirmed:
		return
	case errors.Is(err, errSilent):
		d.log.Warn("refresh without answer: ending the call", "error", err)
		d.leave(media.EndNetwork)
		return
	case err != nil:
		d.log.Info("session not refreshed", "error", err)
		d.refreshAfter(k.ask / 8)
		return
	}
	again := k.ask / 8
	switch status := res.StatusCode; {
	case res.IsSuccess():
		d.keep(lifetimeOf(res), true)
		return
	case status == sip.StatusCallTransactionDoesNotExists, status == sip.StatusRequestTimeout:
		d.log.Warn("the far side knows the call no more", "status", status)
		d.leave(media.EndNetwork)
		return
	case k.tooBrief(res), challenged(res) && d.creds != nil && d.creds.take(res):
		again = 0
	case status == sip.StatusRequestPending:
		again = d.glare()
	case k.updates && (status == sip.StatusMethodNotAllowed || status == sip.StatusNotImplemented):
		k.updates, again = false, 0
	}
	d.log.Info("refresh refused", "status", res.StatusCode, "again_in", again.String())
	d.refreshAfter(again)
}
