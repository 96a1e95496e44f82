// Package turn decides whose turn it is. It is a pure state machine: State.Next takes what happened and answers with what is to be done.
// It has no clock, no goroutine and no I/O; time comes with the events, counted from the answer of the call. Every phase has a deadline
// and says what happens when it passes, so that no call can sit silent or deaf. A recorded list of events, replayed, gives the same actions.
package turn

import "time"

// Kind names what happened.
type Kind string

// Kinds of events. Beside each stand the fields it fills.
const (
	Begin   Kind = "begin"   // the call is answered
	Voice   Kind = "voice"   // the caller is speaking: Onset, Last, Windows of the run of voice so far
	Hush    Kind = "hush"    // the run of voice is over: Onset, Last, Windows
	Partial Kind = "partial" // Text so far, while he may go on, and Confidence in it
	Final   Kind = "final"   // Text of the transcription ID and Confidence, or Failed
	Verdict Kind = "verdict" // P that the turn is complete, for the transcription ID
	Started Kind = "started" // the first frame of What left for the caller
	Playing Kind = "playing" // sound is still leaving; comes at least every second while it does
	Starved Kind = "starved" // all that there is was played, but the answer goes on
	Done    Kind = "done"    // everything was played and nothing more is coming
	Failed  Kind = "failed"  // the answer ID failed before its first words
	Mute    Kind = "mute"    // the synthesizer failed for longer than it may
	Parting Kind = "parting" // the answer ID asks to hang up once it is said
	Stopped Kind = "stopped" // the answer to Stop: Text was heard of what was said, Last is how long the rest of it takes
	Digit   Kind = "digit"   // the caller pressed Text
	Tick    Kind = "tick"    // time passed; comes at the deadline
	Away    Kind = "away"    // somebody else has the caller: the agent neither speaks nor hears
	Back    Kind = "back"    // the agent has the caller again and says What: Answer reports what became of it, nothing listens
	End     Kind = "end"     // the call is to end for Reason
)

// What is said.
type What string

// Things to say. Answer is the model's, all others are fixed texts.
const (
	Answer   What = "answer"
	Greeting What = "greeting"
	Filler   What = "filler"   // covers a late answer
	Present  What = "present"  // asks whether somebody is there
	Repeat   What = "repeat"   // asks to say it again
	Apology  What = "apology"  // before the end after a fault
	Goodbye  What = "goodbye"  // before the end at the limit of time
	Inactive What = "inactive" // before the end since nobody speaks
)

// Event is something that happened at At.
type Event struct {
	At      time.Duration `json:"at"`
	Kind    Kind          `json:"kind"`
	ID      int           `json:"id,omitempty"`
	Text    string        `json:"text,omitempty"`
	What    What          `json:"what,omitempty"`
	Onset   time.Duration `json:"onset,omitempty"`
	Last    time.Duration `json:"last,omitempty"`
	Windows int           `json:"windows,omitempty"` // of the detector that were speech
	P       float64       `json:"p,omitempty"`
	// Confidence is the mean log probability of a token: 0 is certain.
	Confidence float64 `json:"confidence,omitempty"`
	Failed     bool    `json:"failed,omitempty"`
	Reason     string  `json:"reason,omitempty"`
}

// Verb names what is to be done.
type Verb string

// Verbs. Beside each stand the fields it fills.
const (
	Transcribe Verb = "transcribe" // all of the utterance so far, as ID; Final answers
	Judge      Verb = "judge"      // whether the turn is complete, as ID; Verdict may answer
	Forget     Verb = "forget"     // the utterance so far is dealt with; a voice that is going on stays
	Turn       Verb = "turn"       // the caller's turn is Text, it was over Waited ago; Continue replaces the one before
	Reply      Verb = "reply"      // think of the answer ID to Text, not to be heard before Release; Continue as in Turn, Fallback asks the second mind
	Drop       Verb = "drop"       // forget the answer ID
	Release    Verb = "release"    // the answer ID may be heard
	Hold       Verb = "hold"       // not yet, after all
	Fallback   Verb = "fallback"   // the answer ID comes from the second mind
	Say        Verb = "say"        // What
	Stop       Verb = "stop"       // stop the sound, remembering where
	Resume     Verb = "resume"     // go on with what was stopped
	Cut        Verb = "cut"        // what was stopped stays unsaid; Continue: what was heard of it does not count as an answer
	Finish     Verb = "finish"     // the answer gets no further words
	HangUp     Verb = "hang_up"    // for Reason
)

// Action is something to be done.
type Action struct {
	Do       Verb   `json:"do"`
	ID       int    `json:"id,omitempty"`
	Text     string `json:"text,omitempty"`
	What     What   `json:"what,omitempty"`
	Continue bool   `json:"continue,omitempty"`
	Fallback bool   `json:"fallback,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Report says that the answer is to the last result in the history, not to the caller.
	Report bool `json:"report,omitempty"`
	// Waited is for how long the text of a turn that was over did not come.
	Waited time.Duration `json:"waited,omitempty"`
}

// Step is an event and what came of it: the log of a call is a list of them.
type Step struct {
	Event   Event    `json:"event"`
	Actions []Action `json:"actions,omitempty"`
}

// Replay gives the events to a new State and returns all steps.
func Replay(r Rules, events []Event) []Step {
	s := New(r)
	steps := make([]Step, 0, len(events))
	for _, e := range events {
		var a []Action
		s, a = s.Next(e)
		steps = append(steps, Step{e, a})
	}
	return steps
}
