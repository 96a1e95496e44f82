package sipdoor

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

// reasonNotRegistered is why a softphone was not rung.
const reasonNotRegistered = "phone_not_registered"

// dialPhone rings a softphone where it is registered, one binding after the other, the newest first. The time to ring is shared among them.
func (d *Door) dialPhone(ctx context.Context, t media.Target, ringing func(networkID string)) (media.Leg, string, error) {
	bindings, err := d.boundAt(ctx, t.Phone)
	if err != nil {
		d.log.Warn("softphone not reachable", "softphone", t.Phone.ID, "error", err)
		return nil, "", notReady(ctx, err)
	}
	var once sync.Once
	until := time.Now().Add(d.cfg.Timers.Ring)
	failed := &media.NotAnswered{Outcome: media.OutcomeFailed, Status: sip.StatusTemporarilyUnavailable, Reason: reasonNotRegistered}
	id := ""
	for i, b := range bindings {
		o, ok := d.orderTo(&b, t.From)
		if !ok {
			continue
		}
		o.waiting, o.passed = t.Waiting, t.Passed
		o.ring = max(time.Until(until)/time.Duration(len(bindings)-i), time.Millisecond)
		var leg media.Leg
		leg, id, err = d.place(ctx, o, func(networkID string) { once.Do(func() { ringing(networkID) }) })
		na, refused := errors.AsType[*media.NotAnswered](err)
		if !refused {
			return leg, id, err
		}
		if failed.Outcome != media.OutcomeBusy { // who is busy at one phone is there
			failed = na
		}
		if na.Outcome == media.OutcomeCanceled || na.Status >= 600 { // a 6xx speaks for all (RFC 3261 §16.7)
			return nil, id, na
		}
	}
	return nil, id, failed
}

func (d *Door) boundAt(ctx context.Context, phone *parley.Softphone) ([]parley.Binding, error) {
	if d.deps.Softphones == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	return d.deps.Softphones.Bindings(ctx, phone.ID)
}

// orderTo is a call to a binding; false when no way leads there. It goes to the address that the phone has shown by its credentials, never
// to a host that it merely names.
func (d *Door) orderTo(b *parley.Binding, shown string) (order, bool) {
	var contact sip.Uri
	if sip.ParseUri(b.Contact, &contact) != nil {
		return order{}, false
	}
	seen := hop{network: b.Transport, addr: b.Source}
	if b.Transport != "udp" && !d.stack.connected(seen) || b.Transport == "udp" && !b.NAT {
		named, ok := named(&contact, seen)
		if !ok && b.Transport != "udp" {
			return order{}, false // its connection is closed, and nobody can open one to it
		}
		if ok {
			seen.addr = named
		}
	}
	return order{
		hops: []hop{seen}, to: contact,
		from: sip.Uri{Scheme: "sip", User: escaped(shown), Host: d.stack.self(b.Source.Addr()).String()},
	}, true
}

// named is the address in a Contact if it is that which the phone is seen at.
func named(contact *sip.Uri, seen hop) (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(strings.Trim(contact.Host, "[]"))
	if err != nil || a.Unmap() != seen.addr.Addr() {
		return netip.AddrPort{}, false
	}
	port := contact.Port
	or(&port, sip.DefaultPort(seen.network))
	return netip.AddrPortFrom(a.Unmap(), uint16(port)), true
}

// escaped makes any text the user part of a URI (RFC 3261 §25.1).
func escaped(user string) string {
	or(&user, parley.Anonymous)
	return strings.ReplaceAll(url.QueryEscape(user), "%2B", "+")
}
