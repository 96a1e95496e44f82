package secrets

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"gocloud.dev/secrets"
	"gocloud.dev/secrets/hashivault"
	"gocloud.dev/secrets/localsecrets"
)

// WrappedName is the file below the data directory that holds the master key as a service for keys has wrapped it.
const WrappedName = "master.key.wrapped"

// kmsWithin bounds what a service for keys may take at a start.
const kmsWithin = 30 * time.Second

// Schemes of services for keys.
const (
	schemeVault = hashivault.Scheme   // hashivault://KEY, of Vault's or OpenBao's transit engine, by VAULT_ADDR and VAULT_TOKEN
	schemeLocal = localsecrets.Scheme // base64key://KEY, a key in place of a service
)

// unwrap has a service open the master key that lies wrapped in a directory. At the first start the key is made, or taken from an unwrapped file
// that is there, and wrapped.
func unwrap(address, dir string) (*Key, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), kmsWithin, errors.New("the service for keys did not answer in time"))
	defer cancel()
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("master_key: neither a key nor the URL of a service for keys") // the error would hold the key
	}
	keeper, err := openKeeper(ctx, u)
	if err != nil {
		return nil, err
	}
	raw, err := throughKeeper(ctx, keeper, dir)
	if err = errors.Join(err, keeper.Close()); err != nil {
		return nil, fmt.Errorf("master key by %s: %w", u.Scheme, err)
	}
	return Parse(hex.EncodeToString(raw))
}

func throughKeeper(ctx context.Context, keeper *secrets.Keeper, dir string) ([]byte, error) {
	path := filepath.Join(dir, WrappedName)
	wrapped, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		wrapped, err = wrap(ctx, keeper, dir, path)
	}
	if err != nil {
		return nil, err
	}
	raw, err := keeper.Decrypt(ctx, wrapped)
	if err != nil {
		return nil, fmt.Errorf("unwrap %s: %w", path, err)
	}
	return raw, nil
}

// wrap makes the file of the wrapped key.
func wrap(ctx context.Context, keeper *secrets.Keeper, dir, path string) ([]byte, error) {
	raw := random()
	if text, err := os.ReadFile(filepath.Join(dir, FileName)); err == nil { // what it sealed is to be read on
		if raw, err = decode(strings.TrimSpace(string(text))); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	wrapped, err := keeper.Encrypt(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("wrap a new key: %w", err)
	}
	return create(path, wrapped)
}

func openKeeper(ctx context.Context, u *url.URL) (*secrets.Keeper, error) {
	switch u.Scheme {
	case schemeLocal:
		k, err := new(localsecrets.URLOpener).OpenKeeperURL(ctx, u)
		if err != nil || u.Host == "" { // which would be a new key at each start
			return nil, errors.New("master_key: base64key:// wants 32 bytes in URL-safe base64")
		}
		return k, nil
	case schemeVault:
		client, err := api.NewClient(api.DefaultConfig()) // by VAULT_ADDR, VAULT_TOKEN and the like
		if err != nil {
			return nil, fmt.Errorf("master_key: %w", err)
		}
		return (&hashivault.URLOpener{Client: client}).OpenKeeperURL(ctx, u)
	}
	return nil, fmt.Errorf("master_key: %q is no service for keys that is known: %s or %s", u.Scheme, schemeVault, schemeLocal)
}
