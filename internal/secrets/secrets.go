// Package secrets holds the master key and what is done with it: sealing what must be readable again (SIP passwords), hashing what
// need not be (tokens), signing links, and attesting receipts. It keeps nothing but the key and logs nothing.
package secrets

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/parley-voice/parley"
)

// keySize is the length of the master key in bytes.
const keySize = 32

// FileName is the master key's file below the data directory.
const FileName = "master.key"

// ErrOpen says that a sealed value was made with another key, for another purpose, or was damaged.
var ErrOpen = errors.New("secrets: sealed with another key or damaged")

// Key seals and signs. Make it with Parse or Load.
type Key struct {
	seal   cipher.AEAD
	sign   []byte
	attest attester
	print  string
}

// Load reads the key that stands in value (as hex or base64, from PARLEY_MASTER_KEY), or that a service for keys opens if value is its URL; an
// empty value takes DIR/master.key, which is made, readable by its owner alone, when there is none.
func Load(value, dir string) (*Key, error) {
	if strings.Contains(value, "://") {
		return unwrap(value, dir)
	}
	if value != "" {
		k, err := Parse(value)
		if err != nil {
			return nil, fmt.Errorf("PARLEY_MASTER_KEY: %w", err)
		}
		return k, nil
	}
	path := filepath.Join(dir, FileName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		b, err = create(path, []byte(hex.EncodeToString(random())+"\n"))
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	k, err := Parse(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; restore it from a backup, or move the data directory away to begin anew", path, err)
	}
	return k, nil
}

func random() []byte {
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw) // never fails
	return raw
}

// create writes a new file and returns what it holds. It appears whole or not at all, whatever happens meanwhile; when another process makes it
// at the same moment, the first one stands.
func create(path string, content []byte) ([]byte, error) {
	f, err := os.CreateTemp(filepath.Dir(path), FileName+".*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

func decode(text string) ([]byte, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		raw, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil || len(raw) != keySize {
		return nil, fmt.Errorf("a key is %d bytes in hex or base64", keySize)
	}
	return raw, nil
}

// Parse reads a key of 32 bytes from hex or base64.
func Parse(text string) (*Key, error) {
	raw, err := decode(text)
	if err != nil {
		return nil, err
	}
	part := func(use string) []byte {
		b, err := hkdf.Key(sha256.New, raw, nil, "parley "+use, keySize)
		if err != nil {
			panic(err) // only a length beyond 255 hashes fails
		}
		return b
	}
	aead, err := chacha20poly1305.NewX(part("seal"))
	if err != nil {
		return nil, err
	}
	return &Key{seal: aead, sign: part("sign"), attest: newAttester(part("attest")), print: hex.EncodeToString(part("fingerprint")[:8])}, nil
}

// Fingerprint tells keys apart and says nothing else of them: the database keeps it, so that a wrong key is noticed at the start.
func (k *Key) Fingerprint() string { return k.print }

// Seal encrypts plain for a context, such as "trunk:ID"; Open wants the same one.
func (k *Key) Seal(plain []byte, context string) ([]byte, error) {
	nonce := make([]byte, k.seal.NonceSize(), k.seal.NonceSize()+len(plain)+k.seal.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return k.seal.Seal(nonce, nonce, plain, []byte(context)), nil
}

// Open decrypts what Seal made for the same context; ErrOpen when it cannot.
func (k *Key) Open(sealed []byte, context string) ([]byte, error) {
	n := k.seal.NonceSize()
	if len(sealed) < n {
		return nil, ErrOpen
	}
	plain, err := k.seal.Open(nil, sealed[:n], sealed[n:], []byte(context))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Sign makes a tag over parts for a link; the same parts always give the same tag. Compare with Signed.
func (k *Key) Sign(parts ...string) string {
	m := hmac.New(sha256.New, k.sign)
	for _, p := range parts {
		fmt.Fprintf(m, "%d:%s", len(p), p)
	}
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// Signed says whether tag is Sign's of parts, in constant time.
func (k *Key) Signed(tag string, parts ...string) bool {
	return hmac.Equal([]byte(tag), []byte(k.Sign(parts...)))
}

// NewToken makes an environment token and the hash that the store keeps of it.
func NewToken() (token, hash string) {
	token = parley.TokenPrefix + NewSecret()
	return token, HashToken(token)
}

// NewSecret is a text of 240 random bits.
func NewSecret() string {
	raw := make([]byte, 30)
	_, _ = rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}

// HashToken is hex SHA-256: enough for a secret of 240 random bits, which nobody can guess.
func HashToken(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}
