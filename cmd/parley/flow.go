package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/app"
	"github.com/parley-voice/parley/internal/flow"
)

type flowCmd struct {
	Run flowRunCmd `cmd:"" help:"Talk to a flow in the terminal, without a server: a line for each thing that the caller says."`
}

type flowRunCmd struct {
	settings
	File     string   `arg:"" help:"JSON of a flow, of an agent with its flow_config, or of what the API answers of either." placeholder:"FILE"`
	Path     bool     `help:"Print the id of every node that is come to."`
	Action   []string `sep:"none" help:"What comes of an action: NAME=OUTCOME or NAME=OUTCOME:{JSON}. Several for one name count one after the other." placeholder:"NAME=OUTCOME"`
	Transfer []string `help:"What comes of transfers, one after the other: answered, busy, no_answer, refused or failure." placeholder:"OUTCOME"`
	Payload  string   `help:"Values for the placeholders of its texts, a JSON object." placeholder:"JSON"`
	Language string   `help:"BCP 47; without it the agent's, else en-US." placeholder:"TAG"`
}

// Exit codes of a simulation beside those of every command.
const unfinished = 3 // the input ended before the flow did

// Run implements the command.
func (c flowRunCmd) Run(ctx context.Context, io streams) error {
	file, graph, err := c.read()
	if err != nil {
		return err
	}
	var payload map[string]any
	if c.Payload != "" {
		if err := json.Unmarshal([]byte(c.Payload), &payload); err != nil {
			return fmt.Errorf("--payload: no JSON object: %w", err)
		}
	}
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	ear, err := app.OpenEar(ctx, cfg, file.Engine, graph.Wishes())
	if err != nil {
		return err
	}
	if ear.Missing != nil {
		fmt.Fprintf(io.errs, "parley: what callers want is matched by words alone, since models are missing (`parley models fetch`): %v\n", ear.Missing)
	}
	t := &simulator{streams: io, path: c.Path, people: isTerminal(io.out) && isTerminal(os.Stdin), lines: bufio.NewScanner(os.Stdin)}
	if t.told, err = tolds(c.Action, c.Transfer); err == nil {
		err = t.run(ctx, flow.Simulate(graph, flow.Start(file.Language, payload), ear, t.decide), file)
	}
	if closeErr := ear.Close(); err == nil {
		err = closeErr
	}
	return err
}

// read reads the file and checks its flow.
func (c flowRunCmd) read() (file app.FlowFile, g *flow.Graph, err error) {
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return file, nil, err
	}
	if file, err = app.ReadFlow(raw); err != nil {
		return file, nil, fmt.Errorf("%s: %w", c.File, err)
	}
	if errs := flow.Check(file.Config); len(errs) > 0 {
		return file, nil, fmt.Errorf("%s: the flow is not valid:\n  %s", c.File, strings.Join(errs, "\n  "))
	}
	if c.Language != "" {
		file.Language = c.Language
	}
	if file.Language == "" {
		file.Language = "en-US"
	}
	g, err = flow.Parse(file.Config)
	return file, g, err
}

// simulator is the terminal of a simulation.
type simulator struct {
	streams
	path   bool
	people bool // are there to be asked
	lines  *bufio.Scanner
	told   map[string][]told
}

// told is what comes of an action or a transfer.
type told struct {
	outcome string
	result  json.RawMessage
}

// transfers is the name under which those are kept; no action has it.
const transfers = ""

// tolds reads the flags.
func tolds(actions, handovers []string) (map[string][]told, error) {
	all := map[string][]told{}
	for _, a := range actions {
		name, rest, ok := strings.Cut(a, "=")
		one, err := outcomeOf(rest)
		if !ok || name == "" || err != nil {
			return nil, fmt.Errorf("--action %s: want NAME=OUTCOME or NAME=OUTCOME:{JSON}, such as book=success:{\"number\":17}", a)
		}
		name = strings.ToLower(name)
		all[name] = append(all[name], one)
	}
	for _, h := range handovers {
		one, err := outcomeOf(h)
		if err != nil {
			return nil, fmt.Errorf("--transfer: %w", err)
		}
		all[transfers] = append(all[transfers], one)
	}
	return all, nil
}

// outcomeOf reads an outcome, perhaps with a result behind a colon.
func outcomeOf(text string) (t told, err error) {
	word, result, more := strings.Cut(strings.TrimSpace(text), ":")
	word = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(word), "-", "_"))
	switch word {
	case "success", "failure", "busy", "no_answer", "refused":
	case "answered", "":
		word = "success"
	case "failed":
		word = "failure"
	default:
		return t, fmt.Errorf("%q is no outcome: success, failure, busy, no_answer or refused", word)
	}
	if t.outcome = word; more {
		t.result = json.RawMessage(result)
	}
	if more && !json.Valid(t.result) {
		return t, fmt.Errorf("%q is no JSON", result)
	}
	return t, nil
}

// run talks until the flow or the input ends.
func (t *simulator) run(ctx context.Context, s *flow.Simulation, file app.FlowFile) error {
	if file.WhoSpeaksFirst != parley.SpeakerUser {
		if file.InitialMessage != "" {
			fmt.Fprintf(t.out, "agent: %s\n", file.InitialMessage)
		}
		if err := s.Begin(ctx, t.show); err != nil {
			return err
		}
	}
	for !s.Over() {
		text, ok := t.line("you:   ")
		if !ok {
			return t.ended(s)
		}
		if text == "" {
			continue
		}
		if err := s.Say(ctx, text, t.show); err != nil {
			return err
		}
	}
	return nil
}

func (t *simulator) ended(s *flow.Simulation) error {
	if err := t.lines.Err(); err != nil && err != io.EOF {
		return err
	}
	return &exit{unfinished, fmt.Sprintf("the input ended while the flow waits at node %q", s.Node())}
}

// line reads a line; false at the end of the input.
func (t *simulator) line(prompt string) (string, bool) {
	if t.people {
		fmt.Fprint(t.out, prompt)
	}
	ok := t.lines.Scan()
	return strings.TrimSpace(t.lines.Text()), ok
}

// show prints what the flow does.
func (t *simulator) show(o flow.Output) {
	switch o.Do {
	case flow.Enter:
		if t.path {
			fmt.Fprintf(t.out, "node:  %s\n", o.Node)
		}
	case flow.Speak:
		fmt.Fprintf(t.out, "agent: %s\n", o.Text)
	case flow.Keep:
		fmt.Fprintf(t.out, "(%s is %v)\n", o.Name, o.Value.Value)
	case flow.Run:
		fmt.Fprintf(t.out, "(runs %s %s)\n", o.Action, o.Inputs)
	case flow.Connect:
		fmt.Fprintf(t.out, "(gives the caller to %s)\n", whom(o))
	case flow.HangUp:
		fmt.Fprintln(t.out, "(hangs up)")
	}
}

func whom(o flow.Output) string {
	if o.Action != "" {
		return o.Action
	}
	return o.Number
}

// decide says what comes of an action or a transfer: what the flags say, else what somebody at the terminal does.
func (t *simulator) decide(o flow.Output) (string, json.RawMessage, error) {
	name, flag := strings.ToLower(o.Action), "--action "+o.Action+"=success"
	if o.Do == flow.Connect {
		name, flag = transfers, "--transfer busy"
	}
	if list := t.told[name]; len(list) > 0 {
		if len(list) > 1 {
			t.told[name] = list[1:]
		}
		fmt.Fprintf(t.out, "(%s)\n", list[0].outcome)
		return list[0].outcome, list[0].result, nil
	}
	for t.people {
		text, ok := t.line("what comes of it (success, success:{JSON}, failure, busy, no_answer, refused)? ")
		if !ok {
			break
		}
		one, err := outcomeOf(text)
		if err == nil {
			return one.outcome, one.result, nil
		}
		fmt.Fprintln(t.out, err)
	}
	return "", nil, fmt.Errorf("nobody says what comes of node %q: give %s, or another outcome", o.Node, flag)
}
