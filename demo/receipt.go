package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/secrets"
)

// attested checks the statement of a complete receipt by the server's public key alone, as anybody may on any machine, and prints what it
// attests: place, count, outcome. A receipt that is not signed, or signed for something else, is an error.
func (s *server) attested(ctx context.Context, w io.Writer, agent string, receipt object) error {
	keys, err := s.publicKeys(ctx)
	if err != nil {
		return err
	}
	statement, _ := receipt["statement"].(string)
	said, err := verified(statement, keys, agent)
	if err != nil {
		return fmt.Errorf("the receipt does not prove the deletion: %w", err)
	}
	fmt.Fprintf(w, "  %-20s %5s  %s\n", "place", "items", "outcome")
	for _, p := range said.Places {
		fmt.Fprintf(w, "  %-20s %5d  %s", p.Name, p.Count, p.State)
		if p.Note != "" {
			fmt.Fprintf(w, "  (%s)", p.Note)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "  receipt %s: the signature is good by the key of /.well-known/jwks.json, and the erasure is %s\n", said.ErasureID, said.State)
	return nil
}

// attestation is what the demo reads of a statement.
type attestation struct {
	ErasureID string                `json:"erasure_id"`
	AgentID   string                `json:"agent_id"`
	State     string                `json:"state"`
	Places    []parley.ErasurePlace `json:"places"`
}

// verified opens a statement and sees that it is about the agent, complete, place by place.
func verified(statement string, keys []byte, agent string) (said attestation, err error) {
	payload, err := secrets.Verify(statement, keys)
	if err != nil {
		return said, err
	}
	if err := json.Unmarshal(payload, &said); err != nil {
		return said, err
	}
	if said.AgentID != agent {
		return said, fmt.Errorf("it is about agent %s", said.AgentID)
	}
	if said.State != parley.ErasureComplete || len(said.Places) == 0 {
		return said, fmt.Errorf("it is %s, with %d places", said.State, len(said.Places))
	}
	for _, p := range said.Places {
		if p.State != parley.ErasureComplete {
			return said, fmt.Errorf("the place %s is %s", p.Name, p.State)
		}
	}
	return said, nil
}

// publicKeys fetches the keys that statements are verified with.
func (s *server) publicKeys(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.http+"/.well-known/jwks.json", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	keys, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("public keys: %s", res.Status)
	}
	return keys, nil
}
