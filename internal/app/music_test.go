package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/parley-voice/parley/internal/audio"
)

func TestMusicIsReadAtTheHousesRate(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "music.wav"), filepath.Join(dir, "notes.txt")
	clip := audio.Clip{Rate: 8000, Channels: 1, PCM: make([]int16, 8000)}
	if os.WriteFile(good, clip.AppendWAV(nil), 0o600) != nil || os.WriteFile(bad, []byte("no sound"), 0o600) != nil {
		t.Fatal("no files")
	}
	if pcm, err := music(good); err != nil || len(pcm) != 16000 {
		t.Errorf("%d samples, %v", len(pcm), err)
	}
	if pcm, err := music(""); err != nil || pcm != nil {
		t.Errorf("%d samples of nothing, %v", len(pcm), err)
	}
	for _, path := range []string{bad, filepath.Join(dir, "missing.wav")} {
		if _, err := music(path); err == nil {
			t.Errorf("%s was taken", path)
		}
	}
}
