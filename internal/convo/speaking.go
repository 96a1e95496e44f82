package convo

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/turn"
)

const (
	// ahead is how many frames are queued on the leg: half a second covers any delay of ours, and a stop drops them.
	ahead = 25
	// playingEvery is how often turn hears that sound is leaving.
	playingEvery = time.Second
)

// clause is a piece of an utterance that is rendered at once.
type clause struct {
	text     string
	pcm      []int16
	started  bool // rendering was started
	rendered bool
}

// place is a position in an utterance: a clause and a sample in it.
type place struct{ clause, sample int }

// utterance is something the agent says.
type utterance struct {
	what    turn.What
	reply   int // of an answer
	clauses []*clause
	open    bool          // more clauses may come
	write   place         // next sample to be queued
	heard   place         // up to where it has left
	begun   bool          // its first frame has left
	onAir   chan struct{} // closed then
	told    bool          // turn knows that it has begun
	row     row
	nodes   []string // of the flow
	results []result // that came while it was made
	calls   []llm.ToolCall
	acted   int // how many of its calls were carried out
	cancel  context.CancelFunc
	ctx     context.Context
}

// result is where what came of an action comes in.
type result struct{ nodes, clauses int }

// nodesHeard are the nodes that were come to with what was heard. Those that the result of an action led to are left to whatever tells
// the caller of it, unless some of that was heard.
func (u *utterance) nodesHeard() []string {
	for _, r := range u.results {
		if u.heard.clause < r.clauses || u.heard.clause == r.clauses && u.heard.sample == 0 {
			return u.nodes[:r.nodes]
		}
	}
	return u.nodes
}

// player puts utterances on the leg, one after the other, and knows what has left by the leg's count of frames.
type player struct {
	list   []*utterance // the first is being said
	drafts map[int]*utterance
	held   bool // the first was stopped
	flying [ahead + 2]place
	frame  media.Frame // scratch
	first  int         // oldest frame on its way
	have   int
	played int64 // frames of ours that have left, as far as we know

	rendering bool
	silent    bool // Starved was told
	toldAt    time.Duration
	idle      bool // Done was told
}

func (p *player) head() *utterance {
	if len(p.list) == 0 {
		return nil
	}
	return p.list[0]
}

// say adds a fixed text to what is to be said.
func (s *Session) say(w turn.What) {
	u := s.newUtterance(w)
	text := s.lines.of(w)
	c := &clause{text: text}
	if w == turn.Greeting && s.opener != nil {
		c.pcm, c.started, c.rendered = s.opener, true, true
		s.opener = nil
	} else if pcm := s.cfg.Phrases.find(s.voice, text); pcm != nil {
		c.pcm, c.started, c.rendered = pcm, true, true
	}
	u.clauses = []*clause{c}
	if w == turn.Greeting && s.mind.led {
		s.openLed(u)
	}
	s.enqueue(u)
}

// openLed lets a flow begin with the greeting.
func (s *Session) openLed(u *utterance) {
	o := &s.mind.opening
	if !o.acts() {
		u.nodes, u.calls, u.acted = o.nodes, o.calls, len(o.calls)
		return
	}
	if u.clauses, u.open = nil, true; o.initial != "" {
		u.clauses = []*clause{{text: o.initial}}
	}
	s.thinkOf(u, s.mind.first, nil)
}

func (s *Session) newUtterance(w turn.What) *utterance {
	u := &utterance{what: w, onAir: make(chan struct{})}
	u.ctx, u.cancel = context.WithCancel(s.jobs.ctx)
	return u
}

// enqueue puts an utterance last, but a filler before the answer that it covers.
func (s *Session) enqueue(u *utterance) {
	p := &s.play
	at := len(p.list)
	if u.what == turn.Filler && at == 1 && !p.list[0].begun {
		s.recall() // in case it was just about to begin
		if !p.list[0].begun {
			at = 0
		}
	}
	p.list = slices.Insert(p.list, at, u)
	p.idle = false
	s.pump()
}

// pump queues frames on the leg as long as there are any, and starts the rendering of what comes next.
func (s *Session) pump() {
	p := &s.play
	u := p.head()
	for u != nil && !p.held && p.have < ahead {
		end, ok := u.next(&p.frame)
		if !ok {
			break
		}
		if err := s.leg.Write(s.jobs.ctx, &p.frame); err != nil {
			break // the leg has ended; Run sees it
		}
		p.flying[(p.first+p.have)%len(p.flying)] = end
		p.have++
	}
	s.renderNext()
}

// next cuts the next frame from what is rendered. The last frame of a clause is filled up with silence.
func (u *utterance) next(f *media.Frame) (end place, ok bool) {
	for u.write.clause < len(u.clauses) {
		c := u.clauses[u.write.clause]
		left := len(c.pcm) - u.write.sample
		if left < media.FrameSamples && !c.rendered {
			return end, false
		}
		if left <= 0 {
			u.write = place{u.write.clause + 1, 0}
			continue
		}
		n := copy(f[:], c.pcm[u.write.sample:])
		clear(f[n:])
		u.write.sample += n
		return u.write, true
	}
	return end, false
}

// exhausted says that all there will ever be was queued.
func (u *utterance) exhausted() bool {
	if u.open {
		return false
	}
	for i := u.write.clause; i < len(u.clauses); i++ {
		if c := u.clauses[i]; !c.rendered || i > u.write.clause && len(c.pcm) > 0 || i == u.write.clause && u.write.sample < len(c.pcm) {
			return false
		}
	}
	return true
}

// left advances what is known to have left to the leg's count.
func (s *Session) left(played int64) {
	p := &s.play
	for p.played < played && p.have > 0 {
		s.advance()
	}
	p.played = max(p.played, played)
	u := p.head()
	if u == nil || p.held {
		return
	}
	if u.begun && !u.told {
		u.told = true
		p.silent, p.toldAt = false, s.now()
		s.happen(turn.Event{Kind: turn.Started, What: u.what})
	}
	s.report()
}

// advance takes the oldest frame on its way for played.
func (s *Session) advance() {
	p := &s.play
	u := p.head()
	end := p.flying[p.first]
	p.first = (p.first + 1) % len(p.flying)
	p.have--
	p.played++
	for i := u.heard.clause; i < end.clause; i++ {
		u.clauses[i].pcm = nil // it has been heard to its end
	}
	u.heard = end
	if !u.begun {
		u.begun = true
		close(u.onAir)
		s.beginRow(u)
	}
	u.row.ended = s.now()
}

// report tells turn how the sound goes on, and moves on to the next utterance.
func (s *Session) report() {
	p, now := &s.play, s.now()
	u := p.head()
	switch {
	case u == nil || p.held:
	case p.have == 0 && u.exhausted():
		s.finishHead()
	case p.have == 0 && u.told && !p.silent:
		p.silent = true
		s.happen(turn.Event{Kind: turn.Starved})
	case p.have > 0 && u.told && (p.silent || now-p.toldAt >= playingEvery):
		p.silent, p.toldAt = false, now
		s.happen(turn.Event{Kind: turn.Playing})
	}
}

// finishHead ends the first utterance: all of it was heard.
func (s *Session) finishHead() {
	p := &s.play
	u := p.head()
	p.list = p.list[1:]
	u.cancel()
	s.endRow(u, u.text(), false)
	if c := hands(u.calls); c != nil && s.cfg.Transfer != nil {
		s.cfg.Transfer(*c)
	}
	if u.what == turn.Greeting && parts(u.calls) { // a flow that only tells something
		s.happen(turn.Event{Kind: turn.End, Reason: parley.EndedByAgent})
	}
	s.pump()
	s.maybeDone()
}

// maybeDone tells turn when everything is said.
func (s *Session) maybeDone() {
	p := &s.play
	if len(p.list) > 0 || p.idle {
		return
	}
	p.idle = true
	s.happen(turn.Event{Kind: turn.Done})
}

func (u *utterance) text() string { return u.textTo(len(u.clauses)) }

func (u *utterance) textTo(n int) string {
	all := make([]string, 0, n)
	for _, c := range u.clauses[:n] {
		all = append(all, c.text)
	}
	return strings.Join(all, " ")
}

// textHeard is what has left of the utterance, to the word.
func (u *utterance) textHeard() string {
	if u.heard.clause >= len(u.clauses) {
		return u.text()
	}
	c := u.clauses[u.heard.clause]
	words, _ := reached(c.text, len(c.pcm), u.heard.sample, c.rendered)
	return strings.TrimSpace(u.textTo(u.heard.clause) + " " + words)
}

// remaining is how long the rest takes, as far as it is rendered.
func (u *utterance) remaining() time.Duration {
	n := -u.heard.sample
	for i := u.heard.clause; i < len(u.clauses); i++ {
		n += len(u.clauses[i].pcm)
	}
	if u.open {
		n += samples(time.Second)
	}
	return length(max(0, n))
}

// halt stops the sound. It stays where it is until resume or cut.
func (s *Session) halt() {
	s.recall()
	u := s.play.head()
	if u == nil {
		return
	}
	s.play.held = true
	s.happen(turn.Event{Kind: turn.Stopped, Text: u.textHeard(), Last: u.remaining()})
}

// recall takes back what is queued on the leg. What the leg does not give back has left.
func (s *Session) recall() {
	p := &s.play
	dropped := s.leg.Clear()
	for p.have > dropped {
		s.advance()
	}
	p.have = 0
	if u := p.head(); u != nil {
		u.write = u.heard
	}
}

// resume goes on with what was halted, from the beginning of the word that was reached.
func (s *Session) resume() {
	p := &s.play
	p.held, p.silent, p.toldAt = false, false, s.now()
	if u := p.head(); u != nil && u.heard.clause < len(u.clauses) {
		c := u.clauses[u.heard.clause]
		_, from := reached(c.text, len(c.pcm), u.heard.sample, c.rendered)
		u.write = place{u.heard.clause, from}
		u.heard = u.write
	}
	s.pump()
	if p.head() == nil {
		p.idle = false
		s.maybeDone()
	}
}

// cut gives up what was halted, and whatever waits behind it. joined says that what was heard is no answer.
func (s *Session) cut(joined bool) {
	p := &s.play
	for i, u := range p.list {
		u.cancel()
		if u.begun {
			u.row.joined = joined
			s.endRow(u, u.textHeard(), i > 0 || u.heard != u.end())
		}
	}
	p.list, p.held, p.idle = nil, false, true
}

func (u *utterance) end() place {
	if u.open || len(u.clauses) == 0 {
		return place{-1, 0}
	}
	last := len(u.clauses) - 1
	return place{last, len(u.clauses[last].pcm)}
}

// finish ends the first utterance where its sound ends now.
func (s *Session) finish() {
	u := s.play.head()
	if u == nil {
		s.play.idle = false
		s.maybeDone()
		return
	}
	u.cancel()
	u.open = false
	n := 0
	for n < len(u.clauses) && u.clauses[n].rendered {
		n++
	}
	u.clauses = u.clauses[:n]
	s.pump()
	s.report()
}
