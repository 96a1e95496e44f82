// Package moonshine runs Moonshine tiny-en, a small encoder-decoder that turns English speech into text: 16 kHz samples in, text
// and confidence out. It decodes greedily. It says something even for silence and noise: whether there was speech at all is for
// the caller to judge.
package moonshine

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"github.com/parley-voice/parley/internal/worker/ort"
)

const (
	// MinSamples is the shortest sound that the encoder takes.
	MinSamples = 1000
	// MaxSamples is 20 s; beyond 30 s the model invents.
	MaxSamples = 20 * rate

	rate                   = 16000
	layers, heads, headDim = 6, 8, 36
	bos, eos               = 1, 2
	vocabulary             = 32768
	selfCache              = 2 * layers // keys and values of the decoder's own layers
)

// Model is safe for concurrent use.
type Model struct {
	r                    *ort.Runtime
	encoder, decoder     *ort.Session
	encode, first, later *ort.Call
	pieces               []string
}

// Load reads encoder_model.ort, decoder_model_merged.ort and tokenizer.bin in dir.
func Load(r *ort.Runtime, dir string) (*Model, error) {
	m := &Model{r: r}
	var err error
	if m.pieces, err = readPieces(filepath.Join(dir, "tokenizer.bin")); err != nil {
		return nil, err
	}
	if m.encoder, err = r.Load(filepath.Join(dir, "encoder_model.ort"), ort.Options{}); err != nil {
		return nil, err
	}
	if m.decoder, err = r.Load(filepath.Join(dir, "decoder_model_merged.ort"), ort.Options{}); err != nil {
		m.encoder.Close()
		return nil, err
	}
	m.encode = m.encoder.Call([]string{"input_values", "attention_mask"}, []string{"last_hidden_state"})
	in, first, later := decoderNames()
	m.first, m.later = m.decoder.Call(in, first), m.decoder.Call(in, later)
	return m, nil
}

// Close frees the model; nothing may be transcribing.
func (m *Model) Close() {
	m.encoder.Close()
	m.decoder.Close()
}

// decoderNames lists the decoder's inputs and the outputs of the first step and of later ones: the encoder's keys and values do
// not change after the first step.
func decoderNames() (in, first, later []string) {
	in = []string{"input_ids", "encoder_hidden_states", "encoder_attention_mask", "use_cache_branch"}
	first, later = []string{"logits"}, []string{"logits"}
	for _, side := range []string{"decoder", "encoder"} {
		for l := range layers {
			for _, kv := range []string{"key", "value"} {
				in = append(in, fmt.Sprintf("past_key_values.%d.%s.%s", l, side, kv))
				o := fmt.Sprintf("present.%d.%s.%s", l, side, kv)
				first = append(first, o)
				if side == "decoder" {
					later = append(later, o)
				}
			}
		}
	}
	return in, first, later
}

// Result is a transcript with what is needed to judge it.
type Result struct {
	Text       string
	Tokens     []int64
	Confidence float64 // mean natural log probability of the tokens, the end mark included
	Cut        bool    // the token limit or the loop guard stopped it, not the end mark
}

// Options of one transcript. The zero value decodes anew with the default limit.
type Options struct {
	PerSecond float64 // most tokens for a second of sound; 0 is 8
	Draft     []int64 // tokens of an earlier, shorter part: checked in one step instead of one step each
}

// limit is the most tokens for n samples. A short utterance may have a few more than its length says.
func (o Options) limit(n int) int {
	per := o.PerSecond
	if per == 0 {
		per = 8
	}
	return int(math.Ceil(float64(n)/rate*per)) + 3
}

// Transcribe hears x, of MinSamples to MaxSamples. It looks at ctx before each step.
func (m *Model) Transcribe(ctx context.Context, x []float32, o Options) (Result, error) {
	if len(x) < MinSamples || len(x) > MaxSamples {
		return Result{}, fmt.Errorf("moonshine: %d samples, want %d to %d", len(x), MinSamples, MaxSamples)
	}
	d := &decoding{m: m}
	defer d.close()
	err := d.open(x)
	if err != nil {
		return Result{}, err
	}
	limit := o.limit(len(x))
	next, err := d.begin(o.Draft[:min(len(o.Draft), limit-1)])
	for err == nil && next != eos {
		d.tokens = append(d.tokens, next)
		if len(d.tokens) >= limit || loops(d.tokens) {
			d.cut = true
			break
		}
		if ctx.Err() != nil {
			return Result{}, context.Cause(ctx)
		}
		next, err = d.step(next)
	}
	if err != nil {
		return Result{}, err
	}
	return Result{
		Text: m.text(d.tokens), Tokens: d.tokens, Confidence: d.logp / float64(d.judged), Cut: d.cut,
	}, nil
}
