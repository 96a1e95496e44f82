package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/parley-voice/parley/internal/river"
	"github.com/parley-voice/parley/internal/store"
)

// holding is a table that holds what owners or callers said, are called, or dialled. Every text or document column of the database is
// named by a holding, or stands in harmless: a test walks the schema.
type holding struct {
	table    string
	personal []string    // columns of such data
	place    store.Place // of the erasure; empty where the rows go with the agent's own row, in the transaction that deletes it
	call     string      // column that names the call, of a place below calls
}

// holdings is the database's part of the erasure's register.
var holdings = []holding{
	{table: "agents", personal: []string{"name", "label", "folded", "settings"}},
	{table: "trainings", personal: []string{"subject", "instructions", "node_id"}},
	{table: "actions", personal: []string{
		"node_id", "name", "description", "inputs", "integration", "url", "authorization_url", "speak_on_send", "speak_on_receive",
	}},
	{table: "flow_versions", personal: []string{"version", "config"}},
	{table: "turns", personal: []string{"text", "heard"}, place: store.PlaceTranscripts, call: "call_id"},
	{table: "call_actions", personal: []string{"name", "input", "output"}, place: store.PlaceCallActions, call: "call_id"},
	{table: "sip_messages", personal: []string{"peer", "raw"}, place: store.PlaceSIPMessages, call: "call_id"},
	{table: "calls", place: store.PlaceCalls, call: "id", personal: []string{
		"sid", "to_number", "from_number", "snapshot", "payload", "context", "messages", "recording_note", "transfers",
	}},
	{table: "webhooks", personal: []string{"name", "url", "templates"}},
	{table: "deliveries", personal: []string{"body"}, place: store.PlaceDeliveries, call: "call_id"},
	{table: "delivery_lanes", place: store.PlaceLanes, call: "call_id"},
	{table: "delivery_logs", personal: []string{"response", "response_headers", "error"}, place: store.PlaceHookLogs, call: "call_id"},
	{table: "softphones", personal: []string{"username", "display_name"}}, // of people of the environment, until their phone is deleted
	{table: "bindings", personal: []string{"contact", "source"}},          // likewise
	{table: "users", personal: []string{"email", "name"}},                 // of the account, not of an agent
}

// harmless are the text columns that hold ids, words of a fixed set, hashes, sealed values, or what belongs to the environment and to no
// agent or caller. "*" is every column of a table.
var harmless = map[string][]string{
	"users":            {"id", "environment_id"},
	"environments":     {"*"},
	"tokens":           {"*"},
	"personal_tokens":  {"*"},
	"meta":             {"*"},
	"agents":           {"id", "environment_id", "direction", "status", "mode", "erasure_id"},
	"trainings":        {"id", "agent_id", "status"},
	"actions":          {"id", "agent_id", "type", "method", "scheme", "mode", "status", "sealed_headers", "sealed_config"},
	"flow_versions":    {"id", "agent_id", "mode"},
	"sip_trunks":       {"*"}, // the environment's, and outlive its agents
	"phone_numbers":    {"*"}, // likewise
	"agent_numbers":    {"*"},
	"turns":            {"id", "call_id", "who", "reply_to", "timing"},
	"softphones":       {"id", "environment_id", "sealed"},
	"bindings":         {"softphone_id", "call_id", "transport"}, // the Call-ID of a REGISTER, made by the phone
	"sip_messages":     {"id", "call_id", "transport"},
	"call_actions":     {"id", "call_id", "action_id", "type", "mode", "status"},
	"webhooks":         {"id", "agent_id", "events", "method", "scheme", "sealed_secret", "sealed_headers"},
	"deliveries":       {"id", "lane_id", "webhook_id", "agent_id", "call_id", "event", "status"},
	"delivery_logs":    {"id", "delivery_id", "webhook_id", "agent_id", "call_id", "event", "status"},
	"delivery_lanes":   {"*"}, // ids
	"idempotency_keys": {"*"}, // ids and hashes
	"erasures":         {"*"}, // receipts
	"calls": {
		"id", "environment_id", "agent_id", "direction", "transport", "status", "ended_reason", "trunk_id", "number_id", "token_hash",
		"recording", "node_id", "erasure_id", "quality", "callback_source", "callback_call", "end_asked",
	},
	"callback_roles":   {"*"}, // ids and outcomes
	"callback_sources": {"*"}, // ids
}

// of is the condition of calls within a scope.
func of(s store.Scope) schema.QueryWithArgs {
	if s.ErasureID != "" {
		return bun.SafeQuery("c.erasure_id = ?", s.ErasureID)
	}
	return bun.SafeQuery("c.agent_id = ?", s.AgentID)
}

func holdingOf(p store.Place) (holding, error) {
	for _, h := range holdings {
		if p != "" && h.place == p {
			return h, nil
		}
	}
	return holding{}, fmt.Errorf("sqlstore: no table of the place %q", p)
}

// Erase deletes up to limit rows of a place within a scope and says how many went.
func (t *tx) Erase(ctx context.Context, p store.Place, s store.Scope, limit int) (int64, error) {
	switch p {
	case store.PlaceJobs:
		return t.eraseJobs(ctx, s, limit)
	case store.PlaceCalls:
		return t.eraseCalls(ctx, s, limit)
	case store.PlaceDeliveries:
		if n, err := t.eraseRows(ctx, p, s, limit); err != nil || n > 0 {
			return n, err
		}
		p = store.PlaceLanes
	}
	return t.eraseRows(ctx, p, s, limit)
}

func (t *tx) eraseRows(ctx context.Context, p store.Place, s store.Scope, limit int) (int64, error) {
	h, err := holdingOf(p)
	if err != nil {
		return 0, err
	}
	which := bun.SafeQuery("JOIN calls AS c ON c.id = x.? WHERE ?", bun.Ident(h.call), of(s))
	if len(s.Calls) > 0 {
		which = bun.SafeQuery("WHERE x.? IN (?)", bun.Ident(h.call), bun.List(s.Calls))
	}
	return affected(t.NewRaw("DELETE FROM ?0 WHERE id IN (SELECT x.id FROM ?0 AS x ?1 LIMIT ?2)", bun.Ident(h.table), which, limit).Exec(ctx))
}

// Measure counts the rows of a place within a scope, and the bytes of personal data in them.
func (t *tx) Measure(ctx context.Context, p store.Place, s store.Scope) (rows, bytes int64, err error) {
	if p == store.PlaceJobs {
		rows, err = t.store.queue.Count(ctx, t.Tx.Tx, river.OfAgent(s.AgentID))
		return rows, 0, fault(err)
	}
	h, err := holdingOf(p)
	if err != nil {
		return 0, 0, err
	}
	sizes := make([]string, len(h.personal))
	for i, column := range h.personal {
		sizes[i] = "coalesce(octet_length(CAST(x." + column + " AS text)), 0)"
	}
	err = t.NewRaw("SELECT count(*), coalesce(sum(?), 0) FROM ? AS x JOIN calls AS c ON c.id = x.? WHERE ?",
		bun.Safe(strings.Join(sizes, " + ")), bun.Ident(h.table), bun.Ident(h.call), of(s)).Scan(ctx, &rows, &bytes)
	return rows, bytes, fault(err)
}
