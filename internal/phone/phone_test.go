package phone

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/speech/speechtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

// call is a call to an agent in virtual time and what came of it.
type call struct {
	Result
	transcript string
	leg        *leg
}

func callWith(t *testing.T, p Plan, a agent, d speech.Detector) (c call) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p.Transcript = true
		deps := Deps{
			Voice: &speechtest.Synthesizer{}, Recognizer: &speechtest.Recognizer{Delay: 100 * ms}, Detector: d, Out: &out,
			Log:  slog.New(slog.DiscardHandler),
			Dial: func(context.Context) (media.Leg, error) { c.leg = newLeg(a); return c.leg, nil },
		}
		var err error
		if c.Result, err = Run(t.Context(), p, deps); err != nil {
			t.Error(err)
		}
		c.transcript = out.String()
	})
	return c
}

func callTo(t *testing.T, p Plan, a agent) call {
	t.Helper()
	return callWith(t, p, a, &speechtest.Detector{})
}

func says(texts ...string) (lines []Line) {
	for _, s := range texts {
		lines = append(lines, Line{Text: s})
	}
	return lines
}

func near(t *testing.T, what string, got Millis, want, within time.Duration) {
	t.Helper()
	if d := time.Duration(got) - want; d < -within || d > within {
		t.Errorf("%s is %s, want %s", what, got, want)
	}
}

const greeted = time.Second + 4*speechtest.WordTime

func TestEachLineWaitsUntilTheOtherSideHasFinished(t *testing.T) {
	c := callTo(t, Plan{Lines: says("how much is it", "thank you")},
		agent{greeting: "hello this is rose", answers: []string{"sixty dollars", "good bye"}, after: 800 * ms})
	want := "they: hello this is rose\nme: how much is it\nthey: sixty dollars\nme: thank you\nthey: good bye\n"
	if c.transcript != want || len(c.Transcript) != 5 {
		t.Errorf("transcript\n%s", c.transcript)
	}
	if c.Code != CodeOK || c.Cause != "" || len(c.Lines) != 2 {
		t.Fatalf("%+v", c.Result)
	}
	near(t, "the first line's beginning", c.Lines[0].Begin, greeted+1500*ms, 50*ms)
	near(t, "its length", c.Lines[0].End-c.Lines[0].Begin, 4*speechtest.WordTime, 10*ms)
	for _, m := range c.Lines {
		if m.Reply == nil || m.Interrupts || m.Stop != nil {
			t.Fatalf("%+v", m)
		}
		near(t, "mouth to ear", *m.Reply, 800*ms, 10*ms)
	}
	near(t, "the call's length", c.Length, time.Duration(c.Lines[1].End)+800*ms+2*speechtest.WordTime+1500*ms, 50*ms)
}

func TestALineMayInterrupt(t *testing.T) {
	long := strings.Repeat("blah ", 30)
	lines := says("tell me all", "stop please you", "thanks")
	lines[1].InterruptAfter = 1200 * ms
	c := callTo(t, Plan{Lines: lines}, agent{greeting: "hello", answers: []string{long, "sorry", "bye"}, after: 600 * ms, stops: 180 * ms})
	if c.Code != CodeOK || len(c.Lines) != 3 {
		t.Fatalf("%+v", c.Result)
	}
	m := c.Lines[1]
	if !m.Interrupts || m.Stop == nil || m.Reply == nil || c.Lines[0].Reply == nil {
		t.Fatalf("%+v", m)
	}
	onset := time.Duration(c.Lines[0].End) + time.Duration(*c.Lines[0].Reply)
	near(t, "the interruption", m.Begin, onset+1200*ms, 50*ms)
	near(t, "its stop", *m.Stop, 200*ms, 10*ms) // 180 ms and the beat that was under way
	near(t, "its reply", *m.Reply, 600*ms, 10*ms)
	if want := "me: stop please you\n"; !strings.Contains(c.transcript, want) {
		t.Error(c.transcript)
	}
}

func TestWhoTalksOnShowsInTheStop(t *testing.T) {
	lines := says("tell me all", "stop please you")
	lines[1].InterruptAfter = time.Second
	c := callTo(t, Plan{Lines: lines}, agent{greeting: "hello", answers: []string{strings.Repeat("blah ", 12), "sorry"}, after: 600 * ms})
	if m := c.Lines[1]; !m.Interrupts || m.Stop == nil || time.Duration(*m.Stop) < 900*ms {
		t.Errorf("%+v", m)
	}
}

func TestWhoFinishesSoonerIsAnsweredNotInterrupted(t *testing.T) {
	lines := says("hi")
	lines[0].InterruptAfter = 5 * time.Second
	c := callTo(t, Plan{Lines: lines}, agent{greeting: "hello this is rose", answers: []string{"yes"}, after: 600 * ms})
	if m := c.Lines[0]; m.Interrupts || m.Stop != nil {
		t.Errorf("%+v", m)
	}
	near(t, "the line's beginning", c.Lines[0].Begin, greeted+1500*ms, 50*ms)
}

func TestEndings(t *testing.T) {
	for _, c := range []struct {
		name  string
		plan  Plan
		agent agent
		code  int
		cause media.EndCause
	}{
		{"a silent side is left after eight seconds a line", Plan{Lines: says("hi", "anybody")}, agent{}, CodeNoAudio, ""},
		{"without lines the greeting is heard", Plan{}, agent{greeting: "hello"}, CodeOK, ""},
		{"they hang up before the last line", Plan{Lines: says("hi", "well")}, agent{greeting: "hello", answers: []string{"bye"}, after: 500 * ms, hangsUp: 1},
			CodeHungUp, media.EndRemote},
		{"they hang up after it", Plan{Lines: says("hi")}, agent{greeting: "hello", answers: []string{"bye"}, after: 500 * ms, hangsUp: 1},
			CodeOK, media.EndRemote},
		{"they never finish", Plan{Lines: says("hi"), Timeout: 20 * time.Second}, agent{greeting: strings.Repeat("and ", 100)}, CodeTimeout, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := callTo(t, c.plan, c.agent)
			if got.Code != c.code || got.Cause != c.cause {
				t.Errorf("code %d, cause %q", got.Code, got.Cause)
			}
		})
	}
}

func TestUnanswered(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{&media.NotAnswered{Outcome: media.OutcomeFailed, Status: 404}, CodeRefused},
		{&media.NotAnswered{Outcome: media.OutcomeNoAnswer, Status: 480}, CodeRefused},
		{&media.NotAnswered{Outcome: media.OutcomeBusy, Status: 486}, CodeRefused},
		{&media.NotAnswered{Outcome: media.OutcomeNoAnswer, Reason: "ring_timeout"}, CodeNoAnswer},
		{&media.NotAnswered{Outcome: media.OutcomeFailed, Reason: "trunk_unreachable"}, CodeNoAnswer},
		{&media.NotAnswered{Outcome: media.OutcomeNoAnswer, Status: 408}, CodeNoAnswer},
	} {
		r, err := Run(t.Context(), Plan{}, Deps{Dial: func(context.Context) (media.Leg, error) { return nil, c.err }})
		if err != nil || r.Code != c.code {
			t.Errorf("%v: code %d, %v", c.err, r.Code, err)
		}
	}
	if _, err := Run(t.Context(), Plan{Lines: says("hi")}, Deps{}); err == nil {
		t.Error("a line was said without a voice")
	}
}

func TestGivingUpHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeg(agent{greeting: "hello"})
		ctx, cancel := context.WithTimeout(t.Context(), 1500*ms)
		defer cancel()
		_, err := Run(ctx, Plan{}, Deps{Dial: func(context.Context) (media.Leg, error) { return l, nil }, Log: slog.New(slog.DiscardHandler)})
		if !errors.Is(err, context.DeadlineExceeded) || l.Cause() != media.EndLocal {
			t.Errorf("%v, %s", err, l.Cause())
		}
	})
}

func TestKeysAreALineToo(t *testing.T) {
	c := callTo(t, Plan{Lines: []Line{{Digits: "12#"}, {Text: "yes"}}}, agent{greeting: "press a key", answers: []string{"fine"}, after: 500 * ms})
	if string(c.leg.pressed) != "12#" || !strings.Contains(c.transcript, "me: [12#]\nme: yes\n") {
		t.Errorf("pressed %q\n%s", c.leg.pressed, c.transcript)
	}
	if len(c.Lines) != 1 || c.Lines[0].Line != 2 {
		t.Errorf("%+v", c.Lines)
	}
}

func TestEnergyAloneSuffices(t *testing.T) {
	c := callWith(t, Plan{Lines: says("how much is it")},
		agent{greeting: "hello this is rose", answers: []string{"sixty dollars"}, after: 800 * ms, noise: 100}, nil)
	if c.Code != CodeOK || len(c.Lines) != 1 || c.Lines[0].Reply == nil {
		t.Fatalf("%+v", c.Result)
	}
	near(t, "mouth to ear", *c.Lines[0].Reply, 800*ms, 15*ms)
}

func TestALongAnswerIsWrittenDownInParts(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("and so on ", 25)) // 22.5 s without a pause
	c := callTo(t, Plan{}, agent{greeting: long})
	var words []string
	for _, e := range c.Transcript {
		words = append(words, strings.Fields(e.Text)...)
	}
	if len(c.Transcript) != 2 || len(words) < 74 {
		t.Errorf("%d entries, %d words", len(c.Transcript), len(words))
	}
}

func TestRecordingHasMeLeftAndThemRight(t *testing.T) {
	path := filepath.Join(t.TempDir(), "call.wav")
	c := callTo(t, Plan{Lines: says("hi there"), Record: path}, agent{greeting: "hello", answers: []string{"good bye"}, after: 500 * ms})
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clip, err := audio.ParseWAV(b)
	if err != nil || clip.Channels != 2 {
		t.Fatal(clip.Channels, err)
	}
	at := func(channel int, d time.Duration) float64 {
		pcm := clip.Channel(channel)
		i := clip.Rate.Samples(d)
		return audio.RMS(pcm[i : i+clip.Rate.Samples(100*ms)])
	}
	mine := time.Duration(c.Lines[0].Begin) + 100*ms
	theirs := time.Duration(c.Lines[0].End) + time.Duration(*c.Lines[0].Reply) + 100*ms
	if at(0, mine) < 1000 || at(1, mine) > 100 || at(0, theirs) > 100 || at(1, theirs) < 1000 {
		t.Errorf("me %.0f over %.0f, they %.0f over %.0f", at(0, mine), at(1, mine), at(1, theirs), at(0, theirs))
	}
	if _, err := Run(t.Context(), Plan{Record: filepath.Join(path, "x")}, Deps{}); err == nil {
		t.Error("a recording that cannot be written was not noticed before the call")
	}
}
