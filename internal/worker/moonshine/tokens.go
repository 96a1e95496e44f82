package moonshine

import (
	"fmt"
	"os"
	"strings"
)

const firstSpecial = 32000 // <<ST_0>> and its like are never text

// readPieces reads tokenizer.bin.
func readPieces(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := parsePieces(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(p) < firstSpecial {
		return nil, fmt.Errorf("%s: only %d tokens", path, len(p))
	}
	return p, nil
}

// parsePieces splits entries that begin with their length: one byte, or from 128 on two bytes of seven bits, the lower first.
func parsePieces(b []byte) (pieces []string, err error) {
	for len(b) > 0 {
		n, head := int(b[0]), 1
		if n >= 128 {
			if len(b) < 2 {
				return nil, fmt.Errorf("truncated length of token %d", len(pieces))
			}
			n, head = n-128+int(b[1])*128, 2
		}
		if head+n > len(b) {
			return nil, fmt.Errorf("truncated token %d", len(pieces))
		}
		pieces = append(pieces, strings.ReplaceAll(string(b[head:head+n]), "▁", " "))
		b = b[head+n:]
	}
	return pieces, nil
}

// text joins pieces; bytes that have no piece of their own are pieces of one byte.
func (m *Model) text(ids []int64) string {
	var b strings.Builder
	for _, t := range ids {
		if t > eos && t < firstSpecial {
			b.WriteString(m.pieces[t])
		}
	}
	return strings.TrimSpace(strings.ToValidUTF8(b.String(), ""))
}

// longestGroup is how long a repeated phrase may be, in tokens, to be noticed.
const longestGroup = 8

// loops reports that the last tokens repeat a group of up to eight: six times for a single token, else three times and over nine
// tokens at least.
func loops(ids []int64) bool {
	for n := 1; n <= longestGroup; n++ {
		times := max(3, (9+n-1)/n)
		if n == 1 {
			times = 6
		}
		if len(ids) >= n*times && periodic(ids[len(ids)-n*times:], n) {
			return true
		}
	}
	return false
}

// periodic says that every token equals the one n before it.
func periodic(ids []int64, n int) bool {
	for i := n; i < len(ids); i++ {
		if ids[i] != ids[i-n] {
			return false
		}
	}
	return true
}
