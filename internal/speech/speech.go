// Package speech says what Parley asks of engines that hear and speak: recognizer, synthesizer, voice-activity
// detector and end-of-turn judge. Sound is 16 kHz mono 16-bit PCM everywhere in this contract; a call's 8 kHz is
// resampled by its leg. The package holds no engine; scripted fakes lie in speechtest.
package speech

import (
	"context"
	"errors"
)

// Rate is the sampling rate of all sound in this contract, in Hz.
const Rate = 16000

// ErrStale is returned for a partial transcription that was overtaken by a newer one or by load. It is not a fault.
var ErrStale = errors.New("speech: overtaken by newer work")

// ErrUnavailable says that the engine is away for now (a worker is starting again); trying again later may help.
var ErrUnavailable = errors.New("speech: engine unavailable")

// Listening says what is to be transcribed and how urgently.
type Listening struct {
	Language string  // BCP 47 tag such as en-US
	Partial  bool    // the caller may go on; may be dropped with ErrStale
	Draft    []int64 // Transcript.Tokens of an earlier, shorter part of the same utterance, to save work on partials
}

// Transcript is what was heard.
type Transcript struct {
	Text       string
	Tokens     []int64 // opaque; hand back as Listening.Draft
	Confidence float64 // mean log probability of a token, 0 is certain
	Cut        bool    // the decoder was stopped by a guard, so the end may be missing
}

// Recognizer turns an utterance into text. It is safe for concurrent use.
type Recognizer interface {
	// Transcribe hears pcm: one utterance of at most 20 s, cut at pauses. It bounds its own time by ctx.
	Transcribe(ctx context.Context, pcm []int16, l Listening) (Transcript, error)
	// Languages lists the BCP 47 tags that can be heard.
	Languages() []string
}

// Voice picks how a text is said.
type Voice struct {
	ID       string  // of the voice template; empty for the engine's own
	Language string  // BCP 47
	Speed    float64 // 1 is normal, 0.1 to 3
}

// Synthesizer turns text into sound. It is safe for concurrent use.
type Synthesizer interface {
	// Say renders text and hands sound to emit piece by piece, the first as early as it can; an error of emit ends it and is
	// returned. Numbers, prices, times and names in text are spoken as people say them.
	Say(ctx context.Context, text string, v Voice, emit func(pcm []int16) error) error
	// Languages lists the BCP 47 tags that can be spoken.
	Languages() []string
}

// Window is the number of samples a Detection judges at once: 32 ms.
const Window = 512

// Detector tells speech from everything else.
type Detector interface {
	// Detect starts listening to one talker. The result belongs to one goroutine.
	Detect() (Detection, error)
}

// Detection follows one talker.
type Detection interface {
	// Probability judges the next Window samples: 0 silence or noise, 1 speech. It allocates nothing.
	Probability(window []int16) (float32, error)
	Close()
}

// Judge estimates from sound whether a talker has finished a turn: a hint beside transcript and clock.
type Judge interface {
	// Complete takes the last seconds of an utterance and returns the probability that it is finished.
	Complete(ctx context.Context, pcm []int16) (float64, error)
}
