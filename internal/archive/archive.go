// Package archive packs an agent with all that its calls left behind into one file, a tar, and keeps it sealed with a key of its own until
// it is removed. It streams: no more than a page of calls and one buffer of a recording is in memory. It knows nothing of erasures, and
// of no token.
package archive

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Deps are what the room uses.
type Deps struct {
	Store      store.Store
	Recordings store.Blobs
	// Files is where archives lie, each under the key of its id, which is the first name of its path.
	Files store.Blobs
	Keys  interface {
		Make(id string) error
		Destroy(id string) (bool, error)
	}
	// Room is how many bytes are free where archives lie.
	Room func() (int64, error)
}

// Archives packs, opens and removes. Make it with New.
type Archives struct{ deps Deps }

// New makes the room.
func New(deps Deps) *Archives { return &Archives{deps} }

// names of an archive and of the list of its files while it is packed.
func fileOf(id string) string { return path.Join(id, "archive.tar") }
func listOf(id string) string { return path.Join(id, "manifest") }

// Pack makes the archive of an id anew and returns when it is whole and on the disk. told hears how far it has come, page by page. What it
// left when it failed is to be removed.
func (a *Archives) Pack(ctx context.Context, id string, agent *parley.Agent, told func(parley.Export)) (x parley.Export, err error) {
	if _, err := a.Remove(ctx, id); err != nil { // what a process left that was killed
		return x, err
	}
	if err := a.deps.Keys.Make(id); err != nil {
		return x, err
	}
	p, err := a.newPack(ctx, id)
	if err != nil {
		return x, err
	}
	err = p.all(ctx, agent, told)
	return p.done, errors.Join(err, p.close(), a.deps.Files.Delete(ctx, listOf(id)))
}

// Open opens an archive; store.ErrNoBlob when it or its key is gone.
func (a *Archives) Open(ctx context.Context, id string) (io.ReadSeekCloser, int64, error) {
	return a.deps.Files.Open(ctx, fileOf(id))
}

// Remove destroys the key of an archive, then its bytes, and says whether there was one.
func (a *Archives) Remove(ctx context.Context, id string) (bool, error) {
	was, err := a.deps.Keys.Destroy(id)
	return was, errors.Join(err, a.deps.Files.Delete(ctx, fileOf(id)), a.deps.Files.Delete(ctx, listOf(id)))
}

// Room is how many bytes are free where archives lie.
func (a *Archives) Room() (int64, error) { return a.deps.Room() }

// Old returns the ids of archives that nobody has written to since a time, each once.
func (a *Archives) Old(ctx context.Context, since time.Time) (ids []string, err error) {
	keys, err := a.deps.Files.Old(ctx, since, "", oldest)
	for _, k := range keys {
		id, _, ok := strings.Cut(k, "/")
		if n := len(ids); ok && (n == 0 || ids[n-1] != id) {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// oldest bounds how many files are looked at once.
const oldest = 1000
