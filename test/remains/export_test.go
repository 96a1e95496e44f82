package remains

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/archive"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/envelope"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/store"
)

// disk is where archives lie; it may be full.
type disk struct {
	store.Blobs
	full atomic.Bool
}

func (d *disk) Create(ctx context.Context, key string) (store.Blob, error) {
	if d.full.Load() {
		return nil, syscall.ENOSPC
	}
	return d.Blobs.Create(ctx, key)
}

// openArchives opens what exports are kept in.
func (w *world) openArchives(key *secrets.Key) *archive.Archives {
	w.t.Helper()
	var err error
	w.exports, err = blobs.Open(filepath.Join(w.dir, "exports"))
	w.must(err)
	w.exportKeys, err = envelope.OpenKeys(filepath.Join(w.lasting("keys"), "exports"), key)
	w.must(err)
	w.disk = &disk{Blobs: w.exports}
	return archive.New(archive.Deps{
		Store: w.store, Recordings: w.blobs, Files: envelope.SealBlobs(w.disk, w.exportKeys), Keys: w.exportKeys,
		Room: func() (int64, error) { return 1 << 40, nil },
	})
}

func newToken() (token, hash string) {
	token = secrets.NewSecret()
	return token, secrets.HashToken(token)
}

// order deletes an agent with an export, by force. Nothing is erased before it is packed.
func (w *world) order(a *agent) {
	w.t.Helper()
	_, _, err := w.room.DeleteWithExport(context.Background(), w.actor(), a.row.ID, true)
	w.must(err)
	a.held = true
}

// pack works on exports. On a full disk they fail, and the agents are back; else these are old.
func (w *world) pack() {
	w.t.Helper()
	for _, c := range w.callsThat(func(c *call) bool { return c.open && c.agent.held }) {
		w.end(c) // as the switchboard does, asked to hang up
	}
	for _, id := range w.erasures(parley.ErasureExporting) {
		w.must(w.eraser.HandleExport(context.Background(), id))
	}
	for _, a := range w.agents {
		if a.held {
			a.held, a.old = false, !w.disk.full.Load()
		}
	}
	w.age()
}

// eraseAround empties all but the archives.
func (w *world) eraseAround() {
	for _, id := range w.running() {
		_ = w.eraser.Handle(context.Background(), id) // asks to come again
	}
}

// noArchives wants none to be left.
func (w *world) noArchives() {
	w.t.Helper()
	left, err := filepath.Glob(w.dir + "/exports/*/*")
	w.must(err)
	keys, err := filepath.Glob(w.lasting("keys") + "/exports/*")
	w.must(err)
	if left = append(left, keys...); len(left) > 0 {
		w.t.Fatalf("archives are left: %v", left)
	}
}
