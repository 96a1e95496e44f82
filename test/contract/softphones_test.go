package contract

import (
	"testing"

	"github.com/parley-voice/parley"
)

func TestSoftphones(t *testing.T) {
	h := open(t)
	const all = "/api/v1/sip/phones"
	create := func(token, username string) answer {
		return h.send("POST", all, token, object{"username": username, "display_name": "Anna's desk"})
	}
	made := create(h.token, "anna")
	if d := made.data(); made.status != 201 || len(d["password"].(string)) < 20 || d["realm"] != "parley" || d["username"] != "anna" {
		t.Fatalf("a new phone is %d %s", made.status, made.raw)
	}
	rows := h.send("GET", all, h.token, nil).rows()
	if len(rows) != 1 {
		t.Fatalf("%d phones", len(rows))
	}
	if d := rows[0].(object); d["password"] != nil || d["is_registered"] != false || d["display_name"] != "Anna's desk" || len(d["bindings"].([]any)) != 0 {
		t.Errorf("shown as %v", d)
	}
	h.refused(create(h.token, "anna"), 409, parley.SoftphoneExists)
	for _, bad := range []string{"", "Anna", "+15550100", "a b", "a@b", "1anna"} {
		h.refused(create(h.token, bad), 422, parley.ValidationError)
	}
	h.refused(create(h.newToken("test", parley.ReadTelephony), "b"), 403, parley.Unauthorized)
	h.refused(h.send("GET", all, h.newToken("test", parley.ReadAgents), nil), 403, parley.Unauthorized)
	other := h.newToken("other")
	if n := len(h.send("GET", all, other, nil).rows()); n != 0 {
		t.Errorf("another environment sees %d phones", n)
	}
	if again := create(other, "anna"); again.status != 201 {
		t.Errorf("the name in another environment: %s", again.raw)
	}
	one := all + "/" + made.id()
	h.refused(h.send("DELETE", one, other, nil), 404, parley.SoftphoneNotFound)
	if gone := h.send("DELETE", one, h.token, nil); gone.status != 200 {
		t.Errorf("deleted: %s", gone.raw)
	}
	h.refused(h.send("DELETE", one, h.token, nil), 404, parley.SoftphoneNotFound)
}
