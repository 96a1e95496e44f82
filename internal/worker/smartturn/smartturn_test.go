package smartturn

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/worker/modelstest"
)

// sound is a rising tone in noise whose loudness steps, the same that testdata/features.json was made from.
func sound(n int) []float32 {
	x := make([]float32, n)
	state := uint32(7)
	for i := range x {
		state = state*1664525 + 1013904223
		level := 0.1 + 0.9*float64((i/4000)%3)/2
		noise := (float64(state>>16)/65536 - 0.5) * 0.2 * level
		x[i] = float32(noise + 0.3*level*math.Sin(2*math.Pi*(200+float64(i)*0.01)*float64(i)/16000))
	}
	return x
}

// The golden values (mel, frame, value) come from transformers' WhisperFeatureExtractor(chunk_length=8), over the last 8 s with
// zeros put before.
func TestFeaturesEqualTheReference(t *testing.T) {
	raw, err := os.ReadFile("testdata/features.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string][][3]float64
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	b := newBank()
	for name, n := range map[string]int{"short": 40000, "exact": 128000, "long": 150000} {
		got := b.features(sound(n))
		if len(golden[name]) == 0 || len(got) != mels*frames {
			t.Fatalf("%s: %d golden values, %d features", name, len(golden[name]), len(got))
		}
		for _, g := range golden[name] {
			if v := float64(got[int(g[0])*frames+int(g[1])]); math.Abs(v-g[2]) > 1e-4 {
				t.Errorf("%s: mel %v of frame %v is %v, want %v", name, g[0], g[1], v, g[2])
			}
		}
	}
}

func TestSilenceHasFeatures(t *testing.T) {
	for _, x := range [][]float32{nil, make([]float32, 1), make([]float32, samples)} {
		for _, v := range newBank().features(x) {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("%d samples of silence gave %v", len(x), v)
			}
		}
	}
}

func TestWholeTurnsSoundMoreCompleteThanHalves(t *testing.T) {
	m, err := Load(modelstest.Runtime(t), modelstest.File(t, models.Turn, "smart-turn-v3.2-cpu.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	judge := func(pcm []int16) float64 {
		x := make([]float32, len(pcm))
		for i, v := range pcm {
			x[i] = float32(v) / 32768
		}
		p, err := m.Complete(x)
		if err != nil {
			t.Fatal(err)
		}
		if p < 0 || p > 1 {
			t.Errorf("probability %v", p)
		}
		return p
	}
	var whole, half float64
	for _, u := range modelstest.Human(t) {
		whole += judge(u.PCM)
		half += judge(u.PCM[:len(u.PCM)/2])
	}
	if whole <= half {
		t.Errorf("whole turns %.2f, halves %.2f", whole, half)
	}
	t.Logf("sum of probabilities: whole turns %.2f, halves %.2f", whole, half)
}

func BenchmarkFeatures(b *testing.B) {
	k, x := newBank(), sound(samples)
	for b.Loop() {
		k.features(x)
	}
}
