package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

// codecOf is the codec that a call's sound had.
func codecOf(call JSON) string {
	quality, _ := call["quality"].(JSON)
	name, _ := quality["codec"].(string)
	return name
}

func TestCallsInEveryCodec(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	s := Start(t)
	s.Clinic(nil)
	for _, codec := range stream.Codecs() {
		t.Run(codec.String(), func(t *testing.T) {
			s := s.in(t)
			from := "caller-" + codec.String()
			out, code := s.Call(Number, "--codec", strings.ToLower(codec.String()), "--from", from, "--say", "How much does a cleaning cost?")
			if code != 0 || strings.Count(out, "they: ") < 2 { // the greeting and an answer
				t.Errorf("exit code %d\n%s", code, out)
			}
			c := s.lastCallOf(from)
			if c["status"] != "completed" || codecOf(c) != codec.String() {
				t.Errorf("call %v", c)
			}
			if !slices.ContainsFunc(turns(c), func(turn any) bool {
				text, _ := turn.(JSON)["text"].(string)
				return turn.(JSON)["who"] == "caller" && strings.Contains(strings.ToLower(text), "cleaning")
			}) {
				t.Errorf("the question was not understood: %v", turns(c))
			}
		})
	}
}

func TestBaresipSpeaksWideband(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	Need(t, "baresip")
	if !inside(t) {
		return
	}
	s := Start(t, Args("--sip", insideAddr+":0"), Env("PARLEY_SIP_ACCEPT=any"))
	s.demoAgent(s.DID(s.Trunk("192.0.2.1", 5060, nil), Number))
	_, _, script := demo(t)
	for i, c := range []struct {
		codec, account string
		rate           audio.Hz
		asks           []demoLine // after the greeting
	}{
		{"G722", "G722/16000/1", 16000, nil}, {"opus", "opus/48000/2", 48000, script[:1]},
	} {
		t.Run(c.codec, func(t *testing.T) {
			s := s.in(t)
			phone := baresip(t, s.URI(Number), monologue(t, c.asks), ";audio_codecs="+c.account)
			s.Wait("the agent has answered", 40*time.Second, func() bool {
				return s.count("answered")+s.count("completed") > i && len(answers(turns(s.lastCall()))) >= len(c.asks)
			})
			time.Sleep(3 * time.Second) // of sound
			heard := phone.quit()
			s.Wait("the call is over", 10*time.Second, func() bool { return s.count("completed") == i+1 })
			call := s.lastCall()
			if codecOf(call) != c.codec || heard.Rate != c.rate {
				t.Errorf("the call speaks %s, baresip has heard %d Hz", codecOf(call), heard.Rate)
			}
			for j, line := range c.asks {
				if got := answers(turns(call))[j]["heard"].(string); !says(got, line.Expect) {
					t.Errorf("%q was answered with %q", line.Say, got)
				}
			}
			if d := loud(heard); d < time.Second {
				t.Errorf("baresip has heard %v of sound", d)
			}
		})
	}
}
