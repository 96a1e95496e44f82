package hibari

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/parley-voice/parley/internal/spoken"
	"github.com/parley-voice/parley/internal/worker/hibari/text"
	"github.com/parley-voice/parley/internal/worker/ort"
)

// How fast the voice can speak; other speeds are brought to the nearer end.
const (
	slowest = 0.4
	fastest = 3
)

// The sound is handed out in pieces: the first is short, so that it leaves early, and each is longer than the one before.
const (
	firstFrames = 6  // 75 ms
	mostFrames  = 48 // 600 ms
)

// Engine is the loaded voice. It is safe for concurrent use.
type Engine struct {
	r       *ort.Runtime
	dir     string
	net     *network
	tables  *tables
	english *text.English
	us      *accent

	once sync.Once // the British accent is loaded when it is first asked for
	gb   *accent
	err  error
}

// accent is one way to read English, with the network that reads its unknown words.
type accent struct {
	*text.Accent
	*speller
}

// Load reads the voice and its tables from dir, the folder of the fetched package.
func Load(r *ort.Runtime, dir string) (*Engine, error) {
	e := &Engine{r: r, dir: dir, tables: newTables()}
	var err error
	if e.english, err = text.Load(dir); err != nil {
		return nil, fmt.Errorf("load voice: %w", err)
	}
	if e.net, err = loadNetwork(r, dir); err != nil {
		return nil, fmt.Errorf("load voice: %w", err)
	}
	if e.us, err = e.loadAccent(false); err != nil {
		e.net.close()
		return nil, fmt.Errorf("load voice: %w", err)
	}
	return e, nil
}

// Close frees the networks. Nothing may speak any more.
func (e *Engine) Close() {
	e.net.close()
	e.us.speller.close()
	e.once.Do(func() {})
	if e.gb != nil {
		e.gb.speller.close()
	}
}

func (e *Engine) loadAccent(british bool) (*accent, error) {
	name := "oov"
	if british {
		name = "oov_gb"
	}
	s, err := loadSpeller(e.r, e.dir, name)
	if err != nil {
		return nil, err
	}
	a, err := e.english.Accent(e.dir, british, s.read)
	if err != nil {
		s.close()
		return nil, err
	}
	return &accent{a, s}, nil
}

func (e *Engine) accent(british bool) (*accent, error) {
	if !british {
		return e.us, nil
	}
	e.once.Do(func() { e.gb, e.err = e.loadAccent(true) })
	return e.gb, e.err
}

// Say speaks a text and hands the sound (24 kHz, full scale ±1) to emit piece by piece; a piece is valid only until emit returns.
// speed 1 is the voice's own. Text without anything to say is no error and gives no sound. Say ends early, with the error, when
// emit fails or ctx is done.
func (e *Engine) Say(ctx context.Context, text string, speed float32, british bool, emit func(pcm24k []float32) error) error {
	a, err := e.accent(british)
	if err != nil {
		return fmt.Errorf("load accent: %w", err)
	}
	u := &utterance{Engine: e, ctx: ctx, emit: emit, speed: min(max(speed, slowest), fastest), frames: firstFrames}
	for _, s := range a.Sentences(spoken.Words(text, british)) {
		for _, s := range runs(s) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			ps, err := a.Phonemes(protect(s))
			if err != nil {
				return fmt.Errorf("read a sentence: %w", err)
			}
			if err := u.sentence(finish(ps, s)); err != nil {
				return err
			}
		}
	}
	return nil
}

// utterance is one Say under way.
type utterance struct {
	*Engine
	ctx    context.Context
	emit   func([]float32) error
	speed  float32
	frames int // of the next piece of sound
	begun  bool

	raw, out []float32
	trim     trimmer
}

func (u *utterance) sentence(phonemes string) error {
	if !strings.ContainsFunc(phonemes, isSound) {
		return nil
	}
	for _, p := range pieces(phonemes, !u.begun) {
		if err := u.piece(p); err != nil {
			return err
		}
		u.begun = true
	}
	return nil
}

// isSound says that a phoneme is more than a mark or a space.
func isSound(r rune) bool { return !strings.ContainsRune(" ;:,.!?—…\"()“”ˈˌ", r) }

// breath seeds the noise of a voice by what it says, so that the same words sound the same every time. Of six salts the one before this
// blurred the s of "costs" and an m; the others sound alike.
func breath(phonemes string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(phonemes)) // a hash takes all bytes
	return rand.New(rand.NewPCG(h.Sum64(), 2))
}

// piece speaks what the network is given at once, and rests as its last mark asks.
func (u *utterance) piece(phonemes string) error {
	s, free, err := u.net.run(u.net.ids(phonemes), u.speed)
	if err != nil {
		return fmt.Errorf("voice a sentence: %w", err)
	}
	defer free()
	sp := newSpeech(u.tables, s, breath(phonemes))
	for done := false; !done; {
		if u.ctx.Err() != nil {
			return context.Cause(u.ctx)
		}
		u.raw, done = sp.next(u.raw[:0], u.frames)
		u.out = u.trim.pass(u.out[:0], u.raw)
		if done {
			u.out = u.trim.end(u.out)
			u.out = append(u.out, make([]float32, int(pause(phonemes).Seconds()*Rate/float64(u.speed)))...)
		}
		if len(u.out) == 0 {
			continue
		}
		if err := u.emit(u.out); err != nil {
			return err
		}
		u.frames = min(2*u.frames, mostFrames)
	}
	return nil
}
