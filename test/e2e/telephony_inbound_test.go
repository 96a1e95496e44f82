package e2e

import (
	"strings"
	"testing"
	"time"
)

func TestCallsThatAreRefused(t *testing.T) {
	Need(t, "sipp")
	NeedModels(t)
	s := Start(t, Env("PARLEY_CALLS_MAX=1"))
	dids := s.Trunk("127.0.0.1", 5999, nil)
	s.Agent(JSON{"who_speaks_first": "user"}, s.DID(dids, Number))
	draft := s.Agent(nil, s.DID(dids, "+12025550144"))
	s.Must("POST", "/api/v1/agents/"+draft+"/unpublish", nil)
	s.DID(dids, "+12025550145")
	for _, c := range []struct {
		name, number string
		steps        []string
	}{
		{"an unknown number", "+12025550999", []string{invites(spokenSDP), refused(404, "", "")}},
		{"the number of a draft", "+12025550144", []string{invites(spokenSDP), refused(480, "", "")}},
		{"a number without an agent", "+12025550145", []string{invites(spokenSDP), refused(480, "", "")}},
		{"an offer of SRTP", Number, []string{invites(strings.Replace(spokenSDP, "RTP/AVP", "RTP/SAVP", 1)), refused(488, "", "")}},
		{"an offer of a codec that we lack", Number, []string{invites(strings.ReplaceAll(spokenSDP, "0 101", "18")), refused(488, "", "")}},
		{"an extension that we lack", Number, []string{invites(spokenSDP, "Require: sec-agree"), refused(420, "Unsupported", "sec-agree")}},
	} {
		t.Run(c.name, func(t *testing.T) { s.calls(t, c.number, c.steps) })
	}
	t.Run("one call too many", func(t *testing.T) {
		finished := s.dials(t, Number, []string{invites(spokenSDP), answered, acknowledges, `<pause milliseconds="2500"/>`, saysBye})
		s.in(t).Wait("the first call is answered", 10*time.Second, func() bool { return s.count("answered") == 1 })
		s.calls(t, Number, []string{invites(spokenSDP), refused(503, "Retry-After", "[0-9]+")})
		finished()
	})
	if n := s.count(""); n != 1 {
		t.Errorf("%d calls are stored; the refused ones should not be", n)
	}
}

func TestCallsAreRefusedWithoutModels(t *testing.T) {
	Need(t, "sipp")
	s := Start(t, Args("--models", t.TempDir()))
	s.Clinic(nil)
	s.calls(t, Number, []string{invites(spokenSDP), refused(503, "Retry-After", "[0-9]+")})
	if !strings.Contains(s.Log(), "parley models fetch") {
		t.Error("the log does not name the remedy")
	}
}

// Only trunks may call here: 127.0.0.2 is one, 127.0.0.1 is not.
func TestStrangersGetNoCall(t *testing.T) {
	t.Parallel()
	Need(t, "sipp")
	NeedModels(t)
	s := Start(t, Env("PARLEY_SIP_ACCEPT=trunks"))
	s.Agent(nil, s.DID(s.Trunk("127.0.0.2", 5999, nil), Number))
	s.trunksKnown()
	s.calls(t, Number, []string{invites(spokenSDP), answered, acknowledges, saysBye}, "-i", "127.0.0.2", "-mi", "127.0.0.2")
	for range 9 {
		s.calls(t, Number, []string{invites(spokenSDP), refused(403, "", "")})
	}
	s.calls(t, "+12025550999", []string{invites(spokenSDP), refused(403, "", "")})
	s.calls(t, Number, []string{strings.Replace(invites(spokenSDP), ` retrans="500"`, "", 1), `<recv response="403" timeout="1500" ontimeout="1"></recv>
  <nop><action><exec int_cmd="stop_now"/></action></nop>
  <label id="1"/>
  <nop></nop>`})
	if n := strings.Count(s.Log(), "SIP request refused"); n < 10 {
		t.Errorf("%d attempts were logged", n)
	}
	if n := s.count(""); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// Whoever has a password may call from anywhere; others are asked for one.
func TestUsersCallWithTheirPassword(t *testing.T) {
	t.Parallel()
	Need(t, "sipp")
	NeedModels(t)
	s := Start(t, Env("PARLEY_SIP_ACCEPT=users", "PARLEY_SIP_USERS=anna:rosebud"))
	s.Agent(nil, s.DID(s.Trunk("192.0.2.1", 5060, nil), Number))
	login := func(user, password string, then ...string) {
		t.Helper()
		signed := invites(spokenSDP, "[authentication username="+user+" password="+password+"]")
		// Left to itself sipp signs the server's address and not, as RFC 3261 §22.4 has it, the Request-URI.
		s.calls(t, Number, append([]string{invites(spokenSDP), refused(401, "", ""), signed}, then...), "-auth_uri", strings.TrimPrefix(s.URI(Number), "sip:"))
	}
	login("anna", "rosebud", answered, acknowledges, saysBye)
	login("anna", "guess", refused(401, "", ""))
	login("eve", "rosebud", refused(401, "", ""))
	if n := s.count(""); n != 1 {
		t.Errorf("%d calls", n)
	}
	if n := strings.Count(s.Log(), "wrong credentials"); n != 2 {
		t.Errorf("%d guesses were logged", n)
	}
}
