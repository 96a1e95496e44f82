package webhooks

import (
	"encoding/json"
	"fmt"

	"github.com/parley-voice/parley"
)

// What is sealed of a webhook.
const (
	sealedSecret  = "secret"
	sealedHeaders = "headers"
)

func purpose(id, part string) string { return "webhook:" + id + ":" + part }

// sealSecret keeps the secret of a webhook; nil or empty keeps none.
func (w *Webhooks) sealSecret(row *parley.Webhook, secret *string) (err error) {
	row.SealedSecret = nil
	if secret != nil && *secret != "" {
		row.SealedSecret, err = w.seal(row, sealedSecret, []byte(*secret))
	}
	return err
}

// sealHeaders keeps the headers of a webhook, which may hold credentials.
func (w *Webhooks) sealHeaders(row *parley.Webhook, headers []parley.Header) error {
	row.SealedHeaders = nil
	if headers == nil {
		return nil
	}
	plain, err := json.Marshal(headers)
	if err != nil {
		return err
	}
	row.SealedHeaders, err = w.seal(row, sealedHeaders, plain)
	return err
}

func (w *Webhooks) seal(row *parley.Webhook, part string, plain []byte) ([]byte, error) {
	sealed, err := w.deps.Vault.Seal(plain, purpose(row.ID, part))
	if err != nil {
		return nil, fmt.Errorf("seal the %s of webhook %s: %w", part, row.ID, err)
	}
	return sealed, nil
}

// unseal opens both; what there is none of is empty.
func (w *Webhooks) unseal(row *parley.Webhook) (secret []byte, headers []parley.Header, err error) {
	if row.SealedSecret != nil {
		if secret, err = w.deps.Vault.Open(row.SealedSecret, purpose(row.ID, sealedSecret)); err != nil {
			return nil, nil, fmt.Errorf("secret of webhook %s: %w", row.ID, err)
		}
	}
	if row.SealedHeaders != nil {
		plain, err := w.deps.Vault.Open(row.SealedHeaders, purpose(row.ID, sealedHeaders))
		if err == nil {
			err = json.Unmarshal(plain, &headers)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("headers of webhook %s: %w", row.ID, err)
		}
	}
	return secret, headers, nil
}
