package grounded

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/parley-voice/parley/internal/grounded"
	"github.com/parley-voice/parley/internal/grounded/groundedtest"
	"github.com/parley-voice/parley/internal/providers/local"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/worker"
	"github.com/parley-voice/parley/internal/worker/modelstest"
)

// childEnv makes the test binary a worker process.
const childEnv = "PARLEY_GROUNDED_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	if err := worker.Main(context.Background(), os.Args[1:]); err != nil {
		slog.Error("worker", "error", err)
		os.Exit(1)
	}
}

func engines(t *testing.T) *local.Engines {
	t.Helper()
	dir := modelstest.Dir(t)
	e, err := local.Open(local.Config{Models: dir, Command: func() (*exec.Cmd, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(self, "--models", dir)
		cmd.Env = append(os.Environ(), childEnv+"=1")
		return cmd, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); all.Wait(); e.Close() })
	if err := e.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// heard is what the recognizer makes of a line that was spoken over the telephone.
func heard(t *testing.T, e *local.Engines, text string) string {
	t.Helper()
	var pcm []int16
	err := e.Say(t.Context(), text, speech.Voice{Language: "en-US"}, func(p []int16) error { pcm = append(pcm, p...); return nil })
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Transcribe(t.Context(), modelstest.Telephone(t, pcm), speech.Listening{Language: "en-US"})
	if err != nil {
		t.Fatal(err)
	}
	return s.Text
}

// Whole conversations with two clinics, each line synthesized, sent through the telephone and recognized.
func TestLinesAsTheyAreHeardOverTheTelephone(t *testing.T) {
	e := engines(t)
	m := grounded.New(e)
	trades := groundedtest.Load(t, testdata+"tune")
	var total groundedtest.Score
	for _, name := range []string{"phone", "lakeside"} {
		tr := trades[name]
		for i := range tr.Dialogues {
			for j := range tr.Dialogues[i].Turns {
				u := &tr.Dialogues[i].Turns[j]
				u.Caller = heard(t, e, u.Caller)
			}
		}
		total.Add(tr.Talk(t, m, func(wrong string) { t.Logf("%s: %s", name, wrong) }))
	}
	t.Logf("heard over the telephone: %s", total)
	total.Wants(t, 90, 90, 0)
}
