package contract

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/flow"
)

// person answers the questions of a flow.
type person func(q *flow.Question) flow.Answer

// willing says yes, and gives the best value that there is.
func willing(q *flow.Question) flow.Answer {
	v := q.Variable
	switch v.Kind {
	case flow.Boolean:
		return flow.Answer{Value: "true"}
	case flow.Choice:
		return flow.Answer{Value: v.Options[0]}
	case flow.Number:
		if v.Max != nil && *v.Max <= 10 {
			return flow.Answer{Value: string(encode(*v.Max))}
		}
		return flow.Answer{Value: "25"}
	case flow.Date:
		return flow.Answer{Value: "2026-12-03"}
	case flow.Time:
		return flow.Answer{Value: "14:00"}
	case flow.Phone:
		return flow.Answer{Value: "+12025550177"}
	}
	return flow.Answer{Value: "something"}
}

// unhappy does what a willing one does, but rates badly and wants nothing soon.
func unhappy(q *flow.Question) flow.Answer {
	switch v := q.Variable; v.Kind {
	case flow.Number:
		return flow.Answer{Value: string(encode(*v.Min))}
	case flow.Choice:
		return flow.Answer{Value: v.Options[len(v.Options)-1]}
	}
	return willing(q)
}

func refusing(q *flow.Question) flow.Answer {
	if q.Variable.Kind == flow.Boolean {
		return flow.Answer{Value: "false"}
	}
	return flow.Answer{Declined: true}
}

// silent is never understood.
func silent(*flow.Question) flow.Answer { return flow.Answer{} }

func encode(v any) []byte {
	b, _ := json.Marshal(v) // numbers cannot fail
	return b
}

// lead goes along a flow with a person until it hangs up. It returns the nodes that were reached and the actions that ran.
func lead(t *testing.T, one *parley.AgentTemplate, p person, outcome string) (nodes, actions []string) {
	t.Helper()
	g, err := flow.Parse(json.RawMessage(one.Flow))
	if err != nil {
		t.Fatalf("%s: %v", one.ID, err)
	}
	s, out := g.Next(flow.Start(one.Settings.Language, nil), flow.Event{Kind: flow.Begin})
	for range 100 {
		e := flow.Event{Kind: flow.Heard, Text: "words"}
		for _, o := range out {
			switch o.Do {
			case flow.Enter:
				nodes = append(nodes, o.Node)
			case flow.Understand:
				e = flow.Event{Kind: flow.Understood, Answer: p(o.Question)}
			case flow.Run:
				actions = append(actions, o.Action)
				e = flow.Event{Kind: flow.Done, Outcome: outcome}
			case flow.Connect:
				actions = append(actions, o.Action)
				e = flow.Event{Kind: flow.Done, Outcome: "busy"}
			case flow.HangUp:
				return nodes, actions
			}
		}
		s, out = g.Next(s, e)
	}
	t.Errorf("%s does not end: %v", one.ID, nodes)
	return nodes, actions
}

// TestEveryFlowOfATemplateComesToItsEnd leads each kind of person through each flow, in every language the same way.
func TestEveryFlowOfATemplateComesToItsEnd(t *testing.T) {
	c, err := catalogueOnce()
	if err != nil {
		t.Fatal(err)
	}
	for rule, r := range map[string]struct {
		kind    string
		who     person
		outcome string
		actions string
		last    string
	}{
		"answers are sent":                      {"survey", willing, "success", "save_answers", "thanks"},
		"who does not want to is left alone":    {"survey", refusing, "success", "", "declined"},
		"who is not understood too":             {"survey", silent, "success", "", "declined"},
		"praise is sent":                        {"feedback", willing, "success", "save_feedback", "thanks"},
		"a bad rating brings a call back":       {"feedback", unhappy, "success", "save_feedback", "will_call"},
		"nothing is promised that is not known": {"feedback", unhappy, "failure", "save_feedback", "not_saved"},
		"who does not want to rate":             {"feedback", refusing, "success", "", "declined"},
		"a good lead is connected, and when all are busy called another day": {
			"lead-qualification", willing, "success", "save_lead transfer_to_sales schedule_call", "scheduled",
		},
		"a call that cannot be entered is not promised": {
			"lead-qualification", willing, "failure", "save_lead transfer_to_sales schedule_call", "not_scheduled",
		},
		"a lead for later is kept":      {"lead-qualification", unhappy, "success", "save_lead", "later"},
		"who has no time now, nor ever": {"lead-qualification", refusing, "success", "", "declined"},
	} {
		for _, language := range []string{"en-US", "pt-BR", "es-ES"} {
			one, ok := c.Template(r.kind+"-en-us", language)
			if !ok || one.Settings.Language != language {
				t.Fatalf("no %s in %s", r.kind, language)
			}
			nodes, actions := lead(t, &one, r.who, r.outcome)
			if got := strings.Join(actions, " "); got != r.actions || slices.Index(nodes, r.last) != len(nodes)-1 {
				t.Errorf("%s, %s: ran %q by %v, want %q and %s last", rule, one.ID, got, nodes, r.actions, r.last)
			}
		}
	}
}
