// Package wer measures how well speech was recognized: the word error rate, that is substitutions, deletions and insertions for a
// word of the reference. Both sides are normalised first, so that only what a listener could hear counts: case, punctuation and
// spelling of numbers do not. It is for English.
package wer

// Rate is Count as a share; it exceeds 1 when more was inserted than the reference has. An empty reference gives 0 for an empty
// hypothesis and else 1.
func Rate(reference, hypothesis string) float64 {
	wrong, of := Count(reference, hypothesis)
	switch {
	case of > 0:
		return float64(wrong) / float64(of)
	case wrong > 0:
		return 1
	}
	return 0
}

// Count is the least number of changed, missing and added words that turn the reference into the hypothesis, and how many words the
// reference has after normalisation. Sums over many utterances give the rate of a set.
func Count(reference, hypothesis string) (wrong, of int) {
	r, h := Words(reference), Words(hypothesis)
	return distance(r, h), len(r)
}

// distance is the Levenshtein distance, with one row of memory.
func distance(a, b []string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := 1
			if x == y {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
