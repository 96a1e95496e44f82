package phone

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/audio"
)

func TestScriptKeepsTheOrderOfArguments(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hi.wav")
	pcm := make([]int16, 800)
	tone := audio.Tone{Rate: 8000, Frequency: 500, Peak: 9000}
	tone.Fill(pcm)
	if err := os.WriteFile(file, audio.Clip{Rate: 8000, Channels: 1, PCM: pcm}.AppendWAV(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Script([]string{"sip:1@host", "--say", "one", "--from", "+1", "--play=" + file, "--interrupt-after", "1.2s", "--say=two", "--dtmf", "1#"})
	if err != nil || len(got) != 4 {
		t.Fatalf("%d lines, %v", len(got), err)
	}
	if got[0].Text != "one" || got[1].Name != "hi.wav" || len(got[1].PCM) != 1600 || got[2].Text != "two" ||
		got[2].InterruptAfter != 1200*time.Millisecond || got[3].Digits != "1#" || got[3].InterruptAfter != 0 {
		t.Errorf("%v %v %v", got[0], got[2], got[3])
	}
}

func TestWrongArgumentsAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"--say"}, {"--say", " "}, {"--dtmf", "12x"}, {"--dtmf", ""}, {"--play", "/no/such/file.wav"}, {"--play", "args.go"},
		{"--interrupt-after", "soon", "--say", "x"}, {"--interrupt-after", "-1s", "--say", "x"}, {"--interrupt-after", "1s"},
	} {
		if got, err := Script(args); err == nil {
			t.Errorf("%v gave %v", args, got)
		}
	}
}

func TestResultIsReadableAsJSON(t *testing.T) {
	in := Result{Length: Millis(1500 * time.Millisecond), Lines: []Measured{{Line: 1, Reply: new(Millis(812500 * time.Microsecond))}}}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var raw struct {
		Length float64 `json:"length_ms"`
		Lines  []struct {
			Reply *float64 `json:"reply_ms"`
			Stop  *float64 `json:"stop_ms"`
		}
	}
	if err := json.Unmarshal(b, &raw); err != nil || raw.Length != 1500 || *raw.Lines[0].Reply != 812.5 || raw.Lines[0].Stop != nil {
		t.Errorf("%s, %v", b, err)
	}
	var out Result
	if err := json.Unmarshal(b, &out); err != nil || *out.Lines[0].Reply != *in.Lines[0].Reply {
		t.Errorf("%+v, %v", out, err)
	}
}
