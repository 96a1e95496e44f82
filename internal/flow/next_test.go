package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// literal takes words as they are: a value is what was said, an option is its own wording.
type literal struct{}

func (literal) Understand(_ context.Context, q Question) (Answer, error) {
	if q.Said == "fail" {
		return Answer{}, errors.New("out of order")
	}
	a := Answer{Option: slices.Index(q.Options, q.Said) + 1, Elsewhere: slices.Index(q.Anywhere, q.Said) + 1,
		Leaves: q.Said == "bye", Yes: q.Said == "yes", No: q.Said == "no", Declined: q.Said == "none",
		Repeat: q.Said == "again", Wait: q.Said == "wait"}
	if q.Variable != nil && a.Option == 0 && q.Said != "?" && !a.Yes && !a.No && !a.Declined {
		a.Value, a.Spoken, _ = strings.Cut(q.Said, "|")
	}
	return a, nil
}

// walk leads a conversation: an input is what the caller says, or "!outcome result". It writes down what comes of it.
func walk(t *testing.T, raw string, payload map[string]any, inputs ...string) (State, []string) {
	t.Helper()
	g, err := Parse(json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	s, events := Start("en-US", payload), []Event{{Kind: Begin}}
	for _, in := range inputs {
		if rest, ok := strings.CutPrefix(in, "!"); ok {
			outcome, result, _ := strings.Cut(rest, " ")
			events = append(events, Event{Kind: Done, Outcome: outcome, Result: json.RawMessage(result)})
		} else {
			events = append(events, Event{Kind: Heard, Text: in})
		}
	}
	if len(inputs) > 0 && strings.HasPrefix(inputs[0], "first:") { // the caller speaks first
		events = events[1:]
		events[0].Text = strings.TrimPrefix(inputs[0], "first:")
	}
	var lines []string
	for _, e := range events {
		var out []Output
		if s, out, err = g.Advance(t.Context(), literal{}, s, e); err != nil {
			lines = append(lines, "error")
		}
		for _, o := range out {
			lines = append(lines, line(o))
		}
	}
	return s, lines
}

func line(o Output) string {
	switch o.Do {
	case Enter:
		return "@" + o.Node
	case Speak:
		return o.Text
	case Run:
		return "run " + o.Action + " " + string(o.Inputs)
	case Connect:
		return "connect " + o.Number + o.Action
	case Keep:
		return fmt.Sprintf("%s=%v", o.Name, o.Value.Value)
	}
	return string(o.Do)
}

func TestNext(t *testing.T) {
	const ending = `,{"id":"z","type":"end","content":"Bye."}`
	ask := func(variable string) string {
		return flowOf(`{"id":"a","type":"ask","content":"Say it.","variable":` + variable + `,"next":"z"}` + ending)
	}
	for _, c := range []struct {
		rule, flow string
		inputs     []string
		want       []string
	}{
		{"what is said follows on until the end", flowOf(`{"id":"a","type":"say","content":"One.","next":"b"},{"id":"b","type":"say","content":"Two."}`),
			nil, []string{"@a", "One.", "@b", "Two.", "hang_up"}},
		{"an ask waits", ask(`"v"`), nil, []string{"@a", "Say it."}},
		{"an answer is kept", ask(`"v"`), []string{"hello"}, []string{"@a", "Say it.", "v=hello", "@z", "Bye.", "hang_up"}},
		{"nothing follows the end", ask(`"v"`), []string{"hello", "more"}, []string{"@a", "Say it.", "v=hello", "@z", "Bye.", "hang_up"}},
		{"who speaks first is answered by the beginning", ask(`"v"`), []string{"first:hello"}, []string{"@a", "Say it."}},
		{"an answer that is none is asked for again, and then the call ends", ask(`"v"`), []string{"?", "?", "?"},
			[]string{"@a", "Say it.", "Sorry, I did not catch that.", "Say it.", "Sorry, I did not catch that.", "Say it.",
				"I am sorry, I cannot help you any further here. Goodbye.", "hang_up"}},
		{"or goes on by the fallback", flowOf(`{"id":"a","type":"ask","content":"Say it.","retry_content":"Again?","retries":1,"variable":"v",
			"next":"a","fallback":"z"}` + ending), []string{"?", "?"}, []string{"@a", "Say it.", "Again?", "@z", "Bye.", "hang_up"}},
		{"or without, when it need not be known", ask(`{"name":"v","required":false}`), []string{"?", "?", "?"},
			[]string{"@a", "Say it.", "Sorry, I did not catch that.", "Say it.", "Sorry, I did not catch that.", "Say it.", "@z", "Bye.", "hang_up"}},
		{"what need not be known may be declined", ask(`{"name":"v","required":false}`), []string{"none"}, []string{"@a", "Say it.", "@z", "Bye.", "hang_up"}},
		{"what must be known may not", ask(`{"name":"v"}`), []string{"none"}, []string{"@a", "Say it.", "Sorry, I did not catch that.", "Say it."}},
		{"who did not hear hears it again, and it counts for nothing", ask(`{"name":"v"}`), []string{"again", "again", "again", "wait", "x"},
			[]string{"@a", "Say it.", "Say it.", "Say it.", "Say it.", "Take your time.", "v=x", "@z", "Bye.", "hang_up"}},
		{"who says goodbye is let go", ask(`"v"`), []string{"bye"}, []string{"@a", "Say it.", "Goodbye.", "hang_up"}},
		{"a number in bounds", ask(`{"name":"v","type":"integer","min":1,"max":9}`), []string{"10", "2.5", "2"},
			[]string{"@a", "Say it.", "Sorry, I did not catch that.", "Say it.", "Sorry, I did not catch that.", "Say it.", "v=2", "@z", "Bye.", "hang_up"}},
		{"one of a choice", ask(`{"name":"v","options":["Red","Blue"]}`), []string{"green", "blue"},
			[]string{"@a", "Say it.", "Sorry, I did not catch that.", "Say it.", "v=Blue", "@z", "Bye.", "hang_up"}},
		{"a pattern holds for all of it", ask(`{"name":"v","pattern":"[A-Z]\\d+"}`), []string{"xA12", "A12"},
			[]string{"@a", "Say it.", "Sorry, I did not catch that.", "Say it.", "v=A12", "@z", "Bye.", "hang_up"}},
		{"a value is read back", ask(`{"name":"v","confirm":true}`), []string{"x", "no", "y", "w|double u", "yes"},
			[]string{"@a", "Say it.", "I have: x. Is that right?", "Sorry, I did not catch that.", "Say it.", "I have: y. Is that right?",
				"I have: double u. Is that right?", "v=w", "@z", "Bye.", "hang_up"}},
		{"and not read back for ever", ask(`{"name":"v","confirm":true}`), []string{"x", "?", "?", "?"},
			[]string{"@a", "Say it.", "I have: x. Is that right?", "I have: x. Is that right?", "I have: x. Is that right?",
				"I am sorry, I cannot help you any further here. Goodbye.", "hang_up"}},
		{"variables are said", flowOf(`{"id":"a","type":"ask","content":"Day?","variable":{"name":"day","type":"date"},"next":"b"},
			{"id":"b","type":"end","content":"So {{day}} at {{ shop.city }}, {{unknown}}."}`), []string{"2026-11-27|Friday"},
			[]string{"@a", "Day?", "day=2026-11-27", "@b", "So Friday at Bonn, .", "hang_up"}},
		{"a condition decides at once", flowOf(`{"id":"a","type":"ask","content":"Age?","variable":{"name":"age","type":"number"},"next":"b"},
			{"id":"b","type":"decision","branches":[{"match":"age < 18","next":"z"},{"match":"default","next":"c"}]},
			{"id":"c","type":"end","content":"Welcome."}` + ending), []string{"18"}, []string{"@a", "Age?", "age=18", "@b", "@c", "Welcome.", "hang_up"}},
		{"an ask may branch by itself", flowOf(`{"id":"a","type":"ask","content":"Age?","variable":{"name":"age","type":"number"},"next":"z",
			"branches":[{"match":"age >= 18","next":"c"}]},{"id":"c","type":"end","content":"Welcome."}` + ending), []string{"20"},
			[]string{"@a", "Age?", "age=20", "@c", "Welcome.", "hang_up"}},
		{"what the caller wants decides, by what he said last", flowOf(`{"id":"a","type":"ask","content":"Yes?","next":"b"},
			{"id":"b","type":"decision","branches":[{"match":"buy","next":"c"},{"match":"sell","next":"z"}]},
			{"id":"c","type":"decision","content":"Which?","branches":[{"match":"red","next":"z"},{"match":"blue","next":"z"}]}` + ending),
			[]string{"buy", "blue"}, []string{"@a", "Yes?", "@b", "@c", "Which?", "@z", "Bye.", "hang_up"}},
		{"a decision that was not understood asks for other words", flowOf(`{"id":"a","type":"decision","content":"Buy or sell?",
			"branches":[{"match":"buy","next":"z"},{"match":"sell","next":"z"}]}` + ending), []string{"?", "sell"},
			[]string{"@a", "Buy or sell?", "Sorry, I did not catch that.", "Buy or sell?", "@z", "Bye.", "hang_up"}},
		{"words are judged once", flowOf(`{"id":"a","type":"ask","content":"Yes?","next":"b"},
			{"id":"b","type":"decision","content":"What else?","branches":[{"match":"hours","next":"c"},{"match":"bye","next":"z"}]},
			{"id":"c","type":"say","content":"Ten to six.","next":"b"}` + ending), []string{"hours", "bye"},
			[]string{"@a", "Yes?", "@b", "@c", "Ten to six.", "@b", "What else?", "@z", "Bye.", "hang_up"}},
		{"an action gets the variables and its inputs", flowOf(`{"id":"a","type":"ask","content":"How many?","variable":{"name":"n","type":"number"},"next":"b"},
			{"id":"b","type":"action","action_id":"order","content":"A moment.","inputs":{"count":"{{n}}","text":"{{n}} of them","rush":true},"result":"r","next":"c"},
			{"id":"c","type":"end","content":"It is number {{r.id}}."}`), []string{"3", `!success {"id":17}`},
			[]string{"@a", "How many?", "n=3", "@b", "A moment.", `run order {"count":3,"n":3,"rush":true,"text":"3 of them"}`,
				"@c", "It is number 17.", "hang_up"}},
		{"an action that fails goes its own way", flowOf(`{"id":"a","type":"action","action":"order","on_failure":"z","next":"a"}` + ending),
			[]string{`!failure {}`}, []string{"@a", "run order {}", "@z", "Bye.", "hang_up"}},
		{"or says so and goes on", flowOf(`{"id":"a","type":"action","action":"order","next":"z"}` + ending), []string{`!failure not json`},
			[]string{"@a", "run order {}", "I am sorry, that did not work.", "@z", "Bye.", "hang_up"}},
		{"outcomes and conditions choose", flowOf(`{"id":"a","type":"action","content":"order","result":"r","branches":[
			{"match":"failure","next":"z"},{"match":"r.free == true","next":"c"}],"next":"z"},{"id":"c","type":"end","content":"Free."}` + ending),
			[]string{`!success {"free":true}`}, []string{"@a", "run order {}", "@c", "Free.", "hang_up"}},
		{"who speaks while an action is to be done has it asked for again", flowOf(`{"id":"a","type":"action","action":"order","next":"z"}` + ending),
			[]string{"hello?", `!success {}`}, []string{"@a", "run order {}", "run order {}", "@z", "Bye.", "hang_up"}},
		{"a transfer that succeeds is the end", flowOf(`{"id":"a","type":"transfer","content":"Wait.","number":"+15550100200","next":"z"}` + ending),
			[]string{`!success`, "hello?"}, []string{"@a", "Wait.", "connect +15550100200"}},
		{"one that does not has the exact outcome's way first", flowOf(`{"id":"a","type":"transfer","number":"1","on_failure":"c","branches":[
			{"match":"failure","next":"c"},{"match":"busy","next":"z"}]},{"id":"c","type":"end"}` + ending), []string{`!busy`},
			[]string{"@a", "connect 1", "@z", "Bye.", "hang_up"}},
		{"then that of a failure", flowOf(`{"id":"a","type":"transfer","content":"+15550100200","on_failure":"z"}` + ending), []string{`!no_answer`},
			[]string{"@a", "connect +15550100200", "@z", "Bye.", "hang_up"}},
		{"and without a way the call ends", flowOf(`{"id":"a","type":"transfer","action_id":"desk"}`), []string{`!refused`},
			[]string{"@a", "connect desk", "I am sorry, I could not connect you.", "hang_up"}},
		{"a circle without the caller ends", flowOf(`{"id":"a","type":"say","content":"x","next":"b"},{"id":"b","type":"decision",
			"branches":[{"match":"default","next":"c"}]},{"id":"c","type":"decision","branches":[{"match":"outcome == 'x'","next":"a"}],"next":"b"}`),
			nil, append(append([]string{"@a", "x"}, alternating("@b", "@c", mostSteps-1)...), "I am sorry, I cannot help you any further here. Goodbye.", "hang_up")},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, got := walk(t, c.flow, map[string]any{"shop": map[string]any{"city": "Bonn"}}, c.inputs...)
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func alternating(a, b string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, []string{a, b}[i%2])
	}
	return all
}

func TestVisitsAreBounded(t *testing.T) {
	var inputs []string
	for range mostVisits {
		inputs = append(inputs, "x")
	}
	s, got := walk(t, flowOf(`{"id":"a","type":"ask","content":"More?","variable":"v","next":"a"}`), nil, inputs...)
	if s.Phase != Over || got[len(got)-1] != "hang_up" || len(got) != 3*mostVisits+2 {
		t.Errorf("%d lines, the last of them %q", len(got), got[len(got)-2:])
	}
}

func TestGlobalFunctions(t *testing.T) {
	raw := `{"initial_node_id":"a","nodes":[{"id":"a","type":"ask","content":"Name?","variable":"v","next":"z"},{"id":"z","type":"end","content":"Bye."},
		{"id":"h","type":"say","content":"We help.","next":"a"}],
		"global_functions":[{"name":"help","description":"wants help","next":"h"},{"name":"end_call"},{"name":"repeat"},{"name":"look_up","description":"status?"}]}`
	for _, c := range []struct {
		rule   string
		inputs []string
		want   []string
	}{
		{"one leads to its node", []string{"wants help", "x"}, []string{"@a", "Name?", "@h", "We help.", "@a", "Name?", "v=x", "@z", "Bye.", "hang_up"}},
		{"one ends", []string{"end call"}, []string{"@a", "Name?", "hang_up"}},
		{"one repeats", []string{"repeat"}, []string{"@a", "Name?", "Name?"}},
		{"one runs an action, tells of it, and goes on", []string{"status?", `!success {"message":"It is on its way."}`, "x"},
			[]string{"@a", "Name?", "run look_up {}", "It is on its way.", "Name?", "v=x", "@z", "Bye.", "hang_up"}},
		{"or that it failed", []string{"status?", `!failure`}, []string{"@a", "Name?", "run look_up {}", "I am sorry, that did not work.", "Name?"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if _, got := walk(t, raw, nil, c.inputs...); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// Words that answer nothing have the question asked again, and count for nothing.
func TestEarlyWords(t *testing.T) {
	confirmed := `{"id":"a","type":"ask","content":"Say it.","variable":{"name":"v","confirm":true},"next":"z"},{"id":"z","type":"end","content":"Bye."}`
	choice := `{"id":"a","type":"decision","content":"Red or blue?","branches":[{"match":"red","next":"z"},{"match":"default","next":"z"}]},
		{"id":"z","type":"end","content":"Bye."}`
	for _, c := range []struct {
		rule, flow   string
		before, said string
		want         []string
	}{
		{"an answer is one all the same", confirmed, "", "x", []string{"I have: x. Is that right?"}},
		{"others are no miss", confirmed, "", "?", []string{"Say it."}},
		{"a yes is none to what was read back", confirmed, "x", "yes", []string{"I have: x. Is that right?"}},
		{"but another value is", confirmed, "x", "y", []string{"I have: y. Is that right?"}},
		{"what is not understood decides nothing", choice, "", "?", []string{"Red or blue?"}},
		{"what is understood decides", choice, "", "red", []string{"@z", "Bye.", "hang_up"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var inputs []string
			if c.before != "" {
				inputs = append(inputs, c.before)
			}
			s, _ := walk(t, flowOf(c.flow), nil, inputs...)
			g, err := Parse(json.RawMessage(flowOf(c.flow)))
			if err != nil {
				t.Fatal(err)
			}
			s, out, err := g.Advance(t.Context(), literal{}, s, Event{Kind: Heard, Text: c.said, Early: true})
			var got []string
			for _, o := range out {
				got = append(got, line(o))
			}
			if err != nil || !slices.Equal(got, c.want) || s.tries != 0 {
				t.Errorf("%q after %d tries, %v", got, s.tries, err)
			}
		})
	}
}

func TestAnActionThatNeedsAYes(t *testing.T) {
	g, err := Parse(json.RawMessage(flowOf(`{"id":"a","type":"action","action":"order","next":"z","on_failure":"n"},{"id":"z","type":"end","content":"Done."},
		{"id":"n","type":"end","content":"Not done."}`)))
	if err != nil {
		t.Fatal(err)
	}
	for rule, c := range map[string]struct {
		said []string
		want []string
	}{
		"a yes runs it":          {[]string{"yes"}, []string{"I have: day 4. Is that right?", "run order {}"}},
		"a no does without":      {[]string{"no"}, []string{"I have: day 4. Is that right?", "@n", "Not done.", "hang_up"}},
		"other words are no yes": {[]string{"what"}, []string{"I have: day 4. Is that right?", "run order {}"}},
		"and it is not read for ever": {[]string{"what", "what", "what"},
			[]string{"I have: day 4. Is that right?", "run order {}", "I have: day 4. Is that right?", "run order {}", "I have: day 4. Is that right?", "run order {}",
				"@n", "Not done.", "hang_up"}},
	} {
		t.Run(rule, func(t *testing.T) {
			var got []string
			take := func(s State, e Event) State {
				s, out, err := g.Advance(t.Context(), literal{}, s, e)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range out {
					got = append(got, line(o))
				}
				return s
			}
			s, _ := g.Next(Start("en", nil), Event{Kind: Begin})
			for i, said := range c.said {
				s = take(s, Event{Kind: Unsure, Text: "day 4"})
				s = take(s, Event{Kind: Heard, Text: said})
				if len(c.said) > 1 && i == len(c.said)-1 {
					s = take(s, Event{Kind: Unsure, Text: "day 4"}) // once too often
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestSimulation(t *testing.T) {
	raw, err := os.ReadFile("testdata/every-node.json")
	if err != nil {
		t.Fatal(err)
	}
	g, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	wishes := []string{"The caller wants to book an appointment", "The caller wants to end the call", "The caller wants to speak with the front desk"}
	if !slices.Equal(g.Wishes(), wishes) {
		t.Errorf("wishes %q", g.Wishes())
	}
	var path []string
	show := func(o Output) {
		if o.Do == Enter {
			path = append(path, o.Node)
		}
	}
	s := Simulate(g, Start("en-US", nil), literal{}, func(o Output) (string, json.RawMessage, error) {
		return map[Verb]string{Run: "failed", Connect: "busy"}[o.Do], nil, nil
	})
	if err := s.Begin(t.Context(), show); err != nil || s.Over() || s.Node() != "wish" {
		t.Fatalf("%v at %s", err, s.Node())
	}
	for _, said := range []string{"The caller wants to book an appointment", "Laura", "2026-11-27", "2"} {
		if err := s.Say(t.Context(), said, show); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"welcome", "wish", "what", "name", "day", "guests", "many", "book", "desk", "nobody", "bye"}; !slices.Equal(path, want) || !s.Over() {
		t.Errorf("went along %q", path)
	}
	s = Simulate(g, Start("en-US", nil), literal{}, func(Output) (string, json.RawMessage, error) { return "maybe", nil, nil })
	if s.Say(t.Context(), "x", show) != nil || s.Say(t.Context(), "The caller wants to speak with the front desk", show) == nil {
		t.Error("an outcome that there is not was taken")
	}
}

func TestListenerFailure(t *testing.T) {
	s, got := walk(t, flowOf(`{"id":"a","type":"ask","content":"Yes?","variable":"v"}`), nil, "fail")
	if s.Phase != Listening || !slices.Equal(got, []string{"@a", "Yes?", "error"}) {
		t.Errorf("%s, %q", s.Phase, got)
	}
}

func TestNextChangesNoState(t *testing.T) {
	g, err := Parse(json.RawMessage(flowOf(`{"id":"a","type":"ask","content":"Yes?","variable":"v","next":"a"}`)))
	if err != nil {
		t.Fatal(err)
	}
	s, _ := g.Next(Start("en", nil), Event{Kind: Begin})
	s, _ = g.Next(s, Event{Kind: Heard, Text: "x"})
	one, _ := g.Next(s, Event{Kind: Understood, Answer: Answer{Value: "1"}})
	other, _ := g.Next(s, Event{Kind: Understood, Answer: Answer{Value: "2"}})
	if len(s.Values) != 0 || one.Values["v"].Value != "1" || other.Values["v"].Value != "2" || s.visits["a"] != 1 {
		t.Errorf("%v, %v, %v, visits %v", s.Values, one.Values, other.Values, s.visits)
	}
}

func TestTake(t *testing.T) {
	for _, c := range []struct {
		kind  Kind
		value string
		ok    bool
	}{
		{Text, "x", true}, {Text, " ", false}, {Text, strings.Repeat("x", mostValue+1), false},
		{Number, "1.5", true}, {Number, "NaN", false}, {Number, "Inf", false}, {Number, "one", false},
		{Boolean, "true", true}, {Boolean, "maybe", false}, {Date, "2026-02-29", false}, {Date, "2028-02-29", true},
		{Time, "23:59", true}, {Time, "24:00", false}, {Email, "a@b.example", true}, {Email, "A <a@b.example>", false}, {Email, "a", false},
		{Phone, "+1 (555) 010-0200", true}, {Phone, "12", false}, {Phone, "555-CALL", false},
	} {
		v := Variable{Kind: c.kind}
		if got, ok := v.take(Answer{Value: c.value}); ok != c.ok {
			t.Errorf("%s %q: %v, %v", c.kind, c.value, got, ok)
		}
	}
}

// FuzzNext walks flows at random: every event is answered, and nothing goes on for ever.
func FuzzNext(f *testing.F) {
	every, err := os.ReadFile("testdata/every-node.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(every), "The caller wants to book an appointment\nLaura\n2026-11-27\n2\n!success {}\n")
	f.Add(flowOf(`{"id":"a","type":"decision","branches":[{"match":"x","next":"a"},{"match":"v > 1","next":"a"}]}`), "x\nx\n")
	f.Fuzz(func(t *testing.T, raw, script string) {
		g, err := Parse(json.RawMessage(raw))
		if err != nil {
			return
		}
		s, out := g.Next(Start("en", nil), Event{Kind: Begin})
		for i, in := range strings.Split(script, "\n") {
			if i > 200 {
				break
			}
			if len(out) > 4*mostSteps {
				t.Fatalf("%d outputs of one event", len(out))
			}
			e := Event{Kind: Heard, Text: in}
			if rest, ok := strings.CutPrefix(in, "!"); ok {
				e = Event{Kind: Done, Outcome: rest, Result: json.RawMessage(rest)}
			}
			if s, out, err = g.Advance(t.Context(), literal{}, s, e); err != nil && in != "fail" {
				t.Fatal(err)
			}
			if s.Phase == Understanding || s.Phase == New {
				t.Fatalf("it waits for %q", s.Phase)
			}
		}
	})
}
