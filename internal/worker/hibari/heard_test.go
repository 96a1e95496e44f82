package hibari

import (
	"context"
	"testing"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/speech/wer"
	"github.com/parley-voice/parley/internal/spoken"
	"github.com/parley-voice/parley/internal/worker/modelstest"
	"github.com/parley-voice/parley/internal/worker/moonshine"
)

var lines = []string{
	"Thank you for calling the Northside clinic, how can I help you today?",
	"Your appointment is on Tuesday, November 3rd, at 9:30 am.",
	"A cleaning costs $60, and the first visit is free.",
	"We are open from Monday to Friday, 8 am to 6 pm.",
	"Could you please spell your last name for me?",
	"I'm sorry, we don't have a table for four at seven o'clock.",
	"Would half past eight work for you instead?",
	"The double room is $120 a night, and breakfast is included.",
	"You can park behind the building for free.",
	"Please call us back before five o'clock today.",
	"Our address is 12 Main St. in Boston.",
	"Let me check that for you, one moment please.",
	"I have moved your appointment to Friday morning.",
	"Do you have any allergies that we should know about?",
	"The doctor will see you in about ten minutes.",
	"I can take a message, or I can transfer you to a person.",
	"Yes, we accept most insurance plans.",
	"No, we won't charge your card until Thursday.",
	"Is there anything else that I can do for you?",
	"Thanks for calling, have a lovely evening. Goodbye!",
}

// TestItIsUnderstood has the recognizer hear what the voice says, wide and through a telephone.
func TestItIsUnderstood(t *testing.T) {
	e := load(t)
	ear, err := moonshine.Load(modelstest.Runtime(t), models.Path(modelstest.Dir(t), models.Recognizer))
	if err != nil {
		t.Fatal(err)
	}
	defer ear.Close()
	for _, british := range []bool{false, true} {
		wrong, of := map[string]int{}, 0
		for _, line := range lines {
			pcm, err := audio.Resample(ints(say(t, e, line, 1, british)), Rate, audio.Wide)
			if err != nil {
				t.Fatal(err)
			}
			want := spoken.Words(line, british)
			_, n := wer.Count(want, "")
			of += n
			for band, x := range map[string][]int16{"wide": pcm, "telephone": modelstest.Telephone(t, pcm)} {
				r, err := ear.Transcribe(context.Background(), floats(x), moonshine.Options{})
				if err != nil {
					t.Fatal(err)
				}
				w, _ := wer.Count(want, r.Text)
				wrong[band] += w
				if w > 0 {
					t.Logf("british %v, %s: %q, want %q", british, band, r.Text, want)
				}
			}
		}
		for band, w := range wrong {
			t.Logf("british %v, %s: %d of %d words wrong, %.1f %%", british, band, w, of, 100*float64(w)/float64(of))
			if float64(w) > 0.12*float64(of) || !british && float64(w) > 0.06*float64(of) {
				t.Errorf("british %v, %s: too many words wrong", british, band)
			}
		}
	}
}

func ints(pcm []float32) []int16 {
	out := make([]int16, len(pcm))
	for i, v := range pcm {
		out[i] = int16(max(-1, min(1, v)) * 32767)
	}
	return out
}

func floats(pcm []int16) []float32 {
	out := make([]float32, len(pcm))
	for i, v := range pcm {
		out[i] = float32(v) / 32768
	}
	return out
}
