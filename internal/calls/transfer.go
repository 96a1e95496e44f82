package calls

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/store"
)

const (
	// lendWithin bounds how long a conversation may take to let go of its caller.
	lendWithin = 2 * time.Second
	// byeWithin is how long a caller who was sent on has to hang up by himself.
	byeWithin = time.Second
	// transfersMost bounds what one call may try.
	transfersMost = 20
	// briefingMost bounds what a target is told, in bytes: about a minute.
	briefingMost = 1000
)

// Transfer gives the caller of a live call to somebody else and returns when it is known what became of it: at the target's answer, or
// when there is none. While it is under way the agent is silent; if nothing comes of it the agent has the caller again. CallNotActive,
// TransferUnderway and TransferUnsupported say why none was begun.
func (s *Switchboard) Transfer(ctx context.Context, actor parley.Actor, callID string, r parley.TransferRequest) (*parley.Transfer, error) {
	if err := actor.Require(parley.WriteCalls); err != nil {
		return nil, err
	}
	l, err := s.liveCall(ctx, actor, callID)
	if err != nil {
		return nil, err
	}
	t, err := s.newTransfer(ctx, l, r, actor.Limits.OutboundPrefixes)
	if err != nil {
		return nil, err
	}
	if err := t.begin(ctx); err != nil {
		return nil, err
	}
	select {
	case <-t.settled:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	kept := t.l.transfer(t.index)
	return &kept, nil
}

// liveCall finds a call of the actor's environment that is talking on this node.
func (s *Switchboard) liveCall(ctx context.Context, actor parley.Actor, callID string) (*live, error) {
	err := s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		_, err := tx.Call(ctx, actor.EnvironmentID, callID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if l := s.find(callID); l != nil && l.talking() != nil {
		return l, nil
	}
	return nil, parley.Errorf(parley.CallNotActive, "Call is not active")
}

// transfer is one on its way.
type transfer struct {
	s       *Switchboard
	l       *live
	talk    *talk
	req     parley.TransferRequest
	target  media.Target // with the trunk of modes that dial
	tell    func(outcome, message string) *convo.Outcome
	lent    *convo.Lent
	index   int // in the call's list
	settled chan struct{}
	done    bool // settled

	action *parley.Action // that asked for it; nil when none did
	deed   deed           // of that action, once it has begun
}

// newTransfer checks a request as an outbound call is checked: nobody is called or sent where the agent may not call.
func (s *Switchboard) newTransfer(ctx context.Context, l *live, r parley.TransferRequest, prefixes []string) (*transfer, error) {
	if !slices.Contains(parley.TransferModes, r.Mode) {
		return nil, parley.Invalid("mode", "The selected mode is invalid.")
	}
	if len(r.Briefing) > briefingMost {
		return nil, parley.Invalid("briefing", "The briefing field must not be greater than 1000 characters.")
	}
	t := &transfer{s: s, l: l, talk: l.talking(), req: r, settled: make(chan struct{}), tell: toolless}
	if t.talk == nil {
		return nil, parley.Errorf(parley.CallNotActive, "Call is not active")
	}
	if _, ok := t.talk.caller().(media.Referrer); !ok && (r.Mode == parley.TransferRefer || r.Mode == parley.TransferAttended) {
		return nil, parley.Errorf(parley.TransferUnsupported, "The caller's network cannot be asked to call somebody else")
	}
	var err error
	t.target, err = s.targetOf(ctx, l, r, prefixes)
	return t, err
}

// targetOf checks whom a transfer goes to and finds the way there.
func (s *Switchboard) targetOf(ctx context.Context, l *live, r parley.TransferRequest, prefixes []string) (t media.Target, err error) {
	c := l.call
	t.Passed = l.passed + 1
	err = s.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		var err error
		if t.Phone, err = phoneNamed(ctx, tx, c.EnvironmentID, r.To); err != nil || t.Phone != nil {
			t.From, t.To = farNumber(c), r.To
			return err
		}
		a, err := tx.Agent(ctx, c.EnvironmentID, c.AgentID)
		if err != nil {
			return err
		}
		w, err := wayOut(ctx, tx, a)
		if err != nil && r.Mode == parley.TransferRefer { // the caller's side dials; where to is our business all the same
			w, err = &way{}, nil
			w.own, err = tx.ListNumbers(ctx, c.EnvironmentID, c.TrunkID)
		}
		if err != nil {
			return err
		}
		if err := s.mayCall(r.To, prefixes, w.own); err != nil {
			return err
		}
		t.To = r.To
		if w.trunk != nil {
			t.Trunk, t.From = *w.trunk, w.number.Number
		}
		return nil
	})
	if err == nil && t.Phone != nil && r.Mode == parley.TransferRefer {
		err = parley.Errorf(parley.TransferUnsupported, "A softphone is rung from here: use another mode")
	}
	if err == nil && t.Trunk.ID != "" {
		t.Password, err = s.deps.Unseal(&t.Trunk)
	}
	return t, err
}

// phoneNamed finds a softphone of an environment by its username or address; nil for a number, and where there is none.
func phoneNamed(ctx context.Context, tx store.Tx, env, name string) (*parley.Softphone, error) {
	if username, ok := parley.SoftphoneAddress(name); ok {
		name = username
	}
	p, err := tx.SoftphoneByName(ctx, env, name)
	return p, ignore(err, parley.SoftphoneNotFound)
}

// farNumber is the number of the other side of a call.
func farNumber(c *parley.Call) string {
	if c.Direction == parley.Outbound {
		return c.To
	}
	return c.From
}

// begin takes the caller from the agent and lets the transfer go on by itself.
func (t *transfer) begin(ctx context.Context) error {
	if err := t.take(ctx); err != nil {
		return err
	}
	if !t.talk.spawn(t.run) {
		return parley.Errorf(parley.CallNotActive, "Call is not active")
	}
	return nil
}

// take takes the caller from the agent.
func (t *transfer) take(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lendWithin)
	defer cancel()
	lent, err := t.talk.session.Lend(ctx)
	switch {
	case errors.Is(err, convo.ErrLent):
		return parley.Errorf(parley.TransferUnderway, "The call is being transferred already")
	case err != nil:
		return parley.Errorf(parley.CallNotActive, "Call is not active")
	}
	t.lent = lent
	var ok bool
	if t.action != nil {
		t.deed = handedTo(t.l.id, t.action, t.req)
	}
	if t.index, ok = t.l.addTransfer(parley.Transfer{To: t.req.To, Mode: t.req.Mode, StartedAt: parley.Stamp(time.Now())}); !ok {
		lent.Return(nil)
		return parley.Errorf(parley.TransferUnderway, "The call was transferred too often")
	}
	t.keep()
	return nil
}

// run is the transfer's goroutine. ctx ends with the conversation.
func (t *transfer) run(ctx context.Context) {
	defer func() { t.settle(media.Report{Outcome: media.OutcomeCanceled, Reason: "call_over"}) }()
	if t.req.Mode == parley.TransferRefer {
		t.refer(ctx)
		return
	}
	t.join(ctx)
}

// settle keeps the outcome, once.
func (t *transfer) settle(r media.Report) {
	if t.done {
		return
	}
	t.done = true
	now := parley.Stamp(time.Now())
	t.l.changeTransfer(t.index, func(x *parley.Transfer) {
		x.Outcome, x.Reason, x.SettledAt = string(r.Outcome), r.Reason, &now
		if r.Outcome != media.OutcomeAnswered {
			x.EndedAt = &now
		}
	})
	if t.deed.run != nil {
		t.deed.settle(r)
		t.l.did(t.deed)
	}
	t.s.log.Info("transfer", "call", t.l.id, "mode", t.req.Mode, "outcome", r.Outcome, "reason", r.Reason)
	t.keep()
	close(t.settled)
}

// over keeps when an answered transfer ended.
func (t *transfer) over() {
	now := parley.Stamp(time.Now())
	t.l.changeTransfer(t.index, func(x *parley.Transfer) { x.EndedAt = &now })
	t.keep()
}

// keep writes the call's transfers down; the goroutine of the call does it.
func (t *transfer) keep() {
	t.lent.Do(func() {
		t.l.call.Transfers = t.l.allTransfers()
		t.s.journal.putCall(*t.l.call)
		t.s.keepDeeds(t.l)
	})
}

// gaveUp says that the caller has hung up.
func (t *transfer) gaveUp() bool {
	select {
	case <-t.lent.Done():
		return true
	default:
		return false
	}
}

// fail gives the caller back to the agent, with word of what became of it, or ends the call when he is gone.
func (t *transfer) fail(r media.Report) {
	t.lent.To(nil)
	t.settle(r)
	if t.gaveUp() {
		t.lent.End(parley.EndedByCaller)
		return
	}
	t.lent.Return(t.tell(string(r.Outcome), ""))
}

// refer sends the caller on by SIP's REFER. He usually hangs up by himself then.
func (t *transfer) refer(ctx context.Context) {
	t.sendOn(ctx, media.Referral{To: t.req.To}, t.fail)
}

// sendOn refers the caller; otherwise takes what is no success.
func (t *transfer) sendOn(ctx context.Context, r media.Referral, otherwise func(media.Report)) {
	report := media.Report{Outcome: media.OutcomeFailed, Reason: "not_supported"}
	if leg, ok := t.lent.Leg.(media.Referrer); ok {
		if told, err := leg.Refer(ctx, r); err == nil {
			report = told
		}
	}
	if report.Outcome != media.OutcomeAnswered {
		otherwise(report)
		return
	}
	t.settle(report)
	within(t.lent.Done(), byeWithin)
	t.over()
	t.lent.End(parley.EndedTransferred)
}
