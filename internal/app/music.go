package app

import (
	"fmt"
	"os"

	"github.com/parley-voice/parley/internal/audio"
)

// maxMusic bounds the file that held callers hear: ten minutes at 48 kHz.
const maxMusic = 64 << 20

// music reads what held callers hear; nothing for no path.
func music(path string) ([]int16, error) {
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("sip.hold_music: %w", err)
	}
	if info.Size() > maxMusic {
		return nil, fmt.Errorf("sip.hold_music: %s is over %d MB", path, maxMusic>>20)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("sip.hold_music: %w", err)
	}
	clip, err := audio.ParseWAV(b)
	if err != nil {
		return nil, fmt.Errorf("sip.hold_music: %s: %w", path, err)
	}
	return clip.Mono(audio.Wide)
}
