package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/webhooks"
)

type webhookJSON struct {
	ID          string       `json:"id"`
	AgentID     string       `json:"agent_id"`
	Name        string       `json:"name" example:"CRM"`
	URL         string       `json:"webhook_url"`
	Events      []event      `json:"events" nullable:"false"`
	Timeout     int          `json:"timeout" minimum:"5" maximum:"120" doc:"Seconds."`
	MaxRetries  int          `json:"max_retries" minimum:"0" maximum:"10"`
	Enabled     bool         `json:"enabled" example:"true"`
	Method      httpMethod   `json:"http_method"`
	Scheme      authScheme   `json:"authorization_scheme"`
	Headers     []headerPair `json:"custom_headers" nullable:"true"`
	Templates   *object      `json:"payload_templates"`
	EventsCount int          `json:"events_count" minimum:"0"`
	Status      string       `json:"status" enum:"active,disabled,error"`
	CreatedAt   micros       `json:"created_at"`
	UpdatedAt   micros       `json:"updated_at"`
}

func showWebhook(v webhooks.View) webhookJSON {
	out := webhookJSON{
		ID: v.ID, AgentID: v.AgentID, Name: v.Name, URL: v.URL, Events: each(v.Events, func(e parley.Event) event { return event(e) }),
		Timeout: int(v.Timeout / time.Second), MaxRetries: v.MaxRetries, Enabled: v.Enabled, Method: httpMethod(v.Method),
		Scheme: authScheme(v.Scheme), EventsCount: len(v.Events), Status: v.Status(), CreatedAt: micros(v.CreatedAt), UpdatedAt: micros(v.UpdatedAt),
	}
	if v.Headers != nil {
		out.Headers = each(v.Headers, func(h parley.Header) headerPair { return headerPair(h) })
	}
	if v.Templates != nil {
		out.Templates = &object{v.Templates}
	}
	return out
}

func showWebhookOr(v webhooks.View, err error) (webhookJSON, error) {
	if err != nil {
		return webhookJSON{}, err
	}
	return showWebhook(v), nil
}

// webhookListJSON is the list of an agent's webhooks, with what there is to hear.
type webhookListJSON struct {
	Webhooks  []webhookJSON           `json:"webhooks" nullable:"false"`
	Available map[parley.Event]string `json:"available_events" example:"{\"event_phone_call_ended\":\"The call reached a final state.\"}"`
}

type createWebhookBody struct {
	Name       string        `json:"name" minLength:"1" maxLength:"255" example:"CRM"`
	URL        webURL        `json:"webhook_url" maxLength:"500"`
	Secret     *string       `json:"webhook_secret" required:"false" maxLength:"255" writeOnly:"true" doc:"Deliveries are signed with it."`
	Events     []event       `json:"events" nullable:"false" minItems:"1"`
	Timeout    *int          `json:"timeout" required:"false" nullable:"false" minimum:"5" maximum:"120" default:"30" doc:"Seconds."`
	MaxRetries *int          `json:"max_retries" required:"false" nullable:"false" minimum:"0" maximum:"10" default:"3"`
	Enabled    *bool         `json:"enabled" required:"false" nullable:"false" default:"true"`
	Method     httpMethod    `json:"http_method" required:"false" default:"POST"`
	Scheme     authScheme    `json:"authorization_scheme" required:"false" default:"none" doc:"The credential itself comes from custom_headers."`
	Headers    givenHeaders  `json:"custom_headers" required:"false"`
	Templates  givenTemplate `json:"payload_templates" required:"false" doc:"Event name to template object; strings may hold {{path}} placeholders."`
}

func (b createWebhookBody) webhook() webhooks.NewWebhook {
	n := webhooks.NewWebhook{
		Name: b.Name, URL: string(b.URL), Secret: b.Secret, Events: each(b.Events, func(e event) parley.Event { return parley.Event(e) }),
		Timeout: time.Duration(or(b.Timeout, 30)) * time.Second, MaxRetries: or(b.MaxRetries, 3), Enabled: or(b.Enabled, true),
		Method: string(b.Method), Scheme: string(b.Scheme), Headers: b.Headers.clear(), Templates: b.Templates.raw(),
	}
	if n.Method == "" {
		n.Method = http.MethodPost
	}
	if n.Scheme == "" {
		n.Scheme = "none"
	}
	return n
}

func or[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}

type updateWebhookBody struct {
	Name       *string       `json:"name" required:"false" nullable:"false" minLength:"1" maxLength:"255" example:"CRM"`
	URL        *webURL       `json:"webhook_url" required:"false" maxLength:"500"`
	Secret     givenSecret   `json:"webhook_secret" required:"false" maxLength:"255" writeOnly:"true" doc:"Null signs no more."`
	Events     []event       `json:"events" required:"false" nullable:"false" minItems:"1"`
	Timeout    *int          `json:"timeout" required:"false" nullable:"false" minimum:"5" maximum:"120" doc:"Seconds."`
	MaxRetries *int          `json:"max_retries" required:"false" nullable:"false" minimum:"0" maximum:"10"`
	Enabled    *bool         `json:"enabled" required:"false" nullable:"false"`
	Method     *httpMethod   `json:"http_method" required:"false"`
	Scheme     *authScheme   `json:"authorization_scheme" required:"false"`
	Headers    givenHeaders  `json:"custom_headers" required:"false"`
	Templates  givenTemplate `json:"payload_templates" required:"false" doc:"Event name to template object; strings may hold {{path}} placeholders."`
}

func (b updateWebhookBody) change() webhooks.Change {
	c := webhooks.Change{
		Name: b.Name, URL: (*string)(b.URL), Method: (*string)(b.Method), Scheme: (*string)(b.Scheme), Secret: b.Secret.Given,
		MaxRetries: b.MaxRetries, Enabled: b.Enabled,
	}
	if b.Events != nil {
		events := each(b.Events, func(e event) parley.Event { return parley.Event(e) })
		c.Events = &events
	}
	if b.Timeout != nil {
		t := time.Duration(*b.Timeout) * time.Second
		c.Timeout = &t
	}
	if c.Headers.Sent = b.Headers.Sent; b.Headers.Value != nil {
		headers := b.Headers.clear()
		c.Headers.Value = &headers
	}
	if c.Templates.Sent = b.Templates.Sent; b.Templates.Value != nil {
		raw := b.Templates.raw()
		c.Templates.Value = &raw
	}
	return c
}

const (
	webhooksPath = "/api/v1/agents/{agent_id}/webhooks"
	webhookPath  = webhooksPath + "/{webhook_id}"
)

// webhookOp is what all operations on webhooks have in common.
func webhookOp(id, method, path, summary string, codes ...parley.Code) op {
	return op{
		id: id, method: method, path: path, tag: "Agent Webhooks", summary: summary,
		codes: append([]parley.Code{parley.Unauthorized, parley.AgentNotFound}, codes...),
		texts: map[parley.Code]string{
			parley.AgentNotFound: "Agent not found in this environment.", parley.InvalidToken: "Missing Bearer Token",
		},
	}
}

func (a *api) webhookRoutes() {
	saying := func(o op, message string) op { o.message = message; return o }
	handle(a, webhookOp("listAgentWebhooks", http.MethodGet, webhooksPath, "List webhooks and available events"), a.listWebhooks)
	handle(a, saying(webhookOp("createAgentWebhook", http.MethodPost, webhooksPath, "Create an agent webhook", parley.ValidationError),
		"Webhook created successfully"), a.createWebhook)
	handle(a, webhookOp("getAgentWebhook", http.MethodGet, webhookPath, "Get one agent webhook", parley.WebhookNotFound), a.getWebhook)
	handle(a, saying(webhookOp("updateAgentWebhook", http.MethodPut, webhookPath, "Change parts of an agent webhook",
		parley.WebhookNotFound, parley.ValidationError), "Webhook updated successfully"), a.updateWebhook)
	remove := saying(webhookOp("deleteAgentWebhook", http.MethodDelete, webhookPath, "Delete an agent webhook", parley.WebhookNotFound),
		"Webhook deleted successfully")
	remove.shape = doneShape
	handle(a, remove, a.deleteWebhook)
	toggle := webhookOp("toggleAgentWebhook", http.MethodPatch, webhookPath+"/toggle", "Flip enabled", parley.WebhookNotFound)
	toggle.shape, toggle.answer = bareShape, describeToggled
	handle(a, toggle, a.toggleWebhook)
	handle(a, saying(webhookOp("testAgentWebhook", http.MethodPost, webhookPath+"/test", "Send a test delivery and wait for the answer",
		parley.WebhookNotFound, parley.WebhookTestFailed), "Test webhook sent successfully"), a.testWebhook)
	logs := webhookOp("listAgentWebhookLogs", http.MethodGet, webhookPath+"/logs", "List deliveries of an agent webhook",
		parley.WebhookNotFound, parley.ValidationError)
	delete(logs.texts, parley.InvalidToken)
	logs.shape = pageShape
	handle(a, logs, a.listWebhookLogs)
	retry := saying(webhookOp("retryAgentWebhookLog", http.MethodPost, webhookPath+"/logs/{log_id}/retry", "Retry one failed delivery",
		parley.WebhookNotFound, parley.LogNotFound, parley.LogNotRetriable), "Webhook retry queued successfully")
	delete(retry.texts, parley.InvalidToken)
	handle(a, retry, a.retryWebhookLog)
}

func (a *api) listWebhooks(ctx context.Context, r *in[none, none]) (webhookListJSON, error) {
	rows, err := a.deps.Webhooks.List(ctx, r.actor, r.id("agent_id"))
	return webhookListJSON{each(rows, showWebhook), parley.AgentEvents()}, err
}

func (a *api) createWebhook(ctx context.Context, r *in[none, createWebhookBody]) (webhookJSON, error) {
	return showWebhookOr(a.deps.Webhooks.Create(ctx, r.actor, r.id("agent_id"), r.body.webhook(), r.faults))
}

func (a *api) getWebhook(ctx context.Context, r *in[none, none]) (webhookJSON, error) {
	return showWebhookOr(a.deps.Webhooks.Get(ctx, r.actor, r.id("agent_id"), r.id("webhook_id")))
}

func (a *api) updateWebhook(ctx context.Context, r *in[none, updateWebhookBody]) (webhookJSON, error) {
	return showWebhookOr(a.deps.Webhooks.Update(ctx, r.actor, r.id("agent_id"), r.id("webhook_id"), r.body.change(), r.faults))
}

func (a *api) deleteWebhook(ctx context.Context, r *in[none, none]) (none, error) {
	return none{}, a.deps.Webhooks.Delete(ctx, r.actor, r.id("agent_id"), r.id("webhook_id"))
}

// toggledJSON says the new state in its message.
type toggledJSON struct {
	Success bool        `json:"success"`
	Message string      `json:"message"`
	Data    webhookJSON `json:"data"`
}

const (
	webhookEnabled  = "Webhook enabled"
	webhookDisabled = "Webhook disabled"
)

func describeToggled(r huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Required: []string{"success", "message", "data"}, Properties: map[string]*huma.Schema{
		"success": {Type: huma.TypeBoolean, Enum: []any{true}}, "message": oneOf(webhookEnabled, webhookDisabled),
		"data": r.Schema(typeOf[webhookJSON](), true, ""),
	}}
}

func (a *api) toggleWebhook(ctx context.Context, r *in[none, none]) (toggledJSON, error) {
	w, err := showWebhookOr(a.deps.Webhooks.Toggle(ctx, r.actor, r.id("agent_id"), r.id("webhook_id")))
	t := toggledJSON{Success: true, Message: webhookDisabled, Data: w}
	if w.Enabled {
		t.Message = webhookEnabled
	}
	return t, err
}

type webhookTestJSON struct {
	Status int   `json:"status_code" minimum:"100" maximum:"599"`
	Millis int64 `json:"response_time" minimum:"0" doc:"Milliseconds."`
}

func (a *api) testWebhook(ctx context.Context, r *in[none, none]) (webhookTestJSON, error) {
	status, took, err := a.deps.Webhooks.Test(ctx, r.actor, r.id("agent_id"), r.id("webhook_id"))
	return webhookTestJSON{status, took.Milliseconds()}, err
}

type webhookLogJSON struct {
	ID              string            `json:"id"`
	WebhookID       string            `json:"webhook_id"`
	Event           string            `json:"event"`
	Attempt         int               `json:"attempt" minimum:"1"`
	Status          string            `json:"status" enum:"pending,success,failed,retrying"`
	HTTPStatus      *int              `json:"http_status" minimum:"100" maximum:"599"`
	Request         map[string]any    `json:"request_payload" nullable:"true"`
	Response        *string           `json:"response_body"`
	ResponseHeaders map[string]string `json:"response_headers" nullable:"true"`
	Error           *string           `json:"error"`
	Millis          *int64            `json:"duration_ms" minimum:"0"`
	DeliveredAt     *micros           `json:"delivered_at"`
	CreatedAt       micros            `json:"created_at"`
}

func showLog(l *parley.DeliveryLog) webhookLogJSON {
	out := webhookLogJSON{
		ID: l.ID, WebhookID: l.WebhookID, Event: string(l.Event), Attempt: l.Attempt, Status: string(l.Status),
		Request: webhooks.Redacted(l.Request), Error: orNil(l.Error), CreatedAt: micros(l.CreatedAt),
	}
	if l.Status != parley.DeliveryPending {
		took := l.Took.Milliseconds()
		out.Millis = &took
	}
	if l.HTTPStatus != 0 {
		out.HTTPStatus, out.Response, out.ResponseHeaders = &l.HTTPStatus, &l.Response, l.ResponseHeaders
	}
	if l.DeliveredAt != nil {
		at := micros(*l.DeliveredAt)
		out.DeliveredAt = &at
	}
	return out
}

// webhookLogQuery is that of a list whose pages are larger than others'.
type webhookLogQuery struct {
	Page    int `json:"page" required:"false" minimum:"1" default:"1"`
	PerPage int `json:"per_page" required:"false" minimum:"1" maximum:"100" default:"25"`
}

func (a *api) listWebhookLogs(ctx context.Context, r *in[webhookLogQuery, none]) (page[webhookLogJSON], error) {
	q := PageQuery(r.query)
	if q.PerPage == 0 {
		q.PerPage = 25
	}
	rows, total, err := a.deps.Webhooks.Logs(ctx, r.actor, r.id("agent_id"), r.id("webhook_id"), q.page(), r.faults)
	return page[webhookLogJSON]{items: each(rows, showLog), at: q.page(), total: total}, err
}

type webhookRetryJSON struct {
	LogID         string `json:"log_id"`
	OriginalLogID string `json:"original_log_id"`
	QueuedAt      micros `json:"queued_at"`
}

func (a *api) retryWebhookLog(ctx context.Context, r *in[none, none]) (webhookRetryJSON, error) {
	l, err := a.deps.Webhooks.Retry(ctx, r.actor, r.id("agent_id"), r.id("webhook_id"), r.id("log_id"))
	if err != nil {
		return webhookRetryJSON{}, err
	}
	return webhookRetryJSON{l.ID, r.id("log_id"), micros(l.CreatedAt)}, nil
}

// raw is the templates as they came; nil for none.
func (t givenTemplate) raw() json.RawMessage {
	if t.Value == nil {
		return nil
	}
	return t.Value.raw
}

// clear are the headers; nil for none.
func (g givenHeaders) clear() []parley.Header {
	if g.Value == nil {
		return nil
	}
	return each(*g.Value, func(p headerPair) parley.Header { return parley.Header(p) })
}
