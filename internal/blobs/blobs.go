// Package blobs keeps recordings as plain files in a directory of this machine: streamed as they come, readable while they grow and
// after a crash, readable by their owner only. It knows nothing of what is in them.
package blobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/parley-voice/parley/internal/store"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
	// keyLimit bounds a key, in bytes; file systems bound a name at 255.
	keyLimit = 512
)

// ErrKey says that a key is not one of ours.
var ErrKey = errors.New("blobs: malformed key")

var _ store.Blobs = (*Dir)(nil)

// Dir is a directory of recordings. The root confines every key to it, symbolic links included.
type Dir struct{ root *os.Root }

// Open uses a directory, made when missing.
func Open(dir string) (*Dir, error) {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("make the directory of recordings: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the directory of recordings: %w", err)
	}
	return &Dir{root: root}, nil
}

// Close lets go of the directory; blobs that are open stay usable.
func (d *Dir) Close() error { return d.root.Close() }

// check wants names of letters, digits and "-_." between slashes, none of them beginning with a dot.
func check(key string) error {
	if key == "" || len(key) > keyLimit {
		return fmt.Errorf("%w: %d bytes", ErrKey, len(key))
	}
	for name := range strings.SplitSeq(key, "/") {
		if name == "" || name[0] == '.' || strings.ContainsFunc(name, strange) {
			return ErrKey
		}
	}
	return nil
}

func strange(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
}

// Create makes a new blob and the directories on its way; fs.ErrExist when the key is taken.
func (d *Dir) Create(_ context.Context, key string) (store.Blob, error) {
	if err := check(key); err != nil {
		return nil, err
	}
	f, err := d.create(key)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = d.create(key) // a deletion pruned the directory just now
	}
	if err != nil {
		return nil, fmt.Errorf("create blob: %w", err)
	}
	return &blob{f}, nil
}

func (d *Dir) create(key string) (*os.File, error) {
	if parent := path.Dir(key); parent != "." {
		if err := d.root.MkdirAll(parent, dirMode); err != nil {
			return nil, err
		}
	}
	return d.root.OpenFile(key, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
}

// blob is a file that is on the disk once Close has returned.
type blob struct{ *os.File }

// Close syncs the bytes to the disk.
func (b *blob) Close() error {
	err := b.Sync()
	if errors.Is(err, fs.ErrClosed) {
		return err
	}
	return errors.Join(err, b.File.Close())
}

// Open returns a blob and its size at this moment; store.ErrNoBlob when there is none.
func (d *Dir) Open(_ context.Context, key string) (io.ReadSeekCloser, int64, error) {
	if check(key) != nil {
		return nil, 0, store.ErrNoBlob
	}
	f, err := d.root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, store.ErrNoBlob
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open blob: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = store.ErrNoBlob
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// Delete unlinks a blob and the directories that it leaves empty; a missing one is no error.
func (d *Dir) Delete(_ context.Context, key string) error {
	if err := check(key); err != nil {
		return err
	}
	if err := d.root.Remove(key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob: %w", err)
	}
	for parent := path.Dir(key); parent != "."; parent = path.Dir(parent) {
		if d.root.Remove(parent) != nil {
			return d.syncParent(parent) // it still holds others
		}
	}
	return d.syncParent(".")
}

// syncParent puts a removal on the disk, so that no power cut brings the blob back.
func (d *Dir) syncParent(dir string) error {
	f, err := d.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another deletion removed it, and syncs its parent
	}
	if err != nil {
		return fmt.Errorf("sync deletion: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// List returns the keys that begin with prefix, in order.
func (d *Dir) List(ctx context.Context, prefix string) ([]string, error) {
	top := path.Dir(prefix + "x") // the directory that all of them lie in
	if top != "." {
		if err := check(top); err != nil {
			return nil, err
		}
	}
	var keys []string
	err := fs.WalkDir(d.root.FS(), top, func(name string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // deleted meanwhile, or nothing there
		case err != nil:
			return err
		case !e.IsDir() && strings.HasPrefix(name, prefix):
			keys = append(keys, name)
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	return keys, nil
}

// Old returns up to limit keys after a key, in the order of a walk, of files that were not written to since a time.
func (d *Dir) Old(ctx context.Context, since time.Time, after string, limit int) (keys []string, err error) {
	err = fs.WalkDir(d.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // deleted meanwhile, or nothing there
		case err != nil:
			return err
		case e.IsDir():
			return pass(name, after)
		case walked(name, after) || check(name) != nil:
			return ctx.Err()
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || info.ModTime().After(since) {
			return err
		}
		if keys = append(keys, name); len(keys) == limit {
			return fs.SkipAll
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("look for old blobs: %w", err)
	}
	return keys, nil
}

// walked says whether a walk has come by a name when it comes to after: it goes by the names between the slashes.
func walked(name, after string) bool {
	return slices.Compare(strings.Split(name, "/"), strings.Split(after, "/")) <= 0
}

// pass skips a directory that a walk has left behind when it comes to after.
func pass(dir, after string) error {
	if dir != "." && walked(dir, after) && !strings.HasPrefix(after, dir+"/") {
		return fs.SkipDir
	}
	return nil
}
