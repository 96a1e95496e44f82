package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/calls"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/store"
)

// Chat is a conversation with an agent in text, as its callers would have it. Say and Close are for one goroutine.
type Chat struct {
	*convo.Text
	parts *parts
}

// OpenChat reads an agent, published or not, and opens a conversation with it; taken gets what the agent takes down.
func OpenChat(ctx context.Context, cfg config.Config, agentID string, payload map[string]any, taken func(parley.TakenMessage), log *slog.Logger) (*Chat, error) {
	key, err := secrets.Load(cfg.MasterKey, cfg.Data)
	if err != nil {
		return nil, err
	}
	snap, err := snapshot(ctx, cfg, agentID)
	if err != nil {
		return nil, err
	}
	c := &Chat{parts: newParts(log)}
	e, err := openEngines(ctx, cfg, c.parts, log)
	if err != nil {
		return nil, errors.Join(err, c.parts.stop())
	}
	model, err := e.model(snap.Agent.Engine)
	if err == nil {
		engines := convo.Engines{Model: model}
		e.complete(&engines)
		c.Text, err = convo.NewText(ctx, convo.Config{
			CallID: parley.NewID(), Direction: snap.Agent.Direction, Snapshot: snap, Payload: payload, Engines: engines, Log: log, Message: taken,
			Requester: requester(cfg, key, log),
		})
	}
	if err != nil {
		return nil, errors.Join(err, c.parts.stop())
	}
	return c, nil
}

// Close ends the conversation and its engines.
func (c *Chat) Close() error {
	c.Text.Close()
	return c.parts.stop()
}

func snapshot(ctx context.Context, cfg config.Config, agentID string) (snap *parley.Snapshot, err error) {
	s, err := openStore(ctx, cfg, nil)
	if err != nil {
		return nil, err
	}
	err = s.View(ctx, func(ctx context.Context, tx store.Tx) error {
		a, err := tx.Agent(ctx, "", agentID)
		if err == nil {
			snap, err = calls.Freeze(ctx, tx, a)
		}
		return err
	})
	if parley.CodeOf(err) == parley.AgentNotFound {
		err = fmt.Errorf("there is no agent %s in this database; GET /api/v1/agents lists them", agentID)
	}
	return snap, errors.Join(err, s.Close())
}
