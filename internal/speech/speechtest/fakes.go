package speechtest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/parley-voice/parley/internal/speech"
)

// Outage makes a scripted engine fail: the zero value never does.
type Outage struct {
	mu    sync.Mutex
	err   error
	until time.Time // zero while err is for good
}

// Break makes the engine return err from now on; nil mends it.
func (o *Outage) Break(err error) { o.BreakFor(err, 0) }

// BreakFor makes the engine return err for a while, for good when d is 0.
func (o *Outage) BreakFor(err error, d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err, o.until = err, time.Time{}
	if d > 0 {
		o.until = time.Now().Add(d)
	}
}

func (o *Outage) now() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.until.IsZero() && !time.Now().Before(o.until) {
		o.err = nil
	}
	return o.err
}

var english = []string{"en-US", "en-GB"}

// Recognizer reads the words that Sound wrote. It counts its work.
type Recognizer struct {
	Outage
	Delay time.Duration // of each transcription
	// Mishear maps what was said to what is recognized.
	Mishear map[string]string

	counts  sync.Mutex
	finals  int
	partial int
}

var _ speech.Recognizer = (*Recognizer)(nil)

// Languages implements speech.Recognizer.
func (r *Recognizer) Languages() []string { return english }

// Transcribe implements speech.Recognizer.
func (r *Recognizer) Transcribe(ctx context.Context, pcm []int16, l speech.Listening) (speech.Transcript, error) {
	if err := pause(ctx, r.Delay); err != nil {
		return speech.Transcript{}, err
	}
	if err := r.now(); err != nil {
		return speech.Transcript{}, err
	}
	if len(pcm) > 20*speech.Rate {
		return speech.Transcript{}, errors.New("speechtest: utterance of more than 20 s")
	}
	r.counts.Lock()
	if l.Partial {
		r.partial++
	} else {
		r.finals++
	}
	r.counts.Unlock()
	text := Text(pcm)
	if other, ok := r.Mishear[text]; ok {
		text = other
	}
	return speech.Transcript{Text: text, Tokens: []int64{int64(len(pcm))}}, nil
}

// Worked counts the transcriptions so far.
func (r *Recognizer) Worked() (finals, partials int) {
	r.counts.Lock()
	defer r.counts.Unlock()
	return r.finals, r.partial
}

// Synthesizer says texts as Sound does, in pieces of Piece.
type Synthesizer struct {
	Outage
	Delay time.Duration // before the first piece
	Piece time.Duration // 0 says all at once
}

var _ speech.Synthesizer = (*Synthesizer)(nil)

// Languages implements speech.Synthesizer.
func (s *Synthesizer) Languages() []string { return english }

// Say implements speech.Synthesizer.
func (s *Synthesizer) Say(ctx context.Context, text string, v speech.Voice, emit func([]int16) error) error {
	if err := pause(ctx, s.Delay); err != nil {
		return err
	}
	if err := s.now(); err != nil {
		return err
	}
	each := WordTime
	if v.Speed > 0 {
		each = time.Duration(float64(each) / v.Speed)
	}
	pcm := spoken(text, each)
	piece := len(pcm)
	if s.Piece > 0 {
		piece = Samples(s.Piece)
	}
	for len(pcm) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(piece, len(pcm))
		if err := emit(pcm[:n]); err != nil {
			return err
		}
		pcm = pcm[n:]
	}
	return nil
}

// Detector takes everything loud for speech.
type Detector struct{ Outage }

var _ speech.Detector = (*Detector)(nil)

// Detect implements speech.Detector.
func (d *Detector) Detect() (speech.Detection, error) {
	if err := d.now(); err != nil {
		return nil, err
	}
	return &detection{d}, nil
}

type detection struct{ of *Detector }

func (d *detection) Close() {}

func (d *detection) Probability(window []int16) (float32, error) {
	if len(window) != speech.Window {
		return 0, errors.New("speechtest: a window has 512 samples")
	}
	if err := d.of.now(); err != nil {
		return 0, err
	}
	sum := 0
	for _, x := range window {
		sum += max(int(x), -int(x))
	}
	if sum/len(window) > loud {
		return 0.98, nil
	}
	return 0.02, nil
}

// Judge gives the same verdict always.
type Judge struct {
	Outage
	Probability float64
	Delay       time.Duration
}

var _ speech.Judge = (*Judge)(nil)

// Complete implements speech.Judge.
func (j *Judge) Complete(ctx context.Context, _ []int16) (float64, error) {
	if err := pause(ctx, j.Delay); err != nil {
		return 0, err
	}
	return j.Probability, j.now()
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
