// Package convo leads one conversation: it hears, thinks and speaks around package turn, which decides. A Session runs on an answered
// media.Leg; one goroutine owns its state, and every goroutine that it starts for slow work has ended when Run returns. Per 20 ms tick it
// allocates nothing, logs nothing and takes no lock that calls share. Text is the same mind without sound.
package convo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/flow"
	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/turn"
)

// prepareWithin bounds what is done while the caller hears it ring.
const prepareWithin = 6 * time.Second

// Engines are what a conversation needs. Judge and Fallback may be nil.
type Engines struct {
	Recognizer  speech.Recognizer
	Synthesizer speech.Synthesizer
	Detector    speech.Detector
	Judge       speech.Judge
	Model       llm.Model
	// Fallback answers a turn that Model fails.
	Fallback llm.Model
	// Listener makes sense of what callers say where a flow leads; the two above then have no part.
	Listener flow.Listener
}

// Recorder takes every tick of the call. It must neither block nor keep t.
type Recorder interface{ Push(t *media.Tick) }

// Config is one conversation.
type Config struct {
	CallID string
	// Direction picks the greeting of an agent without an initial message.
	Direction parley.Direction
	Snapshot  *parley.Snapshot
	Payload   map[string]any // fills {{placeholders}}
	// Situation is what the model is to know of this call before it begins; empty for nothing.
	Situation string
	Engines   Engines
	Recorder  Recorder // nil records nothing
	// Phrases keeps rendered fixed texts from one call to the next; nil keeps them for this call.
	Phrases *Phrases
	// End gives a reason to end the call.
	End <-chan string
	Log *slog.Logger
	// Turn and Message are called by the session's goroutine and must not block. A turn may come again, changed, under the same id.
	Turn    func(parley.Turn)
	Message func(parley.TakenMessage)
	// Requester runs actions; the model is offered those that it can run, and without one none.
	Requester Requester
	// Acted is told by the session's goroutine of every action that was sent; it must not block. Nil tells nobody.
	Acted func(Acted)
	// Targets are whom the model may give the caller to; without any it is offered no transfer.
	Targets []Target
	// Hold tells the model when to let the caller wait; empty does not offer it.
	Hold string
	// HoldSays is said before the caller waits; nil says nothing of its own.
	HoldSays *string
	// Transfer is called by the session's goroutine when the model calls for a transfer or a hold, after it has said so, and must not
	// block. Whoever takes it up lends the caller, and returns him with the outcome of the call.
	Transfer func(call llm.ToolCall)
	// Trace gets every event and what came of it, for replay; nil does not. It holds what was said.
	Trace func(turn.Step)
}

// Acted is an action that ran: what was sent, and what the model was told of it.
type Acted struct {
	ID     string // of this run
	Action *parley.Action
	Began  time.Time
	Input  json.RawMessage
	Output string
	OK     bool
}

// Target is somebody to whom callers can be given.
type Target struct {
	Name, Description string
	Says              *string // before the caller is given to it; nil says nothing of its own
}

// Result is how a conversation ended.
type Result struct {
	Reason string // one of the reasons of package parley
}

// Session is one conversation with sound. Make it with New; then either Run or Close.
type Session struct {
	cfg    Config
	log    *slog.Logger
	voice  speech.Voice
	lines  Lines
	mind   *mind
	ear    *ear
	opener []int16 // the greeting, rendered
	rules  turn.Rules

	leg        media.Leg
	full, free chan *media.Tick // between the leg's reader and the session
	deafen     context.CancelFunc
	lent       *Lent         // while somebody else has the caller
	began      chan struct{} // closed when Run has begun

	started time.Time
	posts   chan func()
	jobs    jobs
	trace   func(turn.Step)

	state  turn.State
	events []turn.Event // that wait while actions of an earlier one are carried out
	acting bool
	taken  int // messages
	untold tidings

	running runnings

	hear hearing
	play player
	rows rows
	over string // the reason, once the call is to end
}

// New prepares a conversation while it rings: the model's chat is opened and the greeting rendered.
func New(ctx context.Context, cfg Config) (*Session, error) {
	a := &cfg.Snapshot.Agent
	if cfg.Phrases == nil {
		cfg.Phrases = NewPhrases()
	}
	s := &Session{
		cfg: cfg, log: cfg.Log, rules: turn.RulesOf(a), lines: linesOf(cfg),
		voice: voiceOf(a), posts: make(chan func(), 64), began: make(chan struct{}), trace: cfg.Trace,
	}
	if s.trace == nil && s.log.Enabled(ctx, slog.LevelDebug) {
		s.trace = s.logStep
	}
	detection, err := cfg.Engines.Detector.Detect()
	if err != nil {
		return nil, fmt.Errorf("convo: open the detector: %w", err)
	}
	s.ear = newEar(detection)
	ctx, cancel := context.WithTimeoutCause(ctx, prepareWithin, errors.New("not ready to answer within 6s"))
	defer cancel()
	if err := s.prepare(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// prepare opens the mind and renders the greeting, side by side unless the one says the other.
func (s *Session) prepare(ctx context.Context) (err error) {
	render := func() error { return caught(func() error { return s.render(ctx) }) }
	if s.cfg.Snapshot.Flow != nil {
		if s.mind, err = openMind(ctx, s.cfg, ""); err != nil {
			return err
		}
		s.lines.Greeting = s.mind.opening.text
		return render()
	}
	var work errgroup.Group
	work.Go(render)
	work.Go(func() (err error) { s.mind, err = openMind(ctx, s.cfg, s.lines.Greeting); return err })
	return work.Wait()
}

// render says the greeting to memory. A synthesizer that is away is no reason not to answer: it is asked again when the time comes.
func (s *Session) render(ctx context.Context) error {
	pcm, err := renderText(ctx, s.cfg.Engines.Synthesizer, s.lines.Greeting, s.voice)
	if err != nil {
		s.log.Warn("greeting not rendered while ringing", "error", err)
		return nil
	}
	s.opener = pcm
	return nil
}

// Close releases a session that was not run.
func (s *Session) Close() {
	if s.mind != nil {
		s.mind.close()
	}
	s.ear.close()
}

func voiceOf(a *parley.Agent) speech.Voice {
	v := speech.Voice{Language: a.Language, Speed: a.Speed}
	if a.Voice != nil {
		v.ID = a.Voice.TemplateID
		if a.Voice.Language != "" {
			v.Language = a.Voice.Language
		}
	}
	return v
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
