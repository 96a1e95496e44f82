package phone

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/speech"
)

const (
	preRoll   = media.Rate * 4 / 10 // kept of what came before the detector's verdict: 400 ms
	comfort   = 12 * media.Rate     // an utterance is cut at the next short pause from here
	longest   = 19 * media.Rate     // and at any place here: a recognizer takes 20 s
	breath    = media.Rate / 10     // a short pause
	waiting   = 64                  // notes that may wait for the recognizer
	writeDown = 20 * time.Second    // for one utterance
)

// Entry is a line of the transcript.
type Entry struct {
	Who  string `json:"who"` // me, they
	Text string `json:"text"`
}

// scribe writes down what was said, in order, on a goroutine of its own, since recognizing takes longer than a tick.
type scribe struct {
	on         bool
	out        io.Writer
	recognizer speech.Recognizer
	language   string
	log        *slog.Logger

	pcm     []int16 // of their utterance, or the pre-roll of the next
	talking bool

	notes   chan note
	writer  sync.WaitGroup
	entries []Entry // of the writer until close
}

type note struct {
	Entry
	pcm []int16 // what is to be recognized; nil when the text is known
}

func newScribe(p Plan, d Deps) *scribe {
	s := &scribe{on: p.Transcript, out: d.Out, recognizer: d.Recognizer, language: p.Language, log: d.Log, notes: make(chan note, waiting)}
	if s.on {
		s.writer.Go(s.write)
	}
	return s
}

// hear takes a tick of theirs, after the ear.
func (s *scribe) hear(e *ear, f *media.Frame) {
	if !s.on || s.recognizer == nil {
		return
	}
	s.pcm = append(s.pcm, f[:]...)
	switch {
	case !e.speaking && s.talking, len(s.pcm) >= comfort && e.now-e.lastVoc >= breath, len(s.pcm) >= longest:
		s.cut()
		s.talking = e.speaking
	case e.speaking:
		s.talking = true
	case len(s.pcm) > preRoll:
		s.pcm = append(s.pcm[:0], s.pcm[len(s.pcm)-preRoll:]...)
	}
}

// cut ends their utterance.
func (s *scribe) cut() {
	if s.talking {
		s.note(note{Entry{Who: "they"}, s.pcm})
	}
	s.pcm = nil
}

// say notes a line of mine as it begins.
func (s *scribe) say(l Line) {
	n := note{Entry: Entry{Who: "me", Text: l.Text}}
	switch {
	case l.Digits != "":
		n.Text = "[" + l.Digits + "]"
	case l.Text == "" && s.recognizer != nil:
		n.pcm = l.PCM[:min(len(l.PCM), longest)]
	case l.Text == "":
		n.Text = "[" + l.Name + "]"
	}
	s.note(n)
}

func (s *scribe) note(n note) {
	if !s.on {
		return
	}
	select {
	case s.notes <- n:
	default:
		s.log.Warn("transcript has a hole: the recognizer is too slow", "waiting", waiting)
	}
}

// close writes what is left and waits for it.
func (s *scribe) close() {
	s.cut()
	close(s.notes)
	s.writer.Wait()
}

func (s *scribe) write() {
	for n := range s.notes {
		if n.pcm != nil {
			n.Text = s.recognize(n.pcm)
		}
		if n.Text == "" {
			continue
		}
		s.entries = append(s.entries, n.Entry)
		if _, err := fmt.Fprintf(s.out, "%s: %s\n", n.Who, n.Text); err != nil {
			s.log.Warn("transcript not written", "error", err)
		}
	}
}

func (s *scribe) recognize(pcm []int16) string {
	ctx, cancel := context.WithTimeout(context.Background(), writeDown)
	defer cancel()
	t, err := s.recognizer.Transcribe(ctx, pcm, speech.Listening{Language: s.language})
	if err != nil {
		s.log.Warn("utterance not recognized", "error", err)
	}
	return t.Text
}
