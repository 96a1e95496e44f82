package sipdoor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-voice/parley"
)

// register makes a REGISTER as it comes from a source.
func register(t *testing.T, source string, seq int, headers ...string) *sip.Request {
	t.Helper()
	lines := append([]string{
		"REGISTER sip:parley.test SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bKx;rport", "From: <sip:anna@parley.test>;tag=1",
		"To: <sip:anna@parley.test>", "Call-ID: c", fmt.Sprintf("CSeq: %d REGISTER", seq),
	}, headers...)
	m, err := sip.NewParser().ParseSIP([]byte(strings.Join(append(lines, "Content-Length: 0", "", ""), "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	req := m.(*sip.Request)
	req.SetSource(source)
	req.SetTransport("UDP")
	return req
}

// briefly writes bindings as contact, seconds and q.
func briefly(bindings []parley.Binding, now time.Time) (out []string) {
	for _, b := range bindings {
		out = append(out, fmt.Sprintf("%s %d %g", b.Contact, int(b.ExpiresAt.Sub(now).Round(time.Second).Seconds()), b.Q))
	}
	return out
}

const seen = "192.0.2.7:5062"

func TestRegisterByRFC3261Section10(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(contact, callID string, seq uint32) parley.Binding {
		return parley.Binding{
			SoftphoneID: "p", Contact: contact, CallID: callID, CSeq: seq, Q: 1, ExpiresAt: now.Add(1000 * time.Second), UpdatedAt: now.Add(-time.Minute),
		}
	}
	desk, cell := at("sip:anna@192.0.2.7:5062", "c", 1), at("sip:anna@192.0.2.8", "other", 70)
	for _, c := range []struct {
		name    string
		old     []parley.Binding
		headers []string
		status  int
		want    []string
	}{
		{"a first one, by the Expires header", nil, []string{"Contact: <sip:anna@192.0.2.7:5062>", "Expires: 120"}, 200,
			[]string{"sip:anna@192.0.2.7:5062 120 1"}},
		{"by the Contact's own expires and q", nil, []string{"Contact: <sip:anna@192.0.2.7:5062>;q=0.25;expires=90", "Expires: 120"}, 200,
			[]string{"sip:anna@192.0.2.7:5062 90 0.25"}},
		{"an hour when nothing is said", nil, []string{"Contact: <sip:anna@192.0.2.7:5062>"}, 200, []string{"sip:anna@192.0.2.7:5062 3600 1"}},
		{"an hour at most", nil, []string{"Contact: <sip:anna@192.0.2.7:5062>;expires=86400"}, 200, []string{"sip:anna@192.0.2.7:5062 3600 1"}},
		{"§20.19 a malformed life is an hour", nil, []string{"Contact: <sip:anna@192.0.2.7:5062>;expires=soon"}, 200,
			[]string{"sip:anna@192.0.2.7:5062 3600 1"}},
		{"a life that is too short", nil, []string{"Contact: <sip:anna@192.0.2.7:5062>;expires=5"}, 423, nil},
		{"several in one header", nil, []string{"Contact: <sip:anna@192.0.2.7:5062>;expires=60, <sip:anna@192.0.2.9>;expires=70"}, 200,
			[]string{"sip:anna@192.0.2.7:5062 60 1", "sip:anna@192.0.2.9 70 1"}},
		{"a renewal leaves the others", []parley.Binding{desk, cell}, []string{"Contact: <sip:anna@192.0.2.7:5062>"}, 200,
			[]string{"sip:anna@192.0.2.7:5062 3600 1", "sip:anna@192.0.2.8 1000 1"}},
		{"§19.1.4 the same by other spelling", []parley.Binding{at("sip:anna@Phone.Example.com;a=1", "c", 1)},
			[]string{"Contact: <sip:anna@phone.example.com;b=2>"}, 200,
			[]string{"sip:anna@phone.example.com;b=2 3600 1"}},
		{"§19.1.4 another transport is another address", []parley.Binding{desk}, []string{"Contact: <sip:anna@192.0.2.7:5062;transport=tcp>"}, 200,
			[]string{"sip:anna@192.0.2.7:5062;transport=tcp 3600 1", "sip:anna@192.0.2.7:5062 1000 1"}},
		{"one is taken away", []parley.Binding{desk, cell}, []string{"Contact: <sip:anna@192.0.2.7:5062>;expires=0"}, 200, []string{"sip:anna@192.0.2.8 1000 1"}},
		{"all are taken away", []parley.Binding{desk, cell}, []string{"Contact: *", "Expires: 0"}, 200, nil},
		{"a question changes nothing", []parley.Binding{desk, cell}, nil, 200, briefly([]parley.Binding{desk, cell}, now)},
		{"* without Expires 0", []parley.Binding{desk}, []string{"Contact: *", "Expires: 60"}, 400, nil},
		{"* without Expires", []parley.Binding{desk}, []string{"Contact: *"}, 400, nil},
		{"* beside another", []parley.Binding{desk}, []string{"Contact: *", "Contact: <sip:anna@192.0.2.7>", "Expires: 0"}, 400, nil},
		{"step 7: an older request of the same phone", []parley.Binding{at("sip:anna@192.0.2.7:5062", "c", 9)},
			[]string{"Contact: <sip:anna@192.0.2.7:5062>"}, 500, nil},
		{"step 6: and with *", []parley.Binding{at("sip:anna@192.0.2.7:5062", "c", 9)}, []string{"Contact: *", "Expires: 0"}, 500, nil},
		{"step 7: all or nothing", []parley.Binding{at("sip:anna@192.0.2.9", "c", 9)}, []string{"Contact: <sip:anna@192.0.2.7>, <sip:anna@192.0.2.9>"}, 500, nil},
		{"another scheme", nil, []string{"Contact: <tel:+15550100>"}, 400, nil},
		{"a URI that is too long", nil, []string{"Contact: <sip:" + strings.Repeat("a", 600) + "@192.0.2.7>"}, 400, nil},
		{"more than a phone has", nil, []string{"Contact: <sip:a@192.0.2.7>" + strings.Repeat(", <sip:a@192.0.2.7>", 10)}, 400, nil},
		{"RFC 3327 §5.3 a way that we do not go", nil, []string{"Path: <sip:edge.example.com;lr>", "Contact: <sip:anna@192.0.2.7>"}, 420, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, refused := readRegister(register(t, seen, 8, c.headers...), "p")
			status, left := 200, []parley.Binding(nil)
			if refused != nil {
				status = refused.status
			} else {
				var err error
				if left, err = r.apply(c.old, now); err != nil {
					status = 500
				}
			}
			if status != c.status || status == 200 && !slices.Equal(briefly(left, now), c.want) {
				t.Errorf("%d %v, want %d %v", status, briefly(left, now), c.status, c.want)
			}
		})
	}
}

func TestBindingsAreBounded(t *testing.T) {
	var all []parley.Binding
	for i := range 3 * bindingsKept {
		r, refused := readRegister(register(t, seen, 8+i, fmt.Sprintf("Contact: <sip:anna@192.0.2.7:%d>", 6000+i)), "p")
		if refused != nil {
			t.Fatal(refused)
		}
		var err error
		if all, err = r.apply(all, time.Unix(int64(i), 0)); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) != bindingsKept || all[0].Contact != "sip:anna@192.0.2.7:6029" || all[bindingsKept-1].Contact != "sip:anna@192.0.2.7:6020" {
		t.Errorf("%d bindings, first %s, last %s", len(all), all[0].Contact, all[len(all)-1].Contact)
	}
}

func TestNATShowsInVia(t *testing.T) { // RFC 3581 §4
	for source, nat := range map[string]bool{seen: false, "192.0.2.7:1024": true, "198.51.100.1:5062": true} {
		r, refused := readRegister(register(t, source, 1, "Contact: <sip:anna@192.0.2.7:5062>"), "p")
		if refused != nil || r.like.NAT != nat || r.like.Source != netip.MustParseAddrPort(source) {
			t.Errorf("%s: %+v", source, r.like)
		}
	}
}
