package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/archive"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/envelope"
	"github.com/parley-voice/parley/internal/erasure"
	"github.com/parley-voice/parley/internal/ledger"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/store"
)

// openArchives opens what exports are kept in: files in a directory of the data, their keys in one of the agents' keys. closed is told what is to be
// closed in the end.
func openArchives(
	cfg config.Config, key *secrets.Key, s store.Store, recordings store.Blobs, closed func(func() error),
) (*archive.Archives, error) {
	dir := filepath.Join(cfg.Data, "exports")
	files, err := blobs.Open(dir)
	if err != nil {
		return nil, err
	}
	closed(files.Close)
	keys, err := envelope.OpenKeys(filepath.Join(cfg.KeysDir(), "exports"), key)
	if err != nil {
		return nil, err
	}
	closed(keys.Close)
	return archive.New(archive.Deps{
		Store: s, Recordings: recordings, Files: envelope.SealBlobs(files, keys), Keys: keys, Room: func() (int64, error) { return room(dir) },
	}), nil
}

// room is how many bytes are free on the disk of a directory.
func room(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("ask for the room on the disk: %w", err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// newExportToken makes the token of an archive.
func newExportToken() (token, hash string) {
	token = parley.ExportTokenPrefix + secrets.NewSecret()
	return token, secrets.HashToken(token)
}

// Receipt reads the receipt of an erasure in any environment, with its signed statement. The server may be running.
func Receipt(ctx context.Context, cfg config.Config, id string) (r *parley.Erasure, statement string, err error) {
	key, err := secrets.Load(cfg.MasterKey, cfg.Data)
	if err != nil {
		return nil, "", err
	}
	s, err := openStore(ctx, cfg, nil)
	if err != nil {
		return nil, "", err
	}
	err = s.View(ctx, func(ctx context.Context, tx store.Tx) error { r, err = tx.ErasureByID(ctx, id); return err })
	if err == nil {
		statement, err = erasure.New(erasure.Deps{Store: s, Signer: key}).Attest(r)
	}
	return r, statement, errors.Join(err, s.Close())
}

// Replay begins again what a ledger says was erased and a restored backup brought back; the server, which must not run meanwhile, goes on
// with it at its next start.
func Replay(ctx context.Context, cfg config.Config, path string) (again int, err error) {
	entries, err := readLedger(path)
	if err != nil {
		return 0, err
	}
	release, err := sqlstore.LockDir(cfg.Data)
	if err != nil {
		return 0, err
	}
	defer release()
	log, pii, err := NewLog(cfg, io.Discard)
	if err != nil {
		return 0, err
	}
	h := &house{cfg: cfg, log: log, pii: pii}
	if h.key, err = secrets.Load(cfg.MasterKey, cfg.Data); err != nil {
		return 0, err
	}
	s, err := openStore(ctx, cfg, log)
	if err != nil {
		return 0, err
	}
	h.store = s // its job, and so keys and recordings, are the server's business
	h.close = append(h.close, pii.Close, s.Close)
	if h.archives, err = openArchives(cfg, h.key, s, nil, func(shut func() error) { h.close = append(h.close, shut) }); err == nil {
		h.eraser, err = h.newEraser()
	}
	if err == nil {
		again, err = h.eraser.Replay(ctx, entries)
	}
	for _, shut := range slices.Backward(h.close) {
		err = errors.Join(err, shut())
	}
	return again, err
}

// Sweep removes what has no owner, or only counts it; the server may be running, and completes the erasures that begin.
func Sweep(ctx context.Context, cfg config.Config, dry bool) (s *erasure.Sweep, err error) {
	key, err := secrets.Load(cfg.MasterKey, cfg.Data)
	if err != nil {
		return nil, err
	}
	book, err := ledger.Read(cfg.LedgerPath()) // without a server there has been nothing to sweep
	if err != nil {
		return nil, err
	}
	dir, err := blobs.Open(filepath.Join(cfg.Data, "recordings"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	keys, err := envelope.OpenKeys(cfg.KeysDir(), key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, keys.Close()) }()
	db, err := openStore(ctx, cfg, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var closing []func() error
	defer func() {
		for _, shut := range closing {
			err = errors.Join(err, shut())
		}
	}()
	archives, err := openArchives(cfg, key, db, dir, func(shut func() error) { closing = append(closing, shut) })
	if err != nil {
		return nil, err
	}
	e := erasure.New(erasure.Deps{Store: db, Blobs: dir, Archives: archives, Ledger: book, Keys: keys, Signer: key, Log: quiet()})
	if s, err = e.NewSweep(ctx, dry); err != nil {
		return nil, err
	}
	_, err = s.Run(ctx, sweepWithin)
	return s, err
}

// sweepWithin bounds a sweep by hand, which a user can end at any time.
const sweepWithin = 24 * time.Hour

func readLedger(path string) ([]erasure.Entry, error) {
	f, err := ledger.Read(path)
	if err != nil {
		return nil, err
	}
	return f.After(0)
}
