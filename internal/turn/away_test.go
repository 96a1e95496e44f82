package turn_test

import (
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/turn"
)

// does lists the verbs of the last event.
func (k *talk) does() (all []turn.Verb) {
	for _, a := range k.last {
		all = append(all, a.Do)
	}
	return all
}

func (k *talk) wantPhase(p turn.Phase) {
	k.t.Helper()
	if k.s.Phase != p {
		k.t.Errorf("phase %s, want %s", k.s.Phase, p)
	}
}

func TestAwayTheAgentNeitherSpeaksNorHearsNorAsks(t *testing.T) {
	k := begin(t, rules())
	k.on(turn.Event{Kind: turn.Started, What: turn.Greeting}).pass(200 * ms).on(turn.Event{Kind: turn.Away})
	k.wantPhase(turn.Absent)
	if got := k.does(); len(got) != 3 || got[0] != turn.Stop || got[1] != turn.Cut || got[2] != turn.Forget {
		t.Errorf("gave up %v", got)
	}
	before := len(k.all)
	k.pass(10 * time.Minute).on(turn.Event{Kind: turn.Digit, Text: "5"}).on(turn.Event{Kind: turn.Mute}).voice(time.Second)
	if len(k.all) != before {
		t.Errorf("while away: %v", k.all[before:])
	}
	k.wantPhase(turn.Absent)
}

func TestBack(t *testing.T) {
	for name, c := range map[string]struct {
		what  turn.What
		does  turn.Verb
		phase turn.Phase
	}{
		"to report":  {turn.Answer, turn.Reply, turn.Thinking},
		"to greet":   {turn.Greeting, turn.Say, turn.Speaking},
		"to listen":  {"", "", turn.Listening},
		"to ask him": {turn.Present, turn.Say, turn.Speaking},
	} {
		t.Run(name, func(t *testing.T) {
			k := begin(t, rules()).on(turn.Event{Kind: turn.Away}).pass(time.Minute).on(turn.Event{Kind: turn.Back, What: c.what})
			k.wantPhase(c.phase)
			if got := k.does(); c.does == "" && len(got) != 0 || c.does != "" && (len(got) == 0 || got[0] != c.does) {
				t.Errorf("does %v", got)
			}
			if c.what == turn.Answer && !k.last[0].Report {
				t.Error("it does not answer the result")
			}
		})
	}
}

func TestAReportThatDoesNotComeIsCoveredLikeAnyAnswer(t *testing.T) {
	k := begin(t, rules()).on(turn.Event{Kind: turn.Away}).on(turn.Event{Kind: turn.Back, What: turn.Answer}).pass(4 * time.Second)
	if k.id(turn.Fallback) != k.id(turn.Reply) {
		t.Error("no second mind")
	}
}

func TestWhatWasSaidBeforeAwayStands(t *testing.T) {
	k := begin(t, rules()).on(turn.Event{Kind: turn.Started, What: turn.Greeting}).on(turn.Event{Kind: turn.Done})
	k.voice(800 * ms).pass(150 * ms)
	k.on(turn.Event{Kind: turn.Final, ID: k.id(turn.Transcribe), Text: "give me a human"}).on(turn.Event{Kind: turn.Away})
	if k.last[0].Do != turn.Turn || k.last[0].Text != "give me a human" {
		t.Errorf("%v", k.last)
	}
}

func TestTheCallsTimeEndsWhileAway(t *testing.T) {
	r := rules()
	r.Limit = time.Minute
	k := begin(t, r).on(turn.Event{Kind: turn.Away}).pass(2 * time.Minute)
	if k.wantPhase(turn.Over); k.last[0].Do != turn.HangUp || k.last[0].Reason != parley.EndedByTimeLimit {
		t.Errorf("%v", k.last)
	}
}

func TestNobodyIsTakenAwayAfterTheLastWords(t *testing.T) {
	r := rules()
	r.Limit = 5 * time.Second
	k := begin(t, r).pass(5 * time.Second).on(turn.Event{Kind: turn.Away})
	k.wantPhase(turn.Closing)
	k = begin(t, rules()).on(turn.Event{Kind: turn.Back, What: turn.Answer}) // without having been away
	if len(k.last) != 0 {
		t.Errorf("%v", k.last)
	}
}
