package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// CallJSON is a row of a list of calls.
type CallJSON struct {
	ID            string        `json:"id"`
	SID           string        `json:"sid"`
	To            string        `json:"to"`
	ToFormatted   string        `json:"to_formatted"`
	From          string        `json:"from"`
	FromFormatted string        `json:"from_formatted"`
	Testing       bool          `json:"is_testing"`
	Direction     direction     `json:"direction"`
	Status        string        `json:"status" enum:"initiated,ringing,answered,completed,failed,busy,no-answer" example:"completed"`
	Duration      int           `json:"duration" minimum:"0" doc:"Seconds; 0 until finished." example:"38"`
	Agent         *agentRefJSON `json:"agent,omitempty"`
	CampaignID    null          `json:"campaign_id"`
	EndedReason   *string       `json:"ended_reason" example:"ended_by_caller"`
	CreatedAt     stamp         `json:"created_at"`
	UpdatedAt     stamp         `json:"updated_at"`
}

func showCall(c *parley.Call) CallJSON {
	return CallJSON{
		ID: c.ID, SID: c.SID, To: c.To, ToFormatted: national(c.To), From: c.From, FromFormatted: national(c.From), Testing: c.Testing,
		Direction: direction(c.Direction), Status: string(c.Status), Duration: int(c.Duration().Round(time.Second).Seconds()),
		EndedReason: orNil(c.EndedReason), CreatedAt: stamp(c.CreatedAt), UpdatedAt: stamp(c.UpdatedAt),
	}
}

// CallFilters are what both lists of calls can be narrowed by.
type CallFilters struct {
	Status    string    `json:"status" required:"false" enum:"initiated,ringing,answered,completed,failed,busy,no-answer,no_answer,in-progress"`
	Direction direction `json:"direction" required:"false"`
	From      string    `json:"date_from" required:"false" format:"date" doc:"Inclusive day."`
	To        string    `json:"date_to" required:"false" format:"date" doc:"Inclusive day."`
	Search    string    `json:"search" required:"false" doc:"Substring of a phone number or call sid."`
	PageQuery
}

type callListQuery struct {
	CallFilters
	AgentID string `json:"agent_id" required:"false"`
	Called  string `json:"to" required:"false" doc:"Exact number."`
}

func (q CallFilters) filter() store.CallFilter {
	f := store.CallFilter{Direction: parley.Direction(q.Direction), Search: plus(q.Search), Page: q.page()}
	switch q.Status {
	case "":
	case "no_answer":
		f.Statuses = []parley.CallStatus{parley.CallNoAnswer}
	case "in-progress":
		f.Statuses = []parley.CallStatus{parley.CallAnswered}
	default:
		f.Statuses = []parley.CallStatus{parley.CallStatus(q.Status)}
	}
	// What is no date was found wrong before and leaves these zero.
	f.From, _ = time.Parse(time.DateOnly, q.From)
	if day, err := time.Parse(time.DateOnly, q.To); err == nil {
		f.Before = day.AddDate(0, 0, 1)
	}
	return f
}

func (a *api) callRoutes() {
	texts := map[parley.Code]string{parley.InvalidToken: unauthorizedText}
	handle(a, op{
		id: "listCalls", method: http.MethodGet, path: "/api/v1/calls", tag: "Calls", summary: "List calls", shape: pageShape, texts: texts,
		codes: []parley.Code{parley.Unauthorized, parley.ValidationError},
	}, a.listCalls)
	handle(a, op{
		id: "listAgentCalls", method: http.MethodGet, path: "/api/v1/agents/{agent_id}/calls", tag: "Calls",
		summary: "List calls of one agent", shape: pageShape, texts: texts,
		codes: []parley.Code{parley.Unauthorized, parley.AgentNotFound, parley.ValidationError},
	}, a.listAgentCalls)
	handle(a, op{
		id: "getCall", method: http.MethodGet, path: "/api/v1/calls/{call_id}", tag: "Calls",
		summary: "Get one call with what was said in it; beyond the contract",
		codes:   []parley.Code{parley.Unauthorized, parley.CallNotFound},
	}, a.getCall)
	handle(a, op{
		id: "endCall", method: http.MethodPost, path: "/api/v1/agents/{agent_id}/end-call", tag: "Calls", summary: "Hang up a running call",
		codes: []parley.Code{parley.Unauthorized, parley.CallNotFound, parley.AgentNotFound, parley.CallNotActive, parley.ValidationError},
		texts: map[parley.Code]string{parley.CallNotFound: "Call not found for this agent"},
	}, a.endCall)
	handle(a, op{
		id: "getActiveCall", method: http.MethodGet, path: "/api/v1/agents/{agent_id}/active-call/{phone}", tag: "Calls",
		summary: "Find running calls with a number",
		codes:   []parley.Code{parley.Unauthorized, parley.NoActiveCall, parley.AgentNotFound},
	}, a.activeCall)
}

func (a *api) listCalls(ctx context.Context, r *in[callListQuery, none]) (page[CallJSON], error) {
	f := r.query.filter()
	f.AgentID, f.To = r.query.AgentID, plus(r.query.Called)
	p, ids, err := a.pageOfCalls(ctx, r.actor, "", f, r.faults)
	if err != nil {
		return p, err
	}
	named, err := a.deps.Agents.Named(ctx, r.actor, ids)
	for i, id := range ids {
		ref := agentRefJSON{ID: id}
		if agent, ok := named[id]; ok {
			ref = showAgentRef(agent)
		}
		p.items[i].Agent = &ref
	}
	return p, err
}

func (a *api) listAgentCalls(ctx context.Context, r *in[CallFilters, none]) (page[CallJSON], error) {
	p, _, err := a.pageOfCalls(ctx, r.actor, r.id("agent_id"), r.query.filter(), r.faults)
	return p, err
}

// pageOfCalls returns a page and the agent of each of its rows.
func (a *api) pageOfCalls(ctx context.Context, actor parley.Actor, agentID string, f store.CallFilter, faults parley.Faults) (page[CallJSON], []string, error) {
	if err := faults.Err(); err != nil {
		return page[CallJSON]{}, nil, err
	}
	rows, total, err := a.deps.Calls.List(ctx, actor, agentID, f)
	ids := each(rows, func(c *parley.Call) string { return c.AgentID })
	return page[CallJSON]{items: each(rows, showCall), at: f.Page, total: total}, ids, err
}

// callDetailJSON is a call with what was said in it (contract notes, chapter 8).
type callDetailJSON struct {
	CallJSON
	AgentID       string           `json:"agent_id"`
	AnsweredAt    *stamp           `json:"answered_at"`
	EndedAt       *stamp           `json:"ended_at"`
	RecordingURL  *string          `json:"recording_url" doc:"Needs the same token; null when nothing was recorded."`
	RecordingNote *string          `json:"recording_note" doc:"Why a recording is short."`
	Quality       *parley.Quality  `json:"quality" doc:"What the sound was like on the network; null until the call ended, and where no packets carried it."`
	Turns         []turnJSON       `json:"turns" nullable:"false"`
	Messages      []messageJSON    `json:"messages" nullable:"false"`
	Transfers     []transferJSON   `json:"transfers" nullable:"false"`
	Actions       []callActionJSON `json:"actions" nullable:"false" doc:"What the agent did besides talking."`
	Callback      *calledBackJSON  `json:"callback"`
}

type turnJSON struct {
	ID          string     `json:"id"`
	Who         string     `json:"who" enum:"caller,agent" example:"agent"`
	StartedAt   millis     `json:"started_at"`
	EndedAt     millis     `json:"ended_at"`
	Text        string     `json:"text" example:"Good morning, this is Rose. How can I help you?"`
	Heard       *string    `json:"heard,omitempty" doc:"Of an agent's turn: what was played of text." example:"Good morning, this is Rose."`
	Interrupted bool       `json:"interrupted" example:"true"`
	ReplyTo     *string    `json:"reply_to" doc:"Turn of the caller that an agent's turn answers."`
	Timing      timingJSON `json:"timing" doc:"Milliseconds."`
	Nodes       []string   `json:"nodes,omitempty" doc:"Of an agent's turn that a flow leads: the nodes that it came to." example:"[\"welcome\",\"wish\"]"`
}

type timingJSON struct {
	Endpointing int `json:"endpointing"`
	Recognition int `json:"recognition"`
	Model       int `json:"model"`
	FirstAudio  int `json:"first_audio"`
}

type messageJSON struct {
	TakenAt stamp             `json:"taken_at"`
	Slots   map[string]string `json:"slots" example:"{\"name\":\"Ann Lee\",\"number\":\"+12025550177\"}"`
}

func showTurn(t parley.Turn) turnJSON {
	return turnJSON{
		ID: t.ID, Who: t.Who, StartedAt: millis(t.StartedAt), EndedAt: millis(t.EndedAt), Text: t.Text, Heard: t.Heard,
		Interrupted: t.Interrupted, ReplyTo: t.ReplyTo, Timing: timingJSON(t.Timing), Nodes: t.Nodes,
	}
}

func (a *api) getCall(ctx context.Context, r *in[none, none]) (callDetailJSON, error) {
	c, turns, err := a.deps.Calls.Get(ctx, r.actor, r.id("call_id"))
	if err != nil {
		return callDetailJSON{}, err
	}
	back, err := a.calledBack(ctx, r.actor, c)
	if err != nil {
		return callDetailJSON{}, err
	}
	acts, err := a.deps.Calls.Actions(ctx, r.actor, c.ID)
	if err != nil {
		return callDetailJSON{}, err
	}
	named, err := a.deps.Agents.Named(ctx, r.actor, []string{c.AgentID})
	if err != nil {
		return callDetailJSON{}, err
	}
	out := callDetailJSON{
		CallJSON: showCall(c), AgentID: c.AgentID, AnsweredAt: stampOr(c.AnsweredAt), EndedAt: stampOr(c.EndedAt),
		RecordingNote: orNil(c.RecordingNote), Quality: c.Quality, Turns: each(turns, showTurn),
		Messages:  each(c.Messages, func(m parley.TakenMessage) messageJSON { return messageJSON{TakenAt: stamp(m.TakenAt), Slots: m.Slots} }),
		Transfers: each(c.Transfers, showTransfer), Actions: each(acts, showCallAction), Callback: back,
	}
	if agent, ok := named[c.AgentID]; ok {
		ref := showAgentRef(agent)
		out.Agent = &ref
	}
	if c.Recording != "" {
		link := a.link(r.http, "/api/v1/calls", c.ID, "recording").String()
		out.RecordingURL = &link
	}
	return out, nil
}

type endCallBody struct {
	SID string `json:"call_sid" minLength:"1" doc:"Call id; the sid is accepted too." example:"SID"`
}

type endedCallJSON struct {
	ID          string `json:"id"`
	Status      string `json:"status" enum:"completed"`
	EndedAt     stamp  `json:"ended_at"`
	EndedReason string `json:"ended_reason" enum:"ended_by_api"`
}

// endCall states the target state; the hang-up itself follows.
func (a *api) endCall(ctx context.Context, r *in[none, endCallBody]) (endedCallJSON, error) {
	if err := r.faults.Err(); err != nil {
		return endedCallJSON{}, err
	}
	c, err := a.deps.Calls.End(ctx, r.actor, r.id("agent_id"), r.body.SID)
	if err != nil {
		return endedCallJSON{}, err
	}
	at := time.Now()
	if c.EndedAt != nil {
		at = *c.EndedAt
	}
	return endedCallJSON{ID: c.ID, Status: string(parley.CallCompleted), EndedAt: stamp(at), EndedReason: parley.EndedByAPI}, nil
}

type activeCallJSON struct {
	ID        string    `json:"id"`
	AgentID   string    `json:"agent_id"`
	To        string    `json:"to"`
	From      string    `json:"from"`
	Direction direction `json:"direction"`
	Status    string    `json:"status" enum:"initiated,ringing,answered"`
	StartedAt stamp     `json:"started_at"`
	Seconds   int       `json:"duration_seconds" minimum:"0"`
}

func (a *api) activeCall(ctx context.Context, r *in[none, none]) ([]activeCallJSON, error) {
	open, err := a.deps.Calls.Active(ctx, r.actor, r.id("agent_id"), r.id("phone"))
	now := time.Now()
	return each(open, func(c *parley.Call) activeCallJSON {
		row := activeCallJSON{
			ID: c.ID, AgentID: c.AgentID, To: c.To, From: c.From, Direction: direction(c.Direction), Status: string(c.Status),
			StartedAt: stamp(c.CreatedAt),
		}
		if c.AnsweredAt != nil {
			row.StartedAt, row.Seconds = stamp(*c.AnsweredAt), max(0, int(now.Sub(*c.AnsweredAt).Seconds()))
		}
		return row
	}), err
}
