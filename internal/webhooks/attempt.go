package webhooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/parley-voice/parley"
)

// message is what one request carries.
type message struct {
	id       string
	sequence int64 // 0 for none
	body     []byte
}

// outcome is what came of an attempt, as its log shows it.
type outcome struct {
	status   int // 0 when no answer came
	headers  map[string]string
	response string
	fault    string // empty for a success
	took     time.Duration
}

// errAttempt is the cause of an attempt that took too long.
var errAttempt = errors.New("the receiver took longer than the webhook's timeout")

// attempt sends a message once and waits for the answer, for as long as the webhook says. An error is ours, not the receiver's.
func (w *Webhooks) attempt(ctx context.Context, hook *parley.Webhook, m message) (outcome, error) {
	secret, headers, err := w.unseal(hook)
	if err != nil {
		return outcome{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, hook.Timeout, errAttempt)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, hook.Method, hook.URL, bytes.NewReader(m.body))
	if err != nil {
		return outcome{}, fmt.Errorf("request to webhook %s: %w", hook.ID, err)
	}
	address(req.Header, m, secret, headers, time.Now())
	hide := newRedactor(secret, headers)
	start := time.Now()
	res, err := w.deps.Client.Do(req)
	if err != nil {
		return outcome{fault: reason(err), took: time.Since(start)}, nil
	}
	defer func() { _ = res.Body.Close() }()                              // it was only read
	text, _ := io.ReadAll(io.LimitReader(res.Body, mostResponse+beyond)) // the status has decided; of the answer the log keeps what came
	o := outcome{status: res.StatusCode, headers: hide.headers(res.Header), response: hide.response(text), took: time.Since(start)}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		o.fault = strings.TrimSpace(fmt.Sprintf("HTTP %d %s", res.StatusCode, http.StatusText(res.StatusCode)))
	}
	return o, nil
}

// address fills in the headers of a request: those of the user, then ours, which nobody replaces. Receivers find the contract's signature
// and, beside it, that of standard-webhooks.
func address(h http.Header, m message, secret []byte, custom []parley.Header, now time.Time) {
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Parley-Webhooks/1")
	for _, c := range custom {
		h.Set(c.Key, c.Value)
	}
	h.Set(standardwebhooks.HeaderWebhookID, m.id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	if m.sequence > 0 {
		h.Set("X-Webhook-Sequence", strconv.FormatInt(m.sequence, 10))
	}
	if len(secret) == 0 {
		return
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(m.body)
	h.Set("X-Webhook-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	if signature, err := standardKey(secret).Sign(m.id, now, m.body); err == nil {
		h.Set(standardwebhooks.HeaderWebhookSignature, signature)
	}
}

// standardKey takes a secret of the standard's form for what it encodes, and any other as it is.
func standardKey(secret []byte) *standardwebhooks.Webhook {
	if strings.HasPrefix(string(secret), "whsec_") {
		if key, err := standardwebhooks.NewWebhook(string(secret)); err == nil {
			return key
		}
	}
	key, _ := standardwebhooks.NewWebhookRaw(secret) // never fails
	return key
}

// forbidden is the error of an address that users may not reach.
type forbidden interface {
	error
	Forbidden() bool
}

// reason says in a few words why no answer came; what else the error holds is nobody's business.
func reason(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "Host not found"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "TLS certificate is not valid"
	}
	if _, ok := errors.AsType[forbidden](err); ok {
		return "Address not allowed"
	}
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errAttempt) || isNet && timeout.Timeout():
		return "Connection timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Connection refused"
	case errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "Connection closed by the receiver"
	}
	return "Connection failed"
}
