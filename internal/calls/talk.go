package calls

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/media"
)

// talk is a conversation that is under way, and the goroutines of its transfers.
type talk struct {
	session *convo.Session
	failed  func(panicked any) // by any goroutine

	ctx  context.Context // ends with the conversation
	stop context.CancelFunc

	mu   sync.Mutex // of what is below
	leg  media.Leg  // the caller's
	over bool
	wg   sync.WaitGroup
}

func newTalk(ctx context.Context, session *convo.Session, leg media.Leg, failed func(any)) *talk {
	t := &talk{session: session, leg: leg, failed: failed}
	t.ctx, t.stop = context.WithCancel(ctx)
	return t
}

// spawn runs f in a goroutine that end waits for; false when the conversation is over.
func (t *talk) spawn(f func(ctx context.Context)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return false
	}
	t.wg.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				t.failed(p)
			}
		}()
		f(t.ctx)
	})
	return true
}

func (t *talk) caller() media.Leg {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.leg
}

// moved notes that the conversation goes on with another leg.
func (t *talk) moved(leg media.Leg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leg = leg
}

// end stops what was spawned and waits for it.
func (t *talk) end() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.stop()
	t.wg.Wait()
}

// talking is the conversation of a call, nil before the answer and after the end.
func (l *live) talking() *talk {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.talk
}

func (l *live) talks(t *talk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.talk = t
}

// addTransfer keeps one that begins; false when there are too many.
func (l *live) addTransfer(t parley.Transfer) (index int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.transfers) >= transfersMost {
		return 0, false
	}
	l.transfers = append(l.transfers, t)
	return len(l.transfers) - 1, true
}

func (l *live) changeTransfer(index int, change func(*parley.Transfer)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.transfers[index])
}

func (l *live) transfer(index int) parley.Transfer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.transfers[index]
}

// endTransfers closes those that are open still, since the call is over, and returns all.
func (l *live) endTransfers() []parley.Transfer {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := parley.Stamp(time.Now())
	for i := range l.transfers {
		if t := &l.transfers[i]; t.EndedAt == nil {
			t.EndedAt = &now
		}
	}
	return slices.Clone(l.transfers)
}

func (l *live) allTransfers() []parley.Transfer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.transfers)
}
