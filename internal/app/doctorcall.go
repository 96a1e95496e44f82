package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/phone"
	"github.com/parley-voice/parley/internal/sipdoor"
	"github.com/parley-voice/parley/internal/speech"
)

const checkTime = 30 * time.Second // of a check that runs engines or a call

// checkSpeech says a sentence and hears it again: models, native libraries and the worker in one.
func checkSpeech(ctx context.Context, cfg config.Config) finding {
	dir, err := modelsDir(cfg)
	if err == nil {
		err = models.Ready(dir)
	}
	if err != nil {
		return finding{level: warn, what: "speech", seen: "not tried without models"}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, checkTime, errors.New("the speech engines took too long"))
	defer cancel()
	heard, took, err := saidAndHeard(ctx, cfg)
	if err != nil {
		return finding{level: bad, what: "speech", seen: err.Error(), whatToDo: "the engines need glibc 2.28 or newer and libstdc++ (Debian: libstdc++6) on x86-64"}
	}
	return finding{level: fine, what: "speech", seen: fmt.Sprintf("said a sentence and heard %q again in %d ms", heard, took.Milliseconds())}
}

func saidAndHeard(ctx context.Context, cfg config.Config) (heard string, took time.Duration, err error) {
	p := newParts(quiet())
	defer func() { err = errors.Join(err, p.stop()) }()
	e, err := openEngines(ctx, cfg, p, quiet())
	if err != nil {
		return "", 0, err
	}
	begun := time.Now()
	var pcm []int16
	err = e.speech.Say(ctx, "The office opens at nine.", speech.Voice{Language: "en-US", Speed: 1}, func(piece []int16) error {
		pcm = append(pcm, piece...)
		return nil
	})
	if err != nil {
		return "", 0, err
	}
	t, err := e.speech.Transcribe(ctx, pcm, speech.Listening{Language: "en-US"})
	if err == nil && !strings.Contains(strings.ToLower(t.Text), "office") {
		err = fmt.Errorf("what was said was heard as %q", t.Text)
	}
	return t.Text, time.Since(begun), err
}

// checkLoopback calls a door of its own over loopback and listens for a tone.
func checkLoopback(ctx context.Context, _ config.Config) finding {
	ctx, cancel := context.WithTimeoutCause(ctx, checkTime, errors.New("the call took too long"))
	defer cancel()
	r, err := toneCall(ctx)
	switch {
	case err != nil:
		return finding{level: bad, what: "loop-back call", seen: err.Error(), whatToDo: "a firewall on this machine may block loopback UDP"}
	case r.Code != phone.CodeOK && r.Code != phone.CodeHungUp:
		return finding{level: bad, what: "loop-back call", seen: fmt.Sprintf("ended with code %d %s", r.Code, r.Reason)}
	}
	return finding{level: fine, what: "loop-back call", seen: fmt.Sprintf("answered with sound, %d packets in, %d lost", r.Stats.Received, r.Stats.Lost)}
}

func toneCall(ctx context.Context) (r phone.Result, err error) {
	door, err := sipdoor.New(sipdoor.Config{Addr: "127.0.0.1:0", Accept: sipdoor.Accept{Loopback: true}}, sipdoor.Deps{Answerer: tone{}, Log: quiet()})
	if err != nil {
		return r, err
	}
	p := newParts(quiet())
	p.start("SIP", door.Run)
	defer func() { err = errors.Join(err, p.stop()) }()
	sip, err := phone.OpenSIP(sipdoor.Config{Addr: "127.0.0.1:0"}, nil, quiet())
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, sip.Close()) }()
	target := sipdoor.URITarget{URI: "sip:doctor@" + door.Addr().String()}
	return phone.Run(ctx, phone.Plan{Timeout: 10 * time.Second}, phone.Deps{Dial: sip.Dialer(target), Detector: phone.Energy{}, Out: io.Discard, Log: quiet()})
}

// tone answers every call with a second of sound and hangs up.
type tone struct{}

// Serve implements media.Answerer.
func (tone) Serve(ctx context.Context, in media.Incoming) {
	leg, err := in.Answer(ctx)
	if err != nil {
		return
	}
	t := audio.Tone{Rate: media.Rate, Frequency: 440, Peak: 8000}
	var f media.Frame
	for range 50 {
		t.Fill(f[:])
		if leg.Write(ctx, &f) != nil {
			break
		}
	}
	select {
	case <-time.After(1500 * time.Millisecond):
	case <-leg.Done():
	case <-ctx.Done():
	}
	_ = leg.Hangup(context.WithoutCancel(ctx))
}
