package sipdoor

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley"
)

// enrol serves a REGISTER (RFC 3261 §10.3) whose sender has proven its password, unless it is no softphone.
func (d *Door) enrol(req *sip.Request, tx *sip.ServerTx, phone *parley.Softphone) {
	switch {
	case d.deps.Softphones == nil:
		d.respond(req, tx, noMethod())
	case phone == nil || userOf(&req.To().Address) != phone.Username: // nobody registers for somebody else (step 4)
		d.respond(req, tx, refuse(sip.StatusForbidden, "Forbidden"))
	default:
		d.respond(req, tx, d.rebind(req, phone))
	}
}

// rebind changes the bindings of a softphone and returns the answer, which lists those that are left.
func (d *Door) rebind(req *sip.Request, phone *parley.Softphone) *refusal {
	r, refused := readRegister(req, phone.ID)
	if refused != nil {
		return refused
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookup)
	defer cancel()
	now := time.Now()
	var left []parley.Binding
	err := d.deps.Softphones.Rebind(ctx, phone.ID, func(old []parley.Binding) (_ []parley.Binding, err error) {
		left, err = r.apply(old, now)
		return left, err
	})
	switch {
	case errors.Is(err, errOldRegister):
		return refuse(sip.StatusInternalServerError, "Request Out of Order")
	case err != nil:
		d.log.Warn("registration not written", "softphone", phone.ID, "error", err)
		return noCapacity()
	}
	d.lines.put(phone.ID, left)
	d.lines.exist.Store(true)
	d.log.Debug("softphone registered", "softphone", phone.ID, "bindings", len(left), "nat", r.like.NAT, "transport", r.like.Transport)
	return enrolled(left, now)
}

// enrolled is the 200 to a REGISTER: each binding with the rest of its life (RFC 3261 §10.3, step 8).
func enrolled(bindings []parley.Binding, now time.Time) *refusal {
	res := ok()
	for _, b := range bindings {
		var uri sip.Uri
		if sip.ParseUri(b.Contact, &uri) != nil {
			continue
		}
		c := &sip.ContactHeader{Address: uri, Params: sip.HeaderParams{
			{K: "expires", V: strconv.Itoa(int(math.Ceil(b.ExpiresAt.Sub(now).Seconds())))},
		}}
		if b.Q < 1 {
			c.Params = append(c.Params, sip.HeaderKV{K: "q", V: strconv.FormatFloat(b.Q, 'f', -1, 64)})
		}
		res.headers = append(res.headers, c)
	}
	res.headers = append(res.headers, sip.NewHeader("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")))
	return res
}
