package convo

import (
	"encoding/json"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
)

// fill puts the values of a payload into a text.
func fill(text string, payload map[string]any) string {
	return parley.FillPlaceholders(text, payload, nil)
}

// briefOf is what the model is told of the agent.
func briefOf(cfg Config, greeting string) llm.Brief {
	a := &cfg.Snapshot.Agent
	b := llm.Brief{
		AgentName: a.Name, Language: a.Language, Description: fill(deref(a.Description), cfg.Payload), Greeting: greeting,
		Temperature: a.Temperature, Tools: tools(cfg), Now: time.Now().Format(time.RFC3339), Situation: cfg.Situation,
	}
	for _, t := range cfg.Snapshot.Trainings {
		b.Trainings = append(b.Trainings, llm.Training{Subject: fill(t.Subject, cfg.Payload), Instructions: fill(t.Instructions, cfg.Payload)})
	}
	return b
}

func tools(cfg Config) []llm.Tool {
	all := []llm.Tool{
		{Name: llm.ToolHangUp, Description: "End the call after what you said. Use it when the conversation is over.",
			Parameters: json.RawMessage(`{"type":"object","properties":{}}`)},
		{Name: llm.ToolTakeMessage, Description: "Keep a message for the owner of the line: each thing that was asked for under its name.",
			Parameters: json.RawMessage(`{"type":"object","properties":{"slots":{"type":"object","additionalProperties":{"type":"string"}}},"required":["slots"]}`)},
	}
	if len(cfg.Targets) > 0 {
		all = append(all, transferTool(cfg.Targets))
	}
	if cfg.Hold != "" {
		all = append(all, llm.Tool{Name: llm.ToolHold, Description: cfg.Hold, Parameters: json.RawMessage(`{"type":"object","properties":{}}`)})
	}
	return all
}

func transferTool(targets []Target) llm.Tool {
	names, text := make([]string, len(targets)), "Give the caller to somebody else after what you said, such as that you are connecting him. Targets:"
	for i, t := range targets {
		names[i] = t.Name
		text += "\n" + t.Name + ": " + t.Description
	}
	parameters, _ := json.Marshal(map[string]any{ // strings cannot fail
		"type": "object", "required": []string{"target"},
		"properties": map[string]any{
			"target":   map[string]any{"type": "string", "enum": names},
			"briefing": map[string]any{"type": "string", "description": "One sentence for the target: who calls, and what he wants."},
		},
	})
	return llm.Tool{Name: llm.ToolTransfer, Description: text, Parameters: parameters}
}
