package phone

import (
	"context"
	"errors"
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/record"
)

const (
	ahead    = 5                      // frames of a line that wait in the leg, so that a late tick leaves no hole
	keyTime  = 220 * time.Millisecond // that a key press and the pause after it take
	overlaps = 300 * time.Millisecond // an answer may begin so long before our end
)

// conversation is a call under way. All times are on the timeline of the ticks.
type conversation struct {
	plan   Plan
	leg    media.Leg
	ear    *ear
	rec    *record.Recorder // nil without one
	scribe *scribe

	now       moment
	next      int    // line
	ended     moment // the last line, or the answer
	turn      moment // where the other side began to speak since then
	spoke     bool
	mouth     mouth
	measures  []measure
	segments  int  // of the ear that were seen
	wasTalked bool // the ear's verdict a tick ago
	code      int
	over      bool
}

func newConversation(p Plan, leg media.Leg, d Deps) (*conversation, error) {
	ear, err := newEar(d.Detector)
	if err != nil {
		return nil, err
	}
	return &conversation{plan: p, leg: leg, ear: ear, scribe: newScribe(p, d)}, nil
}

// run follows the plan tick by tick. A caller of Run that gives up is no error here.
func (c *conversation) run(ctx context.Context) error {
	var t media.Tick
	for !c.over {
		err := c.leg.Read(ctx, &t)
		if err == nil {
			err = c.tick(ctx, &t)
		}
		switch {
		case err == nil:
		case errors.Is(err, media.ErrEnded):
			c.left()
		case errors.Is(context.Cause(ctx), errTimeout):
			c.finish(CodeTimeout)
		case ctx.Err() != nil:
			return nil
		default:
			return err
		}
	}
	return nil
}

// left judges a call that the other side ended.
func (c *conversation) left() {
	switch {
	case !c.ear.heardAnything() && c.leg.Cause() == media.EndSilence:
		c.finish(CodeNoAudio)
	case c.next < len(c.plan.Lines) || c.mouth.saying:
		c.finish(CodeHungUp)
	default:
		c.finish(CodeOK)
	}
}

func (c *conversation) finish(code int) {
	if code == CodeOK && !c.ear.heardAnything() {
		code = CodeNoAudio
	}
	c.code, c.over = code, true
}

func (c *conversation) tick(ctx context.Context, t *media.Tick) error {
	if c.rec != nil {
		c.rec.Push(&media.Tick{Heard: t.Said, Said: t.Heard}) // left is me
	}
	if err := c.ear.hear(&t.Heard); err != nil {
		return err
	}
	c.scribe.hear(c.ear, &t.Heard)
	said := c.mouth.heard(t, c.now)
	c.now += media.FrameSamples
	c.listen()
	if said {
		c.ended, c.spoke = c.now, false
		c.lineDone()
	}
	if c.mouth.saying {
		return c.mouth.feed(ctx, c.leg)
	}
	return c.act(ctx)
}

// listen takes note of what the other side began and ended in this tick.
func (c *conversation) listen() {
	e := c.ear
	if e.segments > c.segments {
		c.segments = e.segments
		c.answered(e.onset)
	}
	if c.wasTalked && !e.speaking {
		c.stopped(e.stop)
	}
	c.wasTalked = e.speaking
	if e.speaking && e.lastVoc > c.ended && !c.mouth.saying && !c.spoke {
		c.spoke, c.turn = true, max(e.onset, c.ended)
	}
}

// act begins the next line when its time has come, or hangs up after the last answer.
func (c *conversation) act(ctx context.Context) error {
	s := situation{since: (c.now - c.ended).time(), spoke: c.spoke, quiet: c.ear.quiet()}
	if c.ear.speaking {
		s.speaking = (c.now - c.turn).time()
	}
	if c.next == len(c.plan.Lines) {
		if c.plan.finished(s) {
			c.finish(CodeOK)
		}
		return nil
	}
	l := c.plan.Lines[c.next]
	if !c.plan.due(l, s) {
		return nil
	}
	c.next++
	c.scribe.say(l)
	if l.Digits != "" {
		return c.press(ctx, l.Digits)
	}
	c.measures = append(c.measures, measure{line: c.next, interrupts: c.ear.speaking, cutIn: c.ear.segments})
	c.mouth.begin(l.PCM)
	return c.mouth.feed(ctx, c.leg)
}

func (c *conversation) press(ctx context.Context, digits string) error {
	for _, d := range []byte(digits) {
		if err := c.leg.SendDigit(ctx, d); err != nil {
			return err
		}
	}
	took := time.Duration(len(digits)) * keyTime
	c.ended, c.spoke = c.now+moment(audio.Wide.Samples(took)), false
	return nil
}

// measure is what the wire told of one spoken line.
type measure struct {
	line       int // counted from 1
	begin, end moment
	done       bool
	interrupts bool   // the other side was speaking when we began
	cutIn      int    // in which segment of its
	onset      moment // of its answer
	answered   bool
	stop       moment // of the segment that we interrupted
	stopped    bool
}

// last is the measure of the line that was said last, or is being said.
func (c *conversation) last() *measure {
	if len(c.measures) == 0 {
		return nil
	}
	return &c.measures[len(c.measures)-1]
}

func (c *conversation) lineDone() {
	if m := c.last(); m != nil {
		m.begin, m.end, m.done = c.mouth.first, c.mouth.last, true
		if m.answered && m.onset < m.end-moment(audio.Wide.Samples(overlaps)) {
			m.answered = false // it talked over us; the answer is still to come
		}
	}
}

func (c *conversation) answered(onset moment) {
	if m := c.last(); m != nil && !m.answered && onset > c.mouth.first {
		m.onset, m.answered = onset, true
	}
}

func (c *conversation) stopped(at moment) {
	m := c.last()
	if m == nil || !m.interrupts || m.stopped || c.ear.segments != m.cutIn {
		return
	}
	if begin := c.mouth.first; at > begin {
		m.stop, m.stopped = at, true
	} else {
		m.interrupts = false // it had just finished
	}
}
