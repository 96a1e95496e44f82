package sipdoor

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

// replaces names a call that another one takes over (RFC 3891 §6.1), as its recipient sees it: to-tag is the recipient's own.
type replaces struct {
	key       key
	earlyOnly bool
}

// readReplaces reads the Replaces header of a request; nil when there is none. More than one, one beside a Join, one in another request
// than INVITE, and one without both tags are wrong (§3).
func readReplaces(req *sip.Request) (*replaces, *refusal) {
	all := req.GetHeaders("Replaces")
	if len(all) == 0 {
		return nil, nil
	}
	bad := func(why string) (*replaces, *refusal) { return nil, refuse(sip.StatusBadRequest, why) }
	switch {
	case req.Method != sip.INVITE:
		return bad("Replaces Outside of INVITE")
	case len(all) > 1 || req.GetHeader("Join") != nil:
		return bad("Repeated Replaces")
	}
	callID, params := parameters(all[0].Value())
	r := &replaces{key: key{callID: callID, local: params["to-tag"], remote: params["from-tag"]}}
	_, r.earlyOnly = params["early-only"]
	if callID == "" || r.key.local == "" || r.key.remote == "" {
		return bad("Bad Replaces")
	}
	return r, nil
}

// replaced finds the call that an INVITE takes over; nil for an INVITE that takes over none. Who was not part of it and is no friend of
// the house may not (§3), however well he guessed its tags.
func (d *Door) replaced(req *sip.Request, j judgement) (*takeover, *refusal) {
	r, wrong := readReplaces(req)
	if r == nil {
		return nil, wrong
	}
	old := d.dialogs.find(r.key)
	if old == nil {
		return nil, noDialog()
	}
	source := from(req).addr.Addr()
	if source != old.begunWith && (j.trunk == "" || j.trunk != old.trunk) && d.standing(source) != known {
		return nil, refuse(sip.StatusForbidden, "Forbidden")
	}
	return &takeover{old: old, earlyOnly: r.earlyOnly}, nil
}

// takeover is an INVITE that takes over another call: its sound and its leg go on, only the dialog below them changes.
type takeover struct {
	old       *dialog
	earlyOnly bool
}

// run answers the INVITE instead of the house.
func (t *takeover) run(in *incoming) {
	ctx := context.Background()
	var l *leg
	wrong := refuse(603, "Decline") // of a call that is over (§3)
	if err := t.old.ask(ctx, func() error { l, wrong = t.old.yields(t.earlyOnly); return nil }); err != nil {
		wrong = refuse(603, "Decline")
	}
	d := in.s.dialog
	err := in.decide(ctx, func() error {
		if wrong == nil && d.door.stack.local(t.old.begunWith) != d.door.stack.local(d.begunWith) {
			wrong = notAcceptable(errPath)
		}
		if wrong != nil {
			in.s.refuse(wrong)
			d.phase = finished
			return nil
		}
		d.adopt(l, in)
		return nil
	})
	if err == nil && wrong == nil {
		d.log.Info("call taken over", "from", t.old.peer.callID)
		t.old.box.put(func() { t.old.surrender(l) })
	}
}

var errPath = errors.New("the new caller is not reached from the call's address")

// yields says whether a call may be taken over, and gives its leg. Of calls that are not answered only those that we make can be (§3).
func (d *dialog) yields(earlyOnly bool) (*leg, *refusal) {
	switch {
	case d.phase == confirmed && earlyOnly:
		return nil, refuse(sip.StatusBusyHere, "Busy Here")
	case d.phase == confirmed && d.leg != nil, d.phase == early && d.dialing.pending() && d.dialing.why == nil && d.dialing.alive:
		return d.theLeg(), nil
	case d.phase == early:
		return nil, noDialog()
	}
	return nil, refuse(603, "Decline")
}

// adopt answers an INVITE with the sound of another call.
func (d *dialog) adopt(l *leg, in *incoming) {
	s := in.s
	d.stream, d.ended, d.leg, d.phase = l.Stream, l.Done(), l, confirmed
	d.describe(d.peer.source.addr.Addr(), l.Port())
	l.dialog.Store(d)
	if in.offer == nil {
		s.delayed = true
		s.accept(d.sound.offer())
		return
	}
	s.accept(d.sound.answer(in.offer, in.agreed))
	d.stream.Start(d.door.params(in.agreed, d))
}

// surrender ends the dialog of a call that another one has taken over: with BYE, or with CANCEL where it was not answered yet (§3).
func (d *dialog) surrender(l *leg) {
	d.stream, d.ended, d.leg = nil, nil, nil
	switch {
	case d.phase == confirmed:
		d.bye()
	case d.dialing.pending():
		g := d.dialing
		g.result <- result{leg: l}
		g.giveUp(&media.NotAnswered{Outcome: media.OutcomeCanceled, Reason: reasonCanceled})
	}
}

// replacing is what sends somebody on to the far side of a call of ours so that he takes it over: the far side's address with a Replaces
// header in it, whose to-tag is the far side's own (RFC 3891 §6.1, RFC 5589 §7).
func replacing(ctx context.Context, other media.Leg) (string, error) {
	l, ok := other.(*leg)
	if !ok {
		return "", errors.New("sipdoor: the other call is none of SIP")
	}
	d := l.dialog.Load()
	var to string
	err := d.ask(ctx, func() error {
		if d.phase != confirmed {
			return media.ErrEnded
		}
		p := &d.peer
		uri := p.target.Clone()
		uri.Headers = nil
		head := p.callID + ";to-tag=" + p.remoteTag + ";from-tag=" + p.localTag
		to = "<" + uri.String() + "?Replaces=" + url.QueryEscape(head) + "&Require=replaces>"
		return nil
	})
	return to, err
}

// addressIn is the URI in a header's value, with or without a name before it.
func addressIn(value string) (u sip.Uri, ok bool) {
	if _, in, angled := strings.Cut(value, "<"); angled {
		value, _, angled = strings.Cut(in, ">")
		if !angled {
			return u, false
		}
	}
	err := sip.ParseUri(strings.TrimSpace(value), &u)
	return u, err == nil && (u.Host != "" || u.Scheme == "tel")
}
