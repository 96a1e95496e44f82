package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

func TestWAVComesBackAsWritten(t *testing.T) {
	c := Clip{Rate: 16000, Channels: 2, PCM: []int16{1, -1, 300, -300, math.MaxInt16, math.MinInt16}}
	got, err := ParseWAV(c.AppendWAV(nil))
	if err != nil || got.Rate != 16000 || got.Channels != 2 || !slices.Equal(got.PCM, c.PCM) {
		t.Errorf("%+v, %v", got, err)
	}
	if l, r := got.Channel(0), got.Channel(1); !slices.Equal(l, []int16{1, 300, 32767}) || !slices.Equal(r, []int16{-1, -300, -32768}) {
		t.Errorf("left %v, right %v", l, r)
	}
}

// goldenHeader is a 16 kHz stereo header of three sample frames, as other programs write it.
var goldenHeader = []byte("RIFF\x30\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00\x80\x3e\x00\x00\x00\xfa\x00\x00\x04\x00\x10\x00data\x0c\x00\x00\x00")

func TestHeaderIsTheCommonOne(t *testing.T) {
	if h := WAVHeader(16000, 2, 3); !bytes.Equal(h[:], goldenHeader) {
		t.Errorf("%x", h)
	}
}

func TestUnfinishedFileIsReadable(t *testing.T) {
	h := WAVHeader(8000, 1, -1)
	b := append(h[:], 1, 0, 2, 0, 3) // the last sample is torn
	got, err := ParseWAV(b)
	if err != nil || !slices.Equal(got.PCM, []int16{1, 2}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// file is a WAV file with a chunk before the data that readers skip.
func file(tag, channels uint16, rate uint32, bits uint16, data []byte) []byte {
	le := binary.LittleEndian
	b := []byte("RIFF\xff\xff\xff\xffWAVELIST\x03\x00\x00\x00abc\x00fmt ")
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, tag)
	b = le.AppendUint16(b, channels)
	b = le.AppendUint32(b, rate)
	b = le.AppendUint32(b, rate)
	b = le.AppendUint16(b, channels*bits/8)
	b = le.AppendUint16(b, bits)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(len(data)))
	return append(b, data...)
}

func TestWAVFormats(t *testing.T) {
	for _, c := range []struct {
		name string
		file []byte
		want []int16 // nil: refused
	}{
		{"µ-law", file(7, 1, 8000, 8, []byte{0xFF, 0x80}), []int16{0, 32124}},
		{"A-law", file(6, 1, 8000, 8, []byte{0xD5, 0xAA}), []int16{8, 32256}},
		{"PCM of 16 bits", file(1, 1, 8000, 16, []byte{1, 0, 255, 255}), []int16{1, -1}},
		{"PCM of 24 bits is refused", file(1, 1, 8000, 24, make([]byte, 6)), nil},
		{"floats are refused", file(3, 1, 8000, 32, make([]byte, 8)), nil},
		{"no channel is refused", file(1, 0, 8000, 16, make([]byte, 8)), nil},
		{"no sound is refused", []byte("RIFF\x04\x00\x00\x00WAVE"), nil},
		{"data without a format is refused", []byte("RIFF\x04\x00\x00\x00WAVEdata\x02\x00\x00\x00ab"), nil},
		{"text is refused", []byte("hello"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseWAV(c.file)
			if c.want == nil {
				if !errors.Is(err, ErrFormat) {
					t.Errorf("%+v, %v", got, err)
				}
			} else if err != nil || !slices.Equal(got.PCM, c.want) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestMonoMixesAndResamples(t *testing.T) {
	left := tone(44100, 500, 44100)
	c := Clip{Rate: 44100, Channels: 2}
	for _, v := range left {
		c.PCM = append(c.PCM, v, 0)
	}
	got, err := c.Mono(16000)
	if err != nil || len(got) != 16000 {
		t.Fatalf("%d samples, %v", len(got), err)
	}
	if p := power(got[400:15600], 16000, 500); math.Abs(p-5000) > 60 {
		t.Errorf("amplitude %.0f", p)
	}
}

func FuzzParseWAV(f *testing.F) {
	f.Add(file(7, 1, 8000, 8, []byte{1, 2, 3}))
	f.Add(file(1, 2, 16000, 16, []byte{1, 2, 3, 4, 5}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseWAV(b); err == nil && (len(c.PCM)%c.Channels != 0 || len(c.PCM) > len(b)) {
			t.Errorf("%d samples in %d channels of %d bytes", len(c.PCM), c.Channels, len(b))
		}
	})
}

func TestLevels(t *testing.T) {
	pcm := tone(8000, 1000, 8000)
	if l := Level(pcm); math.Abs(l-(-13.32)) > 0.05 { // 10000 of 32768 is -10.31 dB, a sine's RMS 3.01 below
		t.Errorf("%.2f dBFS", l)
	}
	Gain(pcm, 0.5)
	if r := RMS(pcm); math.Abs(r-3535.5) > 2 {
		t.Errorf("RMS %.1f", r)
	}
	loud := []int16{30000, -30000}
	if Gain(loud, 2); loud[0] != math.MaxInt16 || loud[1] != math.MinInt16 {
		t.Errorf("gain wraps: %v", loud)
	}
	if Level(nil) != -96 || Level(make([]int16, 10)) != -96 {
		t.Error("silence has a level")
	}
}

func TestRates(t *testing.T) {
	if n := Wide.Samples(20 * time.Millisecond); n != 320 {
		t.Error(n)
	}
	if d := Narrow.Duration(160); d != 20*time.Millisecond {
		t.Error(d)
	}
}
