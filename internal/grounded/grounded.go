// Package grounded is the offline llm.Model: a mind that can only say what the agent's description, trainings and action results
// contain. It understands by the words that a question and a sentence share, helped by embeddings when there are any, by patterns for
// the few things that callers say to every business, and by typed slots. What surely answers it says outright, what may answer with a
// caveat. It knows no business: every fact comes with the brief, every state from the history. It opens no socket, keeps nothing between
// replies but the brief, and starts no goroutine.
package grounded

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-voice/parley/internal/llm"
)

// Model opens chats that are grounded in their brief.
type Model struct {
	embedder llm.Embedder

	mu    sync.Mutex
	gauge gaugeState
	scale float64 // of the embedder, once gauged; 0 when it knows no meanings
}

var _ llm.Model = (*Model)(nil)

type gaugeState int

const (
	ungauged gaugeState = iota
	gauging             // another chat is at it
	gauged
)

// New returns a model. Without an embedder (nil), or while it fails, questions are understood by their words alone.
func New(embedder llm.Embedder) *Model { return &Model{embedder: embedder} }

// Languages implements llm.Model: English in its usual regions.
func (m *Model) Languages() []string {
	return []string{"en", "en-US", "en-GB", "en-AU", "en-CA", "en-IE", "en-IN", "en-NZ", "en-ZA"}
}

const (
	// embedPatience bounds one question's embedding: an answer by words alone is better than a late one.
	embedPatience = 400 * time.Millisecond
	// readPatience bounds the embedding of a brief: a call that is answered by words alone is better than none.
	readPatience = 3 * time.Second
)

// Open implements llm.Model: it reads the brief and embeds its sentences.
func (m *Model) Open(ctx context.Context, b llm.Brief) (llm.Chat, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	c := &chat{knows: understand(b)}
	if m.embedder == nil || len(c.knows.facts) == 0 {
		return c, nil
	}
	if err := m.embed(ctx, c); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		slog.WarnContext(ctx, "embedding a brief failed; questions are understood by their words", "err", err)
	}
	return c, nil
}

// embed gives the facts their vectors and the chat its embedder.
func (m *Model) embed(ctx context.Context, c *chat) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readPatience, errors.New("embedding a brief took too long"))
	defer cancel()
	scale, err := m.gaugeOnce(ctx)
	if err != nil || scale == 0 {
		return err
	}
	texts := make([]string, len(c.knows.facts))
	for i, f := range c.knows.facts {
		texts[i] = f.passage()
	}
	vectors, err := m.embedder.Embed(ctx, texts, false)
	if err != nil {
		return err
	}
	if len(vectors) != len(texts) {
		return errors.New("the embedder does not return a vector for each text")
	}
	for i, f := range c.knows.facts {
		f.vector = vectors[i]
	}
	c.embedder, c.knows.likeness = m.embedder, scale
	return nil
}

// gaugeOnce measures the embedder for all chats; after an error the next chat tries again. A chat that opens meanwhile does not wait for
// it: its scale is 0, and it goes by words alone.
func (m *Model) gaugeOnce(ctx context.Context) (float64, error) {
	m.mu.Lock()
	begin := m.gauge == ungauged
	if begin {
		m.gauge = gauging
	}
	scale := m.scale
	m.mu.Unlock()
	if !begin {
		return scale, nil
	}
	scale, err := gauge(ctx, m.embedder)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.gauge = ungauged
		return 0, err
	}
	m.gauge, m.scale = gauged, scale
	return scale, nil
}

// passage is what is embedded of a fact: with its subject, since a sentence often says too little alone.
func (f *fact) passage() string {
	if f.subject == "" {
		return f.text
	}
	return f.subject + ": " + f.text
}
