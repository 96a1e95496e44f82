package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/secrets"
)

// signer makes the key of a server.
func signer(t *testing.T, hex string) *secrets.Key {
	t.Helper()
	k, err := secrets.Parse(strings.Repeat(hex, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOnlyAReceiptThatProvesTheDeletionIsShown(t *testing.T) {
	own, stranger := signer(t, "ab"), signer(t, "cd")
	good := attestation{ErasureID: "e", AgentID: "a", State: parley.ErasureComplete, Places: []parley.ErasurePlace{
		{Name: "agent", Count: 1, State: parley.ErasureComplete}, {Name: "calls", Count: 7, State: parley.ErasureComplete, Note: "of the note"},
	}}
	running, other, empty, part := good, good, good, good
	running.State, other.AgentID, empty.Places = parley.ErasureRunning, "b", nil
	part.Places = []parley.ErasurePlace{{Name: "calls", State: parley.ErasureRunning}}
	keys, err := own.PublicKeys()
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keys) }))
	defer api.Close()
	s := &server{http: strings.TrimPrefix(api.URL, "http://")}
	for _, c := range []struct {
		name string
		by   *secrets.Key
		says attestation
		ok   bool
	}{
		{"complete", own, good, true},
		{"signed by another", stranger, good, false},
		{"not complete", own, running, false},
		{"of another agent", own, other, false},
		{"of no places", own, empty, false},
		{"one place is not empty", own, part, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			statement, err := c.by.Attest(c.says)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err = s.attested(context.Background(), &out, "a", object{"statement": statement})
			if shown := strings.Contains(out.String(), "calls                    7  complete  (of the note)"); (err == nil) != c.ok || shown != c.ok {
				t.Errorf("%v, printed %q", err, &out)
			}
		})
	}
	if err := s.attested(context.Background(), &strings.Builder{}, "a", object{}); err == nil {
		t.Error("a receipt without a statement was taken")
	}
}
