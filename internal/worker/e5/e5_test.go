package e5_test

import (
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/worker/e5"
	"github.com/parley-voice/parley/internal/worker/modelstest"
)

func load(t testing.TB) *e5.Model {
	t.Helper()
	m, err := e5.Load(models.Path(modelstest.Dir(t, models.Embeddings), models.Embeddings))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func embed(t testing.TB, m *e5.Model, text string, query bool) []float32 {
	t.Helper()
	v, err := m.Embed(text, query)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestQuestionsFindTheirFacts(t *testing.T) {
	m := load(t)
	facts := []string{
		"We are open Monday to Friday from 8 am to 6 pm, Saturday 9 am to 1 pm.",
		"Free parking behind the building.",
		"A cleaning costs 60 dollars.",
		"We accept Blue Cross and Delta insurance.",
	}
	var vectors [][]float32
	for _, f := range facts {
		vectors = append(vectors, embed(t, m, f, false))
	}
	for want, q := range []string{
		"what time do you close on saturday", "can i leave my car there", "quanto custa uma limpeza", "aceptan mi seguro",
	} {
		v, best := embed(t, m, q, true), 0
		for i := range vectors {
			if dot(v, vectors[i]) > dot(v, vectors[best]) {
				best = i
			}
		}
		if best != want {
			t.Errorf("%q found %q", q, facts[best])
		}
	}
}

func TestVectorsHaveLengthOne(t *testing.T) {
	m := load(t)
	for _, text := range []string{"", "a", "nul\x00byte and \xff broken", strings.Repeat("long ", e5.MaxText/5)} {
		if v := embed(t, m, text, false); len(v) != e5.Dim || math.Abs(dot(v, v)-1) > 1e-3 {
			t.Errorf("%.20q: %d values, length %v", text, len(v), dot(v, v))
		}
	}
	if _, err := m.Embed(strings.Repeat("x", e5.MaxText+1), false); err == nil {
		t.Error("a text without bounds was taken")
	}
}

func TestManyAtOnceAreEqualToOne(t *testing.T) {
	m := load(t)
	want := embed(t, m, "where are you", true)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for range 3 {
				v, err := m.Embed("where are you", true)
				if err != nil || dot(v, want) < 0.9999 {
					t.Errorf("likeness %v, %v", dot(v, want), err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestAClosedModelSaysSo(t *testing.T) {
	m := load(t)
	m.Close()
	m.Close()
	if _, err := m.Embed("hello", true); err == nil {
		t.Error("a closed model embedded")
	}
}

func BenchmarkQuery(b *testing.B) {
	m := load(b)
	for b.Loop() {
		if _, err := m.Embed("what time do you close on saturday", true); err != nil {
			b.Fatal(err)
		}
	}
}
