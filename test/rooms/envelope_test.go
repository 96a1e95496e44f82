package rooms

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/envelope"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/store"
	"github.com/parley-voice/parley/internal/store/storetest"
)

func master(t testing.TB, hex string) *secrets.Key {
	t.Helper()
	k, err := secrets.Parse(strings.Repeat(hex, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func openKeys(t testing.TB, dir string) *envelope.Keys {
	t.Helper()
	k, err := envelope.OpenKeys(dir, master(t, "ab"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

func TestSealedStoreContract(t *testing.T) {
	storetest.Rules(t, func(t *testing.T) store.Store {
		s, err := sqlstore.Open(t.Context(), sqlstore.Options{DataDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return envelope.Seal(s, openKeys(t, t.TempDir()), slog.New(slog.DiscardHandler))
	})
}

// generous makes the key of whatever agent a test names, as InsertCall does in a house.
type generous struct {
	*envelope.Blobs
	keys *envelope.Keys
}

func (g generous) Create(ctx context.Context, key string) (store.Blob, error) {
	agent, _, _ := strings.Cut(key, "/")
	_ = g.keys.Make(agent) // of what is no agent there is none
	return g.Blobs.Create(ctx, key)
}

func dir(t testing.TB) *blobs.Dir {
	t.Helper()
	d, err := blobs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestSealedBlobsContract(t *testing.T) {
	storetest.RunBlobs(t, func(t *testing.T) store.Blobs {
		keys := openKeys(t, t.TempDir())
		return generous{envelope.SealBlobs(dir(t), keys), keys}
	})
}

func TestBlobsOfAnySizeAreReadFromAnywhere(t *testing.T) {
	keys := openKeys(t, t.TempDir())
	b := envelope.SealBlobs(dir(t), keys)
	if err := keys.Make("agent"); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 44, 4095, 4096, 4097, 3*4096 - 1, 3 * 4096, 100_001} {
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(rng.Uint32())
		}
		key := "agent/" + parley.NewID() + ".wav"
		w, err := b.Create(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		for rest := want; len(rest) > 0; { // in pieces, with the head written again between them
			n := min(len(rest), 1+rng.IntN(6000))
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			if rest = rest[n:]; size >= 44 && len(want)-len(rest) >= 44 {
				for i := range 4 {
					want[i]++
				}
				if _, err := w.WriteAt(want[:44], 0); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, n, err := b.Open(t.Context(), key)
		if err != nil || n != int64(size) {
			t.Fatalf("size %d: %d, %v", size, n, err)
		}
		for range 20 {
			at := rng.IntN(size + 1)
			if _, err := r.Seek(int64(at), io.SeekStart); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want[at:]) {
				t.Fatalf("size %d from %d: %d bytes, %v", size, at, len(got), err)
			}
		}
		_ = r.Close()
	}
}

// A recording that is opened while it grows gives what there was then.
func TestAGrowingBlobIsReadToWhereItWas(t *testing.T) {
	keys := openKeys(t, t.TempDir())
	b := envelope.SealBlobs(dir(t), keys)
	if err := keys.Make("agent"); err != nil {
		t.Fatal(err)
	}
	w, err := b.Create(t.Context(), "agent/a.wav")
	if err != nil {
		t.Fatal(err)
	}
	_, e1 := w.Write(make([]byte, 5000))
	r, size, e2 := b.Open(t.Context(), "agent/a.wav")
	_, e3 := w.Write(bytes.Repeat([]byte{1}, 5000))
	if err := errors.Join(e1, e2, e3); err != nil || size != 5000 {
		t.Fatal(size, err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, make([]byte, 5000)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	_ = r.Close()
	_ = w.Close()
}

// full is a blob on a disk that is full once room bytes more were written.
type full struct {
	store.Blob
	room *int
}

func (f *full) WriteAt(p []byte, off int64) (int, error) {
	if *f.room < len(p) {
		n, _ := f.Blob.WriteAt(p[:*f.room], off)
		return n, errors.New("no space left")
	}
	return f.Blob.WriteAt(p, off)
}

func (f *full) Truncate(size int64) error {
	return f.Blob.(interface{ Truncate(int64) error }).Truncate(size)
}

// tight is a place whose blobs are full ones.
type tight struct {
	store.Blobs
	room int
}

func (p *tight) Create(ctx context.Context, key string) (store.Blob, error) {
	b, err := p.Blobs.Create(ctx, key)
	return &full{b, &p.room}, err
}

func TestAFullDiskKeepsWhatWasWritten(t *testing.T) {
	keys, d := openKeys(t, t.TempDir()), &tight{dir(t), 1 << 20}
	b := envelope.SealBlobs(d, keys)
	if err := keys.Make("agent"); err != nil {
		t.Fatal(err)
	}
	w, err := b.Create(t.Context(), "agent/a.wav")
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("sound"), 1000)
	if _, err := w.Write(want); err != nil {
		t.Fatal(err)
	}
	d.room = 1500
	if n, err := w.Write(make([]byte, 2000)); err == nil || n != 0 {
		t.Fatalf("%d bytes were taken: %v", n, err)
	}
	_ = w.Close()
	r, size, err := b.Open(t.Context(), "agent/a.wav")
	if err != nil || size != int64(len(want)) {
		t.Fatalf("size %d, %v", size, err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	_ = r.Close()
}

func TestKeysAreSealedAndDestroyedForGood(t *testing.T) {
	path := t.TempDir()
	keys, d := openKeys(t, path), dir(t)
	for range 2 {
		if err := keys.Make("agent"); err != nil {
			t.Fatal(err)
		}
	}
	write := func(k *envelope.Keys, key string) (store.Blobs, error) {
		b := envelope.SealBlobs(d, k)
		w, err := b.Create(t.Context(), key)
		if err != nil {
			return b, err
		}
		_, err = w.Write([]byte("hello"))
		return b, errors.Join(err, w.Close())
	}
	if _, err := write(keys, "agent/a.wav"); err != nil {
		t.Fatal(err)
	}
	wantSealed(t, envelope.SealBlobs(d, openKeys(t, path)), "agent/a.wav", "hello") // another process
	thief, err := envelope.OpenKeys(path, master(t, "cd"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = thief.Close() }()
	if _, err := write(thief, "agent/b.wav"); !errors.Is(err, secrets.ErrOpen) {
		t.Errorf("with another master key: %v", err)
	}
	if info, err := os.Stat(filepath.Join(path, "agent.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if gone, err := keys.Destroy("agent"); err != nil || !gone {
		t.Errorf("destroyed: %v, %v", gone, err)
	}
	if _, err := write(keys, "agent/c.wav"); !errors.Is(err, envelope.ErrNoKey) {
		t.Errorf("after that: %v", err)
	}
	if gone, err := keys.Destroy("agent"); err != nil || gone {
		t.Errorf("twice: %v, %v", gone, err)
	}
	for _, bad := range []string{"", "../x", "a/b", "."} {
		if err := keys.Make(bad); err == nil || errors.Is(err, envelope.ErrNoKey) {
			t.Errorf("a key of %q: %v", bad, err)
		}
	}
	if left, err := os.ReadDir(path); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// A backup of database and recordings, made before the deletion, shows nothing after it.
func TestABackupCannotBeReadOnceTheKeyIsDestroyed(t *testing.T) {
	data, keysDir := t.TempDir(), t.TempDir()
	plain, err := sqlstore.Open(t.Context(), sqlstore.Options{DataDir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = plain.Close() }()
	keys := openKeys(t, keysDir)
	s := envelope.Seal(plain, keys, slog.New(slog.DiscardHandler))
	d := dir(t)
	b := envelope.SealBlobs(d, keys)
	agent, call := said(t, s)
	if turns := turnsOf(t, s, call); len(turns) != 1 || turns[0].Text != "my rhinoceros" || *turns[0].Heard != "my rhino" {
		t.Fatalf("%+v", turns)
	}
	if turns := turnsOf(t, plain, call); strings.Contains(turns[0].Text+*turns[0].Heard, "rhino") {
		t.Errorf("the database holds %+v", turns)
	}
	w, err := b.Create(t.Context(), agent+"/"+call+".wav")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Destroy(agent); err != nil {
		t.Fatal(err)
	}
	if turns := turnsOf(t, s, call); turns[0].Text != "" || *turns[0].Heard != "" {
		t.Errorf("read without the key: %+v", turns)
	}
	if _, _, err := b.Open(t.Context(), agent+"/"+call+".wav"); !errors.Is(err, store.ErrNoBlob) {
		t.Errorf("a recording without its key: %v", err)
	}
	late := parley.Turn{ID: parley.NewID(), CallID: call, Who: parley.WhoCaller, StartedAt: time.Now(), EndedAt: time.Now(), Text: "late"}
	if err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error { return tx.PutTurns(ctx, []parley.Turn{late}) }); err != nil {
		t.Errorf("a turn that comes late: %v", err)
	}
	if turns := turnsOf(t, plain, call); len(turns) != 1 {
		t.Errorf("a turn was stored without a key: %+v", turns)
	}
}

func wantSealed(t *testing.T, b store.Blobs, key, want string) {
	t.Helper()
	r, _, err := b.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
	_ = r.Close()
}

func turnsOf(t *testing.T, s store.Store, call string) (turns []parley.Turn) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, tx store.Tx) (err error) { turns, err = tx.TurnsOf(ctx, call); return err })
	if err != nil {
		t.Fatal(err)
	}
	return turns
}

// said makes an agent with a call in which one thing was said.
func said(t *testing.T, s store.Store) (agent, call string) {
	t.Helper()
	now := parley.Stamp(time.Now())
	err := s.Update(t.Context(), func(ctx context.Context, tx store.Tx) error {
		env, err := tx.EnsureEnvironment(ctx, "test")
		if err != nil {
			return err
		}
		a := &parley.Agent{ID: parley.NewID(), EnvironmentID: env.ID, Name: "Rose", Status: parley.Draft, Direction: parley.Inbound, CreatedAt: now, UpdatedAt: now}
		c := &parley.Call{ID: parley.NewID(), EnvironmentID: env.ID, AgentID: a.ID, Direction: parley.Inbound, Status: parley.CallAnswered, CreatedAt: now, UpdatedAt: now}
		agent, call = a.ID, c.ID
		heard := "my rhino"
		return errors.Join(tx.InsertAgent(ctx, a), tx.InsertCall(ctx, c), tx.PutTurns(ctx, []parley.Turn{
			{ID: parley.NewID(), CallID: c.ID, Who: parley.WhoAgent, StartedAt: now, EndedAt: now, Text: "my rhinoceros", Heard: &heard},
		}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return agent, call
}
