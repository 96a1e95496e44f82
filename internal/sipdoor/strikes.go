package sipdoor

import (
	"log/slog"
	"strings"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/time/rate"
)

// Messages that deploy/fail2ban reads, and their reasons. The source is always the first attribute, so that nothing that a sender chose
// stands before it.
const (
	msgAuthentication = "SIP authentication failed" // by who has read our challenge: the address is real
	msgRefused        = "SIP request refused"       // over UDP the address may be invented
	wrongCredentials  = "wrong credentials"
	refusedStranger   = "stranger"
	refusedScanner    = "scanner"
)

// strike counts and logs an attempt that failed. Attempts whose sender may be invented are logged a few a second.
func (d *Door) strike(req *sip.Request, why string) {
	source := from(req)
	d.strikes.allow(source.addr.Addr())
	msg := msgRefused
	if why == wrongCredentials {
		msg = msgAuthentication
	} else if !d.refusals.Allow() {
		return
	}
	d.log.Warn(msg, "source", source.addr.Addr().String(), "port", source.addr.Port(), "reason", why, "method", string(req.Method),
		"transport", source.network, slog.Group("pii", "dialled", userOf(&req.Recipient)))
}

// newRefusals bounds the lines about senders that may be invented.
func newRefusals() *rate.Limiter { return rate.NewLimiter(5, 50) }

// scans says that a request comes from a program that looks for telephones to abuse: such get no answer, to look elsewhere.
func (d *Door) scans(req *sip.Request) bool {
	for _, name := range []string{"User-Agent", "Server"} {
		for _, h := range req.GetHeaders(name) {
			agent := strings.ToLower(h.Value())
			for _, s := range d.cfg.Scanners {
				if strings.Contains(agent, s) {
					return true
				}
			}
		}
	}
	return false
}

// ignore drops a scanner's request.
func (d *Door) ignore(req *sip.Request, tx *sip.ServerTx) {
	if a := from(req).addr.Addr(); !d.strikes.spent(a) {
		d.strike(req, refusedScanner)
	}
	tx.Terminate()
}
