package modelstest

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/audio"
)

// recordings is where Debian's package pocketsphinx-testdata puts its sound.
const recordings = "/usr/share/pocketsphinx/test/data"

// Utterance is recorded speech at 16 kHz and the words that it holds.
type Utterance struct {
	Name, Text string
	PCM        []int16
}

// Human gives people's recorded speech, or skips the test when Debian's package pocketsphinx-testdata is not installed.
func Human(t testing.TB) []Utterance {
	t.Helper()
	all := append(transcribed(t, "librivox", "transcription"), transcribed(t, "cards", "cards.transcription")...)
	return append(all,
		Utterance{Name: "goforward", Text: "go forward ten meters", PCM: readRaw(t, filepath.Join(recordings, "goforward.raw"))},
		Utterance{Name: "something", Text: "go somewhere and do something", PCM: readRaw(t, filepath.Join(recordings, "something.raw"))},
	)
}

// transcribed reads a folder whose file list says what each recording holds.
func transcribed(t testing.TB, folder, list string) (all []Utterance) {
	t.Helper()
	folder = filepath.Join(recordings, folder)
	b, err := os.ReadFile(filepath.Join(folder, list))
	if err != nil {
		t.Skip("needs recordings: run `apt-get install pocketsphinx-testdata`")
	}
	for _, m := range regexp.MustCompile(`<s>(.*)</s> \((.*)\)`).FindAllStringSubmatch(string(b), -1) {
		all = append(all, Utterance{Name: m[2], Text: strings.TrimSpace(m[1]), PCM: readWAV(t, filepath.Join(folder, m[2]+".wav"))})
	}
	return all
}

func readWAV(t testing.TB, path string) []int16 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := audio.ParseWAV(b)
	if err != nil {
		t.Fatal(err)
	}
	pcm, err := c.Mono(audio.Wide)
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

func readRaw(t testing.TB, path string) []int16 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}

// Telephone sends 16 kHz sound through the telephone: to 8 kHz, G.711 µ-law and back.
func Telephone(t testing.TB, pcm []int16) []int16 {
	t.Helper()
	narrow, err := audio.Resample(pcm, audio.Wide, audio.Narrow)
	if err != nil {
		t.Fatal(err)
	}
	coded := make([]byte, len(narrow))
	audio.PCMU.Encode(coded, narrow)
	audio.PCMU.Decode(narrow, coded)
	wide, err := audio.Resample(narrow, audio.Narrow, audio.Wide)
	if err != nil {
		t.Fatal(err)
	}
	return wide
}
