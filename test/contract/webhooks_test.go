package contract

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/river"
	"github.com/parley-voice/parley/internal/store"
)

// receiver is somebody's server: it keeps what it got and answers with a status and a body.
type receiver struct {
	url    string
	status int
	answer string
	got    []*http.Request
	bodies [][]byte
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusOK, answer: "fine"}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, _ := io.ReadAll(req.Body)
		r.got, r.bodies = append(r.got, req), append(r.bodies, b)
		w.Header().Set("Set-Cookie", "session=1")
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, r.answer)
	}))
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

// body is the last one that came.
func (r *receiver) body(t *testing.T) object {
	t.Helper()
	var o object
	if len(r.bodies) == 0 || json.Unmarshal(r.bodies[len(r.bodies)-1], &o) != nil {
		t.Fatalf("%d requests, no JSON in the last", len(r.bodies))
	}
	return o
}

func webhookBody(change object) object {
	return changed(object{"name": "CRM", "webhook_url": "http://127.0.0.1:1/hook", "events": []string{"event_phone_call_ended"}}, change)
}

// hook makes a webhook of an agent and returns its id.
func (h *house) hook(agent string, change object) string {
	h.t.Helper()
	return h.must(request{op: "createAgentWebhook", path: []string{agent}, body: webhookBody(change)}).id()
}

// happens writes an event of a call of the agent, and has it delivered.
func (h *house) happens(agent string, events ...parley.Event) *parley.Call {
	h.t.Helper()
	now := parley.Stamp(time.Now())
	c := &parley.Call{
		ID: parley.NewID(), AgentID: agent, SID: "sid", To: "+12025550143", From: "+12025550177", Direction: parley.Inbound,
		Status: parley.CallCompleted, EndedReason: parley.EndedByCaller, Context: json.RawMessage(`{"order": 12345678901234567890, "api_key": "k"}`),
		CreatedAt: now, UpdatedAt: now, AnsweredAt: &now, EndedAt: new(now.Add(3 * time.Second)),
	}
	h.update(func(ctx context.Context, tx store.Tx) error {
		a, err := tx.Agent(ctx, "", agent)
		if err != nil {
			return err
		}
		c.EnvironmentID, c.Snapshot = a.EnvironmentID, &parley.Snapshot{Agent: *a}
		var all []parley.CallEvent
		for _, e := range events {
			all = append(all, parley.CallEvent{Event: e, At: now, Data: map[string]any{"reason": "x"}})
		}
		if err := tx.InsertCall(ctx, c); err != nil {
			return err
		}
		return h.webhooks.Put(ctx, tx, c, all...)
	})
	return c
}

// dispatch runs the jobs of a webhook until no first attempt is pending, and then each retry once, due or not.
func (h *house) dispatch(hook string) {
	h.t.Helper()
	var retries []string
	for _, d := range h.deliveries(hook) {
		if d.Status == parley.DeliveryRetrying {
			retries = append(retries, d.ID)
		}
	}
	runner, err := river.NewRunner(h.store.Queue(), jobs.Set{Handlers: map[string]jobs.Handler{jobs.DeliverEvents: h.webhooks.HandleLane}}, "node")
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(h.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	h.until("nothing is pending", func() bool {
		return !slices.ContainsFunc(h.deliveries(hook), func(d *parley.Delivery) bool { return d.Status == parley.DeliveryPending })
	})
	stop()
	<-ended
	for _, id := range retries {
		if err := h.webhooks.HandleRetry(h.t.Context(), id); err != nil {
			h.t.Fatal(err)
		}
	}
}

// deliveries are those that a webhook has logs of.
func (h *house) deliveries(hook string) (ds []*parley.Delivery) {
	h.t.Helper()
	h.update(func(ctx context.Context, tx store.Tx) error {
		logs, _, err := tx.DeliveryLogs(ctx, hook, store.Page{Size: 100})
		for _, l := range logs {
			d, err := tx.Delivery(ctx, l.DeliveryID)
			if err != nil {
				return err
			}
			ds = append(ds, d)
		}
		return err
	})
	return ds
}

func (h *house) logs(agent, hook string) []any {
	h.t.Helper()
	return h.must(request{op: "listAgentWebhookLogs", path: []string{agent, hook}}).rows()
}

// webhookSuccesses calls each operation on webhooks so that it succeeds.
func (h *house) webhookSuccesses() {
	agent, r := h.agent(nil), newReceiver(h.t)
	hook := h.hook(agent, object{"webhook_url": r.url, "max_retries": 0})
	at := []string{agent, hook}
	r.status = http.StatusBadGateway
	h.happens(agent, parley.EventCallEnded)
	h.dispatch(hook)
	failed := h.logs(agent, hook)[0].(object)["id"].(string)
	r.status = http.StatusOK
	for _, req := range []request{
		{op: "listAgentWebhooks", path: []string{agent}},
		{op: "getAgentWebhook", path: at},
		{op: "updateAgentWebhook", path: at, body: object{}},
		{op: "testAgentWebhook", path: at},
		{op: "retryAgentWebhookLog", path: []string{agent, hook, failed}},
		{op: "toggleAgentWebhook", path: at},
		{op: "deleteAgentWebhook", path: at},
	} {
		h.must(req)
	}
}

// webhookRefusals are those of webhooks and logs that are not there, and of their states.
func (h *house) webhookRefusals(agent string) {
	r := newReceiver(h.t)
	hook := h.hook(agent, object{"webhook_url": r.url})
	at := []string{agent, hook}
	for _, op := range []string{
		"getAgentWebhook", "updateAgentWebhook", "deleteAgentWebhook", "toggleAgentWebhook", "testAgentWebhook", "listAgentWebhookLogs", "retryAgentWebhookLog",
	} {
		h.refused(h.call(request{op: op, path: []string{agent}}), 404, parley.WebhookNotFound)
		h.refused(h.call(request{op: op, path: []string{h.agent(nil), hook}}), 404, parley.WebhookNotFound)
	}
	h.refused(h.call(request{op: "retryAgentWebhookLog", path: at}), 404, parley.LogNotFound)
	h.happens(agent, parley.EventCallEnded)
	log := h.logs(agent, hook)[0].(object)["id"].(string)
	h.refused(h.call(request{op: "retryAgentWebhookLog", path: append(at, log)}), 422, parley.LogNotRetriable)
	r.status = http.StatusInternalServerError
	a := h.call(request{op: "testAgentWebhook", path: at})
	h.refused(a, 422, parley.WebhookTestFailed)
	if a.body["message"] != "Webhook test failed: HTTP 500 Internal Server Error" {
		h.t.Errorf("a failed test says %v", a.body["message"])
	}
}

func TestAWebhookBeginsWithTheDefaultsAndKeepsItsSecrets(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		agent := h.agent(nil)
		made := h.must(request{op: "createAgentWebhook", path: []string{agent}, body: webhookBody(object{
			"webhook_secret": "hush-hush", "custom_headers": []object{{"key": "Authorization", "value": "Bearer letmein"}},
			"events": []string{"event_recording", "event_recording", "event_action"},
		})})
		d := made.data()
		for field, want := range map[string]any{
			"timeout": 30.0, "max_retries": 3.0, "enabled": true, "http_method": "POST", "authorization_scheme": "none", "payload_templates": nil,
			"events_count": 2.0, "status": "active", "agent_id": agent,
		} {
			if d[field] != want {
				t.Errorf("%s is %v, want %v", field, d[field], want)
			}
		}
		if strings.Contains(string(made.raw), "hush") || d["custom_headers"].([]any)[0].(object)["value"] != "Bearer letmein" {
			t.Errorf("shown: %s", made.raw)
		}
		if !strings.HasSuffix(d["created_at"].(string), "Z") || len(d["created_at"].(string)) != len("2026-01-02T15:04:05.000000Z") {
			t.Errorf("created_at %v", d["created_at"])
		}
		h.update(func(ctx context.Context, tx store.Tx) error {
			w, err := tx.Webhook(ctx, agent, made.id())
			if err == nil && (len(w.SealedSecret) == 0 || bytes.Contains(w.SealedSecret, []byte("hush")) || bytes.Contains(w.SealedHeaders, []byte("letmein"))) {
				t.Error("the secrets are not sealed")
			}
			return err
		})
		if status := h.must(request{op: "getAgent", path: []string{agent}}).data()["current_status"]; status != "draft" {
			t.Errorf("status of the agent %v", status)
		}
		list := h.must(request{op: "listAgentWebhooks", path: []string{agent}}).data()
		if len(list["available_events"].(object)) != 22 || len(list["webhooks"].([]any)) != 1 {
			t.Errorf("list %v", list)
		}
	})
}

func TestOnlySentFieldsOfAWebhookChange(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	hook := h.hook(agent, object{
		"webhook_secret": "hush", "custom_headers": []object{{"key": "X-A", "value": ""}}, "payload_templates": object{"event_recording": object{"a": "{{b}}"}},
	})
	at := []string{agent, hook}
	d := h.must(request{op: "updateAgentWebhook", path: at, body: object{"name": "ERP", "timeout": 5, "enabled": false}}).data()
	if d["name"] != "ERP" || d["timeout"] != 5.0 || d["status"] != "disabled" || d["max_retries"] != 3.0 ||
		d["custom_headers"] == nil || d["payload_templates"] == nil {
		t.Errorf("after a change: %v", d)
	}
	nulls := `{"custom_headers": null, "payload_templates": null, "webhook_secret": null, "name": null}`
	d = h.must(request{op: "updateAgentWebhook", path: at, body: nulls}).data()
	if d["custom_headers"] != nil || d["payload_templates"] != nil || d["name"] != "ERP" {
		t.Errorf("after null: %v", d)
	}
	for _, want := range []object{{"message": "Webhook enabled", "status": "active"}, {"message": "Webhook disabled", "status": "disabled"}} {
		a := h.must(request{op: "toggleAgentWebhook", path: at})
		if a.body["message"] != want["message"] || a.data()["status"] != want["status"] {
			t.Errorf("toggled: %s", a.raw)
		}
	}
	h.must(request{op: "deleteAgentWebhook", path: at})
	h.refused(h.call(request{op: "getAgentWebhook", path: at}), 404, parley.WebhookNotFound)
}

func TestTextsOfWebhooks(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	for _, c := range []struct {
		name, field, want string
		change            object
	}{
		{"no name", "name", "The name field is required.", object{"name": nil}},
		{"no URL", "webhook_url", "The webhook url must be a valid URL.", object{"webhook_url": "somewhere"}},
		{"another scheme", "webhook_url", "The webhook url must be a valid URL.", object{"webhook_url": "ftp://example.com"}},
		{"a private address", "webhook_url", "The webhook url cannot be used: 10.0.0.1 is not a public address; the operator may add its network to egress.allow.",
			object{"webhook_url": "http://10.0.0.1/"}},
		{"no events", "events", "The events field must contain at least 1 items.", object{"events": []string{}}},
		{"an unknown event", "events.1", "The selected events.1 is invalid.", object{"events": []string{"event_action", "event_x"}}},
		{"a timeout that is too short", "timeout", "The timeout must be between 5 and 120.", object{"timeout": 4}},
		{"a timeout that is none", "timeout", "The timeout must be an integer.", object{"timeout": "x"}},
		{"too many retries", "max_retries", "The max retries must be between 0 and 10.", object{"max_retries": 11}},
		{"a method that is not offered", "http_method", "The selected http method is invalid.", object{"http_method": "GET"}},
		{"a scheme that is none", "authorization_scheme", "The selected authorization scheme is invalid.", object{"authorization_scheme": "x"}},
		{"a long secret", "webhook_secret", "The webhook secret field must not be greater than 255 characters.", object{"webhook_secret": strings.Repeat("x", 256)}},
		{"a header without name", "custom_headers.0.key", "The custom headers.0.key field is required.", object{"custom_headers": []object{{"value": "x"}}}},
		{"a header that breaks the line", "custom_headers.0.value", "The selected custom headers.0.value is invalid.",
			object{"custom_headers": []object{{"key": "X", "value": "a\r\nB: c"}}}},
		{"a header that is the request's own", "custom_headers.0.key", "The selected custom headers.0.key is invalid.",
			object{"custom_headers": []object{{"key": "Host", "value": "a"}}}},
		{"a template that is none", "payload_templates.event_action", "The payload templates.event_action must be an object.",
			object{"payload_templates": object{"event_action": "x"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := h.call(request{op: "createAgentWebhook", path: []string{agent}, body: webhookBody(c.change)})
			if a.status != 422 || a.faults(c.field) != c.want || len(a.body["errors"].(object)) != 1 {
				t.Errorf("got %d %s", a.status, a.raw)
			}
		})
	}
}

func TestATestDeliveryIsSigned(t *testing.T) {
	h := open(t)
	agent, r := h.agent(nil), newReceiver(t)
	hook := h.hook(agent, object{
		"webhook_url": r.url + "/in?x=1", "webhook_secret": "hush", "http_method": "PUT", "custom_headers": []object{{"key": "X-Key", "value": "v"}},
	})
	d := h.must(request{op: "testAgentWebhook", path: []string{agent, hook}}).data()
	if d["status_code"] != 200.0 {
		t.Errorf("answer %v", d)
	}
	req, body := r.got[0], r.bodies[0]
	if err := h.spec.doc.Components.Schemas["WebhookTestPayload"].Value.VisitJSON(any(r.body(t))); err != nil {
		t.Errorf("payload: %v", err)
	}
	mac := hmac.New(sha256.New, []byte("hush"))
	mac.Write(body)
	if got := req.Header.Get("X-Webhook-Signature"); got != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("signature %q", got)
	}
	key, err := standardwebhooks.NewWebhookRaw([]byte("hush"))
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Verify(body, req.Header); err != nil {
		t.Errorf("standard-webhooks: %v", err)
	}
	if req.Method != http.MethodPut || req.Header.Get("X-Key") != "v" || req.URL.RawQuery != "x=1" || req.Header.Get("Content-Type") != "application/json" {
		t.Errorf("request %s %s %v", req.Method, req.URL, req.Header)
	}
	if n := len(h.logs(agent, hook)); n != 0 {
		t.Errorf("a test left %d logs", n)
	}
	for url, want := range map[string]string{
		"http://127.0.0.1:1/": "Webhook test failed: Connection refused", "http://localhost.invalid/": "Webhook test failed: Host not found",
	} {
		h.must(request{op: "updateAgentWebhook", path: []string{agent, hook}, body: object{"webhook_url": url}})
		if a := h.call(request{op: "testAgentWebhook", path: []string{agent, hook}}); a.body["message"] != want {
			t.Errorf("%s: %v", url, a.body["message"])
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	h := open(t)
	agent, r := h.agent(nil), newReceiver(t)
	r.status = http.StatusFound
	hook := h.hook(agent, object{"webhook_url": r.url})
	if a := h.call(request{op: "testAgentWebhook", path: []string{agent, hook}}); a.body["message"] != "Webhook test failed: HTTP 302 Found" {
		t.Errorf("%s", a.raw)
	}
}

func TestFailedDeliveriesAreLoggedAttemptByAttempt(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		agent, r := h.agent(nil), newReceiver(t)
		hook := h.hook(agent, object{"webhook_url": r.url, "max_retries": 1, "custom_headers": []object{{"key": "Authorization", "value": "Bearer letmein"}}})
		at := []string{agent, hook}
		r.status, r.answer = http.StatusServiceUnavailable, strings.Repeat("you sent letmein ", 2000)
		c := h.happens(agent, parley.EventCallEnded, parley.EventRecording)
		h.dispatch(hook)
		log := h.logs(agent, hook)[0].(object)
		if log["status"] != "retrying" || log["http_status"] != 503.0 || log["error"] != "HTTP 503 Service Unavailable" || log["attempt"] != 1.0 {
			t.Errorf("after the first attempt: %v", log)
		}
		sent := r.body(t)
		if sent["call_id"] != c.ID || sent["duration"] != 3.0 || sent["sequence"] != 1.0 || sent["call"].(object)["agent"].(object)["id"] != agent {
			t.Errorf("sent %v", sent)
		}
		if !bytes.Contains(r.bodies[0], []byte("12345678901234567890")) || log["request_payload"].(object)["context"].(object)["api_key"] != "[redacted]" {
			t.Errorf("context sent as %s, shown as %v", r.bodies[0], log["request_payload"])
		}
		text := log["response_body"].(string)
		if strings.Contains(text, "letmein") || len(text) > 17<<10 || log["response_headers"].(object)["Set-Cookie"] != "[redacted]" {
			t.Errorf("answer shown as %.100s… (%d bytes), %v", text, len(text), log["response_headers"])
		}
		h.dispatch(hook)
		rows := h.logs(agent, hook)
		if len(rows) != 2 || rows[0].(object)["status"] != "failed" || rows[0].(object)["attempt"] != 2.0 || rows[1].(object)["status"] != "failed" {
			t.Fatalf("after the last attempt: %v", rows)
		}
		if s := h.must(request{op: "getAgentWebhook", path: at}).data()["status"]; s != "error" {
			t.Errorf("the webhook is %v", s)
		}
		retry := request{op: "retryAgentWebhookLog", path: append(at, rows[1].(object)["id"].(string))}
		again := h.must(retry).data()
		if again["original_log_id"] != retry.path[2] || h.logs(agent, hook)[0].(object)["id"] != again["log_id"] {
			t.Errorf("retry %v", again)
		}
		h.refused(h.call(retry), 422, parley.LogNotRetriable) // it is pending
		r.status, r.answer = http.StatusNoContent, ""
		h.dispatch(hook)
		if log := h.logs(agent, hook)[0].(object); log["status"] != "success" || log["attempt"] != 3.0 || log["delivered_at"] == nil || log["id"] != again["log_id"] {
			t.Errorf("after the retry by hand: %v", log)
		}
		if s := h.must(request{op: "getAgentWebhook", path: at}).data()["status"]; s != "active" {
			t.Errorf("the webhook is %v", s)
		}
		h.refused(h.call(retry), 422, parley.LogNotRetriable) // it was delivered
	})
}

func TestADisabledWebhookGetsNothingOfWhatWasOnItsWay(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		agent, r := h.agent(nil), newReceiver(t)
		hook := h.hook(agent, object{"webhook_url": r.url})
		at := []string{agent, hook}
		h.happens(agent, parley.EventCallEnded)
		h.must(request{op: "toggleAgentWebhook", path: at})
		h.happens(agent, parley.EventCallEnded)
		h.must(request{op: "toggleAgentWebhook", path: at})
		h.dispatch(hook)
		logs := h.logs(agent, hook)
		if len(r.got) != 0 || len(logs) != 1 || logs[0].(object)["status"] != "failed" || logs[0].(object)["error"] != "Webhook disabled" {
			t.Errorf("%d requests, logs %v", len(r.got), logs)
		}
		h.must(request{op: "toggleAgentWebhook", path: at})
		h.refused(h.call(request{op: "retryAgentWebhookLog", path: append(at, logs[0].(object)["id"].(string))}), 422, parley.LogNotRetriable)
	})
}

func TestTemplatesReplaceTheBody(t *testing.T) {
	h := open(t)
	agent, r := h.agent(nil), newReceiver(t)
	hook := h.hook(agent, object{"webhook_url": r.url, "payload_templates": object{"event_phone_call_ended": object{
		"text": "{{event}} of {{ call.id }}: {{data.reason}}", "nested": []any{object{"none": "<{{no.such.path}}>", "order": "{{context.order}}", "n": 1}},
		"all": "{{context}}",
	}}})
	c := h.happens(agent, parley.EventCallEnded)
	h.dispatch(hook)
	sent := r.body(t)
	inner := sent["nested"].([]any)[0].(object)
	if sent["text"] != "event_phone_call_ended of "+c.ID+": x" || inner["none"] != "<>" || inner["order"] != "12345678901234567890" || inner["n"] != 1.0 {
		t.Errorf("sent %s", r.bodies[0])
	}
	if !strings.Contains(sent["all"].(string), `"api_key":"k"`) || len(sent) != 3 {
		t.Errorf("sent %s", r.bodies[0])
	}
}

func TestLogsArePagedBy25(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	hook := h.hook(agent, nil)
	for range 30 {
		h.happens(agent, parley.EventCallEnded)
	}
	p := h.must(request{op: "listAgentWebhookLogs", path: []string{agent, hook}}).body["pagination"].(object)
	if p["per_page"] != 25.0 || p["total"] != 30.0 || p["last_page"] != 2.0 {
		t.Errorf("pagination %v", p)
	}
	if n := len(h.must(request{op: "listAgentWebhookLogs", path: []string{agent, hook}, query: "?page=2"}).rows()); n != 5 {
		t.Errorf("%d rows on the last page", n)
	}
	if a := h.send("GET", "/api/v1/agents/"+agent+"/webhooks/"+hook+"/logs?per_page=0", h.token, nil); a.status != 422 {
		t.Errorf("a page of none: %d", a.status)
	}
}
