// Package envelope seals what calls leave behind with a key per agent: transcripts, recordings, SIP messages, what was taken down or brought
// along, and the bodies of events. The keys lie in a directory of their own, each sealed under the master key, and never in the database: once
// an agent's key is destroyed, no copy of the database or of the recordings shows any of that again, wherever backups lie. It wraps a
// store.Store and a store.Blobs and adds no rule of its own.
package envelope

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/parley-voice/parley/internal/secrets"
)

// keysKept bounds how many opened keys are remembered; past it all are forgotten and read again.
const keysKept = 10000

// ErrNoKey says that an agent's key was destroyed, or never made.
var ErrNoKey = errors.New("envelope: the key is gone")

// Keys is the directory of agents' keys. It is safe for concurrent use, also by several processes.
type Keys struct {
	root   *os.Root
	dir    string
	master *secrets.Key

	mu     sync.Mutex
	opened map[string]cipher.AEAD
}

// OpenKeys uses a directory, made when missing.
func OpenKeys(dir string, master *secrets.Key) (*Keys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of agents' keys: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the directory of agents' keys: %w", err)
	}
	return &Keys{root: root, dir: dir, master: master, opened: map[string]cipher.AEAD{}}, nil
}

// Close lets go of the directory.
func (k *Keys) Close() error { return k.root.Close() }

// file is the name of an agent's key; ids are ours, and never lead out of the directory.
func file(agentID string) (string, error) {
	if agentID == "" || strings.ContainsAny(agentID, `/\.`) {
		return "", fmt.Errorf("envelope: no id of an agent: %q", agentID)
	}
	return agentID + ".key", nil
}

func purpose(agentID string) string { return "agent key:" + agentID }

// of opens an agent's key; ErrNoKey when there is none. Another process may have destroyed it, so the file is asked for each time.
func (k *Keys) of(agentID string) (cipher.AEAD, error) {
	name, err := file(agentID)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, err := k.root.Stat(name); errors.Is(err, fs.ErrNotExist) {
		delete(k.opened, agentID)
		return nil, ErrNoKey
	}
	if a, ok := k.opened[agentID]; ok {
		return a, nil
	}
	sealed, err := k.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoKey
	}
	if err != nil {
		return nil, fmt.Errorf("read an agent's key: %w", err)
	}
	raw, err := k.master.Open(sealed, purpose(agentID))
	if err != nil {
		return nil, fmt.Errorf("open an agent's key: %w", err)
	}
	a, err := chacha20poly1305.NewX(raw)
	if err != nil {
		return nil, err
	}
	if len(k.opened) >= keysKept {
		clear(k.opened)
	}
	k.opened[agentID] = a
	return a, nil
}

// Make makes an agent's key when there is none. The file appears whole or not at all.
func (k *Keys) Make(agentID string) error {
	if _, err := k.of(agentID); !errors.Is(err, ErrNoKey) {
		return err
	}
	name, err := file(agentID)
	if err != nil {
		return err
	}
	raw := make([]byte, chacha20poly1305.KeySize)
	_, _ = rand.Read(raw) // never fails
	sealed, err := k.master.Seal(raw, purpose(agentID))
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(k.dir, ".new.*")
	if err != nil {
		return fmt.Errorf("make an agent's key: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(sealed)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Link(f.Name(), filepath.Join(k.dir, name))
	}
	if err != nil && !errors.Is(err, fs.ErrExist) { // another made it at the same moment: the first one stands
		return fmt.Errorf("make an agent's key: %w", err)
	}
	return k.sync()
}

// Destroy removes an agent's key for good and says whether there was one. What it sealed can never be read again.
func (k *Keys) Destroy(agentID string) (bool, error) {
	name, err := file(agentID)
	if err != nil {
		return false, err
	}
	k.mu.Lock()
	delete(k.opened, agentID)
	k.mu.Unlock()
	err = k.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("destroy an agent's key: %w", err)
	}
	return true, k.sync()
}

// Old returns the agents whose keys were made before a time.
func (k *Keys) Old(before time.Time) (agents []string, err error) {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return nil, fmt.Errorf("list the agents' keys: %w", err)
	}
	for _, e := range entries {
		agent, ok := strings.CutSuffix(e.Name(), ".key")
		info, err := e.Info()
		if !ok || agent == "" || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info.ModTime().Before(before) {
			agents = append(agents, agent)
		}
	}
	return agents, nil
}

// sync puts what was made or removed on the disk, so that no power cut takes it back.
func (k *Keys) sync() error {
	d, err := k.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// seal encrypts for a place, such as "turn:ID"; open wants the same one.
func seal(a cipher.AEAD, dst, plain []byte, place string) []byte {
	n := len(dst)
	dst = append(dst, make([]byte, a.NonceSize())...)
	nonce := dst[n:]
	_, _ = rand.Read(nonce) // never fails; 24 bytes may be drawn at random
	return a.Seal(dst, nonce, plain, []byte(place))
}

func open(a cipher.AEAD, sealed []byte, place string) ([]byte, error) {
	if len(sealed) < a.NonceSize()+a.Overhead() {
		return nil, secrets.ErrOpen
	}
	plain, err := a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], []byte(place))
	if err != nil {
		return nil, secrets.ErrOpen
	}
	return plain, nil
}
