package sipdoor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// margin is how long before its end a registration is renewed.
	margin = 5 * time.Second
	// goodbye is how long taking a registration back may last.
	goodbye = 2 * time.Second
)

// errCredentials says that a trunk knows us not.
var errCredentials = errors.New("sipdoor: the trunk refused the credentials")

// errNotKept says that a trunk took a registration and gave it no life.
var errNotKept = errors.New("sipdoor: the trunk gave the registration no life")

func sameRegistration(a, b *Trunk) bool {
	return sameHosts(a, b) && a.Username == b.Username && a.Password == b.Password && (a.AuthRealm == nil) == (b.AuthRealm == nil) &&
		(a.AuthRealm == nil || *a.AuthRealm == *b.AuthRealm)
}

// keepRegistered registers, renews before the registration runs out, and tries again later and later when it fails.
func (d *Door) keepRegistered(ctx context.Context, t Trunk) {
	b := newBinding(d, t)
	log := d.log.With("trunk", t.ID)
	for failures := 0; ; {
		life, err := b.register(ctx, d.cfg.Timers.Register)
		wait := renewIn(life)
		switch {
		case err == nil:
			if failures > 0 || !b.held {
				log.Info("registered at trunk", "expires", life.String())
			}
			b.held, failures = true, 0
		case ctx.Err() != nil:
			b.held = true // it may have been taken
		default:
			wait = d.cfg.Timers.Retry << min(failures, 5)
			failures++
			log.Warn("not registered at trunk", "error", err, "again_in", wait.String())
		}
		if !b.sleep(ctx, wait) {
			b.release()
			return
		}
	}
}

// sleep waits, and meanwhile keeps the way back through a NAT open where the registration went over UDP; connections see to that
// themselves. False when ctx has ended.
func (b *bindingAt) sleep(ctx context.Context, wait time.Duration) bool {
	until, beat := time.NewTimer(wait), time.NewTicker(b.door.cfg.Timers.KeepAlive)
	defer until.Stop()
	defer beat.Stop()
	for {
		select {
		case <-beat.C:
			if b.held && b.last.network == "udp" {
				b.door.stack.pulse(b.last.addr)
			}
		case <-until.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// renewIn is when a registration is renewed: a little before it runs out, or at three quarters of a short life.
func renewIn(life time.Duration) time.Duration {
	return max(life*3/4, life-margin, 500*time.Millisecond)
}

// bindingAt is our Contact at a trunk's registrar: one Call-ID, one count (RFC 3261 §10.2.4).
type bindingAt struct {
	door  *Door
	trunk Trunk
	creds *credentials
	peer  peer
	held  bool
	least time.Duration // the trunk's shortest life, once it has named it
	last  hop           // where it was last taken
}

func newBinding(d *Door, t Trunk) *bindingAt {
	host, _, _ := split(t.Domain, t.Transport, t.Port)
	aor := sip.Uri{Scheme: "sip", User: t.Username, Host: host}
	registrar := sip.Uri{Scheme: "sip", Host: host}
	return &bindingAt{door: d, trunk: t, creds: t.credentials(), peer: peer{
		callID: rand.Text(), localTag: rand.Text(), local: aor, remote: aor, target: registrar, seq: firstSeq(),
	}}
}

// register asks for a life and returns the one that was given; 0 takes the registration back. A life below the trunk's shortest is
// raised to that (423).
func (b *bindingAt) register(ctx context.Context, life time.Duration) (time.Duration, error) {
	hops, err := b.door.hopsTo(ctx, &b.trunk)
	if err != nil {
		return 0, err
	}
	for _, to := range hops {
		var given time.Duration
		if given, err = b.at(ctx, to, life); err == nil {
			b.last = to
		}
		if err == nil || errors.Is(err, errCredentials) {
			return given, err
		}
	}
	return 0, err
}

func (b *bindingAt) at(ctx context.Context, to hop, life time.Duration) (time.Duration, error) {
	contact := b.door.stack.contact(b.trunk.Username, to)
	if life > 0 {
		life = max(life, b.least)
	}
	for raised := false; ; {
		res, err := b.door.ask(ctx, to, b.creds, func() *sip.Request {
			req := b.peer.request(sip.REGISTER, b.door.stack.agent)
			req.AppendHeader(&sip.ContactHeader{Address: contact})
			req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(life/time.Second))))
			return req
		})
		if err != nil {
			return 0, err
		}
		least := seconds(res.GetHeader("Min-Expires"))
		switch {
		case res.IsSuccess():
			got := given(res, contact, life)
			if life > 0 && got == 0 { // taken and not kept: asking again at once would help nobody
				return 0, errNotKept
			}
			return got, nil
		case res.StatusCode == sip.StatusIntervalToBrief && !raised && least > life && least <= 24*time.Hour:
			life, raised, b.least = least, true, least
		case challenged(res) || res.StatusCode == sip.StatusForbidden:
			return 0, fmt.Errorf("%w (%d)", errCredentials, res.StatusCode)
		default:
			return 0, fmt.Errorf("sipdoor: the trunk refused the registration (%d)", res.StatusCode)
		}
	}
}

// release takes the registration back when there is one.
func (b *bindingAt) release() {
	if !b.held {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	if _, err := b.register(ctx, 0); err != nil {
		b.door.log.Info("registration not taken back", "trunk", b.trunk.ID, "error", err)
	}
}

// given is the life of our Contact in a response, else that of all (RFC 3261 §10.2.4).
func given(res *sip.Response, contact sip.Uri, asked time.Duration) time.Duration {
	for _, h := range res.GetHeaders("Contact") {
		c, ok := h.(*sip.ContactHeader)
		if !ok || c.Address.User != contact.User || c.Address.Host != contact.Host || c.Address.Port != contact.Port {
			continue
		}
		if v, ok := c.Params.Get("expires"); ok {
			if n, err := strconv.Atoi(v); err == nil && n >= 0 {
				return time.Duration(n) * time.Second
			}
		}
	}
	if all := seconds(res.GetHeader("Expires")); all > 0 {
		return all
	}
	return asked
}

func seconds(h sip.Header) time.Duration {
	if h == nil {
		return 0
	}
	n, err := strconv.Atoi(h.Value())
	if err != nil || n < 0 || n > 1<<31 {
		return 0
	}
	return time.Duration(n) * time.Second
}
