// Package phone is a calling user agent with a script: it dials, says its lines when the other side has finished, interrupts when told
// to, writes down and records what it hears, and measures the other side from its sound alone. It serves `parley call`, the demo and
// the bench. It knows nothing of the server: all it sees is a media.Leg.
package phone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/record"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/store"
)

// Line is one thing that the phone does in a call: it says something or presses keys.
type Line struct {
	Text   string  // said by the synthesizer unless PCM is there; what the transcript shows
	PCM    []int16 // 16 kHz
	Name   string  // of PCM without a text, for a transcript without a recognizer
	Digits string
	// InterruptAfter is how long the other side has spoken when the line cuts in; 0 waits until it has finished. Whoever finishes
	// sooner is not interrupted but answered.
	InterruptAfter time.Duration
}

// Plan is a call to be made. Zero durations take the defaults.
type Plan struct {
	Lines      []Line
	QuietFor   time.Duration // after which the other side has finished: 1.5 s
	Patience   time.Duration // without any word after which it is not waited for: 8 s
	Timeout    time.Duration // of the whole call, ringing included: 120 s
	Language   string        // BCP 47: en-US
	Record     string        // file for both sides, left is me, right are they; empty for none
	Transcript bool
}

func (p Plan) withDefaults() Plan {
	for d, def := range map[*time.Duration]time.Duration{&p.QuietFor: 1500 * time.Millisecond, &p.Patience: 8 * time.Second, &p.Timeout: 2 * time.Minute} {
		if *d == 0 {
			*d = def
		}
	}
	if p.Language == "" {
		p.Language = "en-US"
	}
	return p
}

// Deps are what a phone needs.
type Deps struct {
	Dial       func(ctx context.Context) (media.Leg, error)
	Voice      speech.Synthesizer // for lines without PCM
	Recognizer speech.Recognizer  // for the transcript; nil writes my own lines only
	Detector   speech.Detector    // nil judges by energy
	Out        io.Writer          // gets the transcript as it happens: lines `me: …` and `they: …`
	Log        *slog.Logger
}

// Exit codes of `parley call`.
const (
	CodeOK       = 0
	CodeRefused  = 3
	CodeNoAnswer = 4
	CodeNoAudio  = 5
	CodeTimeout  = 6
	CodeHungUp   = 7 // the other side, before all lines were played
)

// Run makes the call. The result is valid without an error; an error is a fault of ours, such as a file that cannot be written.
func Run(ctx context.Context, p Plan, d Deps) (Result, error) {
	p = p.withDefaults()
	lines, err := rehearse(ctx, p, d.Voice)
	if err != nil {
		return Result{}, err
	}
	p.Lines = lines
	if p.Record != "" { // a file that cannot be written is said before the call, not after it
		if err := os.WriteFile(p.Record, nil, 0o600); err != nil {
			return Result{}, fmt.Errorf("phone: recording: %w", err)
		}
	}
	timed, cancel := context.WithTimeoutCause(ctx, p.Timeout, errTimeout)
	defer cancel()
	leg, err := d.Dial(timed)
	if err != nil {
		return unanswered(ctx, err)
	}
	r, err := converse(timed, leg, p, d)
	bye, done := context.WithTimeoutCause(context.WithoutCancel(ctx), 5*time.Second, errors.New("no answer to the hang-up within 5s"))
	defer done()
	if hangErr := leg.Hangup(bye); hangErr != nil {
		d.Log.Warn("hang-up not confirmed", "error", hangErr)
	}
	r.Stats = leg.Stats()
	return r, errors.Join(err, ctx.Err())
}

// errTimeout is the cause of a call that took longer than its plan allows.
var errTimeout = errors.New("phone: the call took too long")

// rehearse renders all lines before the call, so that no line waits for a synthesizer.
func rehearse(ctx context.Context, p Plan, voice speech.Synthesizer) ([]Line, error) {
	lines := append([]Line(nil), p.Lines...)
	for i := range lines {
		l := &lines[i]
		if l.PCM != nil || l.Digits != "" {
			continue
		}
		if voice == nil {
			return nil, fmt.Errorf("phone: no voice to say %q", l.Text)
		}
		err := voice.Say(ctx, l.Text, speech.Voice{Language: p.Language, Speed: 1}, func(pcm []int16) error {
			l.PCM = append(l.PCM, pcm...)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("phone: say line %d: %w", i+1, err)
		}
	}
	return lines, nil
}

// unanswered judges why there is no call.
func unanswered(ctx context.Context, err error) (Result, error) {
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	na, ok := errors.AsType[*media.NotAnswered](err)
	if !ok {
		return Result{}, fmt.Errorf("phone: dial: %w", err)
	}
	r := Result{Code: CodeNoAnswer, Status: na.Status, Reason: na.Reason}
	if na.Status >= 300 && na.Status != 408 && na.Status != 487 {
		r.Code = CodeRefused
	}
	return r, nil
}

// converse holds the call until somebody ends it.
func converse(ctx context.Context, leg media.Leg, p Plan, d Deps) (Result, error) {
	c, err := newConversation(p, leg, d)
	if err != nil {
		return Result{}, err
	}
	defer c.ear.close()
	c.rec = recorder(ctx, p.Record, d.Log)
	err = c.run(ctx)
	if c.rec != nil {
		if note, _ := c.rec.Close(); note != "" {
			err = errors.Join(err, fmt.Errorf("phone: recording: %s", note))
		}
	}
	c.scribe.close()
	return c.result(), err
}

// recorder makes the recorder of a file; nil without one.
func recorder(ctx context.Context, path string, log *slog.Logger) *record.Recorder {
	if path == "" {
		return nil
	}
	return record.New(context.WithoutCancel(ctx), func(context.Context) (store.Blob, error) { return os.Create(path) }, log)
}
