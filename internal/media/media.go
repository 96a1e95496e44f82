// Package media says what a caller's network looks like from inside: a Leg of 20 ms ticks, whoever carries it.
// Sound is 16 kHz mono 16-bit PCM. Doors (sipdoor, wsdoor) implement it, calls and convo use it; mediatest holds the
// suite that every leg passes and a scripted leg for tests.
package media

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/parley-voice/parley"
)

const (
	// Rate is the sampling rate of a Frame in Hz.
	Rate = 16000
	// FrameTime is the length of a Frame.
	FrameTime = 20 * time.Millisecond
	// FrameSamples is the number of samples of a Frame.
	FrameSamples = 320
)

// Frame is 20 ms of sound.
type Frame [FrameSamples]int16

// Tick is one beat of a call: what came in and what went out at the same moment. Recording both as they come gives two
// aligned channels.
type Tick struct {
	Heard  Frame // from the caller, after the jitter buffer; silence where nothing came
	Lost   bool  // Heard is concealment or silence for a packet that did not come
	Said   Frame // what left for the caller in this tick
	Played int64 // frames of Write that have left so far, this tick included: the RTP position that counts as heard
}

// EndCause says why a leg ended.
type EndCause string

// Causes of the end of a leg.
const (
	EndLocal    EndCause = "local"         // we hung up
	EndRemote   EndCause = "remote"        // the caller hung up
	EndSilence  EndCause = "media_timeout" // no packet came for the media time-out
	EndNetwork  EndCause = "network"       // the signalling or the socket failed
	EndCanceled EndCause = "canceled"      // the caller gave up before the answer was complete
)

// ErrEnded is returned by the methods of a leg that has ended.
var ErrEnded = errors.New("media: leg has ended")

// Leg is one caller's two-way sound. Read is for one goroutine, all other methods for any.
type Leg interface {
	// Read fills t with the next tick, blocking until it is there. After the end it returns ErrEnded. A reader that is late by
	// more than a second loses the oldest ticks; the leg counts them.
	Read(ctx context.Context, t *Tick) error
	// Write queues a frame to be said. It blocks while two seconds are queued, so that whole clauses may be written at once.
	Write(ctx context.Context, f *Frame) error
	// Clear drops all queued frames at once and returns how many; the frame being sent now still counts as played.
	Clear() int
	// Digits delivers DTMF that the caller pressed, one byte of 0-9 * # A-D each; it is never closed.
	Digits() <-chan byte
	// SendDigit presses a key towards the caller.
	SendDigit(ctx context.Context, digit byte) error
	// Hangup ends the leg and returns when the network was told, or ctx ran out. Repeating it is harmless.
	Hangup(ctx context.Context) error
	// Done is closed at the end; Cause is valid then.
	Done() <-chan struct{}
	Cause() EndCause
	// Stats may be read at any time, also after the end.
	Stats() Stats
}

// Stats counts what a leg saw.
type Stats struct {
	Codec                                       string
	Received, Lost, Late, Refused, Sent, Missed int64 // packets; Refused came from a stranger; Missed are ticks the reader was too late for
	Forged                                      int64 // packets of the right source that its SRTP keys did not open
	JitterMillis, RoundTripMillis               float64
	Quality                                     *parley.Quality // nil where no network carries the sound in packets
}

// Hops is how many servers a call may pass, so that one that goes round in a circle ends (RFC 3261 §8.1.1.6).
const Hops = 70

// Invite is what is known of a call that rings.
type Invite struct {
	NetworkID string // the network's id of the call, such as SIP's Call-ID: the call's sid
	// Dialled are the number candidates in order of trust (Request-URI, then To), as the network wrote them.
	Dialled []string
	From    string // the caller's number as asserted, or parley.Anonymous
	// TrunkID names the trunk whose host or credentials the call came with; empty for others.
	TrunkID string
	// Phone is the softphone that calls, known by its credentials: it reaches its own environment alone. Nil for all others.
	Phone  *parley.Softphone
	Source netip.AddrPort
	Kind   string // sip, websocket
	// Passed is how many of the Hops the call has taken.
	Passed int
}

// Incoming is a call that rings and wants an answer. Exactly one of Answer and Reject is called.
type Incoming interface {
	Invite() Invite
	// Ring tells the caller that it rings (180).
	Ring() error
	// Answer picks up. It fails with ErrEnded when the caller gave up meanwhile.
	Answer(ctx context.Context) (Leg, error)
	// Reject refuses.
	Reject(r Refusal) error
	// Gone is closed when the caller gives up before the answer.
	Gone() <-chan struct{}
}

// Refusal is a reason not to take a call, each with one SIP status.
type Refusal int

// Refusals.
const (
	RefuseUnknownNumber Refusal = 404
	RefuseNoAgent       Refusal = 480 // nobody published behind the number, or the number is ambiguous
	RefuseBusy          Refusal = 486
	RefuseNoCapacity    Refusal = 503 // with Retry-After: too many calls, models missing, database away, draining
	RefuseForbidden     Refusal = 403
	RefuseFault         Refusal = 500
)

// Answerer takes incoming calls. Serve returns when the call is over in every respect.
type Answerer interface {
	Serve(ctx context.Context, in Incoming)
}

// Target is where an outbound call goes: through a trunk, or to a softphone.
type Target struct {
	Trunk parley.SIPTrunk
	// Password of the trunk, unsealed, for digest.
	Password string
	From, To string // E.164
	// Replaces makes the call take over another one at its target (RFC 3891); empty for an ordinary call.
	Replaces string
	// Phone, unless nil, is rung where it is registered, its newest binding first; Trunk, Password and To are not looked at, and From is
	// whatever the phone may show.
	Phone *parley.Softphone
	// Passed is how many of the Hops the call that this one goes on with has taken, this server included. One that has taken all gets
	// no answer but 483.
	Passed int
	// Waiting, unless nil, is whoever hears what comes before the answer. Once Dial has returned it is told nothing more, unless it was
	// ctx that ended the call: then a frame may still follow.
	Waiting Waiting
}

// Waiting hears what a call brings before its answer (RFC 3960). Nothing is said to the far side meanwhile. Its methods are called by
// one goroutine at a time and never block.
type Waiting interface {
	// Ring says that the far side rings (180): unless sound comes, whoever waits is to be given a tone.
	Ring()
	// Hear takes the next 20 ms of sound of the far side's network, a tone or an announcement. It is not called while none comes.
	Hear(f *Frame)
}

// Outcome of a call that was not answered.
type Outcome string

// Outcomes; each is also the call's final status or explains it.
const (
	OutcomeBusy     Outcome = "busy"
	OutcomeNoAnswer Outcome = "no-answer"
	OutcomeFailed   Outcome = "failed"
	OutcomeCanceled Outcome = "canceled" // by ctx
)

// NotAnswered is the error of a Dial that got no answer.
type NotAnswered struct {
	Outcome Outcome
	Status  int    // SIP status, 0 when none came
	Reason  string // for the log and the call's ended_reason, such as "sip_486" or "trunk_unreachable"
}

func (e *NotAnswered) Error() string {
	return "media: not answered: " + string(e.Outcome) + " (" + e.Reason + ")"
}

// Dialer places calls.
type Dialer interface {
	// Dial rings To and returns its leg once answered. ringing is called once when the far side rings (180 or 183). Cancelling ctx
	// gives up with CANCEL and returns NotAnswered with OutcomeCanceled.
	Dial(ctx context.Context, t Target, ringing func(networkID string)) (leg Leg, networkID string, err error)
	// Probe asks a trunk whether it is there and takes our credentials (OPTIONS; REGISTER when it has a username).
	Probe(ctx context.Context, t Target) (time.Duration, error)
}
