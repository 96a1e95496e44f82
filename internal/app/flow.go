package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/flow"
)

// FlowFile is what a simulation takes from a file: a flow alone, an agent with its flow, or what the API answers of either.
type FlowFile struct {
	Config         json.RawMessage `json:"flow_config"`
	Language       string          `json:"language"`
	InitialMessage string          `json:"initial_message"`
	WhoSpeaksFirst string          `json:"who_speaks_first"`
	Engine         string          `json:"engine"`
}

// errNoFlow says that a file holds none.
var errNoFlow = errors.New("it holds no flow: neither nodes nor a flow_config")

// ReadFlow reads the JSON of a flow file.
func ReadFlow(raw []byte) (f FlowFile, err error) {
	var top struct {
		Nodes json.RawMessage `json:"nodes"`
		Data  json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(raw, &top); err != nil {
		return f, fmt.Errorf("it is no JSON object: %w", err)
	}
	switch {
	case top.Nodes != nil:
		return FlowFile{Config: raw}, nil
	case top.Data != nil:
		return ReadFlow(top.Data)
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return f, fmt.Errorf("it is no agent: %w", err)
	}
	if len(f.Config) == 0 || string(f.Config) == "null" {
		return f, errNoFlow
	}
	return f, nil
}

// Ear understands callers for a simulation, as in calls of this machine.
type Ear struct {
	flow.Listener
	// Missing says why intents are matched by words alone; nil when by their meaning.
	Missing error

	parts *parts
}

// OpenEar opens what an engine understands callers with; empty is the default engine. Models that are missing are no fault.
// wishes are what callers of the flow may want.
func OpenEar(ctx context.Context, cfg config.Config, engine string, wishes []string) (*Ear, error) {
	log := slog.New(slog.DiscardHandler)
	e := &Ear{parts: newParts(log)}
	engines, err := openEngines(ctx, cfg, e.parts, log)
	if err == nil {
		e.Missing = engines.missing
		e.Listener, err = engines.listener(engine)
	}
	if err != nil {
		return nil, errors.Join(err, e.parts.stop())
	}
	if p, ok := e.Listener.(flow.Preparer); ok {
		p.Prepare(ctx, wishes)
	}
	return e, nil
}

// Close ends the engines.
func (e *Ear) Close() error { return e.parts.stop() }
