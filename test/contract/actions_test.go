package contract

import (
	"bytes"
	"context"
	"reflect"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

func actionBody(change object) object {
	return changed(object{
		"node_id": "book", "name": "Book a visit", "description": "Books a visit.", "type": "webhook", "url": "http://127.0.0.1:1/book",
	}, change)
}

func TestActions(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	at := []string{agent}
	put := func(change object) object {
		return h.must(request{op: "upsertAction", path: at, body: actionBody(change)}).data()
	}
	first := put(nil)
	for field, want := range map[string]any{
		"label": "Book a visit", "authorization_scheme": "none", "execution_mode": "during_call", "current_status": "active", "http_method": "POST",
		"config": nil, "action_trigger": nil, "custom_headers": nil, "integration": nil, "speak_on_send": nil, "input_schema": []any{},
	} {
		if got := first[field]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", field, got, want)
		}
	}
	second := put(object{
		"name": "Book", "integration": object{"id": "http"}, "custom_headers": []any{object{"key": "X-Key", "value": "hunter2"}},
		"inputs": []any{object{"name": "day", "type": "date", "required": true}, object{"name": "shop", "type": "object", "value": object{"n": 7}}},
	})
	if second["id"] != first["id"] || second["created_at"] != first["created_at"] || second["name"] != "Book" {
		t.Errorf("the same node id gives %v", second)
	}
	third := put(object{"node_id": "hand over", "type": "transfer", "url": nil, "transfer_to": "+12025550188", "hold_duration": 30})
	inputs := third["input_schema"].([]any)
	if len(inputs) != 2 || inputs[0].(object)["value"] != "+12025550188" || inputs[1].(object)["value"] != 30.0 {
		t.Errorf("folded inputs: %v", inputs)
	}
	own := put(object{"node_id": "own", "type": "transfer", "transfer_to": "+12025550188", "inputs": []any{object{"name": "transfer_to", "type": "string"}}})
	if inputs := own["input_schema"].([]any); len(inputs) != 1 || inputs[0].(object)["value"] != nil {
		t.Errorf("an input of the same name stays: %v", inputs)
	}
	rows := h.must(request{op: "listActions", path: at}).rows()
	if len(rows) != 3 || !reflect.DeepEqual(rows[0], any(second)) {
		t.Errorf("%d actions, the first is %v", len(rows), rows[0])
	}
	if shown := h.must(request{op: "getAgent", path: at}).data()["actions"]; !reflect.DeepEqual(shown, any(rows)) {
		t.Errorf("the agent shows %v", shown)
	}
	h.must(request{op: "deleteAction", path: []string{agent, second["id"].(string)}})
	h.refused(h.call(request{op: "deleteAction", path: []string{agent, second["id"].(string)}}), 404, parley.ActionNotFound)
}

func TestActionsAreRefusedForWhatCannotWork(t *testing.T) {
	h := open(t)
	at := []string{h.agent(nil)}
	for field, change := range map[string]object{
		"execution_mode":         {"execution_mode": "post_call"},
		"url":                    {"url": "ftp://example.com"},
		"authorization_url":      {"authorization_url": "token"},
		"transfer_to":            {"transfer_to": "12"},
		"hold_duration":          {"hold_duration": -1},
		"inputs.0.name":          {"inputs": []any{object{"type": "string"}}},
		"custom_headers.0.key":   {"custom_headers": []any{object{"key": "Host", "value": "x"}}},
		"custom_headers.0.value": {"custom_headers": []any{object{"key": "X", "value": "a\nb"}}},
		"integration.id":         {"integration": object{}},
		"type":                   {"type": "magic"},
	} {
		a := h.call(request{op: "upsertAction", path: at, body: actionBody(change)})
		if h.refused(a, 422, parley.ValidationError); a.faults(field) == "" {
			t.Errorf("%s: %s", field, a.raw)
		}
	}
	a := h.call(request{op: "upsertAction", path: at, body: actionBody(object{"integration": object{"id": "crm"}})})
	if h.refused(a, 403, parley.Unauthorized); a.body["message"] != "You are not authorized to use this integration" {
		t.Errorf("an unknown integration: %s", a.raw)
	}
	h.must(request{op: "upsertAction", path: at, body: actionBody(object{"type": "external", "url": nil, "execution_mode": "post_call"})})
}

func TestHeadersOfActionsAreSealedAtRest(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	h.must(request{op: "upsertAction", path: []string{agent}, body: actionBody(object{
		"custom_headers": []any{object{"key": "X-Key", "value": "hunter2"}},
	})})
	err := h.store.View(t.Context(), func(ctx context.Context, tx store.Tx) error {
		all, err := tx.ActionsOf(ctx, agent)
		if len(all[agent]) != 1 || len(all[agent][0].SealedHeaders) == 0 || bytes.Contains(all[agent][0].SealedHeaders, []byte("hunter2")) {
			t.Errorf("stored: %+v", all)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func slackBody(config any) object {
	return actionBody(object{"node_id": "tell", "url": nil, "integration": object{"id": "slack"}, "config": config})
}

func TestConfigsOfIntegrations(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	at := []string{agent}
	const secret = "http://127.0.0.1:1/hook/hunter2"
	sealed := func() parley.Action {
		t.Helper()
		var act parley.Action
		err := h.store.View(t.Context(), func(ctx context.Context, tx store.Tx) error {
			all, err := tx.ActionsOf(ctx, agent)
			if act = all[agent][0]; err == nil && bytes.Contains(act.SealedConfig, []byte("hunter2")) {
				t.Error("a secret lies in clear")
			}
			return err
		})
		if err != nil || act.SealedConfig == nil {
			t.Fatalf("%+v, %v", act, err)
		}
		return act
	}
	put := func(config any) answer {
		t.Helper()
		return h.must(request{op: "upsertAction", path: at, body: slackBody(config)})
	}
	a := put(object{"webhook_url": secret, "text": "Call {{name}}."})
	if got := a.data()["config"]; !reflect.DeepEqual(got, any(object{"text": "Call {{name}}."})) || bytes.Contains(a.raw, []byte("hunter2")) {
		t.Errorf("shown %s", a.raw)
	}
	first := sealed()
	put(object{"text": "Ring {{name}}."}) // the secret stays
	if sealed(); bytes.Equal(first.SealedConfig, sealed().SealedConfig) {
		t.Error("the config is as it was")
	}
	for _, op := range []string{"listActions", "getAgent"} {
		if a := h.must(request{op: op, path: at}); bytes.Contains(a.raw, []byte("hunter2")) || !bytes.Contains(a.raw, []byte("Ring {{name}}.")) {
			t.Errorf("%s shows %s", op, a.raw)
		}
	}
	a = h.call(request{op: "upsertAction", path: at, body: slackBody(object{"text": "x", "webhook_url": nil})})
	if h.refused(a, 422, parley.ValidationError); a.faults("config.webhook_url") != "The config.webhook url field is required." {
		t.Errorf("an emptied secret: %s", a.raw)
	}
	h.must(request{op: "upsertAction", path: at, body: actionBody(object{"node_id": "tell"})}) // a plain webhook again
	if got := h.must(request{op: "listActions", path: at}).rows()[0].(object)["config"]; got != nil {
		t.Errorf("a webhook has the config %v", got)
	}
}

func TestConfigsAreRefusedForWhatCannotWork(t *testing.T) {
	h := open(t)
	at := []string{h.agent(nil)}
	for _, c := range []struct {
		field, text string
		body        object
	}{
		{"config.webhook_url", "The config.webhook url field is required.", slackBody(nil)},
		{"config.text", "The config.text field is required.", slackBody(object{"webhook_url": "http://127.0.0.1/x", "text": " "})},
		{"config.text", "The config.text must be a string.", slackBody(object{"webhook_url": "http://127.0.0.1/x", "text": 7})},
		{"config.webhook_url", "The config.webhook url cannot be used: neither http nor https.", slackBody(object{"webhook_url": "ftp://x", "text": "x"})},
		{"config.chanel", "The selected config.chanel is invalid.", slackBody(object{"webhook_url": "http://127.0.0.1/x", "text": "x", "chanel": "y"})},
		{"config", "The config must be an object.", slackBody("x")},
		{"config", "The config field is only available for actions of an integration that takes one.", actionBody(object{"config": object{"text": "x"}})},
		{"type", "The type must be webhook for the integration slack.", changed(slackBody(object{"webhook_url": "http://127.0.0.1/x", "text": "x"}),
			object{"type": "external"})},
	} {
		a := h.call(request{op: "upsertAction", path: at, body: c.body})
		if h.refused(a, 422, parley.ValidationError); a.faults(c.field) != c.text {
			t.Errorf("%s: %s", c.field, a.raw)
		}
	}
	a := h.call(request{op: "upsertAction", path: at, body: slackBody(object{"webhook_url": "http://10.0.0.1/x", "text": "x"})})
	if h.refused(a, 422, parley.ValidationError); a.faults("config.webhook_url") == "" {
		t.Errorf("a private address: %s", a.raw)
	}
}

func TestIntegrationsOverlapWithTheirCategories(t *testing.T) {
	h := open(t)
	if n := len(h.must(request{op: "listActionIntegrationsByCategory", path: []string{"config"}}).rows()); n != 0 {
		t.Errorf("%d integrations of the category config", n)
	}
	h.refused(h.call(request{op: "getActionIntegrationConfig", path: []string{"crm"}}), 404, parley.IntegrationNotFound)
	h.refused(h.send("GET", "/api/v1/action-integrations/http/other", h.token, nil), 404, parley.NotFound)
	for _, row := range h.must(request{op: "listActionIntegrations"}).rows() {
		i := row.(object)
		for _, name := range []string{i["identifier"].(string), i["id"].(string)} {
			if got := h.must(request{op: "getActionIntegrationConfig", path: []string{name}}).data(); got["identifier"] != i["identifier"] {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
}

// TestEveryIntegrationTakesAnAction: the catalogue holds all of them, each takes an action by its name and id, and shows no secret of it.
func TestEveryIntegrationTakesAnAction(t *testing.T) {
	h := open(t)
	at := []string{h.agent(nil)}
	given := object{
		"mcp": object{"url": "https://mcp.parley.example/mcp", "authorization": "hunter2", "tools": []any{"book"}},
		"caldav": object{"calendar_url": "https://dav.parley.example/ann/", "username": "ann", "password": "hunter2", "time_zone": "Europe/Berlin",
			"weekdays": []any{1, 5}, "opens": "08:00", "duration": 20},
		"smtp": object{"host": "mail.parley.example", "username": "ann", "password": "hunter2", "from": "Desk <desk@parley.example>",
			"to": "{{email}}", "subject": "Your visit", "body": "See you."},
		"slack": object{"webhook_url": "https://hooks.parley.example/hunter2", "text": "{{what}}"},
	}
	seen := 0
	for _, row := range h.must(request{op: "listActionIntegrations"}).rows() {
		i := row.(object)
		config := given[i["identifier"].(string)]
		if i["identifier"] == "http" {
			continue
		}
		seen++
		for _, name := range []any{i["identifier"], i["id"]} {
			a := h.must(request{op: "upsertAction", path: at, body: actionBody(object{
				"node_id": i["identifier"], "url": nil, "integration": object{"id": name}, "config": config,
			})})
			if shown, _ := a.data()["config"].(object); len(shown) == 0 || bytes.Contains(a.raw, []byte("hunter2")) {
				t.Errorf("%s: %s", name, a.raw)
			}
		}
	}
	if seen != len(given) {
		t.Errorf("%d integrations, want %d", seen, len(given))
	}
}
