package calls

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

const (
	journalLimit = 20000 // entries that wait at most while the database is away; about 10 MB
	journalBatch = 100
	journalSIP   = 5000 // entries past which SIP messages are not taken any more; about 20 MB
	journalRetry = 500 * time.Millisecond
)

// entry is a turn, a state of a call, a SIP message or a request to be written; exactly one is set.
type entry struct {
	turn *parley.Turn
	call *parley.Call
	sip  *parley.SIPMessage
	// asked is an external action that the outside system is to be told of.
	asked *deed

	action *parley.CallAction // beside a call: what its agent did

	events []parley.CallEvent // that come of it
	of     *parley.Call       // whose they are, beside a turn
}

// journal writes what calls report, in order, in batches, from one goroutine, so that no call waits for the database. While the
// database is away entries wait in bounded memory; past the bound turns are dropped and counted, states of calls never.
type journal struct {
	deps Deps
	log  *slog.Logger

	mu      sync.Mutex
	wake    chan struct{}
	queue   []entry
	dropped int
	closed  bool

	away bool // the database was, at the last attempt; of run's goroutine
}

func newJournal(d Deps) *journal {
	return &journal{deps: d, log: d.Log, wake: make(chan struct{}, 1)}
}

func (j *journal) putTurn(t parley.Turn) { j.put(entry{turn: &t}) }

// putCall writes a state of a call, and the events that come of it.
func (j *journal) putCall(c parley.Call, events ...parley.CallEvent) {
	j.put(entry{call: &c, events: events})
}

// putSIP takes a SIP message unless much waits already.
func (j *journal) putSIP(m parley.SIPMessage) { j.put(entry{sip: &m}) }

// refuses says whether there is no room for an entry.
func (j *journal) refuses(e entry) bool {
	return e.turn != nil && len(j.queue) >= journalLimit || e.sip != nil && len(j.queue) >= journalSIP
}

func (j *journal) put(e entry) {
	j.mu.Lock()
	switch {
	case !j.refuses(e):
		j.queue = append(j.queue, e)
	case e.turn != nil:
		j.dropped++
	}
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// close makes run return once the queue is empty or the database has been away for a few seconds.
func (j *journal) close() {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// waiting counts the entries that are not written yet.
func (j *journal) waiting() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.queue)
}

func (j *journal) take() (batch []entry, closed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := min(len(j.queue), journalBatch)
	batch = append(batch, j.queue[:n]...)
	return batch, j.closed
}

// drop forgets the first n entries, which are written.
func (j *journal) drop(n int) {
	j.mu.Lock()
	j.queue = append(j.queue[:0], j.queue[n:]...)
	lost := j.dropped
	j.dropped = 0
	j.mu.Unlock()
	if lost > 0 {
		j.log.Error("turns were lost: the database was away for too long", "turns", lost)
	}
}

func (j *journal) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		batch, closed := j.take()
		switch {
		case len(batch) > 0 && j.write(ctx, batch):
			j.drop(len(batch))
			j.back()
			failures = 0
			continue
		case len(batch) > 0:
			failures++
		case closed:
			return
		}
		if closed && failures > 10 {
			j.log.Error("the database stayed away: the end of some calls is not written", "entries", len(batch))
			return
		}
		if len(batch) > 0 {
			sleep(ctx, journalRetry)
			continue
		}
		select {
		case <-j.wake:
		case <-ctx.Done():
		}
	}
}

// write stores a batch, and reports false when the database is away. An entry that the database refuses for itself is logged and
// left out, so that it cannot hold up the others.
func (j *journal) write(ctx context.Context, batch []entry) bool {
	err := j.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		var sip []parley.SIPMessage
		for _, e := range batch {
			if e.sip != nil {
				sip = append(sip, *e.sip)
				continue
			}
			if err := e.write(ctx, tx, j.deps); err != nil {
				return err
			}
		}
		return tx.PutSIPMessages(ctx, sip)
	})
	if err == nil {
		return true
	}
	if len(batch) > 1 && !errors.Is(err, store.ErrUnavailable) {
		for _, e := range batch {
			if !j.write(ctx, []entry{e}) {
				return false
			}
		}
		return true
	}
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		if !j.away { // once, not at every attempt
			j.log.Warn("database away: turns wait in memory", "entries", len(batch), "error", err)
		}
		j.away = true
		return false
	}
	j.log.Error("journal entry refused by the database", "error", err)
	return true
}

// back says that an outage is over.
func (j *journal) back() {
	if j.away {
		j.log.Info("database is back: what waited is being written", "entries", j.waiting())
	}
	j.away = false
}

func (e entry) write(ctx context.Context, tx store.Tx, d Deps) error {
	if e.asked != nil {
		return d.ask(ctx, tx, *e.asked)
	}
	if e.turn != nil {
		if err := tx.PutTurns(ctx, []parley.Turn{*e.turn}); err != nil {
			return err
		}
		return d.tell(ctx, tx, e.of, e.events...)
	}
	if err := tx.AmendCall(ctx, e.call); err != nil && parley.CodeOf(err) != parley.CallNotFound {
		return err
	}
	wrote, err := tx.UpdateCall(ctx, e.call)
	if parley.CodeOf(err) == parley.CallNotFound {
		return nil // its agent was deleted; there is nothing left to write to
	}
	if err != nil || !wrote { // of a call that was closed already, others have told the end
		return err
	}
	if e.action != nil {
		if _, err := tx.PutCallAction(ctx, e.action); err != nil {
			return err
		}
	}
	if e.call.Cost > 0 {
		if err := tx.Charge(ctx, e.call.EnvironmentID, e.call.Cost); err != nil {
			return err
		}
	}
	if err := d.tell(ctx, tx, e.call, e.events...); err != nil || !e.call.Status.Final() {
		return err
	}
	return d.queueActions(ctx, tx, e.call)
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
