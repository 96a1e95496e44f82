package contract

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
)

func TestPathsAndMethods(t *testing.T) {
	h := open(t)
	for _, c := range []struct {
		name, method, path string
		status             int
		message            string
	}{
		{"an unknown path", "GET", "/api/v1/nothing", 404, "Not found."},
		{"an operation that is not there yet", "GET", "/api/v1/campaigns", 404, "Not found."},
		{"a path that ends in a slash", "GET", "/api/v1/agents/", 404, "Not found."},
		{"a path that is not clean", "GET", "/api//v1/agents", 404, "Not found."},
		{"a path with dots", "GET", "/api/v1/../v1/agents", 404, "Not found."},
		{"the root", "GET", "/", 404, "Not found."},
		{"a wrong method", "DELETE", "/api/v1/agents", 405, "The DELETE method is not supported for this route. Supported methods: GET, POST."},
		{"a wrong method of one agent", "PATCH", "/api/v1/agents/x", 405, "The PATCH method is not supported for this route. Supported methods: GET, DELETE."},
		{"a wrong method of a path that an id could be", "PUT", "/api/v1/agents/templates", 405,
			"The PUT method is not supported for this route. Supported methods: GET."},
		{"a wrong method of health", "POST", "/api/v1/health", 405, "The POST method is not supported for this route. Supported methods: GET."},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, token := range []string{h.token, ""} { // a path is unknown whoever asks
				a := h.send(c.method, c.path, token, nil)
				if a.status != c.status || a.body["message"] != c.message || a.body["success"] != false {
					t.Errorf("got %d %s", a.status, a.raw)
				}
				if a.header.Get("X-RateLimit-Limit") == "" {
					t.Error("no rate limit headers")
				}
				if allow := a.header.Get("Allow"); (allow != "") != (c.status == 405) {
					t.Errorf("Allow: %s", allow)
				}
			}
		})
	}
}

func TestBodies(t *testing.T) {
	h := open(t)
	at := []string{h.agent(nil)}
	for _, c := range []struct {
		name   string
		body   string
		status int
		code   parley.Code
	}{
		{"no JSON", `{"subject": `, 400, parley.InvalidJSON},
		{"a form", `subject=a`, 400, parley.InvalidJSON},
		{"a list", `[]`, 400, parley.InvalidJSON},
		{"null", `null`, 400, parley.InvalidJSON},
		{"something after the object", `{"subject":"a","instructions":"b"} x`, 400, parley.InvalidJSON},
		{"nothing", ``, 422, parley.ValidationError},
		{"an object of another case", `{"Subject":"a","Instructions":"b"}`, 422, parley.ValidationError},
		{"a character that no database holds", `{"subject":"a\u0000","instructions":"b"}`, 422, parley.ValidationError},
		{"more than a mebibyte", `{"subject":"a","instructions":"` + strings.Repeat("b", 1<<20) + `"}`, 413, parley.BodyTooLarge},
	} {
		t.Run(c.name, func(*testing.T) {
			h.refused(h.call(request{op: "upsertTraining", path: at, body: c.body}), c.status, c.code)
		})
	}
	h.must(request{op: "upsertTraining", path: at, body: `{"subject":"é <b> & ü","instructions":"b","color":"red","node_id":null}`})
	if row := h.must(request{op: "listTrainings", path: at}); row.rows()[0].(object)["subject"] != "é <b> & ü" || strings.Contains(string(row.raw), "u003c") {
		t.Errorf("text comes back as %s", row.raw)
	}
}

func TestValidationTexts(t *testing.T) {
	h := open(t)
	for _, c := range []struct {
		name, field, want string
		value             any
	}{
		{"a missing field", "name", "The name field is required.", nil},
		{"an empty one", "name", "The name field is required.", ""},
		{"null in a required one", "label", "The label field is required.", (*int)(nil)},
		{"a text that is none", "name", "The name must be a string.", 1},
		{"a text that is too long", "name", "The name field must not be greater than 255 characters.", strings.Repeat("é", 256)},
		{"a value of no enum", "language", "The selected language is invalid.", "xx-XX"},
		{"a speed out of range", "conversation_speed", "The conversation speed must be between 0.1 and 3.0.", 3.1},
		{"a speed below", "conversation_speed", "The conversation speed must be between 0.1 and 3.0.", 0.09},
		{"a number that is none", "conversation_speed", "The conversation speed must be a number.", "fast"},
		{"an integer out of range", "idle_time_seconds", "The idle time seconds must be between 1 and 300.", 301},
		{"an integer beyond all", "idle_time_seconds", "The idle time seconds must be between 1 and 300.", 1e300},
		{"an integer with a fraction", "idle_time_seconds", "The idle time seconds must be an integer.", 1.5},
		{"a temperature", "llm_temperature", "The llm temperature must be between 0 and 2.", 2.5},
		{"a boolean that is none", "enable_recording", "The enable recording field must be true or false.", "yes"},
		{"a list that is none", "phone_number_ids", "The phone number ids must be an array.", "x"},
		{"an entry of a list", "phone_number_ids.1", "The phone number ids.1 must be a string.", []any{"x", 1}},
		{"an unknown reference", "phone_number_ids", "The selected phone number ids are invalid.", []any{"x"}},
		{"an optional one out of range", "max_idle_check_count", "The max idle check count must be between 1 and 10.", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := agentBody(object{c.field: c.value})
			if field, _, list := strings.Cut(c.field, "."); list {
				body = agentBody(object{field: c.value})
			}
			a := h.call(request{op: "createAgent", body: body})
			if a.status != 422 || a.faults(c.field) != c.want {
				t.Errorf("got %d %s", a.status, a.raw)
			}
			if n := len(a.body["errors"].(object)); n != 1 {
				t.Errorf("%d fields are wrong, want one: %s", n, a.raw)
			}
		})
	}
	h.agent(object{"idle_time_seconds": 30.0, "description": (*int)(nil), "max_idle_check_count": (*int)(nil)})
	all := h.call(request{op: "createAgent", body: object{"name": 1, "language": "xx", "phone_number_ids": []string{"x"}}})
	if n := len(all.body["errors"].(object)); n != 15 {
		t.Errorf("%d of 15 failing fields are reported together: %s", n, all.raw)
	}
}

func TestQueryTexts(t *testing.T) {
	h := open(t)
	for _, c := range []struct{ query, field, want string }{
		{"?per_page=0", "per_page", "The per page must be between 1 and 100."},
		{"?per_page=101", "per_page", "The per page must be between 1 and 100."},
		{"?per_page=abc", "per_page", "The per page must be an integer."},
		{"?page=0", "page", "The page must be at least 1."},
		{"?status=x", "status", "The selected status is invalid."},
		{"?date_from=2026-02-30", "date_from", "The date from must be a valid date."},
		{"?search=a%00", "search", "The search must not contain null characters."},
	} {
		t.Run(c.query, func(t *testing.T) {
			if a := h.call(request{op: "listCalls", query: c.query}); a.status != 422 || a.faults(c.field) != c.want {
				t.Errorf("got %d %s", a.status, a.raw)
			}
		})
	}
	if p := h.must(request{op: "listCalls", query: "?page=&per_page="}).body["pagination"].(object); p["per_page"] != 20.0 {
		t.Errorf("empty parameters: %v", p)
	}
	h.must(request{op: "listCalls", query: "?page=9007199254740991"})
}

func TestIdsThatNoDatabaseHolds(t *testing.T) {
	onBoth(t, func(_ *testing.T, h *house) {
		for _, id := range []string{"%00", "%ff", "a%2Fb", "%20", strings.Repeat("a", 5000), "%27%3B--"} {
			h.refused(h.call(request{op: "getAgent", path: []string{id}}), 404, parley.AgentNotFound)
			h.refused(h.call(request{op: "getActiveCall", path: []string{h.agent(nil), id}}), 404, parley.NoActiveCall)
		}
		h.must(request{op: "listCalls", query: "?search=%ff&agent_id=%ff&to=%ff"})
		h.must(request{op: "listAgents", query: "?search=%ff"})
	})
}

func TestTextsThatAreNoUnicode(t *testing.T) {
	onBoth(t, func(_ *testing.T, h *house) {
		at := []string{h.agent(nil)}
		h.must(request{op: "upsertTraining", path: at, body: "{\"subject\":\"a\xff\",\"instructions\":\"\\ud800\"}"})
		agent, _, _ := h.published(parley.Outbound, "+12025550143")
		order := request{op: "makeCall", path: []string{agent}, body: `{"to":"+12025550177","delay_seconds":3600,"payload":{"a\u0000":1}}`}
		h.refused(h.call(order), 422, parley.ValidationError)
		order.body = "{\"to\":\"+12025550177\",\"delay_seconds\":3600,\"payload\":{\"a\":\"\xff\\udc00\",\"n\":1e400}}"
		h.must(order)
		token := "talq_\xff"
		h.refused(h.call(request{op: "listCalls", token: token}), 401, parley.InvalidToken)
		h.must(request{op: "makeCall", path: []string{agent}, body: object{"to": "+12025550177", "delay_seconds": 3600},
			headers: []string{"Idempotency-Key", "k\xff"}})
	})
}

func TestPlaceBeforeForm(t *testing.T) {
	h := open(t)
	h.refused(h.call(request{op: "updateAgentKnowledge", body: object{}}), 404, parley.AgentNotFound)
	reader := h.newToken("test", "agents:read")
	h.refused(h.call(request{op: "createAgent", body: object{}, token: reader}), 403, parley.Unauthorized)
	h.must(request{op: "listAgents", token: reader})
}

func TestIdentify(t *testing.T) {
	h := open(t)
	reader := h.newToken("test", "agents:read", "made:up")
	d := h.must(request{op: "identifyToken", token: "none", body: object{"token": reader}}).data()
	if d["type"] != "environment" || d["environment_id"] == nil || d["user_id"] == nil || len(d["abilities"].([]any)) != 2 {
		t.Errorf("identity %v", d)
	}
	if d := h.must(request{op: "identifyToken"}).data(); d["abilities"].([]any)[0] != "*" {
		t.Errorf("identity by header %v", d)
	}
	a := h.call(request{op: "identifyToken", token: "none", body: object{"token": "1|secret"}})
	h.refused(a, 401, parley.InvalidToken)
	if a.body["error"] != "UNAUTHORIZED" {
		t.Errorf("a token in the body that is nobody's: %s", a.raw)
	}
	for _, header := range []string{"Basic " + h.token, "Bearer", "Bearer ", h.token} {
		if a := h.send("GET", "/api/v1/agents", "", nil, "Authorization", header); a.status != 401 || a.body["error"] != "MISSING_TOKEN" {
			t.Errorf("%q: %d %s", header, a.status, a.raw)
		}
	}
	if a := h.send("GET", "/api/v1/agents", "", nil, "Authorization", "bearer "+h.token); a.status != 200 {
		t.Errorf("a scheme in small letters: %d", a.status)
	}
}

func TestVoiceTemplates(t *testing.T) {
	h := open(t)
	groups := h.must(request{op: "listVoiceTemplates"}).rows()
	if len(groups) != 3 || len(groups[0].(object)["voices"].([]any)) != 2 {
		t.Errorf("groups %v", groups)
	}
	for query, n := range map[string]int{"?language=pt-BR": 1, "?gender=male": 2, "?quality_tier=ultra": 1, "?language=ja-JP": 0} {
		if got := len(h.must(request{op: "listVoiceTemplates", query: query}).rows()); got != n {
			t.Errorf("%s: %d groups, want %d", query, got, n)
		}
	}
	link := h.must(request{op: "getVoiceTemplateDemo", path: []string{"rose"}}).body["mp3_url"].(string)
	path := strings.TrimPrefix(link, h.url)
	a := h.send("GET", path, "", nil)
	if a.status != 200 || a.header.Get("Content-Type") != "audio/wav" || string(a.raw[:4]) != "RIFF" || len(a.raw) != 44+3200 {
		t.Errorf("sample %d, %d bytes", a.status, len(a.raw))
	}
	u, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(url.Values){
		"another expiry":    func(q url.Values) { q.Set("expires", "99999999999") },
		"another signature": func(q url.Values) { q.Set("signature", "x") },
		"no signature":      func(q url.Values) { q.Del("signature") },
	} {
		q := u.Query()
		change(q)
		if a := h.send("GET", u.Path+"?"+q.Encode(), "", nil); a.status != 403 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if a := h.send("GET", strings.Replace(path, "rose", "fine", 1), "", nil); a.status != 403 {
		t.Errorf("the link of another voice: %d", a.status)
	}
}

func TestRequestIDs(t *testing.T) {
	h := open(t)
	if id := h.send("GET", "/api/v1/health", "", nil, "X-Request-Id", "abc-1").header.Get("X-Request-Id"); id != "abc-1" {
		t.Errorf("a good id becomes %q", id)
	}
	if id := h.send("GET", "/api/v1/health", "", nil, "X-Request-Id", "a b").header.Get("X-Request-Id"); id == "a b" || id == "" {
		t.Errorf("a bad id becomes %q", id)
	}
}

func TestTimesAreWholeSecondsOfUTC(t *testing.T) {
	h := open(t)
	d := h.must(request{op: "createAgent", body: agentBody(nil)}).data()
	if _, err := time.Parse("2006-01-02T15:04:05Z", d["created_at"].(string)); err != nil || strings.Contains(d["created_at"].(string), ".") {
		t.Errorf("created_at %v", d["created_at"])
	}
}
