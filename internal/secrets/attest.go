package secrets

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// ErrForged says that a statement was not signed by one of the keys, or was changed.
var ErrForged = errors.New("secrets: the signature does not fit")

// ErrNoKeys says that there is nothing to check a statement with.
var ErrNoKeys = errors.New("secrets: no JWK set with a key in it, as /.well-known/jwks.json gives it")

// attester signs statements by an Ed25519 key of its own, which comes of the master key: all nodes of an installation sign alike.
type attester struct {
	private ed25519.PrivateKey
	public  jose.JSONWebKey
}

func newAttester(seed []byte) attester {
	private := ed25519.NewKeyFromSeed(seed)
	public := private.Public().(ed25519.PublicKey)
	h := sha256.Sum256(public)
	return attester{private, jose.JSONWebKey{
		Key: public, KeyID: base64.RawURLEncoding.EncodeToString(h[:9]), Algorithm: string(jose.EdDSA), Use: "sig",
	}}
}

// Attest signs a payload, as JSON, as a compact JWS (RFC 7515) with EdDSA (RFC 8037). The same payload always gives the same text.
func (k *Key) Attest(payload any) (string, error) {
	b, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: k.attest.private},
		(&jose.SignerOptions{}).WithHeader("kid", k.attest.public.KeyID))
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	s, err := signer.Sign(b)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return s.CompactSerialize()
}

// PublicKeys is the JWK set (RFC 7517) that statements are verified with.
func (k *Key) PublicKeys() ([]byte, error) {
	return json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k.attest.public}})
}

// Verify checks a compact JWS of Attest with a JWK set and returns its payload; ErrForged when the signature does not fit, ErrNoKeys when the
// set holds no key.
func Verify(statement string, keys []byte) ([]byte, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(keys, &set); err != nil || len(set.Keys) == 0 {
		return nil, ErrNoKeys
	}
	s, err := jose.ParseSignedCompact(statement, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return nil, fmt.Errorf("no statement in the form of a compact JWS: %w", err)
	}
	payload, err := s.Verify(set)
	if err != nil {
		return nil, ErrForged
	}
	return payload, nil
}
