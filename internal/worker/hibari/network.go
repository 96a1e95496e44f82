package hibari

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-voice/parley/internal/worker/ort"
)

// network turns phonemes into spectra. It is safe for concurrent use.
type network struct {
	r     *ort.Runtime
	s     *ort.Session
	call  *ort.Call
	vocab map[string]int64
}

func loadNetwork(r *ort.Runtime, dir string) (*network, error) {
	n := &network{r: r}
	if err := readJSON(filepath.Join(dir, "vocab.json"), &n.vocab); err != nil {
		return nil, err
	}
	var err error
	if n.s, err = r.Load(filepath.Join(dir, "hibari.onnx"), ort.Options{}); err != nil {
		return nil, err
	}
	n.call = n.s.Call([]string{"ids", "speed"}, []string{"lh", "theta", "ln", "lr", "phi", "f0"})
	return n, nil
}

func readJSON(path string, into any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read table: %w", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("read table %s: %w", path, err)
	}
	return nil
}

// trained writes the British sounds that this voice never learned by those American ones that come nearest: left as they are,
// one word in eight is not understood.
var trained = strings.NewReplacer("Q", "əʊ", "a", "æ", "ɒ", "ɑ", "ɜː", "ɜɹ", "ɛː", "ɛə", "ː", "")

// ids numbers phonemes, with the mark of an edge at both ends. Those that the network does not know are left out.
func (n *network) ids(phonemes string) []int64 {
	ids := []int64{0}
	for _, r := range trained.Replace(phonemes) {
		if v, ok := n.vocab[string(r)]; ok {
			ids = append(ids, v)
		}
	}
	return append(ids, 0)
}

// run gives the spectra of a sentence, which are valid until free is called.
func (n *network) run(ids []int64, speed float32) (s spectra, free func(), err error) {
	a, err := ort.Tensor(n.r, ids, 1, int64(len(ids)))
	if err != nil {
		return s, nil, err
	}
	defer a.Close()
	b, err := ort.Tensor(n.r, []float32{speed}, 1)
	if err != nil {
		return s, nil, err
	}
	defer b.Close()
	out, err := n.call.Run(a, b)
	if err != nil {
		return s, nil, err
	}
	free = func() { ort.CloseAll(out...) }
	for i, to := range []*[]float32{&s.harmonic, &s.turn, &s.noise, &s.free, &s.phase, &s.pitch} {
		if *to, err = ort.View[float32](out[i]); err == nil && i < 5 && len(*to)%bins != 0 {
			err = fmt.Errorf("output %d of the voice has %d values", i, len(*to))
		}
		if err != nil {
			free()
			return s, nil, err
		}
	}
	if len(s.harmonic) != bins*len(s.pitch) {
		free()
		return s, nil, fmt.Errorf("the voice gave %d frames of spectrum and %d of pitch", len(s.harmonic)/bins, len(s.pitch))
	}
	return s, free, nil
}

func (n *network) close() { n.s.Close() }

// speller reads words that the lexicon lacks by a small network of characters. It is safe for concurrent use.
type speller struct {
	r    *ort.Runtime
	s    *ort.Session
	call *ort.Call
	in   map[rune]int64
	out  []string
	most int // characters that it reads
}

func loadSpeller(r *ort.Runtime, dir, name string) (*speller, error) {
	var meta struct {
		In     []string
		Out    []string
		Maxlen int
	}
	if err := readJSON(filepath.Join(dir, name+".json"), &meta); err != nil {
		return nil, err
	}
	s := &speller{r: r, in: map[rune]int64{}, out: meta.Out, most: meta.Maxlen}
	for i, c := range meta.In {
		for _, r := range c {
			s.in[r] = int64(i) + 1
		}
	}
	var err error
	if s.s, err = r.Load(filepath.Join(dir, name+".onnx"), ort.Options{}); err != nil {
		return nil, err
	}
	s.call = s.s.Call([]string{"chars"}, []string{"ids"})
	return s, nil
}

// read gives a word's phonemes, empty if none of its characters is known.
func (s *speller) read(word string) (string, error) {
	var ids []int64
	for _, r := range word {
		if id, ok := s.in[r]; ok && len(ids) < s.most {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return "", nil
	}
	in, err := ort.Tensor(s.r, ids, 1, int64(len(ids)))
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := s.call.Run(in)
	if err != nil {
		return "", err
	}
	defer ort.CloseAll(out...)
	best, err := ort.View[int64](out[0])
	if err != nil {
		return "", err
	}
	return s.collapse(best), nil
}

// collapse drops repetitions and blanks (0), as connectionist temporal classification does.
func (s *speller) collapse(best []int64) string {
	ps, before := "", int64(0)
	for _, id := range best {
		if id != before && id > 0 && int(id) <= len(s.out) {
			ps += s.out[id-1]
		}
		before = id
	}
	return ps
}

func (s *speller) close() { s.s.Close() }
