package contract

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/accounts"
)

func TestAPersonIsShownAndOwnsTheEnvironment(t *testing.T) {
	h := open(t)
	me := h.must(request{op: "getCurrentUser"}).body
	who := h.must(request{op: "identifyToken"}).data()
	if me["name"] != "ada" || me["email"] != "ada@example.com" || me["current_environment_id"] != who["environment_id"] || me["id"] != who["user_id"] {
		t.Errorf("%v beside %v", me, who)
	}
	mine := h.must(request{op: "identifyToken", token: h.personal}).data()
	if mine["type"] != "system" || mine["environment_id"] != nil || mine["user_id"] != me["id"] {
		t.Errorf("a personal token is %v", mine)
	}
}

func TestPersonalTokensAreShownOnceAndRevoked(t *testing.T) {
	h := open(t)
	made := h.must(request{op: "createUserApiToken", body: object{"name": "laptop", "abilities": []string{"agents:read", "moon:land"}}}).data()
	token := made["token"].(string)
	if !strings.HasPrefix(token, made["id"].(string)+"|") {
		t.Errorf("token %s of id %s", token, made["id"])
	}
	list := h.must(request{op: "listUserApiTokens", token: token})
	if len(list.rows()) != 2 || strings.Contains(string(list.raw), token[strings.Index(token, "|")+1:]) {
		t.Errorf("list %s", list.raw)
	}
	if row := list.rows()[1].(object); row["last_used_at"] == nil || row["name"] != "laptop" {
		t.Errorf("after its use: %v", row)
	}
	// what it lacks it cannot give
	if a := h.call(request{op: "createUserApiToken", token: token, body: object{"name": "more"}}); a.status != 422 || a.faults("abilities") == "" {
		t.Errorf("a token gave more than it has: %s", a.raw)
	}
	other := h.newPerson("ben@example.com", "test")
	if a := h.call(request{op: "deleteUserApiToken", path: []string{made["id"].(string)}, token: other}); a.status != 404 {
		t.Errorf("another's token was revoked: %s", a.raw)
	}
	h.must(request{op: "deleteUserApiToken", path: []string{made["id"].(string)}})
	if a := h.call(request{op: "getCurrentUser", token: token}); a.status != 401 {
		t.Errorf("a revoked token answers %d", a.status)
	}
}

func TestAnExpiredPersonalTokenSaysSo(t *testing.T) {
	h := open(t)
	token, err := h.accounts.CreateUser(t.Context(), accounts.NewPerson{
		Environment: "test", Email: "ada@example.com", Token: "short", Expires: time.Microsecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.until("it has expired", func() bool { return h.send("GET", "/api/user", token, nil).status == 401 })
	if a := h.call(request{op: "getCurrentUser", token: token}); a.body["error"] != "TOKEN_EXPIRED" {
		t.Errorf("%s", a.raw)
	}
	for _, bad := range []string{"1|wrong", "99|wrong", "x|y", "|", "9223372036854775808|x"} {
		if a := h.send("GET", "/api/user", bad, nil); a.status != 401 || a.body["error"] != "UNAUTHORIZED" {
			t.Errorf("%q: %s", bad, a.raw)
		}
	}
}

func TestOnlyRealAddressesBecomeUsers(t *testing.T) {
	h := open(t)
	for _, email := range []string{"", "ada", "Ada <ada@example.com>", "ada@", strings.Repeat("a", 250) + "@example.com"} {
		if _, err := h.accounts.CreateUser(t.Context(), accounts.NewPerson{Environment: "test", Email: email}); err == nil {
			t.Errorf("%q became a user", email)
		}
	}
}
