package sipdoor

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley"
)

const (
	// usualLife is that of a binding for which the phone asks no other, and the longest (RFC 3261 §10.2.1.1).
	usualLife = time.Hour
	// leastLife is the shortest life of a binding, for the database's sake; shorter ones are refused (§10.3, 423).
	leastLife = time.Minute
	// bindingsKept is how many bindings a softphone has; past it those that were not renewed for longest give way.
	bindingsKept = 10
	// contactLength bounds the URI of a binding in bytes.
	contactLength = 512
)

// wish is a Contact of a REGISTER.
type wish struct {
	contact sip.Uri
	life    time.Duration // 0 takes the binding away
	q       float64
}

// enrolment is a REGISTER, read: what is to become of bindings.
type enrolment struct {
	like   parley.Binding // what all bindings of the request have in common
	all    bool           // "*": take all away
	wishes []wish
}

// errOldRegister says that a binding was written by a later request of the same phone (RFC 3261 §10.3, step 7).
var errOldRegister = errors.New("sipdoor: REGISTER out of order")

// readRegister reads the wishes of a REGISTER by steps 6 and 7 of RFC 3261 §10.3.
func readRegister(req *sip.Request, softphoneID string) (*enrolment, *refusal) {
	source := from(req)
	r := &enrolment{like: parley.Binding{
		SoftphoneID: softphoneID, CallID: req.CallID().Value(), CSeq: req.CSeq().SeqNo, Transport: source.network, Source: source.addr,
		NAT: behindNAT(req.Via(), source),
	}}
	contacts := req.GetHeaders("Contact")
	if len(contacts) > bindingsKept {
		return nil, refuse(sip.StatusBadRequest, "Too Many Contacts")
	}
	if len(req.GetHeaders("Path")) > 0 { // a way back that we would not go (RFC 3327 §5.3)
		return nil, refuse(sip.StatusBadExtension, "Bad Extension", sip.NewHeader("Unsupported", "path"))
	}
	usual, given := lifeIn(req)
	for _, h := range contacts {
		c, ok := h.(*sip.ContactHeader)
		if !ok {
			return nil, refuse(sip.StatusBadRequest, "Bad Contact")
		}
		if c.Address.Wildcard {
			if r.all = len(contacts) == 1 && given && usual == 0; !r.all {
				return nil, refuse(sip.StatusBadRequest, "Contact * Needs Expires 0 And Stands Alone")
			}
			return r, nil
		}
		w, refused := wishOf(c, usual)
		if refused != nil {
			return nil, refused
		}
		r.wishes = append(r.wishes, w)
	}
	return r, nil
}

// behindNAT says that a phone knows itself under another address than the one it is seen at: it is behind NAT.
func behindNAT(via *sip.ViaHeader, seen hop) bool {
	port := via.Port
	or(&port, sip.DefaultPort(seen.network))
	return strings.Trim(via.Host, "[]") != seen.addr.Addr().String() || seen.network == "udp" && port != int(seen.addr.Port())
}

// lifeIn is the Expires header's, and whether there is one.
func lifeIn(req *sip.Request) (time.Duration, bool) {
	if h := req.GetHeader("Expires"); h != nil {
		return lifeOf(h.Value()), true
	}
	return usualLife, false
}

// lifeOf reads seconds; a malformed value is an hour (RFC 3261 §20.19).
func lifeOf(s string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return usualLife
	}
	return min(time.Duration(n)*time.Second, usualLife)
}

func wishOf(c *sip.ContactHeader, usual time.Duration) (wish, *refusal) {
	w := wish{contact: *c.Address.Clone(), life: usual, q: 1}
	w.contact.Headers = nil
	switch {
	case w.contact.Scheme != "sip" && w.contact.Scheme != "sips" || w.contact.Host == "":
		return w, refuse(sip.StatusBadRequest, "Bad Contact")
	case len(w.contact.String()) > contactLength:
		return w, refuse(sip.StatusBadRequest, "Contact Too Long")
	}
	for _, p := range c.Params {
		switch strings.ToLower(p.K) {
		case "expires":
			w.life = lifeOf(p.V)
		case "q":
			if q, err := strconv.ParseFloat(p.V, 64); err == nil && q >= 0 && q <= 1 {
				w.q = math.Round(q*1000) / 1000
			}
		}
	}
	if w.life > 0 && w.life < leastLife {
		return w, refuse(sip.StatusIntervalToBrief, "Interval Too Brief", sip.NewHeader("Min-Expires", strconv.Itoa(int(leastLife/time.Second))))
	}
	return w, nil
}

// apply makes the bindings that a request leaves of those that there are: all of it or, when one of them was written later, nothing.
func (r *enrolment) apply(old []parley.Binding, now time.Time) ([]parley.Binding, error) {
	left := slices.Clone(old)
	if r.all {
		if slices.ContainsFunc(left, r.late) {
			return nil, errOldRegister
		}
		return nil, nil
	}
	for _, w := range r.wishes {
		i := slices.IndexFunc(left, func(b parley.Binding) bool { return sameContact(b.Contact, &w.contact) })
		if i >= 0 {
			if r.late(left[i]) {
				return nil, errOldRegister
			}
			left = slices.Delete(left, i, i+1)
		}
		if w.life > 0 {
			b := r.like
			b.Contact, b.Q, b.ExpiresAt, b.UpdatedAt = w.contact.String(), w.q, parley.Stamp(now.Add(w.life)), parley.Stamp(now)
			left = append(left, b)
		}
	}
	slices.SortStableFunc(left, func(a, b parley.Binding) int {
		return cmp.Or(b.UpdatedAt.Compare(a.UpdatedAt), cmp.Compare(b.Q, a.Q))
	})
	return left[:min(len(left), bindingsKept)], nil
}

// late says that a binding was written by this request or a later one of the same phone.
func (r *enrolment) late(b parley.Binding) bool {
	return b.CallID == r.like.CallID && b.CSeq >= r.like.CSeq
}

// sameContact compares URIs by RFC 3261 §19.1.4: users by letter, hosts in any case, ports and transports as they stand, other parameters
// where both have them.
func sameContact(stored string, b *sip.Uri) bool {
	var a sip.Uri
	if sip.ParseUri(stored, &a) != nil {
		return false
	}
	if a.Scheme != b.Scheme || a.User != b.User || a.Password != b.Password || !strings.EqualFold(a.Host, b.Host) || a.Port != b.Port {
		return false
	}
	for _, p := range a.UriParams {
		if v, ok := param(b.UriParams, p.K); ok && !strings.EqualFold(v, p.V) || !ok && decides(p.K) {
			return false
		}
	}
	return !slices.ContainsFunc(b.UriParams, func(p sip.HeaderKV) bool {
		_, ok := param(a.UriParams, p.K)
		return !ok && decides(p.K)
	})
}

// decides lists the parameters that make URIs differ also when only one has them.
func decides(name string) bool {
	return slices.Contains([]string{"user", "ttl", "method", "maddr", "transport"}, strings.ToLower(name))
}

// param finds a parameter in any case of its name.
func param(all sip.HeaderParams, name string) (string, bool) {
	for _, p := range all {
		if strings.EqualFold(p.K, name) {
			return p.V, true
		}
	}
	return "", false
}
