package rooms

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/archive"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/envelope"
	"github.com/parley-voice/parley/internal/erasure"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
)

// crate is where archives are kept in a test.
type crate struct {
	archives    *archive.Archives
	dir, keyDir string // of the archives and of their keys
	disk        *disk
	room        int64
}

// disk fails, or calls, at a write.
type disk struct {
	store.Blobs
	left int // writes until then; below zero never
	then func() error
}

type diskFile struct {
	store.Blob
	d *disk
}

func (d *disk) Create(ctx context.Context, key string) (store.Blob, error) {
	f, err := d.Blobs.Create(ctx, key)
	return diskFile{f, d}, err
}

func (f diskFile) WriteAt(b []byte, off int64) (int, error) {
	if f.d.left--; f.d.left == 0 {
		if err := f.d.then(); err != nil {
			return 0, err
		}
	}
	return f.Blob.WriteAt(b, off)
}

func newCrate(t *testing.T, s store.Store, recordings store.Blobs) *crate {
	t.Helper()
	c := &crate{dir: t.TempDir(), keyDir: t.TempDir(), room: 1 << 30}
	b, err := blobs.Open(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	c.disk = &disk{Blobs: b, left: -1}
	keys := openKeys(t, c.keyDir)
	c.archives = archive.New(archive.Deps{
		Store: s, Recordings: recordings, Files: envelope.SealBlobs(c.disk, keys), Keys: keys, Room: func() (int64, error) { return c.room, nil },
	})
	return c
}

// left are the files and keys of archives.
func (c *crate) left(t *testing.T) (list []string) {
	t.Helper()
	for _, pattern := range []string{c.dir + "/*/*", c.keyDir + "/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return list
}

// mover is a sealed house with an agent that had calls, and an eraser that exports.
type mover struct {
	*attic
	*crate
	agent *parley.Agent
	calls []*parley.Call
}

func onBothStores(t *testing.T, test func(t *testing.T, m *mover)) {
	t.Run("SQLite", func(t *testing.T) { test(t, newMover(t, sqlstore.Options{DataDir: t.TempDir()}, 24*time.Hour)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, newMover(t, sqlstore.Options{URL: pgtest.Database(t)}, 24*time.Hour)) })
}

func newMover(t *testing.T, where sqlstore.Options, keep time.Duration) *mover {
	t.Helper()
	m := &mover{attic: newAttic(t, where)}
	sealed := envelope.SealBlobs(m.blobs, m.keys)
	m.blobs, m.crate = sealed, newCrate(t, m.store, sealed)
	m.agent, _ = m.add(t, time.Hour)
	m.house.agent = m.agent
	m.update(t, func(ctx context.Context, tx store.Tx) error {
		m.agent.Status = parley.Published
		return tx.UpdateAgent(ctx, m.agent)
	})
	for range 3 {
		m.calls = append(m.calls, m.packed(t))
	}
	m.eraser = erasure.New(erasure.Deps{
		Store: m.store, Blobs: sealed, Ledger: m.eraser.Ledger, Node: "node", Signer: master(t, "ab"), HangUp: func(string) int { return 0 },
		Keys: m.attic.keys, Log: slog.New(slog.DiscardHandler), Archives: m.archives, ExportFor: keep, HashToken: secrets.HashToken,
		NewToken: func() (string, string) { return "open sesame", secrets.HashToken("open sesame") },
	})
	return m
}

const whisper = "the whisper of a rhinoceros"

// packed is a call with a turn and a recording that holds the same words.
func (m *mover) packed(t *testing.T) *parley.Call {
	t.Helper()
	at := parley.Stamp(time.Now())
	c := &parley.Call{ID: parley.NewID(), EnvironmentID: m.agent.EnvironmentID, AgentID: m.agent.ID, From: caller, To: "+12025550143",
		Direction: parley.Inbound, Status: parley.CallCompleted, CreatedAt: at, UpdatedAt: at, Payload: json.RawMessage(`{"name":"Ann"}`)}
	c.SID, c.Recording = c.ID, m.agent.ID+"/"+c.ID+".wav"
	turn := parley.Turn{ID: parley.NewID(), CallID: c.ID, Who: parley.WhoCaller, StartedAt: at, EndedAt: at, Text: whisper}
	m.update(t, func(ctx context.Context, tx store.Tx) error {
		if err := tx.InsertCall(ctx, c); err != nil {
			return err
		}
		return tx.PutTurns(ctx, []parley.Turn{turn})
	})
	f, err := m.blobs.Create(t.Context(), c.Recording)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(bytes.Repeat([]byte(whisper), 1000))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return c
}

// unpack reads an archive, checks its list, and returns its files by name.
func unpack(t *testing.T, r io.Reader) (files map[string][]byte, sum string) {
	t.Helper()
	whole := sha256.New()
	files = map[string][]byte{}
	raw := io.TeeReader(r, whole)
	for in := tar.NewReader(raw); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			files[h.Name], err = io.ReadAll(in)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.Copy(io.Discard, raw); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(files["manifest.sha256"])), "\n")
	if len(lines) != len(files)-1 {
		t.Errorf("the list has %d lines for %d files", len(lines), len(files)-1)
	}
	for _, line := range lines {
		want, name, _ := strings.Cut(line, "  ")
		if got := sha256.Sum256(files[name]); hex.EncodeToString(got[:]) != want {
			t.Errorf("the list says %s of %s", want, name)
		}
	}
	return files, hex.EncodeToString(whole.Sum(nil))
}
