package worker

import (
	"bufio"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/speech/speechtest"
)

// link is a client and a server on the two ends of a pipe.
type link struct {
	*client
	stuck chan struct{} // told when work hangs
	stop  func()        // ends both
}

func connect(t *testing.T, e Engines, slots int) *link {
	t.Helper()
	near, far := net.Pipe()
	l := &link{client: newClient(near), stuck: make(chan struct{}, 8)}
	var wg sync.WaitGroup
	wg.Go(func() { _ = serve(context.Background(), far, e, slots, func() { l.stuck <- struct{}{} }) })
	r := bufio.NewReader(near)
	if f, err := readFrame(r); err != nil || f.kind != sayReady {
		t.Fatalf("first frame %v, %v", f.kind, err)
	}
	wg.Go(func() { _ = l.run(r) })
	l.stop = sync.OnceFunc(func() { near.Close(); wg.Wait() })
	t.Cleanup(l.stop)
	return l
}

func (l *link) transcribe(ctx context.Context, pcm []int16, partial bool) (string, error) {
	f, err := l.ask(ctx, askTranscribe, speech.Listening{Partial: partial}, packPCM(pcm), nil)
	if err != nil {
		return "", err
	}
	var heard speech.Transcript
	err = f.into(&heard)
	return heard.Text, err
}

// hearing is a recognizer made of a function.
type hearing func(ctx context.Context, l speech.Listening) (speech.Transcript, error)

func (hearing) Languages() []string { return nil }
func (h hearing) Transcribe(ctx context.Context, _ []int16, l speech.Listening) (speech.Transcript, error) {
	return h(ctx, l)
}

// speaking is a synthesizer made of a function.
type speaking func(ctx context.Context, text string, emit func([]int16) error) error

func (speaking) Languages() []string { return nil }
func (s speaking) Say(ctx context.Context, text string, _ speech.Voice, emit func([]int16) error) error {
	return s(ctx, text, emit)
}

func lasting(d time.Duration) hearing {
	return func(ctx context.Context, _ speech.Listening) (speech.Transcript, error) {
		select {
		case <-time.After(d):
			return speech.Transcript{Text: "heard"}, nil
		case <-ctx.Done():
			return speech.Transcript{}, context.Cause(ctx)
		}
	}
}

func TestErrorsKeepTheirMeaning(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"stale", speech.ErrStale, speech.ErrStale},
		{"unavailable", speech.ErrUnavailable, speech.ErrUnavailable},
		{"cancelled", context.Canceled, context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := connect(t, Engines{Recognizer: hearing(func(context.Context, speech.Listening) (speech.Transcript, error) {
				return speech.Transcript{}, c.err
			})}, 1)
			if _, err := l.transcribe(t.Context(), nil, false); !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	l := connect(t, Engines{Recognizer: hearing(func(context.Context, speech.Listening) (speech.Transcript, error) {
		return speech.Transcript{}, errors.New("shape 3 by 4")
	})}, 1)
	if _, err := l.transcribe(t.Context(), nil, false); err == nil || !strings.Contains(err.Error(), "shape 3 by 4") {
		t.Errorf("a fault came as %v", err)
	}
	if _, err := l.ask(t.Context(), askSay, saying{}, nil, nil); !errors.Is(err, speech.ErrUnavailable) {
		t.Errorf("an engine that is not there: %v", err)
	}
	if _, err := l.ask(t.Context(), kind(99), nil, nil, nil); err == nil {
		t.Error("an unknown request was answered")
	}
}

func TestAFinalStopsARunningPartial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, Engines{Recognizer: lasting(200 * ms)}, 1)
		defer l.stop()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := l.transcribe(t.Context(), nil, true); !errors.Is(err, speech.ErrStale) {
				t.Errorf("the partial got %v", err)
			}
		})
		time.Sleep(10 * ms)
		start := time.Now()
		if text, err := l.transcribe(t.Context(), nil, false); err != nil || text != "heard" || time.Since(start) != 200*ms {
			t.Errorf("the final got %q, %v after %v", text, err, time.Since(start))
		}
		wg.Wait()
	})
}

func TestCancelReachesTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		l := connect(t, Engines{Recognizer: hearing(func(ctx context.Context, _ speech.Listening) (speech.Transcript, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return speech.Transcript{}, ctx.Err()
		})}, 1)
		defer l.stop()
		why := errors.New("the caller hung up")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(50*ms, func() { cancel(why) })
		if _, err := l.transcribe(ctx, nil, false); !errors.Is(err, why) {
			t.Errorf("the caller got %v", err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the work got %v", err)
		}
	})
}

func TestASlowListenerHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, Engines{
			Recognizer: lasting(10 * ms),
			Synthesizer: speaking(func(_ context.Context, _ string, emit func([]int16) error) error {
				for range 50 {
					if err := emit(make([]int16, 1600)); err != nil {
						return err
					}
				}
				return nil
			}),
		}, 1)
		defer l.stop()
		var wg sync.WaitGroup
		pieces := 0
		wg.Go(func() {
			_, err := l.ask(t.Context(), askSay, saying{Text: "long"}, nil, func(frame) error { pieces++; time.Sleep(time.Second); return nil })
			if err != nil || pieces != 50 {
				t.Errorf("%d pieces, %v", pieces, err)
			}
		})
		time.Sleep(ms)
		start := time.Now()
		if _, err := l.transcribe(t.Context(), nil, false); err != nil || time.Since(start) > 20*ms {
			t.Errorf("another caller waited %v, %v", time.Since(start), err)
		}
		wg.Wait()
	})
}

func TestAnErrorOfEmitEndsTheSaying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		l := connect(t, Engines{Synthesizer: speaking(func(_ context.Context, _ string, emit func([]int16) error) error {
			for {
				if err := emit([]int16{1}); err != nil {
					ended <- err
					return err
				}
				time.Sleep(ms)
			}
		})}, 1)
		defer l.stop()
		full := errors.New("nobody listens")
		if _, err := l.ask(t.Context(), askSay, saying{}, nil, func(frame) error { return full }); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
		<-ended
	})
}

func TestWorkThatHangsIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		l := connect(t, Engines{Recognizer: hearing(func(context.Context, speech.Listening) (speech.Transcript, error) {
			<-release // native code knows no context
			return speech.Transcript{}, nil
		})}, 1)
		defer l.stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = l.transcribe(ctx, nil, false) })
		<-l.stuck
		if time.Since(start) != stuckAfter {
			t.Errorf("after %v", time.Since(start))
		}
		close(release)
		wg.Wait()
	})
}

func TestMoreThanCanWaitIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, Engines{Recognizer: lasting(time.Second)}, 1)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range maxWaiting {
			wg.Go(func() { _, _ = l.transcribe(ctx, nil, false) })
		}
		synctest.Wait()
		if _, err := l.transcribe(ctx, nil, false); !errors.Is(err, speech.ErrUnavailable) {
			t.Errorf("one too many got %v", err)
		}
		cancel()
		wg.Wait()
		l.stop()
	})
}

func TestTheEndOfTheConnectionEndsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := connect(t, Engines{Recognizer: lasting(time.Hour)}, 1)
		time.AfterFunc(10*ms, func() { l.conn.Close() })
		if _, err := l.transcribe(t.Context(), nil, false); !errors.Is(err, errDied) {
			t.Errorf("got %v", err)
		}
		if _, err := l.transcribe(t.Context(), nil, false); !errors.Is(err, errDied) {
			t.Errorf("afterwards: %v", err)
		}
		l.stop()
	})
}

func TestScriptedEnginesKeepTheirContractsOverTheWire(t *testing.T) {
	judge := &speechtest.Judge{}
	l := connect(t, Engines{Recognizer: &speechtest.Recognizer{}, Synthesizer: &speechtest.Synthesizer{}, Judge: judge}, 2)
	text, err := l.transcribe(t.Context(), speechtest.Sound("good morning everybody"), false)
	if err != nil || text != "good morning everybody" {
		t.Errorf("heard %q, %v", text, err)
	}
	var pcm []int16
	_, err = l.ask(t.Context(), askSay, saying{Text: "good evening", Voice: speech.Voice{Speed: 1}}, nil, func(f frame) error {
		pcm = slices.Concat(pcm, unpackPCM(f.body))
		return nil
	})
	if err != nil || speechtest.Text(pcm) != "good evening" {
		t.Errorf("said %q, %v", speechtest.Text(pcm), err)
	}
}
