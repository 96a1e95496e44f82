package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/flow"
	"github.com/parley-voice/parley/internal/grounded"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/providers/kept"
	"github.com/parley-voice/parley/internal/providers/local"
	"github.com/parley-voice/parley/internal/providers/openai"
	"github.com/parley-voice/parley/internal/speech"
)

// speechReady bounds how long the start waits for a speech worker.
const speechReady = 60 * time.Second

// engines are the speech engines of this machine and the models that agents may name.
type engines struct {
	speech   *local.Engines // nil while the models are missing
	kept     *kept.Engines  // before speech, nil with it
	grounded *grounded.Model
	models   map[string]llm.Model // by engine name
	fallback string               // of agents that name none
	missing  error                // why speech is nil, with the remedy
}

// openEngines loads what is there. Missing models are no fault: calls are refused until they are fetched.
func openEngines(ctx context.Context, cfg config.Config, p *parts, log *slog.Logger) (*engines, error) {
	e := &engines{models: map[string]llm.Model{}, fallback: cfg.Engine}
	dir, err := modelsDir(cfg)
	if err != nil {
		return nil, err
	}
	if e.missing = models.Ready(dir); e.missing == nil {
		if err := e.openSpeech(ctx, cfg, dir, p, log); err != nil {
			return nil, err
		}
	} else {
		log.Error("calls are refused: models are missing or damaged", "remedy", "parley models fetch", "error", e.missing)
		e.grounded = grounded.New(nil)
	}
	e.models[config.LocalEngine] = e.grounded
	for name, c := range cfg.Engines {
		e.models[name] = openai.New(openai.Config{BaseURL: c.BaseURL, APIKey: c.APIKey, Model: c.Model, Languages: c.Languages})
	}
	if cfg.LLMURL != "" {
		const name = "llm"
		e.models[name] = openai.New(openai.Config{BaseURL: cfg.LLMURL, APIKey: cfg.LLMKey, Model: cfg.LLMName})
		if cfg.Engine == config.LocalEngine {
			e.fallback = name
		}
	}
	return e, nil
}

func (e *engines) openSpeech(ctx context.Context, cfg config.Config, dir string, p *parts, log *slog.Logger) error {
	s, err := local.Open(local.Config{Models: dir, Workers: cfg.Workers, Log: log})
	if err != nil {
		return fmt.Errorf("speech engines: %w", err)
	}
	p.start("speech workers", s.Run)
	ctx, cancel := context.WithTimeout(ctx, speechReady)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		return fmt.Errorf("speech engines do not start (`parley doctor` says more): %w", err)
	}
	e.speech, e.kept = s, kept.New(s, s)
	e.grounded = grounded.New(e.kept)
	return nil
}

func modelsDir(cfg config.Config) (string, error) {
	if cfg.Models != "" {
		return cfg.Models, nil
	}
	return models.DefaultDir()
}

// model finds an engine by its name; empty is the default.
func (e *engines) model(name string) (llm.Model, error) {
	if name == "" {
		name = e.fallback
	}
	m, ok := e.models[name]
	if !ok {
		return nil, fmt.Errorf("there is no engine %q; known are %s", name, strings.Join(slices.Sorted(maps.Keys(e.models)), ", "))
	}
	return m, nil
}

// forCall is what a conversation needs.
func (e *engines) forCall(name string) (convo.Engines, error) {
	m, err := e.model(name)
	if err != nil {
		return convo.Engines{}, err
	}
	if e.speech == nil {
		return convo.Engines{}, e.missing
	}
	c := convo.Engines{
		Recognizer: e.speech, Synthesizer: e.kept, Detector: e.speech, Judge: e.speech, Model: m,
	}
	e.complete(&c)
	return c, nil
}

// complete gives a mind what it falls back on, and flows an ear.
func (e *engines) complete(c *convo.Engines) {
	c.Listener = e.hears(c.Model)
	if c.Model != llm.Model(e.grounded) {
		c.Fallback = e.grounded
	}
}

// listener is what an engine understands callers of flows with.
func (e *engines) listener(name string) (flow.Listener, error) {
	m, err := e.model(name)
	if err != nil {
		return nil, err
	}
	return e.hears(m), nil
}

func (e *engines) hears(m llm.Model) flow.Listener {
	if m == llm.Model(e.grounded) {
		return listener{e.grounded}
	}
	return convo.Reader{Model: m, Otherwise: listener{e.grounded}}
}

// languages says what can be heard and spoken with an engine.
func (e *engines) languages(name string) (hear, speak []string, err error) {
	m, err := e.model(name)
	if err != nil {
		return nil, nil, err
	}
	hear, speak = local.Languages(), local.Languages()
	if only := m.Languages(); only != nil {
		hear = slices.DeleteFunc(slices.Clone(hear), func(tag string) bool { return !slices.Contains(only, tag) })
	}
	return hear, speak, nil
}

// synthesizer is the voice for samples; away while the models are missing.
func (e *engines) synthesizer() speech.Synthesizer {
	if e.speech == nil {
		return mute{e.missing}
	}
	return e.speech
}

// forget empties what the engines and the actions remember, whose agent ever it is: it is worked out again when it is wanted.
func (h *house) forget(context.Context, *parley.Erasure) (removed int64, done bool, note string, err error) {
	removed = int64(h.actions.Forget())
	if h.engines.kept != nil {
		removed += int64(h.engines.kept.Forget())
	}
	return removed, true, "", nil
}

// mute is a synthesizer whose models are missing.
type mute struct{ why error }

func (m mute) Say(context.Context, string, speech.Voice, func([]int16) error) error { return m.why }
func (mute) Languages() []string                                                    { return nil }
