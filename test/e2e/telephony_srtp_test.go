package e2e

import (
	"strings"
	"testing"
	"time"
)

// A phone that nobody here wrote encrypts its sound in every way that it knows, and finds its way by ICE.
func TestBaresipEncryptsItsSound(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "baresip")
	if !inside(t) {
		return
	}
	s := Start(t, Args("--sip", insideAddr+":0"), Env("PARLEY_EGRESS_ALLOW=10.77.0.0/24", "PARLEY_SIP_SRTP_KEYS_IN_CLEAR=true"))
	s.demoAgent(s.DID(s.Trunk(insideAddr, 5070, nil), Number))
	s.trunksKnown()
	silence := monologue(t, nil)
	for i, c := range []struct{ name, account, encryption string }{
		{"SDES beside RTP/AVP (RFC 8643)", ";mediaenc=srtp", "sdes"},
		{"SDES under RTP/SAVP (RFC 4568)", ";mediaenc=srtp-mand", "sdes"},
		{"DTLS-SRTP (RFC 5763)", ";mediaenc=dtls_srtp", "dtls"},
		{"ICE (RFC 8445)", ";medianat=ice", "none"},
		{"DTLS-SRTP over ICE", ";mediaenc=dtls_srtp;medianat=ice", "dtls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			agreed := func() int { return strings.Count(s.Log(), "sound is encrypted") }
			before := agreed()
			phone := baresip(t, s.URI(Number), silence, c.account)
			s.Wait("the call is answered", 10*time.Second, func() bool { return s.count("answered") == 1 })
			if c.encryption == "dtls" { // a handshake whose first datagram came too early begins again after a second (RFC 6347 §4.2.4)
				s.Wait("keys are agreed on", 10*time.Second, func() bool { return agreed() > before })
			}
			time.Sleep(2 * time.Second)
			heard := phone.quit()
			s.Wait("the call is over", 10*time.Second, func() bool { return s.count("completed") == i+1 })
			if d := loud(heard); d < time.Second {
				t.Errorf("baresip has heard %v of sound", d)
			}
			q := s.Must("GET", "/api/v1/calls/"+s.lastCall()["id"].(string), nil)["quality"].(JSON)
			t.Logf("%v", q)
			if q["encryption"] != c.encryption || q["packets_received"].(float64) < 50 || q["mos_estimate"].(float64) < 3 || q["method"] != "G.107" {
				t.Errorf("quality %v", q)
			}
		})
	}
}
