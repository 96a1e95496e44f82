package kept_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley/internal/llm/llmtest"
	"github.com/parley-voice/parley/internal/providers/kept"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/speech/speechtest"
)

// counted counts what reaches the engines.
type counted struct {
	speechtest.Synthesizer
	llmtest.Embedder
	said, embedded atomic.Int32
}

func (c *counted) Say(ctx context.Context, text string, v speech.Voice, emit func([]int16) error) error {
	c.said.Add(1)
	return c.Synthesizer.Say(ctx, text, v, emit)
}

func (c *counted) Embed(ctx context.Context, texts []string, query bool) ([][]float32, error) {
	c.embedded.Add(int32(len(texts)))
	return c.Embedder.Embed(ctx, texts, query)
}

func open() (*counted, *kept.Engines) {
	c := &counted{}
	c.Synthesizer.Delay, c.Embedder.Delay = time.Second, time.Second
	return c, kept.New(c, c)
}

var voice = speech.Voice{Language: "en-US", Speed: 1}

func say(t *testing.T, e *kept.Engines, text string) string {
	t.Helper()
	var all []int16
	if err := e.Say(t.Context(), text, voice, func(pcm []int16) error { all = append(all, pcm...); return nil }); err != nil {
		t.Errorf("say %q: %v", text, err)
	}
	return speechtest.Text(all)
}

func TestContract(t *testing.T) {
	s := &speechtest.Synthesizer{}
	speechtest.RunSynthesizer(t, kept.New(s, llmtest.Embedder{}))
}

func TestTheSameClauseIsRenderedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := open()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if got := say(t, e, "good morning"); got != "good morning" {
					t.Errorf("heard %q", got)
				}
			})
		}
		all.Wait()
		begin := time.Now()
		say(t, e, "good morning")
		if n, d := c.said.Load(), time.Since(begin); n != 1 || d != 0 {
			t.Errorf("rendered %d times, the last wait was %v", n, d)
		}
		if err := e.Say(t.Context(), "good morning", speech.Voice{Language: "en-GB", Speed: 1}, func([]int16) error { return nil }); err != nil || c.said.Load() != 2 {
			t.Errorf("another voice: %v, rendered %d times", err, c.said.Load())
		}
	})
}

func TestWhoWaitedTriesWhenTheFirstGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := open()
		gone, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if err := e.Say(gone, "good morning", voice, func([]int16) error { return nil }); !errors.Is(err, context.Canceled) {
				t.Errorf("the one who left: %v", err)
			}
		})
		synctest.Wait()
		all.Go(func() { say(t, e, "good morning") })
		synctest.Wait()
		leave()
		all.Wait()
		if n := c.said.Load(); n != 2 {
			t.Errorf("rendered %d times, want 2", n)
		}
	})
}

func TestAWaiterLeavesWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := open()
		var all sync.WaitGroup
		all.Go(func() { say(t, e, "good morning") })
		synctest.Wait()
		ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
		defer stop()
		if err := e.Say(ctx, "good morning", voice, func([]int16) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		all.Wait()
	})
}

func TestAFailureIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := open()
		c.Break(speech.ErrUnavailable)
		if err := e.Say(t.Context(), "hello", voice, func([]int16) error { return nil }); !errors.Is(err, speech.ErrUnavailable) {
			t.Errorf("err = %v", err)
		}
		c.Break(nil)
		if got := say(t, e, "hello"); got != "hello" {
			t.Errorf("heard %q", got)
		}
	})
}

func TestStatementsAreEmbeddedOnceAndQuestionsEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := open()
		texts := []string{"we open at nine", "we close at six", "we open at nine"}
		first, err := e.Embed(t.Context(), texts, false)
		if err != nil || c.embedded.Load() != 2 {
			t.Fatalf("%v, %d embedded", err, c.embedded.Load())
		}
		again, err := e.Embed(t.Context(), texts[1:], false)
		if err != nil || c.embedded.Load() != 2 || !slices.Equal(again[0], first[1]) || !slices.Equal(first[0], first[2]) {
			t.Errorf("%v, %d embedded", err, c.embedded.Load())
		}
		for range 2 {
			if _, err := e.Embed(t.Context(), texts[:1], true); err != nil {
				t.Error(err)
			}
		}
		if c.embedded.Load() != 4 {
			t.Errorf("%d embedded after two questions", c.embedded.Load())
		}
	})
}

func TestForgetLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := open()
		say(t, e, "good morning")
		if _, err := e.Embed(t.Context(), []string{"we open at nine"}, false); err != nil {
			t.Fatal(err)
		}
		if n := e.Forget(); n != 2 {
			t.Errorf("forgot %d things, want 2", n)
		}
		say(t, e, "good morning")
		if c.said.Load() != 2 {
			t.Error("what was forgotten was still known")
		}
		var all sync.WaitGroup
		all.Go(func() { say(t, e, "good evening") })
		synctest.Wait()
		e.Forget()
		all.Wait()
		if n := e.Forget(); n != 0 {
			t.Errorf("%d things were kept that were under way when all was forgotten", n)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	s := &speechtest.Synthesizer{}
	e := kept.New(s, llmtest.Embedder{})
	const second = "one two three four five" // words of the scripted voice
	n := 0
	for i := range 5000 {
		if err := e.Say(t.Context(), second+" "+strconv.Itoa(i), voice, func(pcm []int16) error { n += 2 * len(pcm); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if held := e.Forget(); n < 33<<20 || held >= 5000 || held < 100 {
		t.Errorf("%d of 5000 clauses with %d bytes were kept", held, n)
	}
}
