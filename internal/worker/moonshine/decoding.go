package moonshine

import (
	"fmt"
	"math"

	"github.com/parley-voice/parley/internal/worker/ort"
)

// decoding is one utterance on its way through the decoder.
type decoding struct {
	m      *Model
	owned  []*ort.Value // closed at the end
	cache  []*ort.Value // the decoder's own keys and values, replaced at each step
	inputs []*ort.Value // of a later step: token, encoder's output, mask, "use the cache", then all keys and values
	hidden *ort.Value
	mask   *ort.Value
	token  []int64 // the memory of inputs[0]

	tokens []int64
	logp   float64 // summed over judged tokens
	judged int
	cut    bool
}

func (d *decoding) close() {
	ort.CloseAll(d.owned...)
	ort.CloseAll(d.cache...)
}

// tensor makes a tensor that lives as long as the decoding.
func tensor[T ort.Elem](d *decoding, data []T, dims ...int64) (*ort.Value, error) {
	v, err := ort.Tensor(d.m.r, data, dims...)
	if err == nil {
		d.owned = append(d.owned, v)
	}
	return v, err
}

// open runs the encoder. The mask is that of the samples: the decoder wants it too, and thins it to one in 384 itself. A mask as
// long as the encoder's frames works only up to 384 frames (9.2 s), by broadcasting.
func (d *decoding) open(x []float32) error {
	ones := make([]int64, len(x))
	for i := range ones {
		ones[i] = 1
	}
	sound, err := tensor(d, x, 1, int64(len(x)))
	if err != nil {
		return err
	}
	if d.mask, err = tensor(d, ones, 1, int64(len(x))); err != nil {
		return err
	}
	out, err := d.m.encode.Run(sound, d.mask)
	if err != nil {
		return err
	}
	d.owned = append(d.owned, out...)
	d.hidden = out[0]
	return nil
}

// begin runs the first step, over a draft of tokens that may be right, and returns the first token that is not in the draft.
func (d *decoding) begin(draft []int64) (int64, error) {
	for _, t := range draft {
		if t < 0 || t >= vocabulary {
			return 0, fmt.Errorf("moonshine: draft holds token %d", t)
		}
	}
	start := append([]int64{bos}, draft...)
	ids, err := tensor(d, start, 1, int64(len(start)))
	if err != nil {
		return 0, err
	}
	no, err := tensor(d, []bool{false}, 1)
	if err != nil {
		return 0, err
	}
	empty, err := tensor(d, make([]float32, heads*headDim), 1, heads, 1, headDim)
	if err != nil {
		return 0, err
	}
	in := []*ort.Value{ids, d.hidden, d.mask, no}
	for range 2 * selfCache {
		in = append(in, empty)
	}
	out, err := d.m.first.Run(in...)
	if err != nil {
		return 0, err
	}
	d.owned = append(d.owned, out[0])
	d.owned = append(d.owned, out[1+selfCache:]...) // the encoder's keys and values, for all steps
	d.cache = out[1 : 1+selfCache]
	next, err := d.follow(out[0], draft)
	if err != nil {
		return 0, err
	}
	if used := len(d.tokens) + 1; used < len(start) {
		if err := d.trim(len(start), used); err != nil {
			return 0, err
		}
	}
	return next, d.prepare(out)
}

// follow keeps the draft as far as the model says the same and returns what it says next.
func (d *decoding) follow(logits *ort.Value, draft []int64) (int64, error) {
	l, err := ort.View[float32](logits)
	if err != nil {
		return 0, err
	}
	if len(l) != (len(draft)+1)*vocabulary {
		return 0, fmt.Errorf("moonshine: %d logits for %d tokens", len(l), len(draft)+1)
	}
	for k := 0; ; k++ {
		next := d.take(l[k*vocabulary : (k+1)*vocabulary])
		if k == len(draft) || next != draft[k] {
			return next, nil
		}
		d.tokens = append(d.tokens, next)
	}
}

// prepare lays out the inputs of the later steps.
func (d *decoding) prepare(first []*ort.Value) error {
	d.token = []int64{0}
	id, err := tensor(d, d.token, 1, 1)
	if err != nil {
		return err
	}
	yes, err := tensor(d, []bool{true}, 1)
	if err != nil {
		return err
	}
	d.inputs = append([]*ort.Value{id, d.hidden, d.mask, yes}, first[1:]...)
	return nil
}

// step decodes one more token.
func (d *decoding) step(last int64) (int64, error) {
	d.token[0] = last
	copy(d.inputs[4:], d.cache)
	out, err := d.m.later.Run(d.inputs...)
	if err != nil {
		return 0, err
	}
	ort.CloseAll(d.cache...)
	d.cache = out[1:]
	defer out[0].Close()
	l, err := ort.View[float32](out[0])
	if err != nil {
		return 0, err
	}
	if len(l) != vocabulary {
		return 0, fmt.Errorf("moonshine: %d logits, want %d", len(l), vocabulary)
	}
	return d.take(l), nil
}

// take chooses the best token and counts how sure it was.
func (d *decoding) take(logits []float32) int64 {
	best, logp := argmax(logits)
	d.logp += logp
	d.judged++
	return int64(best)
}

// trim keeps the first n of have positions of each tensor [1,heads,have,headDim] in the cache.
func (d *decoding) trim(have, n int) error {
	for i, v := range d.cache {
		old, err := ort.View[float32](v)
		if err != nil {
			return err
		}
		data := make([]float32, 0, heads*n*headDim)
		for h := range heads {
			data = append(data, old[h*have*headDim:(h*have+n)*headDim]...)
		}
		t, err := ort.Tensor(d.m.r, data, 1, heads, int64(n), headDim)
		if err != nil {
			return err
		}
		v.Close()
		d.cache[i] = t
	}
	return nil
}

// argmax finds the best token and its natural log probability. Terms below e^-16 of the best do not matter.
func argmax(l []float32) (best int, logp float64) {
	for i, v := range l {
		if v > l[best] {
			best = i
		}
	}
	top, sum := l[best], 0.0
	for _, v := range l {
		if d := v - top; d > -16 {
			sum += math.Exp(float64(d))
		}
	}
	return best, -math.Log(sum)
}
