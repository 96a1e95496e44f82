package llmtest

import (
	"context"
	"hash/fnv"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/parley-voice/parley/internal/llm"
)

// Reply is what a scripted model does in one turn: it waits Delay, emits the words one chunk each Gap, then the calls, then fails with Err.
type Reply struct {
	Words []string
	Calls []llm.ToolCall
	Delay time.Duration // before the first chunk
	Gap   time.Duration // between chunks
	Err   error         // returned after the chunks
}

// Say is a reply of one chunk.
func Say(text string) Reply { return Reply{Words: []string{text}} }

// Model is a scripted llm.Model. It keeps no state of its own: Script decides from the history alone.
type Model struct {
	Script    func(b llm.Brief, history []llm.Message) Reply
	OpenErr   error
	OpenDelay time.Duration
	Tags      []string // what Languages gives
}

var _ llm.Model = (*Model)(nil)

// Lines scripts a model that gives the replies in turn, counted by the messages of caller and tools in the history; the last one repeats.
func Lines(replies ...Reply) *Model {
	return &Model{Script: func(_ llm.Brief, history []llm.Message) Reply {
		turn := -1
		for _, m := range history {
			if m.Role != llm.Agent {
				turn++
			}
		}
		return replies[max(0, min(turn, len(replies)-1))]
	}}
}

// Languages implements llm.Model.
func (m *Model) Languages() []string { return m.Tags }

// Open implements llm.Model.
func (m *Model) Open(ctx context.Context, b llm.Brief) (llm.Chat, error) {
	if err := pause(ctx, m.OpenDelay); err != nil {
		return nil, err
	}
	if m.OpenErr != nil {
		return nil, m.OpenErr
	}
	return &scriptedChat{model: m, brief: b}, nil
}

type scriptedChat struct {
	model *Model
	brief llm.Brief
}

func (c *scriptedChat) Close() {}

func (c *scriptedChat) Reply(ctx context.Context, history []llm.Message, emit func(llm.Chunk) error) error {
	r := c.model.Script(c.brief, history)
	var chunks []llm.Chunk
	for _, w := range r.Words {
		chunks = append(chunks, llm.Chunk{Text: w})
	}
	for i := range r.Calls {
		chunks = append(chunks, llm.Chunk{Call: &r.Calls[i]})
	}
	wait := r.Delay
	for _, chunk := range chunks {
		if err := pause(ctx, wait); err != nil {
			return err
		}
		if err := emit(chunk); err != nil {
			return err
		}
		wait = r.Gap
	}
	if len(chunks) == 0 {
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
	return r.Err
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// Dimensions of the vectors of Embedder.
const Dimensions = 256

// Embedder is a deterministic llm.Embedder: hashed words and letter triples, so that texts sharing words or parts of words are alike.
// It knows no synonyms. The zero value works.
type Embedder struct {
	Err   error         // returned instead of vectors
	Delay time.Duration // of each Embed
}

var _ llm.Embedder = Embedder{}

// Embed implements llm.Embedder; questions and statements are treated alike.
func (e Embedder) Embed(ctx context.Context, texts []string, _ bool) ([][]float32, error) {
	if err := pause(ctx, e.Delay); err != nil {
		return nil, err
	}
	if e.Err != nil {
		return nil, e.Err
	}
	out := make([][]float32, len(texts))
	for i, t := range texts {
		out[i] = hashed(t)
	}
	return out, nil
}

func hashed(text string) []float32 {
	v := make([]float32, Dimensions)
	add := func(part string, weight float32) {
		h := fnv.New32a()
		_, _ = h.Write([]byte(part)) // a hash takes all bytes
		v[h.Sum32()%Dimensions] += weight
	}
	notLetter := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for _, w := range strings.FieldsFunc(strings.ToLower(text), notLetter) {
		add(w, 1)
		padded := []rune("^" + w + "$")
		for i := 0; i+3 <= len(padded); i++ {
			add(string(padded[i:i+3]), 0.3)
		}
	}
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		v[0] = 1
		return v
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / math.Sqrt(sum))
	}
	return v
}
