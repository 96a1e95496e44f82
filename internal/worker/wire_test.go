package worker

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
)

func TestFramesComeBackAsSent(t *testing.T) {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	sent := []frame{
		{kind: askSay, id: 7, head: []byte(`{"text":"hello"}`)},
		{kind: saySound, id: 1 << 31, body: []byte{1, 2, 3, 4}},
		{kind: cancelAsk, id: 0},
		{kind: askTranscribe, id: 9, head: []byte(`{}`), body: make([]byte, 100000)},
	}
	for _, f := range sent {
		if err := writeFrame(w, f); err != nil {
			t.Fatal(err)
		}
	}
	r := bufio.NewReader(&b)
	for _, f := range sent {
		got, err := readFrame(r)
		if err != nil || got.kind != f.kind || got.id != f.id || !bytes.Equal(got.head, f.head) || !bytes.Equal(got.body, f.body) {
			t.Fatalf("got %v, %v, want %v", got, err, f)
		}
	}
	if _, err := readFrame(r); !errors.Is(err, io.EOF) {
		t.Errorf("after the last frame: %v", err)
	}
}

func TestFramesAreBounded(t *testing.T) {
	if _, err := newFrame(askTranscribe, 1, nil, make([]byte, maxFrame)); err == nil {
		t.Error("a frame without bounds was made")
	}
	for name, b := range map[string][]byte{
		"too long":              {0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0},
		"shorter than its head": {10, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0},
		"no room for a header":  {3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0},
		"cut off":               {20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1},
	} {
		if _, err := readFrame(bufio.NewReader(bytes.NewReader(b))); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{11, 0, 0, 0, 1, 2, 0, 0, 0, 1, 0, 0, 0, 'x', 'y'})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readFrame(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := writeFrame(bufio.NewWriter(&out), got); err != nil || !bytes.HasPrefix(b, out.Bytes()) {
			t.Errorf("%x read and written is %x, %v", b, out.Bytes(), err)
		}
	})
}

func TestSoundAndVectorsComeBackAsPacked(t *testing.T) {
	pcm := []int16{0, 1, -1, 32767, -32768}
	if got := unpackPCM(packPCM(pcm)); !slices.Equal(got, pcm) {
		t.Errorf("got %v", got)
	}
	vs := [][]float32{{1, -0.5}, {0.25, 3e-9}}
	got, err := unpackVectors(packVectors(vs), 2)
	if err != nil || !slices.EqualFunc(got, vs, slices.Equal[[]float32]) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := unpackVectors(make([]byte, 12), 2); err == nil {
		t.Error("three values made two vectors")
	}
	if _, err := unpackVectors(make([]byte, 4), 0); err == nil {
		t.Error("a value made no vector")
	}
}
