package convo

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/line"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/turn"
)

// beaten is a leg whose clock is the test.
type beaten struct{ *line.Line }

func (beaten) SendDigit(context.Context, byte) error { return nil }
func (beaten) Hangup(context.Context) error          { return nil }
func (beaten) Stats() media.Stats                    { return media.Stats{} }

type deafRecorder struct{ ticks int }

func (r *deafRecorder) Push(*media.Tick) { r.ticks++ }

// ticking is a session in the middle of a call, driven tick by tick.
func ticking(tb testing.TB) (s *Session, next func(loud bool)) {
	agent := parley.Agent{}
	agent.Language, agent.WhoSpeaksFirst, agent.InterruptSensitivity = "en", parley.SpeakerUser, "off"
	s, err := New(tb.Context(), Config{
		Snapshot: &parley.Snapshot{Agent: agent}, Log: slog.New(slog.DiscardHandler), Turn: func(parley.Turn) {}, Recorder: &deafRecorder{},
		Engines: Engines{Recognizer: &speechtest.Recognizer{}, Synthesizer: &speechtest.Synthesizer{}, Detector: &speechtest.Detector{},
			Model: llmtest.Lines(llmtest.Say("yes."))},
	})
	if err != nil {
		tb.Fatal(err)
	}
	l := beaten{line.New()}
	s.leg, s.started = l, time.Now()
	s.jobs.start(tb.Context(), s.fault)
	tb.Cleanup(s.dismiss)
	s.state = turn.New(s.rules)
	s.play.idle = true
	s.happen(turn.Event{Kind: turn.Begin})
	voice := media.Frame(speechtest.Tone(media.FrameSamples))
	var quiet, said media.Frame
	var t media.Tick
	return s, func(loud bool) {
		heard := &quiet
		if loud {
			heard = &voice
		}
		l.Beat(heard, false, &said)
		if err := l.Read(context.Background(), &t); err != nil {
			tb.Fatal(err)
		}
		s.tick(&t)
	}
}

// speak gives the session something long to say.
func speak(s *Session) {
	u := s.newUtterance(turn.Greeting)
	u.clauses = []*clause{{text: "long", pcm: make([]int16, 120*media.Rate), started: true, rendered: true}}
	s.enqueue(u)
}

func TestTickAllocatesNothing(t *testing.T) {
	for name, c := range map[string]struct{ speaks, loud bool }{"nobody speaks": {}, "the agent speaks": {speaks: true}, "both speak": {true, true}} {
		t.Run(name, func(t *testing.T) {
			s, next := ticking(t)
			if c.speaks {
				speak(s)
			}
			for range 100 {
				next(false)
			}
			if n := testing.AllocsPerRun(300, func() { next(c.loud) }); n >= 1 { // the buffer of an utterance grows now and then
				t.Errorf("%.2f allocations a tick", n)
			}
		})
	}
}

func BenchmarkTick(b *testing.B) {
	for name, speaks := range map[string]bool{"listening": false, "speaking": true} {
		b.Run(name, func(b *testing.B) {
			s, next := ticking(b)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n%5000 == 0 && speaks {
					s.cut(false)
					speak(s)
				}
				n++
				next(false)
			}
		})
	}
}
