package grounded

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-voice/parley/internal/llm"
)

// Pairs of a question and its answer that share no word, from no business in particular. Each question shares words with the answer
// before it, so that an embedder that compares letters finds the wrong ones.
var gaugePairs = []struct{ question, answer string }{
	{"could i leave my vehicle where dishes are served", "Parking is behind the house."},
	{"when do you shut the house behind the church", "We close at six."},
	{"may we settle at six in banknotes", "Cash is accepted."},
	{"is it accepted that puppies come in", "Dogs are welcome."},
	{"are people who eat no meat welcome", "Vegetarian dishes are served."},
}

// leastLikeness is the scale below which an embedder does not know what words mean; its vectors are then left unused.
const leastLikeness = 0.02

// gauge measures an embedder's scale: how much more alike a question is to its answer than to the answers of other questions. Embedders
// differ much in this, and one that compares letters only has no such scale: then it is 0.
func gauge(ctx context.Context, e llm.Embedder) (float64, error) {
	questions, answers := make([]string, len(gaugePairs)), make([]string, len(gaugePairs))
	for i, p := range gaugePairs {
		questions[i], answers[i] = p.question, p.answer
	}
	qs, err := e.Embed(ctx, questions, true)
	if err != nil {
		return 0, fmt.Errorf("gauge the embedder: %w", err)
	}
	as, err := e.Embed(ctx, answers, false)
	if err != nil {
		return 0, fmt.Errorf("gauge the embedder: %w", err)
	}
	if len(qs) != len(gaugePairs) || len(as) != len(gaugePairs) {
		return 0, errors.New("gauge the embedder: it does not return a vector for each text")
	}
	var own, other float64
	for i := range qs {
		for j := range as {
			if i == j {
				own += dot(qs[i], as[j])
			} else {
				other += dot(qs[i], as[j])
			}
		}
	}
	n := float64(len(qs))
	scale := own/n - other/(n*(n-1))
	if scale < leastLikeness {
		return 0, nil
	}
	return scale, nil
}
