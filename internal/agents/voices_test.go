package agents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/speech"
)

// slowVoice takes a second to say 100 ms and counts how often it was asked.
type slowVoice struct {
	mu    sync.Mutex
	said  []string
	fails error
	long  bool
}

func (v *slowVoice) Languages() []string { return []string{"en-US"} }

func (v *slowVoice) Say(ctx context.Context, text string, _ speech.Voice, emit func([]int16) error) error {
	v.mu.Lock()
	v.said = append(v.said, text)
	fails, long := v.fails, v.long
	v.mu.Unlock()
	if fails != nil {
		return fails
	}
	for {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := emit(make([]int16, speech.Rate/10)); err != nil || !long {
			return err
		}
	}
}

func catalogue(engine speech.Synthesizer, n int) *Voices {
	var templates []parley.VoiceTemplate
	for i := range n {
		templates = append(templates, parley.VoiceTemplate{ID: fmt.Sprint(i), Language: "en-US"})
	}
	return NewVoices(templates, engine, slog.New(slog.DiscardHandler))
}

func TestSampleIsRenderedOnceForAllWhoAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &slowVoice{}
		v := catalogue(engine, 1)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				wav, err := v.Demo(t.Context(), "0")
				if err != nil {
					t.Error(err)
					return
				}
				if c, err := audio.ParseWAV(wav); err != nil || c.Rate != speech.Rate || len(c.PCM) != speech.Rate/10 {
					t.Errorf("sample of %d samples at %d Hz: %v", len(c.PCM), c.Rate, err)
				}
			})
		}
		wg.Wait()
		if len(engine.said) != 1 {
			t.Errorf("rendered %d times", len(engine.said))
		}
	})
}

func TestFailedSampleIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &slowVoice{fails: errors.New("no voice today")}
		v := catalogue(engine, 1)
		if _, err := v.Demo(t.Context(), "0"); parley.CodeOf(err) != parley.DemoGenerationFailed {
			t.Errorf("error %v", err)
		}
		engine.fails = nil
		if _, err := v.Demo(t.Context(), "0"); err != nil {
			t.Errorf("the second time: %v", err)
		}
		if _, err := v.Demo(t.Context(), "x"); parley.CodeOf(err) != parley.VoiceTemplateNotFound {
			t.Errorf("an unknown template: %v", err)
		}
	})
}

func TestSamplesAreBoundedInTimeAndNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &slowVoice{long: true}
		v := catalogue(engine, demosKept+5)
		start := time.Now()
		if _, err := v.Demo(t.Context(), "0"); parley.CodeOf(err) != parley.DemoGenerationFailed || time.Since(start) > demoTime {
			t.Errorf("an endless sample: %v after %s", err, time.Since(start))
		}
		engine.long = false
		for i := range demosKept + 5 {
			if _, err := v.Demo(t.Context(), fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		if len(v.demos) > demosKept {
			t.Errorf("%d samples are kept", len(v.demos))
		}
	})
}

func TestMissingParts(t *testing.T) {
	text := func(s string) *string { return &s }
	voice := &parley.AgentVoice{}
	active, pending := []*parley.PhoneNumber{{Status: "active"}}, []*parley.PhoneNumber{{Status: "pending"}}
	agent := func(d *string, v *parley.AgentVoice, way parley.Direction) *parley.Agent {
		return &parley.Agent{Direction: way, AgentSettings: parley.AgentSettings{Description: d, Voice: v}}
	}
	led := func(a *parley.Agent) *parley.Agent { a.Mode = parley.FlowDriven; return a }
	for _, c := range []struct {
		name    string
		agent   *parley.Agent
		numbers []*parley.PhoneNumber
		want    string
	}{
		{"complete inbound", agent(text("12345"), voice, parley.Inbound), active, ""},
		{"outbound needs no number", agent(text("12345"), voice, parley.Outbound), nil, ""},
		{"no description", agent(nil, voice, parley.Outbound), nil, "knowledge"},
		{"a short description", agent(text("äöüß"), voice, parley.Outbound), nil, "knowledge"},
		{"a flow stands for a description", led(agent(nil, voice, parley.Outbound)), nil, ""},
		{"no voice", agent(text("12345"), nil, parley.Outbound), nil, "voice"},
		{"inbound without number", agent(text("12345"), voice, parley.Inbound), nil, "calling"},
		{"inbound without an active number", agent(text("12345"), voice, parley.Inbound), pending, "calling"},
		{"no direction", agent(text("12345"), voice, ""), active, "calling"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := missing(c.agent, c.numbers)
			if c.want == "" && len(got) != 0 || c.want != "" && (len(got) != 1 || got[c.want] == nil) {
				t.Errorf("missing %v, want %q", got, c.want)
			}
		})
	}
}
