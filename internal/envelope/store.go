package envelope

import (
	"context"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// mark begins a sealed text; what does not begin so was stored before there were keys.
const mark = "\u2709sealed1:"

// Store is a store in which all that people said, brought and were sent is sealed, save what it is searched by.
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

// ciphersOf are the keys of calls' agents, by call id; calls that are gone, or whose agent's key is, are missing.
func (t *tx) ciphersOf(ctx context.Context, calls ...string) (map[string]cipher.AEAD, error) {
	agents, err := t.AgentsOfCalls(ctx, calls...)
	if err != nil {
		return nil, err
	}
	keys := make(map[string]cipher.AEAD, len(agents))
	for call, agent := range agents {
		a, err := t.s.keys.of(agent)
		if errors.Is(err, ErrNoKey) {
			t.s.log.Warn("what was said in a call cannot be kept or read: the agent's key is gone", "agent", agent, "call", call)
			continue
		}
		if err != nil {
			return nil, err
		}
		keys[call] = a
	}
	return keys, nil
}

// PutTurns seals what was said. Turns of an agent whose key is gone are dropped, as those of a call that is.
func (t *tx) PutTurns(ctx context.Context, ts []parley.Turn) error {
	ids := make([]string, len(ts))
	for i := range ts {
		ids[i] = ts[i].CallID
	}
	keys, err := t.ciphersOf(ctx, ids...)
	if err != nil {
		return err
	}
	sealed := make([]parley.Turn, 0, len(ts))
	for _, turn := range ts {
		if a := keys[turn.CallID]; a != nil {
			turn.Text = sealText(a, turn.Text, turnPlace(&turn, "text"))
			if turn.Heard != nil {
				turn.Heard = new(sealText(a, *turn.Heard, turnPlace(&turn, "heard")))
			}
			sealed = append(sealed, turn)
		}
	}
	if len(sealed) == 0 {
		return nil
	}
	return t.Tx.PutTurns(ctx, sealed)
}

// TurnsOf opens what was said. What no key opens any more has empty texts.
func (t *tx) TurnsOf(ctx context.Context, callID string) ([]parley.Turn, error) {
	turns, err := t.Tx.TurnsOf(ctx, callID)
	if err != nil || len(turns) == 0 {
		return turns, err
	}
	keys, err := t.ciphersOf(ctx, callID)
	if err != nil {
		return nil, err
	}
	for i := range turns {
		turn := &turns[i]
		if turn.Text, err = openText(keys[callID], turn.Text, turnPlace(turn, "text")); err != nil {
			return nil, err
		}
		if turn.Heard == nil {
			continue
		}
		heard, err := openText(keys[callID], *turn.Heard, turnPlace(turn, "heard"))
		if err != nil {
			return nil, err
		}
		turn.Heard = &heard
	}
	return turns, nil
}

// PutSIPMessages seals the text of messages; their peers' addresses stay as they are.
func (t *tx) PutSIPMessages(ctx context.Context, ms []parley.SIPMessage) error {
	ids := make([]string, len(ms))
	for i := range ms {
		ids[i] = ms[i].CallID
	}
	keys, err := t.ciphersOf(ctx, ids...)
	if err != nil {
		return err
	}
	sealed := make([]parley.SIPMessage, 0, len(ms))
	for _, m := range ms {
		if a := keys[m.CallID]; a != nil {
			m.Raw = sealText(a, m.Raw, "sip:"+m.ID)
			sealed = append(sealed, m)
		}
	}
	if len(sealed) == 0 {
		return nil
	}
	return t.Tx.PutSIPMessages(ctx, sealed)
}

// SIPMessagesOf opens the text of messages; what no key opens any more is empty.
func (t *tx) SIPMessagesOf(ctx context.Context, callID string) ([]parley.SIPMessage, error) {
	ms, err := t.Tx.SIPMessagesOf(ctx, callID)
	if err != nil || len(ms) == 0 {
		return ms, err
	}
	keys, err := t.ciphersOf(ctx, callID)
	if err != nil {
		return nil, err
	}
	for i := range ms {
		if ms[i].Raw, err = openText(keys[callID], ms[i].Raw, "sip:"+ms[i].ID); err != nil {
			return nil, err
		}
	}
	return ms, nil
}

// PutCallAction seals what was sent and what came back. An action of an agent whose key is gone is dropped, as one of a call that is.
func (t *tx) PutCallAction(ctx context.Context, a *parley.CallAction) (bool, error) {
	keys, err := t.ciphersOf(ctx, a.CallID)
	if err != nil || keys[a.CallID] == nil {
		return false, err
	}
	sealed := *a
	if a.Input != nil {
		sealed.Input = json.RawMessage(sealText(keys[a.CallID], string(a.Input), actionPlace(a, "input")))
	}
	if a.Output != nil {
		sealed.Output = json.RawMessage(sealText(keys[a.CallID], string(a.Output), actionPlace(a, "output")))
	}
	return t.Tx.PutCallAction(ctx, &sealed)
}

// CallAction opens what was sent and what came back.
func (t *tx) CallAction(ctx context.Context, callID, id string) (*parley.CallAction, error) {
	a, err := t.Tx.CallAction(ctx, callID, id)
	if err != nil {
		return nil, err
	}
	return a, t.openActions(ctx, callID, a)
}

// CallActionsOf opens what was sent and what came back. What no key opens any more is left out.
func (t *tx) CallActionsOf(ctx context.Context, callID string) ([]*parley.CallAction, error) {
	list, err := t.Tx.CallActionsOf(ctx, callID)
	if err != nil || len(list) == 0 {
		return list, err
	}
	return list, t.openActions(ctx, callID, list...)
}

func (t *tx) openActions(ctx context.Context, callID string, list ...*parley.CallAction) error {
	keys, err := t.ciphersOf(ctx, callID)
	if err != nil {
		return err
	}
	for _, a := range list {
		for part, v := range map[string]*json.RawMessage{"input": &a.Input, "output": &a.Output} {
			plain, err := openText(keys[callID], string(*v), actionPlace(a, part))
			if err != nil {
				return err
			}
			if *v = nil; plain != "" {
				*v = json.RawMessage(plain)
			}
		}
	}
	return nil
}

func actionPlace(a *parley.CallAction, part string) string { return "action:" + a.ID + ":" + part }

func turnPlace(t *parley.Turn, part string) string { return "turn:" + t.ID + ":" + part }

func sealText(a cipher.AEAD, plain, place string) string {
	return mark + base64.RawStdEncoding.EncodeToString(seal(a, nil, []byte(plain), place))
}

// openText gives back what was never sealed as it is, and nothing where the key is gone.
func openText(a cipher.AEAD, stored, place string) (string, error) {
	coded, ok := strings.CutPrefix(stored, mark)
	if !ok {
		return stored, nil
	}
	if a == nil {
		return "", nil
	}
	sealed, err := base64.RawStdEncoding.DecodeString(coded)
	if err != nil {
		return "", fmt.Errorf("envelope: a sealed text is damaged: %w", err)
	}
	plain, err := open(a, sealed, place)
	return string(plain), err
}
