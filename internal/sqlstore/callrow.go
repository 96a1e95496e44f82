package sqlstore

import (
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/parley-voice/parley"
)

type callRow struct {
	bun.BaseModel `bun:"table:calls,alias:c"`

	ID            string `bun:",pk"`
	EnvironmentID string
	AgentID       string
	SID           string `bun:"sid"`
	ToNumber      string
	FromNumber    string
	Testing       bool
	Direction     parley.Direction
	Transport     string
	Status        parley.CallStatus
	EndedReason   string
	TrunkID       string
	NumberID      string
	Snapshot      *parley.Snapshot `bun:"type:jsonb"`
	Payload       *string          // text: it is echoed to the letter
	Context       *string
	TokenHash     string
	Recording     string
	RecordingNote string
	Messages      []parley.TakenMessage `bun:"type:jsonb"`
	Cost          float64
	Quality       *parley.Quality   `bun:"type:jsonb"`
	Transfers     []parley.Transfer `bun:"type:jsonb"`
	NodeID        string
	LeaseUntil    time.Time `bun:",nullzero"`
	DialAt        time.Time `bun:",nullzero"`
	CreatedAt     time.Time
	UpdatedAt     time.Time
	AnsweredAt    *time.Time
	EndedAt       *time.Time
	ErasureID     *string // set by a claim alone
	Voicemail     bool
	// Null when the call is on no callback agent's number, empty when it returns no call.
	CallbackSource *string
	CallbackCall   *string
}

func callToRow(c *parley.Call) *callRow {
	r := &callRow{
		ID: c.ID, EnvironmentID: c.EnvironmentID, AgentID: c.AgentID, SID: c.SID, ToNumber: c.To, FromNumber: c.From, Testing: c.Testing,
		Direction: c.Direction, Transport: c.Transport, Status: c.Status, EndedReason: c.EndedReason, TrunkID: c.TrunkID, NumberID: c.NumberID,
		Snapshot: c.Snapshot, Payload: textOf(c.Payload), Context: textOf(c.Context), TokenHash: c.TokenHash,
		Recording: c.Recording, RecordingNote: c.RecordingNote, Messages: c.Messages, Transfers: c.Transfers, Cost: c.Cost, Quality: c.Quality, NodeID: c.NodeID,
		LeaseUntil: stampOrZero(c.LeaseUntil), DialAt: stampOrZero(c.DialAt),
		CreatedAt: parley.Stamp(c.CreatedAt), UpdatedAt: parley.Stamp(c.UpdatedAt),
		AnsweredAt: stampOrNil(c.AnsweredAt), EndedAt: stampOrNil(c.EndedAt),
	}
	r.Voicemail = c.Voicemail
	if c.Callback != nil {
		r.CallbackSource, r.CallbackCall = &c.Callback.SourceID, &c.Callback.CallID
	}
	if r.Messages == nil {
		r.Messages = []parley.TakenMessage{}
	}
	if r.Transfers == nil {
		r.Transfers = []parley.Transfer{}
	}
	return r
}

func (r *callRow) call() *parley.Call {
	c := &parley.Call{
		ID: r.ID, EnvironmentID: r.EnvironmentID, AgentID: r.AgentID, SID: r.SID, To: r.ToNumber, From: r.FromNumber, Testing: r.Testing,
		Direction: r.Direction, Transport: r.Transport, Status: r.Status, EndedReason: r.EndedReason, TrunkID: r.TrunkID, NumberID: r.NumberID,
		Snapshot: r.thawed(), Payload: jsonOf(r.Payload), Context: jsonOf(r.Context), TokenHash: r.TokenHash,
		Recording: r.Recording, RecordingNote: r.RecordingNote, Quality: r.Quality, NodeID: r.NodeID,
		LeaseUntil: stampOrZero(r.LeaseUntil), DialAt: stampOrZero(r.DialAt),
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), AnsweredAt: stampOrNil(r.AnsweredAt), EndedAt: stampOrNil(r.EndedAt),
	}
	c.Cost, c.Voicemail = r.Cost, r.Voicemail
	if r.CallbackSource != nil && r.CallbackCall != nil {
		c.Callback = &parley.Callback{SourceID: *r.CallbackSource, CallID: *r.CallbackCall}
	}
	if len(r.Messages) > 0 {
		c.Messages = r.Messages
	}
	if len(r.Transfers) > 0 {
		c.Transfers = r.Transfers
	}
	return c
}

// thawed gives the snapshot the ids that its JSON leaves out.
func (r *callRow) thawed() *parley.Snapshot {
	if r.Snapshot == nil {
		return nil
	}
	r.Snapshot.Agent.EnvironmentID = r.EnvironmentID
	for i := range r.Snapshot.Trainings {
		r.Snapshot.Trainings[i].AgentID = r.AgentID
	}
	for i := range r.Snapshot.Actions {
		r.Snapshot.Actions[i].AgentID = r.AgentID
	}
	if r.Snapshot.Flow != nil {
		r.Snapshot.Flow.AgentID = r.AgentID
	}
	return r.Snapshot
}

func calls(rows []*callRow) []*parley.Call {
	cs := make([]*parley.Call, len(rows))
	for i, r := range rows {
		cs[i] = r.call()
	}
	return cs
}

func textOf(doc json.RawMessage) *string {
	if doc == nil {
		return nil
	}
	s := string(doc)
	return &s
}

func jsonOf(s *string) json.RawMessage {
	if s == nil {
		return nil
	}
	return json.RawMessage(*s)
}

func stampOrZero(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return parley.Stamp(t)
}
