package convo

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/turn"
)

const (
	preroll  = 300 * time.Millisecond // kept from before the onset: soft beginnings
	longUtt  = 20 * time.Second       // the recognizer's limit
	cutAfter = 10 * time.Second       // an utterance so long is cut at its next pause
	judgeOn  = 8 * time.Second        // what the judge looks at
	// partialEvery is the time between two partial transcriptions of a voice over the agent.
	partialEvery = 300 * time.Millisecond
	// hearWithin bounds one transcription with all its repetitions.
	hearWithin = 3500 * time.Millisecond
	retryPause = 150 * time.Millisecond
	leastWords = 4 // windows of voice that a transcription needs
)

// hearing is the utterance under way. Windows of voice gather in sound; parts of a long one are transcribed on their own.
type hearing struct {
	window  [speech.Window]int16
	filled  int
	sound   []int16 // from preroll before the onset, or the last preroll while nobody speaks
	keeping bool    // an utterance has begun
	windows int     // of voice in sound
	calm    int     // samples of sound at the last window without voice: where a cut hurts least

	parts   []part
	asked   int // the transcription that is wanted
	tail    part
	partial bool // one is under way
	nextAt  time.Duration
	draft   []int64
	epoch   int // counts Forgets, so that late results are known as such

	onset, last time.Duration // of the utterance
	textAt      time.Duration // when its text came
	keyed       time.Duration // when a key was pressed last
}

// part is a stretch of an utterance and its text.
type part struct {
	text   string
	sure   float64 // mean log probability
	done   bool
	failed bool
}

func samples(d time.Duration) int { return int(speech.Rate * d / time.Second) }

// listen takes the caller's sound of a tick.
func (s *Session) listen(f *media.Frame) {
	h := &s.hear
	for pcm := f[:]; len(pcm) > 0; {
		n := copy(h.window[h.filled:], pcm)
		pcm = pcm[n:]
		if h.filled += n; h.filled == speech.Window {
			h.filled = 0
			s.judgeWindow(h.window[:])
		}
	}
	if s.state.Phase != turn.Speaking { // only an interruption is in a hurry
		return
	}
	if now := s.now(); s.ear.glimpse(now, h.window[:h.filled]) {
		r := s.ear.run
		s.happen(turn.Event{Kind: turn.Voice, Onset: r.onset, Last: r.last, Windows: r.windows})
	}
}

func (s *Session) judgeWindow(w []int16) {
	h, now := &s.hear, s.now()
	was := s.ear.on
	what := s.ear.window(now, w)
	h.sound = append(h.sound, w...)
	r := s.ear.run
	switch what {
	case hearsVoice:
		if !was && !h.keeping {
			h.begin(r.onset, now)
		}
		h.windows++
		h.last = r.last
		s.happen(turn.Event{Kind: turn.Voice, Onset: r.onset, Last: r.last, Windows: r.windows})
		s.wantPartial(now)
	case hearsHush:
		h.last = r.last
		if len(h.sound) > samples(cutAfter) {
			s.cutPart(len(h.sound))
		}
		s.happen(turn.Event{Kind: turn.Hush, Onset: r.onset, Last: r.last, Windows: r.windows})
	}
	if !s.ear.on || s.ear.quiet > 0 {
		h.calm = len(h.sound)
	}
	h.bound(s)
}

// begin starts an utterance with its preroll.
func (h *hearing) begin(onset, now time.Duration) {
	h.keeping, h.onset = true, onset
	h.trim(samples(now-onset) + samples(preroll))
}

// trim keeps the last n samples.
func (h *hearing) trim(n int) {
	if drop := len(h.sound) - n; drop > 0 {
		copy(h.sound, h.sound[drop:])
		h.sound = h.sound[:n]
		h.calm = max(0, h.calm-drop)
	}
}

// bound keeps sound short: the preroll while nobody speaks, one utterance otherwise.
func (h *hearing) bound(s *Session) {
	switch {
	case !h.keeping && len(h.sound) > 4*samples(preroll):
		h.trim(2 * samples(preroll)) // the detector may wake a little late
	case h.keeping && len(h.sound) > samples(longUtt)-speech.Window:
		at := h.calm
		if at < samples(longUtt)/2 {
			at = len(h.sound)
		}
		s.cutPart(at)
	}
}

// cutPart transcribes the first n samples of a long utterance on their own.
func (s *Session) cutPart(n int) {
	h := &s.hear
	pcm := append([]int16(nil), h.sound[:n]...)
	h.trim(len(h.sound) - n)
	h.windows, h.calm, h.draft = 0, 0, nil
	h.parts = append(h.parts, part{})
	i, epoch := len(h.parts)-1, h.epoch
	s.transcribe(pcm, func(p part) {
		if h.epoch == epoch {
			h.parts[i] = p
			s.tellText()
		}
	})
}

// wantText starts the final transcription id of the utterance so far.
func (s *Session) wantText(id int) {
	h := &s.hear
	h.asked, h.tail = id, part{}
	if h.windows < leastWords { // nothing to hear; parts of it may be under way
		h.tail.done = true
		s.tellText()
		return
	}
	pcm := append([]int16(nil), h.sound...)
	s.transcribe(pcm, func(p part) {
		if h.asked == id {
			h.tail = p
			s.tellText()
		}
	})
}

// tellText reports the utterance's text once all its parts are there.
func (s *Session) tellText() {
	h := &s.hear
	if h.asked == 0 || !h.tail.done {
		return
	}
	failed, sure := h.tail.failed, h.tail.sure
	var all []string
	for _, p := range h.parts {
		if !p.done {
			return
		}
		failed = failed || p.failed
		sure = min(sure, p.sure)
		all = append(all, p.text)
	}
	id := h.asked
	h.asked, h.textAt = 0, s.now()
	text := strings.TrimSpace(strings.Join(append(all, h.tail.text), " "))
	s.happen(turn.Event{Kind: turn.Final, ID: id, Text: text, Confidence: sure, Failed: failed})
}

// transcribe hears pcm in a goroutine of its own and hands the result to the session's. A recognizer that is away is asked again.
func (s *Session) transcribe(pcm []int16, then func(part)) {
	s.jobs.do(func(ctx context.Context) {
		ctx, cancel := context.WithTimeoutCause(ctx, hearWithin, errors.New("no transcript within 3.5s"))
		defer cancel()
		t, err := s.hearOnce(ctx, pcm)
		for err != nil && wait(ctx, retryPause) {
			t, err = s.hearOnce(ctx, pcm)
		}
		if err != nil {
			s.log.Warn("transcription failed", "error", err)
		}
		s.post(func() { then(part{text: t.Text, sure: t.Confidence, done: true, failed: err != nil}) })
	})
}

func (s *Session) hearOnce(ctx context.Context, pcm []int16) (speech.Transcript, error) {
	return s.cfg.Engines.Recognizer.Transcribe(ctx, pcm, speech.Listening{Language: s.cfg.Snapshot.Agent.Language})
}

// wait sleeps and says whether ctx lives on.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// wantPartial transcribes a voice over the agent while it goes on, where the words decide whether the agent stops.
func (s *Session) wantPartial(now time.Duration) {
	h := &s.hear
	if s.state.Phase != turn.Speaking || s.rules.Interrupt.Words == 0 || h.partial || now < h.nextAt || h.windows < leastWords {
		return
	}
	h.partial, h.nextAt = true, now+partialEvery
	pcm := append([]int16(nil), h.sound...)
	l := speech.Listening{Language: s.cfg.Snapshot.Agent.Language, Partial: true, Draft: h.draft}
	epoch := h.epoch
	s.jobs.do(func(ctx context.Context) {
		t, err := s.cfg.Engines.Recognizer.Transcribe(ctx, pcm, l)
		s.post(func() {
			h.partial = false
			if err != nil || h.epoch != epoch {
				return // stale, or the engine is away: the next one may do better
			}
			h.draft = t.Tokens
			s.happen(turn.Event{Kind: turn.Partial, Text: t.Text, Confidence: t.Confidence})
		})
	})
}

// wantVerdict asks the judge whether the turn sounds complete.
func (s *Session) wantVerdict(id int) {
	judge := s.cfg.Engines.Judge
	if judge == nil {
		return
	}
	sound := s.hear.sound
	pcm := append([]int16(nil), sound[max(0, len(sound)-samples(judgeOn)):]...)
	s.jobs.do(func(ctx context.Context) {
		p, err := judge.Complete(ctx, pcm)
		if err != nil {
			return // a hint only
		}
		s.post(func() { s.happen(turn.Event{Kind: turn.Verdict, ID: id, P: p}) })
	})
}

// forget drops the utterance. A voice that is going on begins a new one.
func (s *Session) forget() {
	h := &s.hear
	h.parts, h.asked, h.tail, h.draft, h.windows = nil, 0, part{}, nil, 0
	h.epoch++
	h.keeping, s.rows.open = false, false
	if s.ear.on {
		h.windows = s.ear.run.windows
		h.begin(s.ear.run.onset, s.now())
	}
}
