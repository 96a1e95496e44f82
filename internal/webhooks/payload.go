package webhooks

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"github.com/parley-voice/parley"
)

// mostBody bounds the body of an event in bytes; past it the parts that users brought are left out.
const mostBody = 256 << 10

// payload is the body of an event of a call (contract notes, 4.3).
type payload struct {
	ID        string          `json:"id"` // the same for every attempt
	Event     parley.Event    `json:"event"`
	AgentID   string          `json:"agent_id"`
	WebhookID string          `json:"webhook_id"`
	Timestamp string          `json:"timestamp"`
	Sequence  int64           `json:"sequence"` // within the call, from 1, without gaps for what this webhook hears
	CallID    string          `json:"call_id"`
	Duration  int             `json:"duration"` // seconds
	Call      call            `json:"call"`
	Context   json.RawMessage `json:"context"`
	Data      map[string]any  `json:"data"`
	Omitted   []string        `json:"omitted,omitempty"` // parts that were too large
}

// call is a call as the API shows it.
type call struct {
	ID            string    `json:"id"`
	SID           string    `json:"sid"`
	To            string    `json:"to"`
	ToFormatted   string    `json:"to_formatted"`
	From          string    `json:"from"`
	FromFormatted string    `json:"from_formatted"`
	Testing       bool      `json:"is_testing"`
	Direction     string    `json:"direction"`
	Status        string    `json:"status"`
	Duration      int       `json:"duration"`
	Agent         *agentRef `json:"agent"`
	CampaignID    *string   `json:"campaign_id"`
	Callback      *callback `json:"callback"` // null but of calls on a callback agent's number
	EndedReason   *string   `json:"ended_reason"`
	CreatedAt     string    `json:"created_at"`
	UpdatedAt     string    `json:"updated_at"`
	AnsweredAt    *string   `json:"answered_at"`
	EndedAt       *string   `json:"ended_at"`
}

// callback is what a call returns; both ids are null when it returns nothing.
type callback struct {
	Matched  bool    `json:"matched"`
	CallID   *string `json:"call_id"`
	SourceID *string `json:"source_agent_id"`
}

type agentRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func showCall(c *parley.Call) call {
	out := call{
		ID: c.ID, SID: c.SID, To: c.To, ToFormatted: national(c.To), From: c.From, FromFormatted: national(c.From), Testing: c.Testing,
		Direction: string(c.Direction), Status: string(c.Status), Duration: seconds(c), CreatedAt: whole(c.CreatedAt), UpdatedAt: whole(c.UpdatedAt),
		AnsweredAt: wholeOr(c.AnsweredAt), EndedAt: wholeOr(c.EndedAt),
	}
	if c.EndedReason != "" {
		out.EndedReason = &c.EndedReason
	}
	if b := c.Callback; b != nil {
		out.Callback = &callback{Matched: b.Matched()}
		if b.Matched() {
			out.Callback.CallID, out.Callback.SourceID = &b.CallID, &b.SourceID
		}
	}
	if c.Snapshot != nil {
		out.Agent = &agentRef{c.AgentID, c.Snapshot.Agent.Name}
	}
	return out
}

func seconds(c *parley.Call) int { return int(c.Duration().Round(time.Second).Seconds()) }

func national(number string) string {
	p, err := phonenumbers.Parse(number, "")
	if err != nil || !phonenumbers.IsPossibleNumber(p) {
		return number
	}
	return phonenumbers.Format(p, phonenumbers.NATIONAL)
}

// Forms of times (contract notes, 1.7).
func whole(t time.Time) string  { return t.UTC().Format("2006-01-02T15:04:05Z") }
func micros(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func wholeOr(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := whole(*t)
	return &s
}

// body is what is sent of an event: the template of the webhook for it filled in, else the whole payload.
func body(p payload, templates json.RawMessage) ([]byte, error) {
	b, err := json.Marshal(p)
	if err != nil || len(b) > mostBody {
		p.Context, p.Omitted = nil, append(p.Omitted, "context")
		b, err = json.Marshal(p)
	}
	if err != nil || len(b) > mostBody {
		p.Data, p.Omitted = nil, append(p.Omitted, "data")
		b, err = json.Marshal(p)
	}
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", p.Event, err)
	}
	if filled := fillTemplate(templates, p.Event, b); filled != nil {
		return filled, nil
	}
	return b, nil
}

// fillTemplate replaces the body by the event's template; nil when there is none, or when what comes of it is too large.
func fillTemplate(templates json.RawMessage, event parley.Event, whole []byte) []byte {
	var all map[parley.Event]any
	if len(templates) == 0 || decode(templates, &all) != nil {
		return nil
	}
	template, ok := all[event].(map[string]any)
	if !ok {
		return nil
	}
	var scope any
	if decode(whole, &scope) != nil {
		return nil
	}
	f := filler{scope: scope, left: mostBody}
	b, err := json.Marshal(f.fill(template))
	if err != nil || f.left < 0 || len(b) > mostBody {
		return nil
	}
	return b
}

// decode keeps numbers as they were written.
func decode(b []byte, dst any) error {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	return d.Decode(dst)
}

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// filler fills templates from a scope until it has written too much.
type filler struct {
	scope any
	left  int // bytes that may still be written
}

// fill interpolates every string below v.
func (f *filler) fill(v any) any {
	switch v := v.(type) {
	case string:
		return placeholder.ReplaceAllStringFunc(v, func(m string) string {
			if f.left < 0 {
				return ""
			}
			s := text(lookup(f.scope, placeholder.FindStringSubmatch(m)[1]))
			f.left -= len(s)
			return s
		})
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = f.fill(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = f.fill(e)
		}
		return out
	}
	return v
}

// lookup follows a path such as call.id or data.items.0; nil when it leads nowhere.
func lookup(v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

// text is a value within a string: as JSON when it is an object or a list, nothing when there is none.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
