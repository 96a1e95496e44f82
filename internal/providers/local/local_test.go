package local_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/providers/local"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/speech/speechtest"
	"github.com/parley-voice/parley/internal/worker"
	"github.com/parley-voice/parley/internal/worker/modelstest"
)

// childEnv makes the test binary a worker process.
const childEnv = "PARLEY_LOCAL_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := worker.Main(context.Background(), os.Args[1:]); err != nil {
		slog.Error("worker", "error", err)
		os.Exit(1)
	}
}

func open(t *testing.T) *local.Engines {
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
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait(); e.Close() })
	if err := e.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestContracts(t *testing.T) {
	e := open(t)
	u := modelstest.Human(t)[0]
	t.Run("recognizer", func(t *testing.T) { speechtest.RunRecognizer(t, e, speechtest.Clip{PCM: u.PCM, Word: "leisure"}) })
	t.Run("synthesizer", func(t *testing.T) { speechtest.RunSynthesizer(t, e) })
	t.Run("detector", func(t *testing.T) { speechtest.RunDetector(t, e, u.PCM) })
	t.Run("judge", func(t *testing.T) { speechtest.RunJudge(t, e, u.PCM) })
	t.Run("only English", func(t *testing.T) { refusesOthers(t, e, u.PCM) })
	t.Run("embedder", func(t *testing.T) {
		v, err := e.Embed(t.Context(), []string{"good morning", "buenos días"}, false)
		if err != nil || len(v) != 2 || len(v[0]) != len(v[1]) {
			t.Errorf("%d vectors, %v", len(v), err)
		}
	})
}

func refusesOthers(t *testing.T, e *local.Engines, pcm []int16) {
	for tag, ok := range map[string]bool{"": true, "en-us": true, "en-GB": true, "pt-BR": false, "es": false} {
		_, err := e.Transcribe(t.Context(), pcm[:speech.Rate/2], speech.Listening{Language: tag})
		if (err == nil) != ok {
			t.Errorf("hearing %q: %v", tag, err)
		}
		err = e.Say(t.Context(), "Yes.", speech.Voice{Language: tag}, func([]int16) error { return nil })
		if (err == nil) != ok {
			t.Errorf("saying %q: %v", tag, err)
		}
	}
}

func TestMissingModelsNameTheCommand(t *testing.T) {
	_, err := local.Open(local.Config{Models: t.TempDir()})
	if !errors.Is(err, models.ErrIncomplete) || !strings.Contains(err.Error(), "parley models fetch") {
		t.Errorf("got %v", err)
	}
}
