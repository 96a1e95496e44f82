package contract

import (
	"errors"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
)

func TestTrunkBeginsUnverifiedAndInactive(t *testing.T) {
	h := open(t)
	d := h.must(request{op: "createSipTrunk", body: trunkBody(object{"is_active": true, "transport": nil})}).data()
	if d["is_active"] != false || d["is_verified"] != false || d["health_status"] != "unknown" || d["transport"] != "tls" || d["port"] != 5061.0 {
		t.Errorf("a new trunk is %v", d)
	}
	if _, shown := d["password"]; shown {
		t.Error("the password is shown")
	}
	if p := h.must(request{op: "createSipTrunk", body: trunkBody(object{"transport": "tcp"})}).data()["port"]; p != 5060.0 {
		t.Errorf("port of a TCP trunk is %v", p)
	}
	if a := h.call(request{op: "createSipTrunk", body: trunkBody(object{"domain": "a\r\nVia: b"})}); a.faults("domain") == "" {
		t.Errorf("a domain that ends a line of SIP: %s", a.raw)
	}
}

func TestVerification(t *testing.T) {
	h := open(t)
	at := []string{h.must(request{op: "createSipTrunk", body: trunkBody(nil)}).id()}
	activate := request{op: "updateSipTrunk", path: at, body: object{"is_active": true}}
	h.refused(h.call(activate), 422, parley.TrunkNotVerified)
	h.trunk.err = &media.NotAnswered{Outcome: media.OutcomeFailed, Status: 403, Reason: "sip_403"}
	failed := h.call(request{op: "verifySipTrunk", path: at})
	if failed.status != 200 || failed.body["success"] != false || failed.data()["error"] != "The trunk refuses the credentials (SIP status 403)." {
		t.Errorf("a failed check: %d %s", failed.status, failed.raw)
	}
	h.trunk.err = nil
	if d := h.must(request{op: "verifySipTrunk", path: at}).data(); d["is_verified"] != true || d["health_status"] != "healthy" {
		t.Errorf("a check that passes: %v", d)
	}
	if d := h.must(activate).data(); d["is_active"] != true || d["last_health_check_at"] == nil {
		t.Errorf("active trunk: %v", d)
	}
	for _, c := range []struct {
		name   string
		change object
		resets bool
	}{
		{"a name keeps it", object{"name": "other"}, false},
		{"the same password keeps it", object{"password": "p"}, false},
		{"the same domain keeps it", object{"domain": "127.0.0.1"}, false},
		{"another port keeps it", object{"port": 5070}, false},
		{"another domain resets it", object{"domain": "127.0.0.2"}, true},
		{"another transport resets it", object{"transport": "tls"}, true},
		{"another user resets it", object{"username": "v"}, true},
		{"another password resets it", object{"password": "q"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.must(request{op: "verifySipTrunk", path: at})
			h.must(activate)
			d := h.must(request{op: "updateSipTrunk", path: at, body: c.change}).data()
			if d["is_verified"] == c.resets || d["is_active"] == c.resets {
				t.Errorf("verified %v, active %v", d["is_verified"], d["is_active"])
			}
		})
	}
}

func TestHealthNeverTouchesVerification(t *testing.T) {
	h := open(t)
	at := []string{h.newTrunk()}
	h.trunk.err = errors.New("connection refused")
	a := h.must(request{op: "getSipTrunkHealth", path: at})
	if a.body["success"] != true || a.data()["is_healthy"] != false || a.data()["error"] != "The trunk cannot be reached: connection refused." {
		t.Errorf("an unhealthy trunk: %s", a.raw)
	}
	if d := h.must(request{op: "getSipTrunk", path: at}).data(); d["is_verified"] != true || d["health_status"] != "unhealthy" {
		t.Errorf("afterwards: %v", d)
	}
	h.trunk.err = nil
	if d := h.must(request{op: "getSipTrunkHealth", path: at}).data(); d["is_healthy"] != true || d["error"] != nil || d["response_time_ms"] != 12.0 {
		t.Errorf("a healthy trunk: %v", d)
	}
}

func TestTrunkPartsAreClearedByNull(t *testing.T) {
	h := open(t)
	at := []string{h.must(request{op: "createSipTrunk", body: trunkBody(object{"outbound_proxy": "proxy.example", "auth_realm": "realm"})}).id()}
	h.must(request{op: "updateSipTrunk", path: at, body: object{"name": "x"}})
	d := h.must(request{op: "updateSipTrunk", path: at, body: `{"outbound_proxy": null, "name": null}`}).data()
	if d["outbound_proxy"] != nil || d["auth_realm"] != "realm" || d["name"] != "x" {
		t.Errorf("after null: %v", d)
	}
}

func TestDIDs(t *testing.T) {
	h := open(t)
	trunk := h.newTrunk()
	did := h.must(request{op: "createSipTrunkDid", path: []string{trunk}, body: object{"country_code": "US", "number": "+12025550143"}})
	if d := did.data(); d["formatted_number"] != "(202) 555-0143" || d["trunk_id"] != trunk {
		t.Errorf("a DID is %v", d)
	}
	again := request{op: "createSipTrunkDid", path: []string{h.newTrunk()}, body: object{"country_code": "US", "number": "+12025550143"}}
	h.refused(h.call(again), 409, parley.DIDAlreadyExists)
	again.token = h.newToken("other")
	h.refused(h.call(again), 404, parley.TrunkNotFound)
	if n := len(h.must(request{op: "listSipTrunkDids", path: []string{trunk}}).rows()); n != 1 {
		t.Errorf("%d DIDs", n)
	}
	agent := h.agent(object{"phone_number_ids": []string{did.id()}})
	remove := request{op: "deleteSipTrunkDid", path: []string{trunk, did.id()}}
	h.refused(h.call(remove), 409, parley.DIDInUse)
	h.must(request{op: "updateAgentCalling", path: []string{agent}, body: object{"direction": "inbound", "phone_number_ids": []string{}}})
	wrong := remove
	wrong.path = []string{h.newTrunk(), did.id()}
	h.refused(h.call(wrong), 404, parley.DIDNotFound)
	h.refused(h.call(request{op: "deleteSipTrunk", path: []string{trunk}}), 409, parley.TrunkHasDIDs)
	h.must(remove)
	h.must(request{op: "deleteSipTrunk", path: []string{trunk}})
	h.refused(h.call(request{op: "deleteSipTrunk", path: []string{trunk}}), 404, parley.TrunkNotFound)
}

func TestPhoneNumbersList(t *testing.T) {
	h := open(t)
	trunk := h.newTrunk()
	in, out := h.did(trunk, "+12025550143"), h.did(trunk, "+442079460018")
	agent := h.agent(object{"phone_number_ids": []string{in}})
	h.agent(object{"direction": "outbound", "phone_number_ids": []string{out}})
	for _, c := range []struct {
		query string
		n     int
	}{
		{"", 2}, {"?type=voice", 2}, {"?type=sms", 0}, {"?has_voice=1", 2}, {"?has_voice=false", 0}, {"?has_whatsapp=true", 0}, {"?has_whatsapp=0", 2},
		{"?direction=inbound", 1}, {"?direction=outbound", 1}, {"?search=5550143", 1}, {"?search=+1202", 1}, {"?search=" + in, 1}, {"?search=nobody", 0},
	} {
		t.Run(c.query, func(t *testing.T) {
			if n := len(h.must(request{op: "listPhoneNumbers", query: c.query}).rows()); n != c.n {
				t.Errorf("%d numbers, want %d", n, c.n)
			}
		})
	}
	row := h.must(request{op: "listPhoneNumbers"}).rows()[0].(object)
	if row["international_number"] != "+1 202 555 0143" || row["agents"].([]any)[0].(object)["id"] != agent {
		t.Errorf("row %v", row)
	}
	if a := h.call(request{op: "listPhoneNumbers", query: "?has_voice=maybe"}); a.faults("has_voice") != "The has voice field must be true or false." {
		t.Errorf("a boolean that is none: %s", a.raw)
	}
}
