package contract

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

func TestOutboundCallIsOrderedFoundAndEnded(t *testing.T) {
	h := open(t)
	agent, trunk, did := h.published(parley.Outbound, "+12025550143")
	made := h.must(request{op: "makeCall", path: []string{agent}, body: object{
		"to": "+12025550177", "delay_seconds": 3600, "payload": object{"name": "Ann"}, "context": object{"crm": 7},
	}})
	if d := made.data(); d["status"] != "initiated" || d["call_id"] != d["id"] || d["agent_id"] != agent || d["to"] != "+12025550177" {
		t.Errorf("a new call is %v", d)
	}
	active := h.must(request{op: "getActiveCall", path: []string{agent, "%2B12025550177"}}).rows()
	if len(active) != 1 || active[0].(object)["id"] != made.id() || active[0].(object)["from"] != "+12025550143" {
		t.Errorf("active calls %v", active)
	}
	h.refused(h.call(request{op: "getActiveCall", path: []string{agent, "%2B12025550178"}}), 404, parley.NoActiveCall)
	ended := h.must(request{op: "endCall", path: []string{agent}, body: object{"call_sid": made.id()}}).data()
	if ended["status"] != "completed" || ended["ended_reason"] != "ended_by_api" || ended["id"] != made.id() {
		t.Errorf("ended call %v", ended)
	}
	h.refused(h.call(request{op: "endCall", path: []string{agent}, body: object{"call_sid": made.id()}}), 409, parley.CallNotActive)
	h.refused(h.call(request{op: "endCall", path: []string{agent}, body: object{"call_sid": "nothing"}}), 404, parley.CallNotFound)
	call := h.send("GET", "/api/v1/calls/"+made.id(), h.token, nil)
	if d := call.data(); d["status"] != "completed" || d["recording_url"] != nil || len(d["turns"].([]any)) != 0 || len(d["messages"].([]any)) != 0 {
		t.Errorf("call %s", call.raw)
	}
	h.heldOpen(agent, trunk, did)
}

// heldOpen checks that a call of a trunk keeps the trunk, even when number and agent have left it.
func (h *house) heldOpen(agent, trunk, did string) {
	h.t.Helper()
	call := h.delayed(agent)
	h.must(request{op: "updateAgentCalling", path: []string{agent}, body: object{"direction": "outbound", "phone_number_ids": []string{}}})
	h.must(request{op: "deleteSipTrunkDid", path: []string{trunk, did}})
	h.refused(h.call(request{op: "deleteSipTrunk", path: []string{trunk}}), 409, parley.TrunkHasActiveCalls)
	h.must(request{op: "endCall", path: []string{agent}, body: object{"call_sid": call}})
	h.must(request{op: "deleteSipTrunk", path: []string{trunk}})
}

func TestOrdersThatAreRefused(t *testing.T) {
	h := open(t)
	agent, _, _ := h.published(parley.Outbound, "+12025550143")
	order := func(body object, headers ...string) answer {
		return h.call(request{op: "makeCall", path: []string{agent}, body: body, headers: headers})
	}
	h.refused(order(object{}), 400, parley.MissingPhoneNumber)
	a := order(object{"to": "0123"})
	h.refused(a, 400, parley.InvalidPhoneNumber)
	if d := a.body["details"].(object); d["field"] != "to" || d["value"] != "0123" {
		t.Errorf("details %v", d)
	}
	h.refused(order(object{"to": 12025550177}), 400, parley.InvalidPhoneNumber)
	h.refused(order(object{"to": "+1911"}), 400, parley.InvalidPhoneNumber)
	h.refused(order(object{"to": "+19005550100"}), 400, parley.PhoneNumberForbidden)
	h.refused(order(object{"to": "+442079460018"}), 400, parley.PhoneNumberForbidden)
	late := order(object{"to": "+12025550177", "delay_seconds": 3601, "is_testing": "yes"})
	if late.faults("delay_seconds") != "The delay seconds must be between 0 and 3600." || late.faults("is_testing") == "" {
		t.Errorf("two faults: %s", late.raw)
	}
	draft := h.agent(nil)
	h.refused(h.call(request{op: "makeCall", path: []string{draft}, body: object{"to": "+12025550177"}}), 400, parley.AgentInactive)
	gone := h.call(request{op: "makeCall", path: []string{"nothing"}, body: object{"to": "+12025550177"}})
	h.refused(gone, 404, parley.AgentNotFound)
	if gone.body["error"].(object)["details"].(object)["agent_id"] != "nothing" {
		t.Errorf("details of %s", gone.raw)
	}
}

func TestAgentWithoutNumberSaysWhy(t *testing.T) {
	h := open(t)
	agent := h.agent(object{"direction": "outbound"})
	h.must(request{op: "updateAgentVoice", path: []string{agent}, body: voiceBody(nil)})
	h.must(request{op: "publishAgent", path: []string{agent}})
	a := h.call(request{op: "makeCall", path: []string{agent}, body: object{"to": "+12025550177"}})
	h.refused(a, 422, parley.ValidationError)
	if !strings.Contains(string(a.raw), "phone number") {
		t.Errorf("reason: %s", a.raw)
	}
}

func TestIdempotencyKeyGivesTheFirstAnswerAgain(t *testing.T) {
	h := open(t)
	agent, _, _ := h.published(parley.Outbound, "+12025550143")
	order := func(key string, delay int) answer {
		return h.call(request{op: "makeCall", path: []string{agent}, headers: []string{"Idempotency-Key", key},
			body: object{"to": "+12025550177", "delay_seconds": delay, "payload": object{"a": 1, "b": 2}}})
	}
	first := order("k", 3600)
	h.must(request{op: "endCall", path: []string{agent}, body: object{"call_sid": first.id()}})
	if again := order("k", 3600); string(again.raw) != string(first.raw) {
		t.Errorf("again: %s\nfirst: %s", again.raw, first.raw)
	}
	if other := order("k", 3599); other.status != 422 || other.faults("idempotency_key") == "" {
		t.Errorf("the same key with another order: %s", other.raw)
	}
	if order("l", 3600).id() == first.id() {
		t.Error("another key gives the same call")
	}
	if a := order(strings.Repeat("k", 256), 3600); a.faults("idempotency_key") == "" {
		t.Errorf("a key of 256 characters: %s", a.raw)
	}
}

func TestOutsideTransport(t *testing.T) {
	h := open(t)
	agent, _, _ := h.published(parley.Inbound, "+12025550143")
	some := h.call(request{op: "makeCall", path: []string{agent}, body: object{"sid": "s1"}})
	for _, field := range []string{"from", "to", "direction"} {
		if some.faults(field) == "" {
			t.Errorf("missing %s is not reported: %s", field, some.raw)
		}
	}
	bad := h.call(request{op: "makeCall", path: []string{agent}, body: object{"sid": "s1", "from": "x", "to": "1", "direction": "up"}})
	if bad.faults("to") != "The to must be a valid phone number." || bad.faults("direction") != "The selected direction is invalid." {
		t.Errorf("bad fields: %s", bad.raw)
	}
	a := h.must(request{op: "makeCall", path: []string{agent}, body: object{
		"sid": "s1", "from": "+12025550199", "to": "+12025550143", "direction": "inbound",
	}})
	link := a.body["transport"].(object)["websocketCallUrl"].(string)
	call := a.body["id"].(string)
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", a.body["created_at"].(string)); err != nil || !strings.HasPrefix(link, "ws://127.0.0.1:") {
		t.Errorf("external call %s", a.raw)
	}
	h.refused(h.call(request{op: "connectCallTransport", path: []string{call}, token: "none"}), 401, parley.InvalidToken)
	h.refused(h.call(request{op: "connectCallTransport", path: []string{call}, token: "none", query: "?x-talq=talq_x"}), 401, parley.InvalidToken)
	h.refused(h.call(request{op: "connectCallTransport", path: []string{"nothing"}, query: "?x-talq=" + h.token}), 404, parley.CallNotFound)
	conn, res, err := websocket.Dial(t.Context(), link, nil)
	if err != nil || res.StatusCode != 101 || res.Header.Get("X-RateLimit-Limit") == "" {
		t.Fatalf("upgrade: %v %v", err, res)
	}
	_ = conn.CloseNow()
	h.until("the call is final", func() bool { return h.send("GET", "/"+call+"/transport?x-talq="+h.token, "", nil).status == 409 })
}

// until waits for what other goroutines of the house are about to do.
func (h *house) until(what string, done func() bool) {
	h.t.Helper()
	for range 500 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Fatalf("it did not come to pass: %s", what)
}

// insert stores calls of an environment; final ones took ten seconds.
func (h *house) insert(env string, rows []parley.Call) {
	h.t.Helper()
	h.update(func(ctx context.Context, tx store.Tx) error {
		for i := range rows {
			c := &rows[i]
			c.ID, c.EnvironmentID, c.Transport, c.UpdatedAt = parley.NewID(), env, parley.TransportSIP, c.CreatedAt
			if end := c.CreatedAt.Add(10 * time.Second); c.Status.Final() {
				c.AnsweredAt, c.EndedAt = &c.CreatedAt, &end
			}
			if err := tx.InsertCall(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestCallsList(t *testing.T) { onBoth(t, callsList) }

func callsList(t *testing.T, h *house) {
	agent, other := h.agent(nil), h.agent(nil)
	env := h.must(request{op: "identifyToken"}).data()["environment_id"].(string)
	day := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
	rows := []parley.Call{
		{AgentID: agent, SID: "sid-a", To: "+12025550143", From: "+12025550199", Status: parley.CallCompleted, CreatedAt: day},
		{AgentID: agent, SID: "sid-b", To: "+12025550177", From: "+12025550143", Status: parley.CallNoAnswer, CreatedAt: day.Add(23 * time.Hour)},
		{AgentID: other, SID: "sid-c", To: "+12025550143", From: parley.Anonymous, Status: parley.CallAnswered, CreatedAt: day.AddDate(0, 0, 1)},
	}
	for i := range rows {
		rows[i].Direction = parley.Inbound
	}
	rows[1].Direction = parley.Outbound
	h.insert(env, rows)
	for _, c := range []struct{ query, sids string }{
		{"", "c b a"}, {"?status=completed", "a"}, {"?status=no-answer", "b"}, {"?status=no_answer", "b"}, {"?status=in-progress", "c"},
		{"?status=answered", "c"}, {"?direction=outbound", "b"}, {"?agent_id=" + other, "c"}, {"?agent_id=nothing", ""},
		{"?date_from=2026-03-06", "c"}, {"?date_to=2026-03-05", "b a"}, {"?date_from=2026-03-05&date_to=2026-03-05", "b a"},
		{"?search=sid-b", "b"}, {"?search=+12025550177", "b"}, {"?search=%2B12025550177", "b"}, {"?search=0199", "a"},
		{"?to=%2B12025550143", "c a"}, {"?to=+12025550143", "c a"}, {"?to=2025550143", ""}, {"?per_page=1&page=2", "b"},
	} {
		t.Run(c.query, func(t *testing.T) {
			var sids []string
			for _, r := range h.must(request{op: "listCalls", query: c.query}).rows() {
				sids = append(sids, strings.TrimPrefix(r.(object)["sid"].(string), "sid-"))
			}
			if got := strings.Join(sids, " "); got != c.sids {
				t.Errorf("got %q, want %q", got, c.sids)
			}
		})
	}
	a := h.must(request{op: "listCalls", query: "?per_page=2&page=2"})
	p := a.body["pagination"].(object)
	if p["from"] != 3.0 || p["to"] != 3.0 || p["last_page"] != 2.0 || p["total"] != 3.0 {
		t.Errorf("pagination %v", p)
	}
	if r := a.rows()[0].(object); r["duration"] != 10.0 || r["agent"].(object)["id"] != agent || r["from_formatted"] != "(202) 555-0199" {
		t.Errorf("row %v", r)
	}
	empty := h.must(request{op: "listCalls", query: "?page=9"}).body["pagination"].(object)
	if empty["from"] != nil || empty["to"] != nil {
		t.Errorf("pagination past the end %v", empty)
	}
	own := h.must(request{op: "listAgentCalls", path: []string{agent}})
	if _, shown := own.rows()[0].(object)["agent"]; shown || len(own.rows()) != 2 {
		t.Errorf("calls of one agent: %s", own.raw)
	}
	if n := len(h.must(request{op: "listCalls", token: h.newToken("other")}).rows()); n != 0 {
		t.Errorf("another environment sees %d calls", n)
	}
}

func TestCallWithTurnsAndRecording(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	env := h.must(request{op: "identifyToken"}).data()["environment_id"].(string)
	at := parley.Stamp(time.Date(2026, 3, 5, 10, 0, 0, 123456000, time.UTC))
	c := &parley.Call{
		ID: parley.NewID(), EnvironmentID: env, AgentID: agent, SID: "s", To: "+12025550143", From: "+12025550199", Direction: parley.Inbound,
		Transport: parley.TransportSIP, Status: parley.CallCompleted, CreatedAt: at, UpdatedAt: at, Recording: "calls/a.wav",
		Messages: []parley.TakenMessage{{TakenAt: at, Slots: map[string]string{"name": "Ann"}}},
	}
	heard := "Good"
	said := parley.Turn{
		ID: parley.NewID(), CallID: c.ID, Who: parley.WhoAgent, StartedAt: at, EndedAt: at.Add(time.Second), Text: "Good morning", Heard: &heard,
		Interrupted: true,
	}
	h.update(func(ctx context.Context, tx store.Tx) error {
		if err := tx.InsertCall(ctx, c); err != nil {
			return err
		}
		return tx.PutTurns(ctx, []parley.Turn{said})
	})
	path := "/api/v1/calls/" + c.ID
	a := h.send("GET", path, h.token, nil)
	turn := a.data()["turns"].([]any)[0].(object)
	if turn["heard"] != "Good" || turn["started_at"] != "2026-03-05T10:00:00.123Z" || turn["interrupted"] != true || turn["reply_to"] != nil {
		t.Errorf("turn %v", turn)
	}
	if m := a.data()["messages"].([]any); len(m) != 1 || m[0].(object)["slots"].(object)["name"] != "Ann" || a.data()["created_at"] != "2026-03-05T10:00:00Z" {
		t.Errorf("call %s", a.raw)
	}
	h.refused(h.send("GET", path+"/recording", h.token, nil), 404, parley.RecordingNotFound)
	b, err := h.blobs.Create(t.Context(), "calls/a.wav")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = b.Write([]byte("RIFF....WAVEfmt "))
	_ = b.Close()
	url := strings.TrimPrefix(a.data()["recording_url"].(string), h.url)
	whole := h.send("GET", url, h.token, nil)
	if whole.status != 200 || string(whole.raw) != "RIFF....WAVEfmt " || whole.header.Get("Content-Type") != "audio/wav" {
		t.Errorf("recording %d %q", whole.status, whole.raw)
	}
	if part := h.send("GET", url, h.token, nil, "Range", "bytes=0-3"); part.status != 206 || string(part.raw) != "RIFF" {
		t.Errorf("range %d %q", part.status, part.raw)
	}
	h.refused(h.send("GET", url, "", nil), 401, parley.InvalidToken)
	h.refused(h.send("GET", url, h.newToken("other"), nil), 404, parley.CallNotFound)
	h.refused(h.send("GET", path, h.newToken("test", "agents:read"), nil), 403, parley.Unauthorized)
}

// Transfers and keys are beyond the contract; their refusals come from the same table.
func TestActingOnALiveCallIsRefusedByTheTable(t *testing.T) {
	h := open(t)
	agent, _, _ := h.published(parley.Outbound, "+12025550143")
	call := h.delayed(agent) // which does not talk yet
	good := object{"to": "+12025550177", "mode": "bridged"}
	for _, c := range []struct {
		path   string
		body   object
		status int
		code   parley.Code
	}{
		{"nothing/transfer", good, 404, parley.CallNotFound},
		{call + "/transfer", good, 409, parley.CallNotActive},
		{call + "/transfer", object{"mode": "bridged"}, 422, parley.ValidationError},
		{call + "/transfer", object{"to": "+12025550177", "mode": "by pigeon"}, 422, parley.ValidationError},
		{"nothing/dtmf", object{"digits": "1"}, 404, parley.CallNotFound},
		{call + "/dtmf", object{"digits": "12#"}, 409, parley.CallNotActive},
		{call + "/dtmf", object{"digits": "one"}, 422, parley.ValidationError},
		{call + "/dtmf", object{}, 422, parley.ValidationError},
	} {
		h.refused(h.send("POST", "/api/v1/calls/"+c.path, h.token, c.body), c.status, c.code)
	}
	incapable := h.newToken("test", "calls:read")
	h.refused(h.send("POST", "/api/v1/calls/"+call+"/transfer", incapable, good), 403, parley.Unauthorized)
	h.refused(h.send("POST", "/api/v1/calls/"+call+"/dtmf", incapable, object{"digits": "1"}), 403, parley.Unauthorized)
	if d := h.send("GET", "/api/v1/calls/"+call, h.token, nil).data(); len(d["transfers"].([]any)) != 0 {
		t.Errorf("transfers %v", d["transfers"])
	}
}
