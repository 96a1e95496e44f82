// Package groundedtest holds scripted dialogues with a model and counts: facts right, facts invented, slots right, turns. A dialogue stands
// in a YAML file with the agent that it is held with; the files lie in the testdata of package grounded, in a tuning and a test half.
package groundedtest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
)

// Run holds all dialogues of a folder with a model and prints the score; detailed also prints what went wrong.
func Run(t testing.TB, m llm.Model, folder string, detailed bool) (total Score) {
	t.Helper()
	trades := Load(t, folder)
	names := make([]string, 0, len(trades))
	dialogues := 0
	for name, tr := range trades {
		names = append(names, name)
		dialogues += len(tr.Dialogues)
	}
	slices.Sort(names)
	for _, name := range names {
		total.Add(trades[name].Talk(t, m, func(wrong string) {
			if detailed {
				t.Logf("%s: %s", name, wrong)
			}
		}))
	}
	t.Logf("%s, %d trades, %d dialogues: %s", filepath.Base(folder), len(trades), dialogues, total)
	return total
}

// Wants fails the test when fewer facts or slots are right than these percentages, or more is invented.
func (s Score) Wants(t testing.TB, facts, slots float64, invented int) {
	t.Helper()
	if percent(s.FactsRight, s.Facts) < facts || percent(s.SlotsRight, s.Slots) < slots || s.Invented > invented {
		t.Errorf("%s; want facts at least %.0f %%, slots at least %.0f %%, invented at most %d", s, facts, slots, invented)
	}
}

// Trade is one business and the conversations held with it.
type Trade struct {
	Agent struct {
		Name, Greeting, Description, Now string
		Trainings                        []llm.Training
		Tools                            []struct {
			Name, Description string
			Parameters        map[string]any
		}
		Results map[string]string
	}
	Dialogues []struct {
		Name  string
		Turns []Turn
	}
}

// Turn is what a caller says and what has to follow. Alternatives in say are parted by "|".
type Turn struct {
	Caller string
	Say    []string
	Never  []string
	Refuse bool
	Calls  []string
	Slots  map[string]map[string]string
	Heard  int // words of the answer that the caller hears before talking over it; 0 means all
}

// Score counts over dialogues.
type Score struct {
	Turns             int
	Facts, FactsRight int // what had to be said
	Refusals, Refused int // questions that the texts do not answer
	Unsure, Beside    int // of the facts right, those told with the caveat; of the refusals, those with a sentence told beside
	Invented          int // facts said in their place, words from nowhere, things said or done that must not be
	Slots, SlotsRight int
	Calls, CallsRight int
}

// Add adds another count.
func (s *Score) Add(o Score) {
	s.Turns += o.Turns
	s.Facts, s.FactsRight = s.Facts+o.Facts, s.FactsRight+o.FactsRight
	s.Refusals, s.Refused = s.Refusals+o.Refusals, s.Refused+o.Refused
	s.Unsure, s.Beside = s.Unsure+o.Unsure, s.Beside+o.Beside
	s.Invented += o.Invented
	s.Slots, s.SlotsRight = s.Slots+o.Slots, s.SlotsRight+o.SlotsRight
	s.Calls, s.CallsRight = s.Calls+o.Calls, s.CallsRight+o.CallsRight
}

func percent(part, all int) float64 { return 100 * float64(part) / float64(max(all, 1)) }

// String implements fmt.Stringer.
func (s Score) String() string {
	return fmt.Sprintf("facts right %d/%d (%.1f %%), %d of them with a caveat, unknown refused %d/%d, %d of them with a sentence beside, "+
		"invented %d, slots right %d/%d (%.1f %%), calls right %d/%d, turns %d",
		s.FactsRight, s.Facts, percent(s.FactsRight, s.Facts), s.Unsure, s.Refused, s.Refusals, s.Beside, s.Invented,
		s.SlotsRight, s.Slots, percent(s.SlotsRight, s.Slots), s.CallsRight, s.Calls, s.Turns)
}

// Load reads the dialogues of a folder by trade.
func Load(t testing.TB, folder string) map[string]Trade {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues in %s: %v", folder, err)
	}
	out := map[string]Trade{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var tr Trade
		if err := yaml.Unmarshal(raw, &tr); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out[strings.TrimSuffix(filepath.Base(file), ".yaml")] = tr
	}
	return out
}

// Brief is what the agent of this trade knows.
func (tr Trade) Brief(t testing.TB) llm.Brief {
	t.Helper()
	b := llm.Brief{
		AgentName: tr.Agent.Name, Language: "en", Description: tr.Agent.Description, Greeting: tr.Agent.Greeting,
		Trainings: tr.Agent.Trainings, Now: tr.Agent.Now,
	}
	if b.Now == "" {
		b.Now = "2026-11-24T10:00:00Z"
	}
	b.Tools = []llm.Tool{{Name: llm.ToolHangUp}, {Name: llm.ToolTakeMessage}}
	for _, tool := range tr.Agent.Tools {
		raw, err := json.Marshal(tool.Parameters)
		if err != nil {
			t.Fatal(err)
		}
		b.Tools = append(b.Tools, llm.Tool{Name: tool.Name, Description: tool.Description, Parameters: raw})
	}
	return b
}

// Talk holds the dialogues of a trade with a model, judged turn by turn. tell hears what went wrong.
func (tr Trade) Talk(t testing.TB, m llm.Model, tell func(string)) (total Score) {
	t.Helper()
	b := tr.Brief(t)
	for _, d := range tr.Dialogues {
		c, err := m.Open(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		history := []llm.Message{{Role: llm.Agent, Text: b.Greeting}}
		for i, u := range d.Turns {
			var text string
			var calls []llm.ToolCall
			history, text, calls = tr.Exchange(t, c, history, u)
			s, wrong := judge(u, text, calls, Known(b, tr, history))
			total.Add(s)
			for _, w := range wrong {
				tell(fmt.Sprintf("%s, turn %d: %q -> %q: %s", d.Name, i+1, u.Caller, text, w))
			}
		}
		c.Close()
	}
	return total
}

// Exchange plays one turn: the caller's words, the answer, and the results of what it calls.
func (tr Trade) Exchange(t testing.TB, c llm.Chat, history []llm.Message, u Turn) ([]llm.Message, string, []llm.ToolCall) {
	t.Helper()
	history = append(history, llm.Message{Role: llm.Caller, Text: u.Caller})
	var said []string
	var called []llm.ToolCall
	for range 3 {
		text, calls, err := llmtest.Collect(context.Background(), c, history)
		if err != nil {
			t.Fatal(err)
		}
		said, called = append(said, text), append(called, calls...)
		heard, ws := text, strings.Fields(text)
		if u.Heard > 0 && u.Heard < len(ws) {
			heard = strings.Join(ws[:u.Heard], " ")
		}
		history = append(history, llm.Message{Role: llm.Agent, Text: heard, Interrupted: heard != text, Calls: calls})
		results := 0
		for _, call := range calls {
			if call.Name == llm.ToolHangUp {
				continue
			}
			outcome := tr.Agent.Results[call.Name]
			if outcome == "" {
				outcome = `{"ok":true}`
			}
			history = append(history, llm.Message{Role: llm.Result, Text: outcome, CallID: call.ID})
			results++
		}
		if results == 0 {
			break
		}
	}
	return history, strings.Join(said, " "), called
}

var reRefusal = regexp.MustCompile(`(?i)don't have (?:that information|information about)`)

// caveat stands before a sentence of which the model is not sure that it answers.
const caveat = "information exactly, but"

func judge(u Turn, text string, calls []llm.ToolCall, allowed map[string]bool) (s Score, wrong []string) {
	s.Turns = 1
	low, unsure := strings.ToLower(text), 0
	if strings.Contains(text, caveat) {
		unsure = 1
	}
	for _, want := range u.Say {
		s.Facts++
		if slices.ContainsFunc(strings.Split(want, "|"), func(w string) bool { return strings.Contains(low, strings.ToLower(w)) }) {
			s.FactsRight++
			s.Unsure += unsure
			continue
		}
		wrong = append(wrong, "does not say "+want)
	}
	for _, not := range u.Never {
		if strings.Contains(low, strings.ToLower(not)) || slices.ContainsFunc(calls, func(c llm.ToolCall) bool { return strings.Contains(c.Name, not) }) {
			s.Invented++
			wrong = append(wrong, "says or does "+not)
		}
	}
	if u.Refuse {
		s.Refusals++
		if reRefusal.MatchString(text) && !strings.Contains(text, "information about the rest") {
			s.Refused++
			s.Beside += unsure
		} else {
			s.Invented++
			wrong = append(wrong, "does not refuse")
		}
	}
	for _, w := range Foreign(text, allowed) {
		s.Invented++
		wrong = append(wrong, "invents "+w)
	}
	cs, cw := judgeCalls(u, calls)
	s.Add(cs)
	return s, append(wrong, cw...)
}

func judgeCalls(u Turn, calls []llm.ToolCall) (s Score, wrong []string) {
	for _, name := range u.Calls {
		s.Calls++
		if slices.ContainsFunc(calls, func(c llm.ToolCall) bool { return c.Name == name }) {
			s.CallsRight++
			continue
		}
		wrong = append(wrong, "does not call "+name)
	}
	for _, c := range calls {
		if !slices.Contains(u.Calls, c.Name) {
			s.Invented++
			wrong = append(wrong, "calls "+c.Name)
		}
	}
	for tool, slots := range u.Slots {
		got := arguments(calls, tool)
		for name, want := range slots {
			s.Slots++
			if v, ok := got[name]; ok && strings.Contains(strings.ToLower(fmt.Sprint(v)), strings.ToLower(want)) {
				s.SlotsRight++
				continue
			}
			wrong = append(wrong, fmt.Sprintf("slot %s is %v, want %s", name, got[name], want))
		}
	}
	return s, wrong
}

func arguments(calls []llm.ToolCall, tool string) map[string]any {
	for _, c := range calls {
		var args map[string]any
		if c.Name != tool || json.Unmarshal(c.Arguments, &args) != nil {
			continue
		}
		if slots, ok := args["slots"].(map[string]any); ok {
			return slots
		}
		return args
	}
	return nil
}

var reToken = regexp.MustCompile(`[\p{L}']+|\d+`)

// ownWords are those that the model may say of its own accord.
const ownWords = `
I'm sorry, I don't have that information exactly, but I can tell you this.
I don't have that information about the rest either. Shall I take a message? Is there anything else I can help you with? How can
I help you? What else would you like to know? Hello! You're welcome. Thank you for calling. Goodbye! Of course, take your time. Sorry, I
didn't catch that. Could you say it again? I'm an automated assistant. All right, I'll leave that. Gladly. Thank you. Let me read that back:
is that right? What should I change? Thank you, I have noted that. That is done. I'm sorry, that did not work. One moment, please. I can't
do that without it. I can't put you through. But I can take a message. Could you give me the whole number, please? Do you mean or? I can
tell you about and. I can help with: What is your name, please? What is your phone number? What is your e-mail address? How many? Which date
would you like? What time? What is your message? Please tell me. What is the this am pm number plus Monday Tuesday Wednesday Thursday Friday
Saturday Sunday January February March April May June July August September October November December`

// Known collects every word that an answer may use: the brief's, the caller's, the results' and the model's own.
func Known(b llm.Brief, tr Trade, history []llm.Message) map[string]bool {
	texts := []string{ownWords, b.AgentName, b.Description, b.Greeting}
	for _, tr := range b.Trainings {
		texts = append(texts, tr.Subject, tr.Instructions)
	}
	for _, tool := range b.Tools {
		texts = append(texts, strings.ReplaceAll(tool.Name, "_", " "), tool.Description, strings.ReplaceAll(string(tool.Parameters), "_", " "))
	}
	for _, r := range tr.Agent.Results {
		texts = append(texts, r)
	}
	for _, m := range history {
		if m.Role != llm.Agent {
			texts = append(texts, m.Text)
		}
	}
	out := map[string]bool{}
	for _, w := range reToken.FindAllString(strings.ToLower(strings.Join(texts, " ")), -1) {
		out[w] = true
	}
	return out
}

// Foreign lists words that come from nowhere; figures are left to the slots, since callers say them as words.
func Foreign(text string, allowed map[string]bool) (out []string) {
	for _, w := range reToken.FindAllString(strings.ToLower(text), -1) {
		if !allowed[w] && !strings.ContainsAny(w, "0123456789") && !isJoined(w, allowed) {
			out = append(out, w)
		}
	}
	return out
}

// isJoined allows words that were spelled letter by letter.
func isJoined(w string, allowed map[string]bool) bool {
	for _, r := range w {
		if !allowed[string(r)] {
			return false
		}
	}
	return true
}
