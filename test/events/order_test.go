package events

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/store"
)

// notebook is a receiver that writes down the sequences of each request, and answers as it is told.
type notebook struct {
	answer func(sequence int64, attempt int, w http.ResponseWriter)

	mu       sync.Mutex
	got      []int64
	attempts map[string]int
}

func newNotebook(t *testing.T, answer func(sequence int64, attempt int, w http.ResponseWriter)) (*notebook, string) {
	n := &notebook{answer: answer, attempts: map[string]int{}}
	s := httptest.NewServer(n)
	t.Cleanup(s.Close)
	return n, s.URL
}

func (n *notebook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p struct {
		Sequence int64 `json:"sequence"`
	}
	_ = json.NewDecoder(r.Body).Decode(&p) // a body that is none is event 0, which no test wants
	id := r.Header.Get("webhook-id")
	n.mu.Lock()
	n.got = append(n.got, p.Sequence)
	n.attempts[id]++
	attempt := n.attempts[id]
	n.mu.Unlock()
	n.answer(p.Sequence, attempt, w)
}

func (n *notebook) sequences() []int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.got)
}

func TestAFailedEventComesAgainAndHoldsUpNoneThatFollow(t *testing.T) {
	n, url := newNotebook(t, func(seq int64, attempt int, w http.ResponseWriter) {
		if seq == 2 && attempt == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	h := open(t, sqlstore.Options{DataDir: t.TempDir()}, url)
	h.happens(5)
	h.run()
	h.until(func() bool { return len(n.sequences()) >= 6 })
	got := n.sequences()
	again := slices.Index(got[2:], 2) + 2
	if first := slices.Delete(slices.Clone(got), again, again+1); !slices.Equal(first, []int64{1, 2, 3, 4, 5}) || again < 2 {
		t.Errorf("events came as %v", got)
	}
}

// until waits for something that must come to pass.
func (h *house) until(done func() bool) {
	h.t.Helper()
	for range 3000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Fatal("it did not come to pass")
}

// listen adds a webhook of the agent that hears everything.
func (h *house) listen(url string) {
	h.t.Helper()
	h.update(func(ctx context.Context, tx store.Tx) error {
		all, err := tx.WebhooksOf(ctx, h.agent.ID)
		if err != nil {
			return err
		}
		w := *all[0]
		w.ID, w.URL, w.Timeout = parley.NewID(), url, time.Minute
		return tx.InsertWebhook(ctx, &w)
	})
}

func TestReceiversThatAreSlowOrAnswerGarbageHoldUpNobodyElse(t *testing.T) {
	const calls, each = 30, 3
	stuck := make(chan struct{})
	slow, slowURL := newNotebook(t, func(int64, int, http.ResponseWriter) { <-stuck })
	t.Cleanup(func() { close(stuck) }) // before the server waits for its handlers
	_, garbage := newNotebook(t, func(_ int64, _ int, w http.ResponseWriter) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = c.Write([]byte("garbage\x00\xff\r\n\r\n"))
			_ = c.Close()
		}
	})
	good, url := newNotebook(t, func(int64, int, http.ResponseWriter) {})
	h := open(t, sqlstore.Options{DataDir: t.TempDir()}, garbage)
	h.listen(slowURL)
	h.listen("http://127.0.0.1:1/") // nobody is there
	h.listen(url)
	for range calls {
		h.happens(each)
	}
	h.run()
	h.until(func() bool { return len(good.sequences()) == calls*each })
	if n := len(slow.sequences()); n > 8 {
		t.Errorf("%d requests to a receiver that answers none", n)
	}
}
