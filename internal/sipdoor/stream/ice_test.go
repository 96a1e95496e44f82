package stream

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
)

var agreedICE = ICE{LocalUfrag: "near", LocalPwd: "the near password, long", RemoteUfrag: "far", RemotePwd: "the far password, longer"}

// iced is a rig that waits for checks.
func iced(t *testing.T) *rig {
	r := newRig(t)
	p := r.params()
	ice := agreedICE
	p.ICE, p.AllowedSource = &ice, func(a netip.Addr) bool { return a == loopback }
	r.Start(p)
	return r
}

// checks sends a binding request as if it came from there.
func (r *rig) checks(from netip.AddrPort, set ...stun.Setter) {
	r.t.Helper()
	m, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, set...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.receive(m.Raw, from, r.ts)
}

// reply reads what the far end got as STUN.
func (r *rig) reply() *stun.Message {
	r.t.Helper()
	buf := make([]byte, maxDatagram)
	if err := r.far.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	n, err := r.far.Read(buf)
	if err != nil {
		r.t.Fatal(err)
	}
	m := &stun.Message{Raw: buf[:n]}
	if err := m.Decode(); err != nil {
		r.t.Fatal(err)
	}
	return m
}

func user(name string) stun.Setter { return stun.NewUsername(name) }

var (
	signed      = stun.NewShortTermIntegrity(agreedICE.LocalPwd)
	useIt       = stun.RawAttribute{Type: stun.AttrUseCandidate}
	controlling = stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)}
	controlled  = stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)}
)

func priority(n byte) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{n, 0, 0, 0}}
}

func TestICELiteAnswersChecks(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   []stun.Setter
		class stun.MessageClass
		code  stun.ErrorCode
	}{
		{"a sound one (RFC 8445 §7.3)", []stun.Setter{user("near:far"), controlling, signed}, stun.ClassSuccessResponse, 0},
		{"without a name (RFC 8489 §9.1.3)", []stun.Setter{signed}, stun.ClassErrorResponse, 400},
		{"without integrity", []stun.Setter{user("near:far")}, stun.ClassErrorResponse, 400},
		{"another's name", []stun.Setter{user("near:other"), signed}, stun.ClassErrorResponse, 401},
		{"another's password", []stun.Setter{user("near:far"), stun.NewShortTermIntegrity("guessed")}, stun.ClassErrorResponse, 401},
		{"who is controlled as well (RFC 8445 §7.3.1.1)", []stun.Setter{user("near:far"), controlled, signed}, stun.ClassErrorResponse, 487},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := iced(t)
			r.checks(r.at, append(c.set, stun.Fingerprint)...)
			m := r.reply()
			var code stun.ErrorCodeAttribute
			_ = code.GetFrom(m)
			if m.Type.Class != c.class || code.Code != c.code {
				t.Fatalf("%s, code %d", m, code.Code)
			}
			if c.code != 0 {
				return
			}
			var mapped stun.XORMappedAddress
			if err := mapped.GetFrom(m); err != nil || mapped.Port != int(r.at.Port()) || signed.Check(m) != nil || stun.Fingerprint.Check(m) != nil {
				t.Errorf("%s: %v", m, err)
			}
		})
	}
}

func TestOnlyWhatICENominatedIsHeardAndSentTo(t *testing.T) { // RFC 8445 §7.3.1.5, §12
	r := iced(t)
	r.talks(r.at, sound)
	r.beats(3)
	if s := r.Stats(); s.Sent != 0 || s.Received != 0 || s.Refused != 1 {
		t.Errorf("before any check: %+v", s)
	}
	r.checks(r.at, user("near:far"), priority(9), signed)
	r.reply()
	r.talks(r.at, sound)
	r.beats(3)
	r.wantSent(0)
	r.checks(r.at, user("near:far"), priority(9), useIt, signed)
	r.reply()
	r.beat()
	r.packet()
	r.talks(r.at, sound)
	r.checks(port(9), user("near:far"), priority(8), useIt, signed) // a worse pair
	r.talks(port(9), sound)
	if s := r.Stats(); s.Sent != 1 || s.Received != 1 || r.route.peer != r.at {
		t.Errorf("after the nomination: %+v, to %s", s, r.route.peer)
	}
	r.checks(port(9), user("near:far"), priority(200), useIt, signed) // a better one
	r.talks(port(9), sound)
	if s := r.Stats(); s.Received != 2 || r.route.peer != port(9) {
		t.Errorf("after another nomination: %+v, to %s", s, r.route.peer)
	}
}

func TestStrangersCannotNominate(t *testing.T) {
	r := iced(t)
	r.checks(r.at, user("near:far"), useIt, signed)
	r.reply()
	stranger := netip.MustParseAddrPort("192.0.2.66:4000")
	r.checks(stranger, user("near:far"), useIt, signed)                                                            // an address that may not be sent to
	r.checks(port(9), user("near:far"), useIt, stun.NewShortTermIntegrity("guessed"))                              // an attacker without the password
	r.checks(port(9), user("near:far"), useIt, signed, stun.RawAttribute{Type: 0x8028, Value: []byte{1, 2, 3, 4}}) // a wrong fingerprint
	if r.route.peer != r.at {
		t.Errorf("sound goes to %s", r.route.peer)
	}
	r.talks(port(9), sound)
	if s := r.Stats(); s.Received != 0 {
		t.Errorf("%+v", s)
	}
}

func TestNoICEWithoutAnOffer(t *testing.T) {
	r := newRig(t)
	r.Start(r.params())
	r.checks(r.at, user("near:far"), useIt, signed)
	r.beat()
	if p := r.packet(); p.PayloadType != 0 { // the first thing that the far end gets is sound
		t.Errorf("payload type %d", p.PayloadType)
	}
	if s := r.Stats(); s.Refused != 0 {
		t.Errorf("a keep-alive counts as a stranger: %+v", s)
	}
}

func TestMuxedControlIsToldFromSound(t *testing.T) { // RFC 5761 §4
	r := newRig(t)
	p := r.params()
	p.Mux = true
	r.Start(p)
	r.beat()
	r.packet()
	r.receive([]byte{0x80, 201, 0, 1, 0, 0, 0, 9}, r.at, 0)
	if !r.route.confirmed || r.Stats().Received != 0 {
		t.Error("a receiver report was taken for sound")
	}
	r.report(time.Now())
	buf := make([]byte, maxDatagram)
	n, err := r.far.Read(buf)
	if err != nil || kindOf(buf[:n], true) != kindControl {
		t.Errorf("%x, %v", buf[:n], err)
	}
	for second, want := range map[byte]kind{0x80 | 111: kindRTP, 191: kindRTP, 192: kindControl, 200: kindControl, 223: kindControl, 224: kindRTP} {
		if got := kindOf([]byte{0x80, second}, true); got != want {
			t.Errorf("second byte %d is kind %d", second, got)
		}
	}
}
