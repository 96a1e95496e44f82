package convo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/parley-voice/parley/internal/flow"
	"github.com/parley-voice/parley/internal/llm"
)

const (
	// readWithin bounds how long a model may think about a caller's words; the answer itself needs no model.
	readWithin = 2 * time.Second
	// readMost bounds its answer, in bytes.
	readMost = 4000
)

// Reader is a flow.Listener that asks a model what callers mean, and Otherwise where the model fails, is late, or gives what is no answer.
type Reader struct {
	Model     llm.Model
	Otherwise flow.Listener
}

var _ flow.Listener = Reader{}

const readerOrders = `You read what a caller said on the telephone to an automated service. You do not talk to him. The user message is a JSON object: what was
asked, what he said, and what is to be found out. Answer with one JSON object and nothing else, with these keys:
"value": what he gave for the variable, as its type has it (date 2006-01-02, time 15:04, number in figures, phone in digits, boolean true or false, choice
exactly as one of its options, else his words without the words around them); "" when he gave none or none is asked for.
"spoken": the value as one says it; "" when it is said as it is written.
"option": which of the options he wants, counted from 1; 0 for none of them. "elsewhere": likewise of anywhere.
"yes", "no": whether he agrees, or disagrees. "declined": whether he will not or cannot give the value.
"repeat": whether he only wants to hear it again. "wait": whether he only wants a moment. "leaves": whether he only says goodbye.`

// Understand implements flow.Listener.
func (r Reader) Understand(ctx context.Context, q flow.Question) (flow.Answer, error) {
	a, err := r.read(ctx, q)
	if err == nil || ctx.Err() != nil {
		return a, err
	}
	slog.WarnContext(ctx, "a model did not understand for a flow; the offline mind does", "error", err)
	return r.Otherwise.Understand(ctx, q)
}

// Prepare implements flow.Preparer.
func (r Reader) Prepare(ctx context.Context, wishes []string) {
	if p, ok := r.Otherwise.(flow.Preparer); ok {
		p.Prepare(ctx, wishes)
	}
}

func (r Reader) read(ctx context.Context, q flow.Question) (a flow.Answer, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, readWithin, errors.New("no reading within 2s"))
	defer cancel()
	chat, err := r.Model.Open(ctx, llm.Brief{Language: q.Language, Description: readerOrders, Bare: true})
	if err != nil {
		return a, err
	}
	defer chat.Close()
	var text strings.Builder
	err = chat.Reply(ctx, []llm.Message{{Role: llm.Caller, Text: asked(q)}}, func(c llm.Chunk) error {
		if text.WriteString(c.Text); text.Len() > readMost {
			return errWordy
		}
		return nil
	})
	if err != nil {
		return a, err
	}
	return answered(text.String(), q)
}

// asked is a question as the model gets it.
func asked(q flow.Question) string {
	out := map[string]any{"today": time.Now().Format("Monday, 2006-01-02 15:04"), "language": q.Language, "asked": q.Asked, "said": q.Said}
	if v := q.Variable; v != nil {
		out["variable"] = map[string]any{"name": v.Name, "type": v.Kind, "options": v.Options}
	}
	if len(q.Options) > 0 {
		out["options"] = q.Options
	}
	if len(q.Anywhere) > 0 {
		out["anywhere"] = q.Anywhere
	}
	return string(encoded(out))
}

// answered reads the model's answer. Keys that it was not told of, and choices that there are not, make it none.
func answered(text string, q flow.Question) (a flow.Answer, err error) {
	from, to := strings.IndexByte(text, '{'), strings.LastIndexByte(text, '}')
	if from < 0 || to < from {
		return a, errors.New("the model gave no JSON object")
	}
	d := json.NewDecoder(strings.NewReader(text[from : to+1]))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return flow.Answer{}, fmt.Errorf("the model's answer: %w", err)
	}
	if a.Option < 0 || a.Option > len(q.Options) || a.Elsewhere < 0 || a.Elsewhere > len(q.Anywhere) {
		return flow.Answer{}, errors.New("the model chose what there is not")
	}
	return a, nil
}
