package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
)

// placeBody orders a call over the telephone network. Its to is judged by itself: a bad one is a 400, not a 422 (contract notes, C43).
type placeBody struct {
	To           any    `json:"to" required:"false" pattern:"^\\+\\d{7,15}$"`
	Payload      object `json:"payload" required:"false" doc:"Placeholder values."`
	Context      object `json:"context" required:"false" doc:"Echoed in webhooks; never used in the conversation."`
	DelaySeconds int    `json:"delay_seconds" required:"false" minimum:"0" maximum:"3600" default:"0"`
	Testing      bool   `json:"is_testing" required:"false" default:"false"`
}

// expectBody announces a call whose sound an outside system brings.
type expectBody struct {
	SID       string    `json:"sid" minLength:"1" maxLength:"255"`
	From      phone     `json:"from"`
	To        phone     `json:"to"`
	Direction direction `json:"direction"`
	Payload   object    `json:"payload" required:"false"`
	Context   object    `json:"context" required:"false"`
}

type placedJSON struct {
	ID        string `json:"id"`
	CallID    string `json:"call_id" doc:"Alias of id."`
	AgentID   string `json:"agent_id"`
	To        string `json:"to"`
	Status    string `json:"status" enum:"initiated"`
	CreatedAt stamp  `json:"created_at"`
}

type externalCallJSON struct {
	ID            string        `json:"id"`
	AgentID       string        `json:"agent_id"`
	Type          string        `json:"type" enum:"external.websocketCall"`
	CreatedAt     millis        `json:"created_at"`
	UpdatedAt     millis        `json:"updated_at"`
	EnvironmentID string        `json:"environment_id"`
	OrgID         string        `json:"org_id" doc:"Same value as environment_id."`
	Cost          int           `json:"cost" enum:"0"`
	Status        string        `json:"status" enum:"ready"`
	Transport     transportJSON `json:"transport"`
}

type transportJSON struct {
	Provider string `json:"provider" enum:"external.websocket"`
	URL      string `json:"websocketCallUrl" format:"uri" example:"wss://parley.example.com/c7d1f0/transport?x-talq=0123456789abcdef"`
	Token    string `json:"token" example:"0123456789abcdef"`
}

// maxKey is the greatest length of an Idempotency-Key in bytes.
const maxKey = 255

func (a *api) makeCallRoute() {
	o := op{
		id: "makeCall", method: http.MethodPost, path: "/api/v1/agents/{agent_id}/call", tag: "Calls",
		summary: "Place a call with an agent, by telephony or by an outside transport", nested: true,
		codes: []parley.Code{
			parley.InvalidPhoneNumber, parley.MissingPhoneNumber, parley.AgentInactive, parley.PhoneNumberForbidden, parley.InsufficientCredits,
			parley.Unauthorized, parley.AgentNotFound, parley.ValidationError, parley.CapacityExceeded,
		},
		texts: map[parley.Code]string{parley.RateLimitExceeded: "Rate limit exceeded. Please wait before making more requests."},
		nestedTexts: map[parley.Code]string{
			parley.InvalidToken: "Invalid or missing authentication token", parley.AgentNotFound: "Voice agent not found",
		},
		shape: bareShape, request: describeOrder, answer: describePlaced,
		headers: []*huma.Param{{
			Name: "Idempotency-Key", In: "header", Example: "order-4711", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "A repeated order by telephony with the same key gives the first answer again, for 24 hours; beyond the contract.",
		}},
	}
	place, expect := newForm(typeOf[placeBody]()), newForm(typeOf[expectBody]())
	a.mount(&route{op: o, serve: func(w http.ResponseWriter, r *http.Request, actor parley.Actor) error {
		values, err := a.decode(w, r)
		if err != nil {
			return err
		}
		var answer any
		if outside(values) {
			answer, err = a.expectCall(r, actor, expect, values)
		} else {
			answer, err = a.placeCall(r, actor, place, values)
		}
		if err != nil {
			return aboutAgent(err, pathID(r, "agent_id"))
		}
		writeJSON(w, http.StatusOK, answer)
		return nil
	}})
}

// describeOrder is one of two forms.
func describeOrder(r huma.Registry) *huma.Schema {
	place := r.Schema(typeOf[placeBody](), false, "")
	place.Required, place.Properties["to"] = []string{"to"}, phone("").Schema(r)
	return &huma.Schema{AnyOf: []*huma.Schema{r.Schema(typeOf[placeBody](), true, ""), r.Schema(typeOf[expectBody](), true, "")}}
}

// describePlaced is one of two answers, by the form of the request.
func describePlaced(r huma.Registry) *huma.Schema {
	placed := &huma.Schema{Type: huma.TypeObject, Required: []string{"success", "data"}, Properties: map[string]*huma.Schema{
		"success": {Type: huma.TypeBoolean, Enum: []any{true}}, "data": r.Schema(typeOf[placedJSON](), true, ""),
	}}
	return &huma.Schema{OneOf: []*huma.Schema{placed, r.Schema(typeOf[externalCallJSON](), true, "")}}
}

// outside says which form a body has.
func outside(values map[string]any) bool {
	return values["sid"] != nil || values["from"] != nil || values["direction"] != nil
}

// aboutAgent says which agent was not found.
func aboutAgent(err error, id string) error {
	if parley.CodeOf(err) != parley.AgentNotFound {
		return err
	}
	return &parley.Error{Code: parley.AgentNotFound, Message: err.Error(), Details: map[string]any{"agent_id": id}}
}

func (a *api) placeCall(r *http.Request, actor parley.Actor, f form, values map[string]any) (any, error) {
	var b placeBody
	var faults parley.Faults
	if err := f.fill(&b, values, &faults); err != nil {
		return nil, err
	}
	to, err := called(b.To)
	if err != nil {
		return nil, err
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) > maxKey {
		faults.Add("idempotency_key", fmt.Sprintf("The idempotency key field must not be greater than %d characters.", maxKey))
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	agentID := pathID(r, "agent_id")
	order := parley.CallRequest{
		To: to, Payload: b.Payload.raw, Context: b.Context.raw, Delay: time.Duration(b.DelaySeconds) * time.Second, Testing: b.Testing,
		IdempotencyKey: key,
	}
	if key != "" {
		if order.Fingerprint, err = fingerprint(agentID, order); err != nil {
			return nil, err
		}
	}
	c, err := a.deps.Calls.Place(r.Context(), actor, agentID, order)
	if err != nil {
		return nil, err
	}
	// The answer to an order is always that it was taken, also when it is given again while the call is long over.
	return envelope{Success: true, Data: placedJSON{
		ID: c.ID, CallID: c.ID, AgentID: c.AgentID, To: c.To, Status: string(parley.CallInitiated), CreatedAt: stamp(c.CreatedAt),
	}}, nil
}

var phoneNumber = regexp.MustCompile(phonePattern)

func called(to any) (string, error) {
	s, ok := to.(string)
	if to == nil || ok && s == "" {
		return "", parley.Errorf(parley.MissingPhoneNumber, "no number to call")
	}
	if !ok || !phoneNumber.MatchString(s) {
		return "", &parley.Error{Code: parley.InvalidPhoneNumber, Message: "not in international format", Details: map[string]any{"field": "to", "value": to}}
	}
	return s, nil
}

// fingerprint tells whether two orders with one key are the same.
func fingerprint(agentID string, order parley.CallRequest) (string, error) {
	b, err := json.Marshal([]any{agentID, order.To, order.Payload, order.Context, order.Delay, order.Testing})
	if err != nil {
		return "", fmt.Errorf("fingerprint of an order: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

func (a *api) expectCall(r *http.Request, actor parley.Actor, f form, values map[string]any) (any, error) {
	var b expectBody
	var faults parley.Faults
	if err := f.fill(&b, values, &faults); err != nil {
		return nil, err
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	c, token, err := a.deps.Calls.Expect(r.Context(), actor, pathID(r, "agent_id"), parley.ExternalRequest{
		SID: b.SID, From: string(b.From), To: string(b.To), Direction: parley.Direction(b.Direction),
		Payload: b.Payload.raw, Context: b.Context.raw,
	})
	if err != nil {
		return nil, err
	}
	return externalCallJSON{
		ID: c.ID, AgentID: c.AgentID, Type: "external.websocketCall", CreatedAt: millis(c.CreatedAt), UpdatedAt: millis(c.UpdatedAt),
		EnvironmentID: c.EnvironmentID, OrgID: c.EnvironmentID, Status: "ready",
		Transport: transportJSON{Provider: "external.websocket", URL: a.socket(r, c.ID, token), Token: token},
	}, nil
}

// transportOp is the WebSocket of an outside call. Its handler is another door.
var transportOp = op{
	id: "connectCallTransport", method: http.MethodGet, path: "/{call_id}/transport", tag: "Call Transport",
	summary: "Upgrade to the audio WebSocket of an outside-transport call", open: true, shape: mediaShape, status: http.StatusSwitchingProtocols,
	codes: []parley.Code{parley.InvalidToken, parley.CallNotFound, parley.CallNotActive},
}

func (a *api) transportRoute() {
	a.mount(&route{op: transportOp, serve: func(w http.ResponseWriter, r *http.Request, _ parley.Actor) error {
		a.deps.Transport.ServeHTTP(w, r)
		return nil
	}})
}
