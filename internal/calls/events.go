package calls

import (
	"context"
	"maps"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// teller writes events of a call for those who listen, in the transaction of the fact.
type teller interface {
	Put(ctx context.Context, tx store.Tx, c *parley.Call, events ...parley.CallEvent) error
}

// tell is the teller, if there is one.
func (d Deps) tell(ctx context.Context, tx store.Tx, c *parley.Call, events ...parley.CallEvent) error {
	if d.Events == nil || len(events) == 0 {
		return nil
	}
	return d.Events.Put(ctx, tx, c, events...)
}

// happened tells of something within a call that changes nothing in its row. The goroutine of the call calls it.
func (s *Switchboard) happened(c *parley.Call, e parley.Event, data map[string]any) {
	s.journal.putCall(*c, parley.CallEvent{Event: e, At: parley.Stamp(time.Now()), Data: data})
}

// Roles of a participant, as events name them.
const (
	roleUser   = "user"
	roleAgent  = "agent"
	roleTarget = "target" // of a transfer
)

func participant(role string) map[string]any {
	return map[string]any{"participant": map[string]any{"role": role}}
}

// steps are the events of a change of status (contract notes, 4.1): was is the status before, empty for a new row; k is what was heard.
func steps(c *parley.Call, was parley.CallStatus, k heard) (events []parley.CallEvent) {
	put := func(e parley.Event, data map[string]any) {
		events = append(events, parley.CallEvent{Event: e, At: c.UpdatedAt, Data: data})
	}
	if (was == "" || was == parley.CallInitiated) && c.Status != parley.CallInitiated {
		put(parley.EventCallStarted, nil)
	}
	switch {
	case was.Final():
	case c.Status == parley.CallAnswered && was != parley.CallAnswered:
		answered(c, put)
	case c.Status.Final() && c.AnsweredAt != nil:
		parted(c, k, put)
	case c.Status.Final():
		missed(c, put)
	}
	return events
}

// answered are the events of an answer, from the network inwards.
func answered(c *parley.Call, put func(parley.Event, map[string]any)) {
	put(parley.EventCallConnected, nil)
	put(parley.EventConnectionEstablished, map[string]any{"transport": c.Transport})
	if c.Transport == parley.TransportWebSocket {
		put(parley.EventClientConnected, nil)
	}
	put(parley.EventUserConnected, nil)
	put(parley.EventParticipantJoined, participant(roleUser))
	put(parley.EventParticipantJoined, participant(roleAgent))
}

// parted are the events of the end of an answered call, from the conversation outwards.
func parted(c *parley.Call, k heard, put func(parley.Event, map[string]any)) {
	why := map[string]any{"reason": c.EndedReason}
	if k.person {
		put(parley.EventConversationEnded, why)
	}
	if k.target {
		put(parley.EventParticipantLeft, with(why, participant(roleTarget)))
	}
	put(parley.EventParticipantLeft, with(why, participant(roleAgent)))
	put(parley.EventParticipantLeft, with(why, participant(roleUser)))
	put(parley.EventUserDisconnected, why)
	if c.Transport == parley.TransportWebSocket {
		put(parley.EventClientDisconnected, why)
	}
	faulty := c.EndedReason == endedNetwork || c.EndedReason == parley.EndedNodeLost
	if faulty || c.EndedReason == parley.EndedMediaTimeout {
		put(parley.EventConnectionError, with(why, map[string]any{"error": c.EndedReason}))
	}
	put(parley.EventConnectionClosed, why)
	if faulty {
		put(parley.EventCallError, with(why, map[string]any{"error": c.EndedReason}))
	}
	put(parley.EventCallDisconnected, why)
	if c.Recording != "" {
		put(parley.EventRecording, map[string]any{"note": c.RecordingNote})
	}
	put(parley.EventCallEnded, why)
}

// missed are the events of the end of a call that nobody answered.
func missed(c *parley.Call, put func(parley.Event, map[string]any)) {
	why := map[string]any{"reason": c.EndedReason}
	if c.Status == parley.CallFailed && !ours[c.EndedReason] {
		put(parley.EventCallError, with(why, map[string]any{"error": c.EndedReason}))
	}
	if c.Status != parley.CallCompleted {
		put(parley.EventCallDidNotConnect, why)
	}
	put(parley.EventCallEnded, why)
}

// ours are reasons of a failure that say nothing of the phone leg.
var ours = map[string]bool{parley.EndedAgentFault: true, parley.EndedNotPublished: true, parley.EndedNeverConnected: true, parley.EndedAgentDeleted: true}

func with(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// heard is what was heard in a conversation, as far as it was told. The goroutine of the conversation owns it.
type heard struct {
	person  bool // somebody spoke who was taken for a person
	machine bool // an answering machine spoke
	message bool // the agent said its message to it
	first   string
	second  string // ids of the other side's first turns
	target  bool   // the target of a transfer is in the call
}

// turn takes a turn, which may come again with more words, and says what is new with it.
func (k *heard) turn(t parley.Turn, outbound bool) []parley.CallEvent {
	event := func(e parley.Event, data map[string]any) []parley.CallEvent {
		return []parley.CallEvent{{Event: e, At: t.EndedAt, Data: data}}
	}
	switch {
	case t.Who == parley.WhoCaller && k.early(t.ID) && outbound && !k.machine && machineGreeting(t):
		k.machine = true
		return event(parley.EventVoicemailDetected, nil)
	case t.Who == parley.WhoCaller && !k.person && !k.machine:
		k.person = true
		return event(parley.EventConversationStarted, nil)
	case t.Who == parley.WhoAgent && k.machine && !k.message && !t.Interrupted && t.Text != "":
		k.message = true
		return event(parley.EventVoicemailMessageLeft, nil)
	}
	return nil
}

// early says whether a turn is one of the other side's first two: a machine may pause in its greeting.
func (k *heard) early(id string) bool {
	switch {
	case k.first == "" || k.first == id:
		k.first = id
	case k.second == "" || k.second == id:
		k.second = id
	default:
		return false
	}
	return true
}

// recall works out from the stored turns what was heard in a lost call.
func recall(turns []parley.Turn, outbound bool) (k heard) {
	for _, t := range turns {
		k.turn(t, outbound)
	}
	return k
}
