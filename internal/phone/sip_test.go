package phone

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/sipdoor"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
	"github.com/parley-voice/parley/internal/speech/speechtest"
)

// host answers every call with half a second of sound, and hangs up with the caller.
type host struct {
	digits chan byte
	refuse media.Refusal
}

func (h host) Serve(ctx context.Context, in media.Incoming) {
	if h.refuse != 0 {
		_ = in.Reject(h.refuse)
		return
	}
	leg, err := in.Answer(ctx)
	if err != nil {
		return
	}
	pcm := speechtest.Tone(8000)
	for ; len(pcm) >= media.FrameSamples; pcm = pcm[media.FrameSamples:] {
		if leg.Write(ctx, (*media.Frame)(pcm)) != nil {
			return
		}
	}
	var t media.Tick
	for leg.Read(ctx, &t) == nil {
		select {
		case d := <-leg.Digits():
			h.digits <- d
		default:
		}
	}
}

// callHost calls a host over real sockets.
func callHost(t *testing.T, h host, p Plan, codecs ...stream.Codec) (Result, string) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	door, err := sipdoor.New(sipdoor.Config{Addr: "127.0.0.1:0", Accept: sipdoor.Accept{Loopback: true}}, sipdoor.Deps{Answerer: h, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- door.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	line, err := OpenSIP(sipdoor.Config{Codecs: codecs}, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := line.Close(); err != nil {
			t.Error(err)
		}
	}()
	var out bytes.Buffer
	r, err := Run(ctx, p, Deps{Dial: line.Dialer(sipdoor.URITarget{URI: "sip:100@" + door.Addr().String(), From: "200"}), Out: &out, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return r, out.String()
}

func TestCallOverSIP(t *testing.T) {
	for _, codec := range stream.Codecs() {
		t.Run(codec.String(), func(t *testing.T) {
			t.Parallel()
			h := host{digits: make(chan byte, 8)}
			p := Plan{QuietFor: 400 * ms, Patience: time.Second, Transcript: true, Lines: []Line{{Digits: "5"}, {PCM: speechtest.Tone(6400), Name: "tone.wav"}}}
			r, transcript := callHost(t, h, p, codec)
			if r.Code != CodeOK || r.Stats.Codec != codec.String() || len(r.Lines) != 1 {
				t.Errorf("%+v", r)
			}
			if d := <-h.digits; d != '5' || transcript != "me: [5]\nme: [tone.wav]\n" {
				t.Errorf("%c, transcript %q", d, transcript)
			}
			if m := r.Lines[0]; time.Duration(m.End-m.Begin) < 380*ms {
				t.Errorf("the tone was sent from %s to %s", m.Begin, m.End)
			}
		})
	}
}

func TestRefusedOverSIP(t *testing.T) {
	if r, _ := callHost(t, host{refuse: media.RefuseNoAgent}, Plan{}); r.Code != CodeRefused || r.Status != 480 {
		t.Errorf("%+v", r)
	}
}
