package sipdoor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

// proposals is how often an INVITE that met another one is sent again.
const proposals = 4

// errRefused is the end of a proposal that the far side has declined; the call goes on as it was.
var errRefused = errors.New("sipdoor: the far side has declined the change")

// proposal is an INVITE of ours within the call, which offers a change of the session (RFC 3261 §14.1).
type proposal struct {
	dialog *dialog
	undo   func() // takes the change back
	left   int    // attempts
	creds  *credentials
	req    *sip.Request
	tx     *sip.ClientTx
	branch string
	ack    *sip.Request
	final  *sip.Response
	over   bool
	retry  *time.Timer
	result chan error
	then   func(*sip.Response, error) // gets a refusal, or why there is no response; nil for nobody
}

// propose changes our side of the session and offers it to the peer; undo takes the change back. It runs in the dialog's goroutine, the
// result comes by the channel.
func (d *dialog) propose(change, undo func()) (<-chan error, error) {
	switch {
	case d.phase != confirmed:
		return nil, media.ErrEnded
	case d.proposal != nil || d.serving != nil: // one offer at a time (§14.1)
		return nil, errBusy
	}
	g := &proposal{dialog: d, undo: undo, left: proposals, creds: d.creds, result: make(chan error, 1)}
	change()
	d.proposal = g
	g.send()
	return g.result, nil
}

// errBusy says that another change is under way.
var errBusy = errors.New("sipdoor: another change of the session is under way")

func (g *proposal) send() {
	d := g.dialog
	req := d.peer.request(sip.INVITE, d.door.stack.agent)
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	for _, h := range d.refreshing() {
		req.AppendHeader(h)
	}
	req.SetBody(d.sound.offer())
	if d.creds != nil {
		d.creds.sign(req)
	}
	g.final, g.left = nil, g.left-1
	ctx, cancel := context.WithTimeout(context.Background(), reach)
	defer cancel()
	if err := d.door.stack.address(ctx, req, d.door.nextHop(&d.peer)); err != nil {
		g.settle(err)
		return
	}
	branch, _ := req.Via().Params.Get("branch")
	d.door.calling.expectWith(branch, func(res *sip.Response) { d.box.receive(func() { g.received(branch, res) }) })
	time.AfterFunc(d.door.cfg.Timers.lastAck(), func() { d.door.calling.forget([]string{branch}) }) // repeated 2xx come until then
	tx, err := d.door.stack.txl.Request(ctx, req)
	if err != nil {
		g.settle(fmt.Errorf("sipdoor: send INVITE: %w", err))
		return
	}
	g.req, g.tx, g.branch = req, tx, branch
	d.door.spawn(func() { g.drain(branch, tx) })
}

// drain takes responses off the library's hands, which come by the read loop; a refusal is acknowledged by then.
func (g *proposal) drain(branch string, tx *sip.ClientTx) {
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() && !res.IsSuccess() {
				g.dialog.box.put(func() { g.refused(branch, res) })
			}
		case <-tx.Done():
			g.dialog.box.put(func() { g.silent(branch) })
			return
		}
	}
}

// received takes a 2xx; a repeated one gets its ACK again.
func (g *proposal) received(branch string, res *sip.Response) {
	d := g.dialog
	switch {
	case !res.IsSuccess():
	case branch == g.branch && g.ack != nil:
		d.report(d.door.stack.write(g.ack))
	case branch == g.branch && !g.over:
		g.final = res
		g.ack = d.acknowledge(&d.peer, res.CSeq().SeqNo, g.req)
		d.peer.retarget(res)
		d.creds.proven()
		d.keep(lifetimeOf(res), true)
		g.settle(g.take(res))
	}
}

// take begins what the answer has agreed to.
func (g *proposal) take(res *sip.Response) error {
	d := g.dialog
	answer, err := readSDP(res.Body())
	if err != nil {
		return err
	}
	a, err := d.accepted(answer)
	if err != nil {
		return err
	}
	d.stream.Update(d.door.params(a, d))
	return nil
}

// refused takes a final response that is none: a challenge is met; where two offers have crossed another attempt is made (§14.1); where
// the far side knows no call any more it is over; all else leaves it as it was.
func (g *proposal) refused(branch string, res *sip.Response) {
	if g.over || branch != g.branch {
		return
	}
	d := g.dialog
	g.final = res
	switch {
	case challenged(res) && g.creds != nil && g.creds.take(res):
		g.creds = nil
		g.send()
	case d.keeping.tooBrief(res):
		g.send()
	case res.StatusCode == sip.StatusRequestPending && g.left > 0:
		g.retry = d.after(d.glare(), func() {
			if !g.over && d.phase == confirmed {
				g.send()
			}
		})
	case res.StatusCode == sip.StatusCallTransactionDoesNotExists || res.StatusCode == sip.StatusRequestTimeout:
		g.settle(errRefused)
		d.leave(media.EndNetwork)
	default:
		g.settle(fmt.Errorf("%w: %d", errRefused, res.StatusCode))
	}
}

// glare is how long to wait after a 491: who made the Call-ID waits longer, so that the two do not meet again (§14.1).
func (d *dialog) glare() time.Duration {
	t1 := d.door.cfg.Timers.T1
	steps := rand.IntN(201) // of 10 ms, at a T1 of 500 ms
	if d.dialing != nil {
		steps = 210 + rand.IntN(191)
	}
	return t1 * time.Duration(steps) / 50
}

// silent ends a proposal that got no answer: the far side is gone (§14.1 with §12.2.1.2).
func (g *proposal) silent(branch string) {
	if g.over || branch != g.branch || g.final != nil {
		return
	}
	g.settle(errSilent)
	g.dialog.leave(media.EndNetwork)
}

// settle tells whoever waits, once.
func (g *proposal) settle(err error) {
	if g.over {
		return
	}
	g.over = true
	if g.retry != nil {
		g.retry.Stop()
	}
	if err != nil {
		g.undo()
	}
	if g.dialog.proposal == g {
		g.dialog.proposal = nil
	}
	g.result <- err
	if err != nil && g.then != nil {
		g.then(g.final, err)
	}
}

// forget ends a proposal whose call is over.
func (g *proposal) forget() {
	if g != nil {
		g.settle(media.ErrEnded)
	}
}

var _ media.Holder = (*leg)(nil)

// Hold asks the far side to be silent and lets it hear the music of Config, or nothing, until Resume: our offer says sendonly
// (RFC 3264 §8.4). What is written to the leg meanwhile is not heard. It returns when the far side has agreed.
func (l *leg) Hold(ctx context.Context) error { return l.hold(ctx, true) }

// Resume ends a Hold.
func (l *leg) Resume(ctx context.Context) error { return l.hold(ctx, false) }

func (l *leg) hold(ctx context.Context, on bool) error {
	d := l.dialog.Load()
	for {
		var result <-chan error
		err := d.ask(ctx, func() (err error) {
			if d.sound.holding == on && d.proposal == nil {
				return nil
			}
			before := d.sound.holding
			result, err = d.propose(func() { d.sound.holding = on }, func() { d.sound.holding = before })
			return err
		})
		switch {
		case errors.Is(err, errBusy):
			if err := wait(ctx, d); err != nil {
				return err
			}
			continue
		case err != nil || result == nil:
			return err
		}
		select {
		case err := <-result:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wait lets an exchange that is under way come to its end.
func wait(ctx context.Context, d *dialog) error {
	t := time.NewTimer(d.door.cfg.Timers.T1)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-d.over:
		return media.ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}
