package phone

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-voice/parley/internal/audio"
)

// maxFile bounds a sound file: ten minutes of 48 kHz stereo.
const maxFile = 128 << 20

// Script reads the lines of a plan from command-line arguments, in the order given: --play FILE.wav, --say TEXT, --dtmf DIGITS, and
// --interrupt-after DURATION, which belongs to the next line. Other arguments are passed over.
func Script(args []string) ([]Line, error) {
	var lines []Line
	var after time.Duration
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		flag, value, joined := strings.Cut(args[i], "=")
		if flag != "--play" && flag != "--say" && flag != "--dtmf" && flag != "--interrupt-after" {
			continue
		}
		if !joined {
			if i++; i == len(args) {
				return nil, fmt.Errorf("%s: expected a value", flag)
			}
			value = args[i]
		}
		if flag == "--interrupt-after" {
			var err error
			if after, err = time.ParseDuration(value); err != nil || after <= 0 {
				return nil, fmt.Errorf("--interrupt-after: %q is no duration such as 1.2s", value)
			}
			continue
		}
		l, err := lineOf(flag, value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		l.InterruptAfter, after = after, 0
		lines = append(lines, l)
	}
	if after > 0 {
		return nil, fmt.Errorf("--interrupt-after: no --play, --say or --dtmf follows")
	}
	return lines, nil
}

func lineOf(flag, value string) (Line, error) {
	switch {
	case flag == "--play":
		pcm, err := Load(value)
		return Line{PCM: pcm, Name: filepath.Base(value)}, err
	case flag == "--say" && strings.TrimSpace(value) != "":
		return Line{Text: value}, nil
	case flag == "--dtmf" && value != "" && strings.Trim(value, "0123456789*#ABCD") == "":
		return Line{Digits: value}, nil
	}
	return Line{}, fmt.Errorf("%q cannot be said or pressed", value)
}

// Load reads a WAV file as 16 kHz mono.
func Load(path string) ([]int16, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: over %d MB", path, maxFile>>20)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	clip, err := audio.ParseWAV(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	pcm, err := clip.Mono(audio.Wide)
	if err == nil && len(pcm) == 0 {
		err = fmt.Errorf("%s: no sound in it", path)
	}
	return pcm, err
}
