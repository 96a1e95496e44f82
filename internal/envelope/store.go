package envelope

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// mark begins a sealed text; what does not begin so was stored before there were keys.
const mark = "\u2709sealed1:"

// Store is a store whose transcripts are sealed.
type Store struct {
	store.Store
	keys *Keys
	log  *slog.Logger
}

var _ store.Store = (*Store)(nil)

// Seal wraps a store.
func Seal(s store.Store, keys *Keys, log *slog.Logger) *Store { return &Store{s, keys, log} }

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error {
	return s.Store.Update(ctx, func(ctx context.Context, inner store.Tx) error { return fn(ctx, &tx{inner, s}) })
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error {
	return s.Store.View(ctx, func(ctx context.Context, inner store.Tx) error { return fn(ctx, &tx{inner, s}) })
}

type tx struct {
	store.Tx
	s *Store
}

// InsertCall makes the key of the call's agent, which lives and is held by this transaction: nobody else makes keys, so that what comes
// late to a deleted agent finds none.
func (t *tx) InsertCall(ctx context.Context, c *parley.Call) error {
	if err := t.Tx.InsertCall(ctx, c); err != nil {
		return err
	}
	return t.s.keys.Make(c.AgentID)
}

// PutTurns seals what was said. Turns of an agent whose key is gone are dropped, as those of a call that is.
func (t *tx) PutTurns(ctx context.Context, ts []parley.Turn) error {
	ids := make([]string, len(ts))
	for i := range ts {
		ids[i] = ts[i].CallID
	}
	agents, err := t.AgentsOfCalls(ctx, ids...)
	if err != nil {
		return err
	}
	sealed := make([]parley.Turn, 0, len(ts))
	for _, turn := range ts {
		err := t.s.sealTurn(&turn, agents[turn.CallID])
		if errors.Is(err, ErrNoKey) {
			continue
		}
		if err != nil {
			return err
		}
		sealed = append(sealed, turn)
	}
	if len(sealed) == 0 {
		return nil
	}
	return t.Tx.PutTurns(ctx, sealed)
}

func (s *Store) sealTurn(turn *parley.Turn, agentID string) error {
	if agentID == "" {
		return ErrNoKey
	}
	a, err := s.keys.of(agentID)
	if err != nil {
		return err
	}
	text := func(plain, part string) string {
		return mark + base64.RawStdEncoding.EncodeToString(seal(a, nil, []byte(plain), turnPlace(turn, part)))
	}
	turn.Text = text(turn.Text, "text")
	if turn.Heard != nil {
		turn.Heard = new(text(*turn.Heard, "heard"))
	}
	return nil
}

func turnPlace(t *parley.Turn, part string) string { return "turn:" + t.ID + ":" + part }

// TurnsOf opens what was said. What no key opens any more has empty texts.
func (t *tx) TurnsOf(ctx context.Context, callID string) ([]parley.Turn, error) {
	turns, err := t.Tx.TurnsOf(ctx, callID)
	if err != nil || len(turns) == 0 {
		return turns, err
	}
	agents, err := t.AgentsOfCalls(ctx, callID)
	if err != nil {
		return nil, err
	}
	for i := range turns {
		turn := &turns[i]
		if turn.Text, err = t.s.text(turn.Text, agents[callID], turnPlace(turn, "text")); err != nil {
			return nil, err
		}
		if turn.Heard == nil {
			continue
		}
		heard, err := t.s.text(*turn.Heard, agents[callID], turnPlace(turn, "heard"))
		if err != nil {
			return nil, err
		}
		turn.Heard = &heard
	}
	return turns, nil
}

func (s *Store) text(stored, agentID, place string) (string, error) {
	coded, ok := strings.CutPrefix(stored, mark)
	if !ok {
		return stored, nil
	}
	a, err := s.keys.of(agentID)
	if errors.Is(err, ErrNoKey) {
		s.log.Warn("a transcript cannot be read: the agent's key was destroyed", "agent", agentID)
		return "", nil
	}
	if err != nil {
		return "", err
	}
	sealed, err := base64.RawStdEncoding.DecodeString(coded)
	if err != nil {
		return "", fmt.Errorf("envelope: a sealed text is damaged: %w", err)
	}
	plain, err := open(a, sealed, place)
	return string(plain), err
}
