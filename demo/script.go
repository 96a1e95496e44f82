package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// business is a file of the demo: an agent as the API takes it, and what a caller says to it.
type business struct {
	Number    string           `json:"number"` // the DID that is called
	Caller    string           `json:"caller"`
	Agent     map[string]any   `json:"agent"` // body of createAgent
	Trainings []map[string]any `json:"trainings"`
	// Actions are bodies of createAction. A URL that begins with demo:/ is one of the diary that the demo runs.
	Actions []map[string]any `json:"actions"`
	// Booking is what must arrive in the diary, once in each call; a weekday is its next date.
	Booking map[string]string `json:"booking"`
	Script  []line            `json:"script"`

	dir string
}

// line is what the caller says and what must come of it.
type line struct {
	Say string `json:"say"`
	// Audio is a WAV file of it, seen from the business's file; without one the built-in voice says it.
	Audio string `json:"audio"`
	// InterruptAfter cuts the agent off after it has spoken for so long, such as "2.5s"; else the caller waits until it is quiet.
	InterruptAfter string `json:"interrupt_after"`
	// Expect is what the answer must hold: one word or phrase of each group.
	Expect [][]string `json:"expect"`
	// Forbid is what the answer must not hold.
	Forbid []string `json:"forbid"`
	// Unknown says that the agent cannot know it: it has to say so.
	Unknown bool `json:"unknown"`
}

// load reads a business and reports everything that is wrong with it.
func load(path string) (*business, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b := &business{Number: "+12025550143", Caller: "+12025550199", dir: filepath.Dir(path)}
	if err := json.Unmarshal(raw, b); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var errs []error
	if len(b.Agent) == 0 {
		errs = append(errs, errors.New("agent: the body of createAgent is missing"))
	}
	if len(b.Script) == 0 {
		errs = append(errs, errors.New("script: there is nothing for the caller to say"))
	}
	for i, l := range b.Script {
		errs = append(errs, b.check(i, l))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%s:\n%w", path, err)
	}
	return b, nil
}

func (b *business) check(i int, l line) error {
	if strings.TrimSpace(l.Say) == "" {
		return fmt.Errorf("script[%d].say: is empty", i)
	}
	if l.InterruptAfter != "" {
		if d, err := time.ParseDuration(l.InterruptAfter); err != nil || d <= 0 {
			return fmt.Errorf("script[%d].interrupt_after: %q is no duration such as 2.5s", i, l.InterruptAfter)
		}
		if i == 0 {
			return errors.New("script[0].interrupt_after: the first line interrupts nothing but the greeting; put a question before it")
		}
	}
	if l.Audio != "" {
		if _, err := os.Stat(b.audio(l)); err != nil {
			return fmt.Errorf("script[%d].audio: %w", i, err)
		}
	}
	return nil
}

func (b *business) audio(l line) string { return filepath.Join(b.dir, l.Audio) }

// asks are the bodies of the actions, with the address of the diary in them.
func (b *business) asks(diary string) []map[string]any {
	all := make([]map[string]any, len(b.Actions))
	for i, a := range b.Actions {
		all[i] = maps.Clone(a)
		if url, ok := a["url"].(string); ok && strings.HasPrefix(url, diaryURL) {
			all[i]["url"] = diary + strings.TrimPrefix(url, diaryURL)
		}
	}
	return all
}

// texts is all that the agent may say facts from.
func (b *business) texts() string {
	var all []string
	for _, key := range []string{"name", "label", "description", "initial_message"} {
		if s, ok := b.Agent[key].(string); ok {
			all = append(all, s)
		}
	}
	for _, t := range b.Trainings {
		all = append(all, fmt.Sprint(t["subject"]), fmt.Sprint(t["instructions"]))
	}
	for _, a := range b.Actions {
		all = append(all, fmt.Sprint(a["description"], a["speak_on_send"], a["speak_on_receive"]))
	}
	return strings.Join(all, "\n")
}

// secrets are words that only this call brought to the server: nothing of them may be left after the deletion.
func (b *business) secrets() []string {
	words := []string{regexp.MustCompile(`\D`).ReplaceAllString(b.Caller, "")}
	if d, ok := b.Agent["description"].(string); ok && d != "" {
		words = append(words, d[:min(len(d), 40)])
	}
	for _, l := range b.Script {
		if l.Unknown {
			words = append(words, strings.Trim(l.Say, ".?! "))
		}
	}
	return words
}
