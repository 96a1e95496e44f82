package convo

import (
	"context"
	"time"

	"github.com/parley-voice/parley/internal/turn"
)

const (
	// renderAhead is how much sound is rendered before it is needed.
	renderAhead = 8 * time.Second
	// sayWithin bounds the rendering of a clause with all its repetitions.
	sayWithin = 10 * time.Second
)

// renderNext renders one clause at a time: of what is being said, then of what waits, then of drafts.
func (s *Session) renderNext() {
	if s.play.rendering {
		return
	}
	u, c := s.unrendered()
	if c == nil {
		return
	}
	s.play.rendering, c.started = true, true
	s.jobs.do(func(context.Context) { s.renderClause(u, c) })
}

func (s *Session) unrendered() (*utterance, *clause) {
	var stock time.Duration
	for _, u := range s.play.list {
		stock += u.remaining()
		for _, c := range u.clauses {
			switch {
			case c.started:
			case stock > renderAhead:
				return nil, nil
			default:
				return u, c
			}
		}
	}
	for _, u := range s.play.drafts { // at most one is alive
		if len(u.clauses) > 0 && !u.clauses[0].started {
			return u, u.clauses[0]
		}
	}
	return nil, nil
}

// renderClause says a clause to memory, piece by piece. A synthesizer that is away is asked again; after sayWithin it counts as gone.
func (s *Session) renderClause(u *utterance, c *clause) {
	ctx, cancel := context.WithTimeout(u.ctx, sayWithin)
	defer cancel()
	err := s.sayOnce(ctx, c)
	for err != nil && wait(ctx, retryPause) {
		err = s.sayOnce(ctx, c)
	}
	s.post(func() {
		s.play.rendering = false
		c.rendered = true
		if err != nil && u.ctx.Err() == nil {
			s.log.Error("clause not rendered", "error", err)
			s.happen(turn.Event{Kind: turn.Mute})
		}
		s.pump()
		s.report()
	})
}

// sayOnce renders a clause from its beginning; what an earlier attempt gave is kept and not said twice.
func (s *Session) sayOnce(ctx context.Context, c *clause) error {
	given := 0
	return s.cfg.Engines.Synthesizer.Say(ctx, c.text, s.voice, func(pcm []int16) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		from := given
		given += len(pcm)
		piece := append([]int16(nil), pcm...)
		s.post(func() {
			if skip := len(c.pcm) - from; skip < len(piece) {
				c.pcm = append(c.pcm, piece[max(0, skip):]...)
				s.pump()
			}
		})
		return nil
	})
}
