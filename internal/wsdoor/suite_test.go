package wsdoor

import (
	"encoding/base64"
	"encoding/json"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/mediatest"
)

// farEnd is the outside system as the suite sees it.
type farEnd struct {
	*client
	mu   sync.Mutex
	said []int16
}

func (f *farEnd) Play(pcm []int16) {
	narrow, err := audio.Resample(pcm, audio.Wide, audio.Narrow)
	if err != nil {
		f.t.Error(err)
	}
	code := make([]byte, len(narrow))
	audio.PCMU.Encode(code, narrow)
	f.send(mediaMessage(code))
}

func (f *farEnd) listen() {
	for {
		_, b, err := f.Read(f.ctx)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(b, &m) != nil || m.Media == nil {
			continue
		}
		raw, _ := base64.StdEncoding.DecodeString(m.Media.Payload)
		pcm := make([]int16, len(raw))
		audio.PCMU.Decode(pcm, raw)
		f.mu.Lock()
		f.said = append(f.said, pcm...)
		f.mu.Unlock()
	}
}

func (f *farEnd) Said() []int16 {
	f.mu.Lock()
	defer f.mu.Unlock()
	wide, err := audio.Resample(f.said, audio.Narrow, audio.Wide)
	if err != nil {
		f.t.Error(err)
	}
	return wide
}

func (f *farEnd) Press(digit byte) {
	f.send(`{"event":"dtmf","dtmf":{"digit":"` + string(digit) + `"}}`)
}

func (f *farEnd) HangUp() { _ = f.Close(websocket.StatusNormalClosure, "") }

func TestContract(t *testing.T) {
	mediatest.Run(t, func(t *testing.T) (media.Leg, mediatest.Far) {
		url, b, _ := serve(t)
		far := &farEnd{client: connect(t, url, "/c1/transport?x-talq=good")}
		var listening sync.WaitGroup
		listening.Go(far.listen)
		t.Cleanup(func() { _ = far.CloseNow(); listening.Wait() })
		return <-b.legs, far
	})
}
