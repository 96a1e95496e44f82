package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/store"
)

func openStore(ctx context.Context, cfg config.Config, log *slog.Logger) (*sqlstore.Store, error) {
	return sqlstore.Open(ctx, sqlstore.Options{DataDir: cfg.Data, URL: cfg.Database, Log: log})
}

// meta reads a value that the server keeps for itself; when there is none, fresh gives it.
func meta(ctx context.Context, s *sqlstore.Store, name string, fresh func() string) (value string, err error) {
	err = s.Update(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		if value, err = tx.Meta(ctx, name); err != nil || value != "" {
			return err
		}
		value = fresh()
		return tx.SetMeta(ctx, name, value)
	})
	return value, err
}

// nodeID names this data directory's process to others on the same database. It outlives restarts, so that the calls of a killed
// process are known as its own.
func nodeID(dir string) (string, error) {
	path := filepath.Join(dir, "node.id")
	b, err := os.ReadFile(path)
	if err == nil && len(strings.TrimSpace(string(b))) > 0 {
		return strings.TrimSpace(string(b)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	id := parley.NewID()
	return id, os.WriteFile(path, []byte(id+"\n"), 0o600)
}
