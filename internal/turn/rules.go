package turn

import (
	"time"

	"github.com/parley-voice/parley"
)

// Rules are how one agent takes turns. They do not change during a call. Durations of 0 switch a rule off unless it says otherwise.
type Rules struct {
	Language string // BCP 47, for the few words the machine knows

	SpeaksFirst bool          // the agent greets
	Delay       time.Duration // before the greeting

	Quiet     time.Duration // after which a turn is over, when nothing says otherwise
	Interrupt Interrupt

	Ask           bool // ask an idle caller whether he is there
	Idle          time.Duration
	Checks        int
	InitialIdle   time.Duration // the same until the caller first spoke
	InitialChecks int
	Inactivity    time.Duration // the call ends when the caller has not spoken for so long

	Limit   time.Duration // of the whole call
	Goodbye bool          // say goodbye at the limit
}

// Interrupt says what stops an agent that is speaking: a voice of at least Voice with at least Words recognized, or a voice of at least
// Alone whatever it says. The zero value never stops.
type Interrupt struct {
	Voice time.Duration
	Words int
	Alone time.Duration
}

// Fixed times of the machine.
const (
	// askAfter is the quiet after which the utterance is transcribed, on the chance that the turn is over.
	askAfter = 200 * time.Millisecond
	// blipAfter is the quiet after which a sound too short to be a word counts as nothing.
	blipAfter = 300 * time.Millisecond
	// leastWindows of the detector make a word; fewer are noise (measured: 25 of 27 noises dropped, no word of 80).
	leastWindows = 4
	// hums is the confidence under which a short sound over the agent counts as a murmur, whatever was made of it. Measured on telephone
	// sound: "mhm" and "hmm" come out as words at -0.7 to -1.0, short words at -0.6 to 0.
	hums = -0.65
	// humWindows is how long such a sound may be: a second.
	humWindows = 32
	// burstWindows of voice tell that a caller who was quiet goes on.
	burstWindows = 3
	// longest is how long a caller may speak without any pause before he is answered.
	longest = 60 * time.Second
	// watch is how long the detector may say nothing while somebody speaks.
	watch = 2 * time.Second
	// late is when an answer counts as failed, counted from the end of the turn.
	late = 3 * time.Second
	// secondLate is when the second mind's answer counts as failed.
	secondLate = 5 * time.Second
	// textLate is when a transcription counts as failed.
	textLate = 4 * time.Second
	// renderLate is how long a fixed text may take to be heard.
	renderLate = 12 * time.Second
	// stalled is how long a leg may play nothing of what waits.
	stalled = 5 * time.Second
	// starving is how long an answer may pause between two clauses.
	starving = 3 * time.Second
	// grace is how long the caller may still speak after the agent's goodbye.
	grace = 700 * time.Millisecond
	// closing bounds a goodbye.
	closing = 12 * time.Second
	// keyGap is the pause after which pressed digits are complete.
	keyGap = 2 * time.Second
	// goingOn is how soon after the first sound of an answer a caller who speaks was going on with his turn.
	goingOn = 600 * time.Millisecond
	// answerable is how near to its end an utterance takes a short word for an answer.
	answerable = 1200 * time.Millisecond
	// shortest and slowest bound the quiet that ends a turn.
	shortest = 300 * time.Millisecond
	slowest  = 1800 * time.Millisecond
)

// RulesOf reads an agent's settings.
func RulesOf(a *parley.Agent) Rules {
	r := Rules{
		Language:    a.Language,
		SpeaksFirst: a.WhoSpeaksFirst != parley.SpeakerUser,
		Delay:       seconds(a.InitialMessageDelay),
		Quiet:       quiet(a.Endpointing),
		Interrupt:   interrupt(a.InterruptSensitivity),
		Ask:         a.AskIfHumanPresent,
		Idle:        seconds(a.IdleSeconds),
		Checks:      or(a.MaxIdleChecks, 3),
		Inactivity:  seconds(or(a.InactivitySeconds, 0)),
		Limit:       seconds(or(a.MaxCallSeconds, 3600)),
		Goodbye:     a.GoodbyeOnMax == nil || *a.GoodbyeOnMax,
	}
	if r.Idle == 0 {
		r.Idle = 10 * time.Second
	}
	r.InitialIdle = seconds(or(a.InitialIdleSeconds, int(r.Idle/time.Second)))
	r.InitialChecks = or(a.InitialMaxIdleChecks, r.Checks)
	return r
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func or(p *int, otherwise int) int {
	if p == nil {
		return otherwise
	}
	return *p
}

// quiet is the base of endpointing: a sensitive agent answers sooner.
func quiet(sensitivity string) time.Duration {
	switch sensitivity {
	case "high":
		return 500 * time.Millisecond
	case "medium":
		return 700 * time.Millisecond
	case "low":
		return 900 * time.Millisecond
	}
	return 600 * time.Millisecond // auto, and words that this version does not know
}

func interrupt(sensitivity string) Interrupt {
	switch sensitivity {
	case "off":
		return Interrupt{}
	case "high":
		return Interrupt{Voice: 106 * time.Millisecond} // a burst under 100 ms, dated to 4 ms at either end, never reaches it
	case "low":
		return Interrupt{Voice: 600 * time.Millisecond, Words: 3, Alone: 3 * time.Second}
	}
	return Interrupt{Voice: 250 * time.Millisecond, Words: 1, Alone: 1500 * time.Millisecond} // medium, auto
}
