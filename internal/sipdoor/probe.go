package sipdoor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley/internal/media"
)

// ask sends a request outside of dialogs and answers challenges. next is called anew for each try, for a CSeq of its own.
func (d *Door) ask(ctx context.Context, to hop, creds *credentials, next func() *sip.Request) (*sip.Response, error) {
	for signed := 0; ; signed++ {
		req := next()
		if creds != nil && !creds.sign(req) {
			creds.forget()
		}
		res, err := d.once(ctx, to, req)
		switch {
		case err != nil:
			return nil, err
		case !challenged(res):
			creds.proven()
			return res, nil
		case creds == nil:
			return res, nil
		case signed == signings || !creds.take(res):
			creds.forget() // so that the next request begins anew
			return res, nil
		}
	}
}

func (d *Door) once(ctx context.Context, to hop, req *sip.Request) (*sip.Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.cfg.Timers.Reply, errSilent)
	defer cancel()
	if err := d.stack.address(ctx, req, to); err != nil {
		return nil, err
	}
	return d.stack.exchange(ctx, req)
}

// Probe implements media.Dialer. Any answer to OPTIONS shows that the trunk is there. With a username it is asked for our
// registrations, which needs the credentials and changes nothing; a trunk that registers nobody cannot be asked so.
func (d *Door) Probe(ctx context.Context, t media.Target) (time.Duration, error) {
	if err := d.ready(ctx); err != nil {
		return 0, err
	}
	trunk := &Trunk{t.Trunk, t.Password}
	hops, err := d.hopsTo(ctx, trunk)
	if err != nil {
		return 0, err
	}
	for i, to := range hops {
		var took time.Duration
		if took, err = d.probeInTime(ctx, trunk, to, len(hops)-i); err == nil || errors.Is(err, errCredentials) {
			return took, err
		}
	}
	return 0, err
}

// probeInTime leaves the others of so many addresses their share of the time.
func (d *Door) probeInTime(ctx context.Context, t *Trunk, to hop, share int) (time.Duration, error) {
	if until, ok := ctx.Deadline(); ok && share > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, time.Until(until)/time.Duration(share), errSilent)
		defer cancel()
	}
	return d.probeAt(ctx, t, to)
}

func (d *Door) probeAt(ctx context.Context, t *Trunk, to hop) (time.Duration, error) {
	b := newBinding(d, *t)
	options := b.peer
	begun := time.Now()
	res, err := d.once(ctx, to, options.request(sip.OPTIONS, d.stack.agent))
	if err != nil {
		return 0, err
	}
	took := time.Since(begun)
	if res.StatusCode == sip.StatusRequestTimeout || res.StatusCode == sip.StatusServiceUnavailable {
		return 0, fmt.Errorf("sipdoor: the trunk answers %d", res.StatusCode)
	}
	if t.Username == "" {
		return took, nil
	}
	res, err = d.ask(ctx, to, b.creds, func() *sip.Request { return b.peer.request(sip.REGISTER, d.stack.agent) })
	switch {
	case err != nil:
		return 0, err
	case challenged(res) || res.StatusCode == sip.StatusForbidden:
		return 0, fmt.Errorf("%w (%d)", errCredentials, res.StatusCode)
	case res.StatusCode >= 500 && res.StatusCode != sip.StatusNotImplemented:
		return 0, fmt.Errorf("sipdoor: the trunk answers %d", res.StatusCode)
	}
	return took, nil
}
