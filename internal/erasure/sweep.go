package erasure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/store"
)

const (
	// orphanAge is how old a call, a recording or a key must be before it can be an orphan: no call goes on for so long.
	orphanAge = 24 * time.Hour
	// sweepPage is how many rows or files are looked at at a time.
	sweepPage = 500
	// sweepRun bounds one run of the periodic job, which then goes on where it was.
	sweepRun = 20 * time.Second
)

// Kinds of orphans that are no rows below a call; those are named as their place.
const (
	OrphanCalls      = "calls"
	OrphanRecordings = placeRecordings
	OrphanKeys       = placeKeys
	OrphanExports    = placeExports
)

// Sweep looks for what has no owner: calls whose agent is gone, rows whose call is gone, recordings that no call names, keys without an agent,
// archives that no receipt knows of. Rows and files go at once; of calls an erasure begins, which the queue completes and a receipt shows.
// Whatever is younger than a day stays, and files that are older than the first meeting of this database with this ledger are counted as Strange and stay, since the database
// cannot know whose they are.
type Sweep struct {
	Found   map[string]int64 // by kind; gone, unless the sweep only looks
	Strange int64            // files that are left to the operator

	e      *Eraser
	dry    bool
	before time.Time // what is younger is no orphan
	met    time.Time // what is older is strange
	stages []stage
	after  string
}

// stage looks at a page after an id or key and answers the last one of it, empty at the end.
type stage func(ctx context.Context, after string) (last string, err error)

// NewSweep begins a sweep; one that is dry changes nothing.
func (e *Eraser) NewSweep(ctx context.Context, dry bool) (*Sweep, error) {
	now := time.Now() // they have not met before: all files are strange
	s := &Sweep{Found: map[string]int64{}, e: e, dry: dry, before: parley.Stamp(now.Add(-orphanAge)), met: now}
	err := e.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		v, err := tx.Meta(ctx, e.metMark())
		if err != nil || v == "" {
			return err
		}
		s.met, err = time.Parse(time.RFC3339Nano, v)
		return err
	})
	s.stages = []stage{s.calls}
	for _, p := range append(e.rowsOfCalls(), store.PlaceLanes) {
		s.stages = append(s.stages, s.rows(p))
	}
	s.stages = append(s.stages, s.recordings, s.keys, s.exports)
	return s, err
}

// rowsOfCalls are the places whose rows belong to a call. Calls are looked for by themselves, and jobs go by themselves.
func (e *Eraser) rowsOfCalls() (all []store.Place) {
	for _, p := range e.places {
		if p.rows != "" && p.rows != store.PlaceCalls && p.rows != store.PlaceJobs {
			all = append(all, p.rows)
		}
	}
	return all
}

// metMark is where the database keeps since when it knows the ledger, and so the directory that this lies in.
func (e *Eraser) metMark() string { return "erasure_met:" + e.Ledger.ID() }

// meet notes the first meeting.
func (e *Eraser) meet(ctx context.Context, tx store.Tx) error {
	if v, err := tx.Meta(ctx, e.metMark()); err != nil || v != "" {
		return err
	}
	return tx.SetMeta(ctx, e.metMark(), time.Now().UTC().Format(time.RFC3339Nano))
}

// Run goes on until all was looked at, or for a time. It rests as long as it works, so that others get their turn.
func (s *Sweep) Run(ctx context.Context, within time.Duration) (done bool, err error) {
	for end := time.Now().Add(within); len(s.stages) > 0; {
		begun := time.Now()
		last, err := s.stages[0](ctx, s.after)
		if err != nil {
			return false, err
		}
		if s.after = last; last == "" {
			s.stages = s.stages[1:]
		}
		if time.Now().After(end) {
			return len(s.stages) == 0, nil
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(min(time.Since(begun), time.Second)):
		}
	}
	return true, nil
}

func (s *Sweep) count(kind string, n int64) {
	if n > 0 {
		s.Found[kind] += n
	}
}

// calls begins the erasure of orphans, one a page and environment.
func (s *Sweep) calls(ctx context.Context, after string) (last string, err error) {
	var found []store.Orphan
	err = s.e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		found, last, err = tx.OrphanCalls(ctx, after, s.before, sweepPage)
		return err
	})
	if err != nil || s.dry {
		s.count(OrphanCalls, int64(len(found)))
		return last, err
	}
	of := map[string][]string{}
	for _, o := range found {
		of[o.EnvironmentID] = append(of[o.EnvironmentID], o.CallID)
	}
	for env, ids := range of {
		if err := s.claim(ctx, env, ids); err != nil {
			return "", err
		}
	}
	return last, nil
}

// claim begins an erasure that is of no agent and no caller.
func (s *Sweep) claim(ctx context.Context, env string, calls []string) error {
	return s.e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		r := s.e.receipt(env)
		n, err := tx.ClaimOrphans(ctx, r.ID, calls)
		if err != nil || n == 0 {
			return err
		}
		s.count(OrphanCalls, n)
		return begin(ctx, tx, r)
	})
}

// rows deletes those of a place whose call is gone.
func (s *Sweep) rows(p store.Place) stage {
	return func(ctx context.Context, after string) (last string, err error) {
		var found []string
		err = s.e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
			found, last, err = tx.OrphanRows(ctx, p, after, sweepPage)
			return err
		})
		n := int64(len(found))
		if err == nil && n > 0 && !s.dry {
			err = s.e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) (err error) {
				n, err = tx.EraseOrphanRows(ctx, p, found)
				return err
			})
		}
		if err == nil {
			s.count(string(p), n)
		}
		return last, err
	}
}

// recordings unlinks those that no call names. Files that do not look like a call's are somebody else's.
func (s *Sweep) recordings(ctx context.Context, after string) (last string, err error) {
	keys, err := s.e.Blobs.Old(ctx, s.before, after, sweepPage)
	if err != nil || len(keys) == 0 {
		return "", err
	}
	last = keys[len(keys)-1]
	keys = slices.DeleteFunc(keys, func(k string) bool { return strings.Count(k, "/") != 1 || !strings.HasSuffix(k, ".wav") })
	unnamed, err := s.ask(ctx, keys, store.Tx.Unnamed)
	if err != nil {
		return "", err
	}
	strange, err := s.e.Blobs.Old(ctx, s.met, after, sweepPage)
	if err != nil {
		return "", err
	}
	return last, s.remove(ctx, OrphanRecordings, unnamed, strange, s.e.Blobs.Delete)
}

// keys destroys those of agents that are gone.
func (s *Sweep) keys(ctx context.Context, _ string) (last string, err error) {
	all, err := s.e.Keys.Old(s.before)
	if err != nil {
		return "", err
	}
	strange, err := s.e.Keys.Old(s.met)
	if err != nil {
		return "", err
	}
	for page := range slices.Chunk(all, sweepPage) {
		gone, err := s.ask(ctx, page, store.Tx.Ownerless)
		if err != nil {
			return "", err
		}
		err = s.remove(ctx, OrphanKeys, gone, strange, func(_ context.Context, agent string) error {
			_, err := s.e.Keys.Destroy(agent)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

// exports removes archives that their receipts do not know to be there.
func (s *Sweep) exports(ctx context.Context, _ string) (last string, err error) {
	old, err := s.e.Archives.Old(ctx, s.before)
	if err != nil {
		return "", err
	}
	strange, err := s.e.Archives.Old(ctx, s.met)
	if err != nil {
		return "", err
	}
	var gone []string
	for _, id := range old {
		r, err := s.e.byID(ctx, id)
		if err != nil {
			return "", err
		}
		if r == nil || !r.Export.Open() {
			gone = append(gone, id)
		}
	}
	return "", s.remove(ctx, OrphanExports, gone, strange, func(ctx context.Context, id string) error {
		_, err := s.e.Archives.Remove(ctx, id)
		return err
	})
}

// ask asks the database about a page.
func (s *Sweep) ask(ctx context.Context, page []string, about func(store.Tx, context.Context, []string) ([]string, error)) (answer []string, err error) {
	err = s.e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		answer, err = about(tx, ctx, page)
		return err
	})
	return answer, err
}

// remove removes orphans that are not strange.
func (s *Sweep) remove(ctx context.Context, kind string, orphans, strange []string, remove func(context.Context, string) error) error {
	for _, o := range orphans {
		if slices.Contains(strange, o) {
			s.Strange++
			continue
		}
		if !s.dry {
			if err := remove(ctx, o); err != nil {
				return fmt.Errorf("remove what has no owner (%s): %w", kind, err)
			}
		}
		s.count(kind, 1)
	}
	return nil
}

// sweeping is the sweep of the periodic job, which may take several runs.
type sweeping struct {
	sync.Mutex
	at *Sweep
}

// HandleSweep is the periodic job that removes what has no owner. What it found stands in the log.
func (e *Eraser) HandleSweep(ctx context.Context, _ string) (err error) {
	e.sweeping.Lock()
	defer e.sweeping.Unlock()
	s := e.sweeping.at
	if s == nil {
		if s, err = e.NewSweep(ctx, false); err != nil {
			return err
		}
	}
	e.sweeping.at = nil // after a fault the next run begins anew
	done, err := s.Run(ctx, sweepRun)
	if err != nil {
		return err
	}
	if !done {
		e.sweeping.at = s
		return jobs.Again{}
	}
	if len(s.Found) > 0 || s.Strange > 0 {
		e.Log.Warn("removed what had no owner", "found", s.Found, "left_to_you", s.Strange)
	}
	return nil
}
