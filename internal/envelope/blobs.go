package envelope

import (
	"context"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parley-voice/parley/internal/store"
)

// A sealed blob is a magic word and chunks, each a nonce, up to 4 KiB of ciphertext and a tag, bound to the blob's key and its place in it.
// A chunk that is written again, as the head of a recording is, gets a nonce of its own; so the blob can be read at any moment and
// from anywhere, and grows at its end.
const (
	magic     = "PARLEY01"
	chunk     = 4096
	tagged    = 24 + 16
	chunkSize = chunk + tagged
)

// Blobs is a place for recordings that are sealed. The first name of a key is the agent's id.
type Blobs struct {
	store.Blobs
	keys *Keys
}

var _ store.Blobs = (*Blobs)(nil)

// SealBlobs wraps a place for recordings.
func SealBlobs(b store.Blobs, keys *Keys) *Blobs { return &Blobs{b, keys} }

func agentOf(key string) string {
	first, _, _ := strings.Cut(key, "/")
	return first
}

// Create makes a new blob; ErrNoKey when its agent has none.
func (b *Blobs) Create(ctx context.Context, key string) (store.Blob, error) {
	a, err := b.keys.of(agentOf(key))
	if err != nil {
		return nil, err
	}
	f, err := b.Blobs.Create(ctx, key)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write([]byte(magic)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &writer{Blob: f, cipher: a, key: key}, nil
}

func chunkPlace(key string, n int64) string {
	return "blob:" + key + ":" + string(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// writer keeps the last chunk, which grows, and the first, whose beginning is written again.
type writer struct {
	store.Blob
	cipher cipher.AEAD
	key    string
	first  []byte
	last   []byte
	n      int64 // number of the last chunk
	buf    []byte
}

func (w *writer) put(n int64, plain []byte) error {
	w.buf = seal(w.cipher, w.buf[:0], plain, chunkPlace(w.key, n))
	_, err := w.Blob.WriteAt(w.buf, int64(len(magic))+n*chunkSize)
	return err
}

// Write appends.
func (w *writer) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		if len(w.last) == chunk {
			w.n, w.last = w.n+1, w.last[:0]
		}
		k := min(chunk-len(w.last), len(p))
		w.last = append(w.last, p[:k]...)
		if err := w.put(w.n, w.last); err != nil {
			w.last = w.last[:len(w.last)-k]
			return written, errors.Join(err, w.restore())
		}
		if w.n == 0 {
			w.first = append(w.first[:0], w.last...)
		}
		p, written = p[k:], written+k
	}
	return written, nil
}

// restore puts the last chunk back as it was before a write that failed, such as on a full disk: its place is allocated already.
func (w *writer) restore() error {
	if f, ok := w.Blob.(interface{ Truncate(size int64) error }); ok {
		end := int64(len(magic)) + w.n*chunkSize
		if len(w.last) > 0 {
			end += int64(len(w.last)) + tagged
		}
		if err := f.Truncate(end); err != nil {
			return err
		}
	}
	if len(w.last) == 0 {
		return nil
	}
	return w.put(w.n, w.last)
}

var errRewrite = errors.New("envelope: only the first 4 KiB of a blob can be written again")

// WriteAt writes again what lies within the first chunk.
func (w *writer) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > int64(len(w.first)) {
		return 0, errRewrite
	}
	copy(w.first[off:], p)
	if w.n == 0 {
		copy(w.last, w.first)
	}
	if err := w.put(0, w.first); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Open opens a blob; one that was written before there were keys is given as it is. ErrNoBlob when it or its key is gone.
func (b *Blobs) Open(ctx context.Context, key string) (io.ReadSeekCloser, int64, error) {
	f, size, err := b.Blobs.Open(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	word := make([]byte, len(magic))
	if _, err := io.ReadFull(f, word); err != nil || string(word) != magic {
		_, err = f.Seek(0, io.SeekStart)
		return f, size, err
	}
	a, err := b.keys.of(agentOf(key))
	if errors.Is(err, ErrNoKey) {
		err = store.ErrNoBlob
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	r := &reader{f: f, cipher: a, key: key, size: plainSize(size - int64(len(magic))), at: -1}
	return r, r.size, nil
}

func plainSize(sealed int64) int64 {
	return sealed/chunkSize*chunk + max(0, sealed%chunkSize-tagged)
}

type reader struct {
	f      io.ReadSeekCloser
	cipher cipher.AEAD
	key    string
	size   int64
	pos    int64
	at     int64 // chunk that plain holds; -1 for none
	plain  []byte
}

// Read reads from the chunk that the position lies in.
func (r *reader) Read(p []byte) (int, error) {
	if r.pos >= r.size {
		return 0, io.EOF
	}
	if n := r.pos / chunk; n != r.at {
		if err := r.load(n); err != nil {
			return 0, err
		}
	}
	within := r.plain[:min(int64(len(r.plain)), r.size-r.at*chunk)]
	k := copy(p, within[min(r.pos%chunk, int64(len(within))):])
	if k == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	r.pos += int64(k)
	return k, nil
}

// tries is how often a chunk is read that may be written again at this moment.
const tries = 3

// load opens a chunk, which may have grown since.
func (r *reader) load(n int64) (err error) {
	sealed := make([]byte, chunkSize)
	for range tries {
		if _, err = r.f.Seek(int64(len(magic))+n*chunkSize, io.SeekStart); err != nil {
			return err
		}
		k, readErr := io.ReadFull(r.f, sealed)
		if k < tagged {
			return readErr
		}
		if r.plain, err = open(r.cipher, sealed[:k], chunkPlace(r.key, n)); err == nil {
			r.at = n
			return nil
		}
	}
	return fmt.Errorf("recording %s, chunk %d: %w", r.key, n, err)
}

// Seek moves the position.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("envelope: before the beginning")
	}
	r.pos, r.at = offset, -1 // a chunk may have been written again meanwhile
	return offset, nil
}

// Close closes the blob.
func (r *reader) Close() error { return r.f.Close() }
