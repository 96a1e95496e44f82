package erasure

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/store"
)

// archives packs, keeps and removes what is exported before an erasure, by the erasure's id.
type archives interface {
	Pack(ctx context.Context, id string, agent *parley.Agent, told func(parley.Export)) (parley.Export, error)
	// Open answers store.ErrNoBlob for one that is gone.
	Open(ctx context.Context, id string) (io.ReadSeekCloser, int64, error)
	// Remove destroys the key of an archive, then its bytes, and says whether there was one.
	Remove(ctx context.Context, id string) (bool, error)
	// Room is how many bytes are free where archives lie.
	Room() (int64, error)
	// Old returns the ids of archives that nobody has written to since a time.
	Old(ctx context.Context, since time.Time) ([]string, error)
}

// BeginExport hides the agent, writes the receipt of an erasure that has not begun, and enqueues the packing, all in the caller's transaction,
// as Begin does with an erasure. The token opens the archive once it is packed, and is known to nobody after this.
func (e *Eraser) BeginExport(ctx context.Context, tx store.Tx, agent *parley.Agent) (r *parley.Erasure, token string, err error) {
	r = e.receipt(agent.EnvironmentID)
	r.AgentID, r.State, r.Places = agent.ID, parley.ErasureExporting, nil
	r.Export = &parley.Export{State: parley.ExportPacking}
	token, r.ExportHash = e.NewToken()
	if err := tx.InsertErasure(ctx, r); err != nil {
		return nil, "", err
	}
	if err := tx.HoldAgent(ctx, agent.EnvironmentID, agent.ID, r.ID); err != nil {
		return nil, "", err
	}
	return r, token, tx.Enqueue(ctx, store.Job{Kind: jobs.ExportAgent, Subject: r.ID})
}

// HandleExport is the job that packs an archive and then begins the erasure, which hides nothing until the archive is whole. What a crash left is
// packed anew. When it fails, the agent is as it was and the receipt says why. One at a time is packed.
func (e *Eraser) HandleExport(ctx context.Context, id string) error {
	if !e.packing.TryLock() {
		return jobs.Again{After: retry}
	}
	defer e.packing.Unlock()
	r, err := e.byID(ctx, id)
	if err != nil || r == nil || r.State != parley.ErasureExporting {
		return err
	}
	if up, _, err := e.stillUp(ctx, r); err != nil || up {
		return cmp.Or[error](err, jobs.Again{After: retry}) // of an agent that is deleted by force: what is said last is packed too
	}
	err = e.pack(ctx, r)
	switch {
	case err == nil:
		return e.erasePacked(ctx, r)
	case errors.Is(ctx.Err(), context.Canceled), errors.Is(err, store.ErrUnavailable):
		return err // it is packed anew
	}
	e.Log.Error("export failed: nothing is erased", "erasure", r.ID, "agent", r.AgentID, "error", err)
	return e.failExport(context.WithoutCancel(ctx), r, err)
}

func (e *Eraser) byID(ctx context.Context, id string) (r *parley.Erasure, err error) {
	err = e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		r, err = tx.ErasureByID(ctx, id)
		return err
	})
	if parley.CodeOf(err) == parley.ErasureNotFound {
		return nil, nil
	}
	return r, err
}

// faults of an export that its receipt names.
var (
	errNoRoom = errors.New("there is not enough room on the disk")
	errSlow   = errors.New("it took too long")
)

// pack makes the archive, and tells of its progress now and then.
func (e *Eraser) pack(ctx context.Context, r *parley.Erasure) error {
	places, err := e.Measure(ctx, r.AgentID)
	if err != nil {
		return err
	}
	size, err := e.ExportSize(places)
	if err != nil {
		return err
	}
	if !size.Fits() {
		return fmt.Errorf("%w: %d bytes are needed, %d are free", errNoRoom, size.Bytes, size.Free)
	}
	var agent *parley.Agent
	err = e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		agent, err = e.held(ctx, tx, r)
		return err
	})
	if err != nil {
		return err
	}
	told := time.Now()
	x, err := e.Archives.Pack(ctx, r.ID, agent, func(x parley.Export) {
		if time.Since(told) < tellEvery {
			return
		}
		told, x.State = time.Now(), parley.ExportPacking
		r.Export = &x
		if err := e.saveExport(ctx, r); err != nil {
			e.Log.Debug("progress of an export not noted", "erasure", r.ID, "error", err)
		}
	})
	if err != nil {
		return err
	}
	x.State, x.ExpiresAt = parley.ExportReady, new(parley.Stamp(time.Now().Add(e.ExportFor)))
	r.Export = &x
	return nil
}

// tellEvery is how often the receipt shows how far the packing has come.
const tellEvery = time.Second

// held locks the agent of an export.
func (e *Eraser) held(ctx context.Context, tx store.Tx, r *parley.Erasure) (*parley.Agent, error) {
	agent, by, err := tx.LockHeld(ctx, r.AgentID)
	if err == nil && by != r.ID {
		err = fmt.Errorf("agent %s is held by another erasure, %s", r.AgentID, by)
	}
	return agent, err
}

// erasePacked begins the erasure that waited for its archive.
func (e *Eraser) erasePacked(ctx context.Context, r *parley.Erasure) error {
	err := e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return e.release(ctx, tx, r) })
	if err != nil {
		return err
	}
	e.Log.Info("export packed, erasing", "erasure", r.ID, "agent", r.AgentID, "bytes", r.Export.Bytes)
	e.Enter(ctx, r)
	return nil
}

// release lets an erasure begin whose agent is held.
func (e *Eraser) release(ctx context.Context, tx store.Tx, r *parley.Erasure) error {
	agent, err := e.held(ctx, tx, r)
	if err != nil {
		return err
	}
	if err := tx.DeleteAgent(ctx, agent.EnvironmentID, agent.ID); err != nil {
		return err
	}
	r.State, r.Places = parley.ErasureRunning, e.placesOf(agent.ID)
	if err := errors.Join(tx.UpdateErasure(ctx, r), tx.UpdateExport(ctx, r)); err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: jobs.EraseAgent, Subject: r.ID})
}

// failExport shows the agent again and says why there is no archive. What is left of it goes first, so that who reads of the failure finds none.
func (e *Eraser) failExport(ctx context.Context, r *parley.Erasure, why error) error {
	if _, err := e.Archives.Remove(ctx, r.ID); err != nil {
		return err
	}
	r.State, r.Export = parley.ErasureFailed, &parley.Export{State: parley.ExportFailed, Fault: faultOf(why)}
	return e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		return errors.Join(tx.ReleaseAgent(ctx, r.AgentID), tx.UpdateErasure(ctx, r), tx.UpdateExport(ctx, r))
	})
}

// faultOf says in a receipt why an export failed, without what an error might hold of people.
func faultOf(err error) string {
	switch {
	case errors.Is(err, errNoRoom), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return errNoRoom.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return errSlow.Error()
	}
	return "the archive could not be packed; the server's log says why"
}

func (e *Eraser) saveExport(ctx context.Context, r *parley.Erasure) error {
	return e.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error { return tx.UpdateExport(ctx, r) })
}

// overhead of each item in an archive: names of fields, the header of its file, its line in the list.
const overhead = 1500

// ExportSize is about what the archive of places would take, a tenth more for good measure.
func (e *Eraser) ExportSize(places []parley.PlaceSize) (s parley.ExportSize, err error) {
	for _, p := range places {
		switch store.Place(p.Name) {
		case placeRecordings, store.PlaceTranscripts, store.PlaceCallActions, store.PlaceSIPMessages, store.PlaceCalls:
			s.Bytes += p.Bytes + overhead*p.Items
		}
	}
	s.Bytes += s.Bytes/10 + overhead
	s.Free, err = e.Archives.Room()
	return s, err
}

// OpenExport opens an archive by its own token; whoever has none that fits hears that there is no export.
func (e *Eraser) OpenExport(ctx context.Context, id, token string) (archive io.ReadSeekCloser, x *parley.Export, err error) {
	r, err := e.byID(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if r == nil || r.Export == nil || subtle.ConstantTimeCompare([]byte(e.HashToken(token)), []byte(r.ExportHash)) != 1 {
		return nil, nil, parley.Errorf(parley.ExportNotFound, "no export of erasure %s by that token", id)
	}
	if err := ready(r); err != nil {
		return nil, nil, err
	}
	archive, _, err = e.Archives.Open(ctx, r.ID)
	if errors.Is(err, store.ErrNoBlob) {
		err = parley.Errorf(parley.ExportGone, "the archive of erasure %s is gone", id)
	}
	return archive, r.Export, err
}

// ready says why an export cannot be fetched.
func ready(r *parley.Erasure) error {
	switch x := r.Export; {
	case x.State == parley.ExportPacking:
		return parley.Errorf(parley.ExportNotReady, "the export of erasure %s is being packed", r.ID)
	case x.State == parley.ExportFailed:
		return parley.Errorf(parley.ExportNotFound, "the export of erasure %s failed", r.ID)
	case x.State == parley.ExportExpired, time.Now().After(*x.ExpiresAt):
		return parley.Errorf(parley.ExportGone, "the archive of erasure %s is gone", r.ID)
	}
	return nil
}

// EndExport removes an archive before its time; the receipt completes soon after.
func (e *Eraser) EndExport(ctx context.Context, actor parley.Actor, id string) error {
	if err := actor.Require(parley.WriteErasures); err != nil {
		return err
	}
	var r *parley.Erasure
	err := e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		r, err = tx.Erasure(ctx, actor.EnvironmentID, id)
		return err
	})
	switch {
	case err != nil:
		return err
	case r.Export == nil:
		return parley.Errorf(parley.ExportNotFound, "erasure %s has no export", id)
	}
	if err := ready(r); err != nil {
		return err
	}
	return e.expire(ctx, r)
}

func (e *Eraser) expire(ctx context.Context, r *parley.Erasure) error {
	if _, err := e.Archives.Remove(ctx, r.ID); err != nil {
		return err
	}
	r.Export.State = parley.ExportExpired
	return e.saveExport(ctx, r)
}

// errWaits says that a place is not empty before a time that its note names.
var errWaits = errors.New("kept for a while")

// lookEvery is how often a place that waits is looked at: somebody may end its wait.
const lookEvery = 10 * time.Second

// emptyExports removes the archive of an agent's erasure once its time is over. The erasure of a caller waits for the archives of the
// environment that had begun before it, since the caller may be in them.
func (e *Eraser) emptyExports(ctx context.Context, r *parley.Erasure) (n int64, done bool, note string, err error) {
	if r.CallerHash != "" {
		return e.outlastExports(ctx, r)
	}
	now, err := e.byID(ctx, r.ID) // somebody may have ended it
	if err != nil || now == nil || now.Export == nil {
		return 0, err == nil, "", err
	}
	if x := now.Export; x.State == parley.ExportReady && time.Now().Before(*x.ExpiresAt) {
		return 0, false, "an archive can be fetched until " + x.ExpiresAt.UTC().Format(time.RFC3339), errWaits
	}
	err = e.expire(ctx, now)
	return 1, err == nil, "", err
}

func (e *Eraser) outlastExports(ctx context.Context, r *parley.Erasure) (n int64, done bool, note string, err error) {
	var open []*parley.Erasure
	err = e.Store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		open, err = tx.OpenExports(ctx, r.EnvironmentID)
		return err
	})
	if err != nil {
		return 0, false, "", err
	}
	for _, o := range open {
		if !o.CreatedAt.After(r.CreatedAt) {
			return 0, false, "archives of agents that were deleted before may hold the caller until they expire", errWaits
		}
	}
	return 0, true, "", nil
}
