package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/worker/modelstest"
)

// The test binary is also the child: this variable says with which engines.
const childEnv = "PARLEY_WORKER_TEST_CHILD"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(childEnv) {
	case "":
		goleak.VerifyTestMain(m)
		return
	case "scripted":
		err = child(context.Background(), 2, func() (Engines, error) { return scripted(os.Getenv("PARLEY_WORKER_TEST_DIR")), nil })
	case "refusing":
		err = child(context.Background(), 2, func() (Engines, error) { return Engines{}, errors.New("the model is damaged") })
	case "parent":
		err = parent()
	case "real":
		err = Main(context.Background(), os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// parent supervises scripted children, says who they are, and waits to be killed.
func parent() error {
	s := New(Config{Command: childCommand("scripted", os.Getenv("PARLEY_WORKER_TEST_DIR"))})
	go func() {
		_ = s.Ready(context.Background())
		s.mu.Lock()
		defer s.mu.Unlock()
		fmt.Println(s.live[0].cmd.Process.Pid)
	}()
	return s.Run(context.Background())
}

// childCommand starts this binary as a child with these engines.
func childCommand(kind, dir string, args ...string) func() (*exec.Cmd, error) {
	return func() (*exec.Cmd, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(self, append([]string{"--slots", "2"}, args...)...)
		cmd.Env = append(os.Environ(), childEnv+"="+kind, "PARLEY_WORKER_TEST_DIR="+dir)
		return cmd, nil
	}
}

func die() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }

// once says whether a thing happens for the first time in any process.
func once(dir, what string) bool {
	f, err := os.OpenFile(filepath.Join(dir, what), os.O_CREATE|os.O_EXCL, 0o600)
	f.Close()
	return err == nil
}

// scripted engines do what they are told: the language of an utterance and the text to say are orders.
func scripted(dir string) Engines {
	return Engines{
		Recognizer: hearing(func(ctx context.Context, l speech.Listening) (speech.Transcript, error) {
			switch l.Language {
			case "die":
				die()
			case "die once":
				if once(dir, "heard") {
					die()
				}
			case "crash":
				panic("segmentation fault or the like")
			case "wait":
				<-ctx.Done()
				return speech.Transcript{}, ctx.Err()
			}
			return speech.Transcript{Text: strconv.Itoa(os.Getpid())}, nil
		}),
		Synthesizer: speaking(func(_ context.Context, text string, emit func([]int16) error) error {
			if text == "die before" && once(dir, "said") {
				die()
			}
			if err := emit([]int16{1, 2, 3}); err != nil {
				return err
			}
			if text == "die after" {
				time.Sleep(50 * time.Millisecond) // until the sound has left
				die()
			}
			return emit([]int16{4})
		}),
	}
}

// house is a running supervisor.
type house struct {
	*Supervisor
	t    *testing.T
	log  *strings.Builder
	stop func()
}

func supervise(t *testing.T, kind string, edit func(*Config)) *house {
	t.Helper()
	h := &house{t: t, log: &strings.Builder{}}
	var args []string
	if kind == "real" {
		args = []string{"--models", modelstest.Dir(t)}
	}
	cfg := Config{Log: slog.New(slog.NewTextHandler(h.log, nil)), Command: childCommand(kind, t.TempDir(), args...)}
	if edit != nil {
		edit(&cfg)
	}
	h.Supervisor = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := h.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	h.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(h.stop)
	return h
}

func (h *house) ready(processes int) {
	h.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for len(h.pids()) < processes {
		if time.Now().After(deadline) {
			h.t.Fatalf("only %d of %d processes are ready", len(h.pids()), processes)
		}
		_, changed, _ := h.look()
		select {
		case <-changed:
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (h *house) pids() (all []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.live {
		all = append(all, p.cmd.Process.Pid)
	}
	return all
}

func (h *house) hear(ctx context.Context, order string) (string, error) {
	r, err := h.Transcribe(ctx, nil, speech.Listening{Language: order})
	return r.Text, err
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestAKilledProcessIsReplacedByTheOneThatStandsBy(t *testing.T) {
	h := supervise(t, "scripted", nil)
	h.ready(2)
	before := h.pids()
	if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	text, err := h.hear(t.Context(), "")
	if err != nil || text != strconv.Itoa(before[1]) {
		t.Errorf("process %s answered, %v; want %d", text, err, before[1])
	}
	h.ready(2)
	if now := h.pids(); now[0] != before[1] || now[1] == before[0] {
		t.Errorf("processes %v after %v", now, before)
	}
}

func TestARequestThatLosesItsProcessIsTriedOnceMore(t *testing.T) {
	h := supervise(t, "scripted", nil)
	h.ready(2)
	if text, err := h.hear(t.Context(), "die once"); err != nil || text == "" {
		t.Errorf("got %q, %v", text, err)
	}
	h.ready(2)
	if _, err := h.hear(t.Context(), "die"); !errors.Is(err, speech.ErrUnavailable) {
		t.Errorf("a request that kills whoever takes it: %v", err)
	}
	h.ready(2)
	if _, err := h.hear(t.Context(), ""); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestASayingIsTriedAgainOnlyBeforeItsFirstSound(t *testing.T) {
	h := supervise(t, "scripted", nil)
	h.ready(2)
	for _, c := range []struct {
		order   string
		samples int
		want    error
	}{{"die before", 4, nil}, {"die after", 3, speech.ErrUnavailable}} {
		n := 0
		err := h.Say(t.Context(), c.order, speech.Voice{}, func(pcm []int16) error { n += len(pcm); return nil })
		if !errors.Is(err, c.want) || n != c.samples {
			t.Errorf("%s: %d samples, %v", c.order, n, err)
		}
		h.ready(2)
	}
}

func TestADeathIsLoggedWithItsReason(t *testing.T) {
	h := supervise(t, "scripted", nil)
	h.ready(2)
	if _, err := h.hear(t.Context(), "crash"); !errors.Is(err, speech.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	h.ready(2)
	h.stop()
	if log := h.log.String(); !strings.Contains(log, "speech worker died") || !strings.Contains(log, "panic: segmentation fault or the like") {
		t.Errorf("log: %s", log)
	}
}

func TestStopEndsAllProcessesAndRequests(t *testing.T) {
	h := supervise(t, "scripted", func(c *Config) { c.Workers = 2 })
	h.ready(3)
	pids := h.pids()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := h.hear(t.Context(), "wait"); !errors.Is(err, speech.ErrUnavailable) {
			t.Errorf("the request got %v", err)
		}
	})
	for busy := false; !busy; {
		h.mu.Lock()
		busy = h.live[0].load()+h.live[1].load() > 0
		h.mu.Unlock()
	}
	h.stop()
	wg.Wait()
	for _, pid := range pids {
		if !gone(pid) {
			t.Errorf("process %d lives on", pid)
		}
	}
}

func TestNoChildOutlivesItsParent(t *testing.T) {
	start, err := childCommand("parent", t.TempDir())()
	if err != nil {
		t.Fatal(err)
	}
	out, err := start.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := start.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil || gone(pid) {
		t.Fatalf("child %d: %v", pid, err)
	}
	if err := start.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = start.Wait()
	for deadline := time.Now().Add(30 * time.Second); !gone(pid) && !zombie(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("child %d lives on", pid)
		}
	}
}

// zombie says that a process has ended and only waits to be collected by whoever inherited it.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(b), ") Z ")
}

func TestAProcessThatCannotWorkIsReportedAndTriedAgain(t *testing.T) {
	h := supervise(t, "refusing", nil)
	for {
		_, changed, startErr := h.look()
		if startErr != nil && strings.Contains(startErr.Error(), "the model is damaged") {
			break
		}
		<-changed
	}
	why := errors.New("no worker in time")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, why)
	defer cancel()
	if err := h.Ready(ctx); !errors.Is(err, why) || !strings.Contains(err.Error(), "the model is damaged") {
		t.Errorf("not ready, because %v", err)
	}
	if _, err := h.hear(t.Context(), ""); !errors.Is(err, speech.ErrUnavailable) {
		t.Errorf("a request got %v", err)
	}
}

func TestAProcessThatGrewTooLargeIsReplacedAfterItsWork(t *testing.T) {
	h := supervise(t, "scripted", func(c *Config) { c.MaxMemory = 1 })
	h.ready(2)
	h.mu.Lock()
	old := h.live[0]
	h.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := h.hear(ctx, "wait"); !errors.Is(err, context.Canceled) {
			t.Errorf("the request got %v", err)
		}
	})
	for old.load() == 0 {
		time.Sleep(time.Millisecond)
	}
	k := &keeper{s: h.Supervisor}
	k.replaceLarge(t.Context())
	if text, err := h.hear(t.Context(), ""); err != nil || text == strconv.Itoa(old.cmd.Process.Pid) {
		t.Errorf("process %s answered, %v", text, err)
	}
	if old.load() != 1 || !old.isRetired() {
		t.Errorf("%d requests on the old process, retired %v", old.load(), old.isRetired())
	}
	cancel()
	wg.Wait()
	k.watchers.Wait()
	<-old.dead
}

func TestRequestsAreBounded(t *testing.T) {
	s := New(Config{})
	if _, err := s.Transcribe(t.Context(), make([]int16, maxListen+1), speech.Listening{}); err == nil {
		t.Error("an utterance without bounds was taken")
	}
	long := strings.Repeat("x", maxText+1)
	if err := s.Say(t.Context(), long, speech.Voice{}, nil); err == nil {
		t.Error("a text without bounds was taken")
	}
	if _, err := s.Embed(t.Context(), []string{long}, false); err == nil {
		t.Error("a text without bounds was embedded")
	}
}
