package actions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/parley-voice/parley"
)

const (
	// mostTokens bounds the cache; a full one is emptied.
	mostTokens = 1000
	// lifetime is that of a token that names none.
	lifetime = 5 * time.Minute
	// longest bounds what a token says of itself.
	longest = 24 * time.Hour
	// early is how long before its end a token is not used any more.
	early = 10 * time.Second
)

// errNoToken says that the answer of an authorization URL holds none.
var errNoToken = errors.New("actions: the authorization URL gave no token")

// tokens are those that authorization URLs gave, until they expire.
type tokens struct {
	mu   sync.Mutex
	kept map[string]token
}

type token struct {
	value string
	until time.Time
}

func newTokens() *tokens { return &tokens{kept: map[string]token{}} }

// keyOf changes with everything that the token was asked with.
func keyOf(act *parley.Action) string {
	return act.ID + " " + *act.AuthorizationURL + " " + string(act.SealedHeaders)
}

func (t *tokens) find(act *parley.Action) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.kept[keyOf(act)]
	return k.value, ok && time.Now().Before(k.until)
}

func (t *tokens) keep(act *parley.Action, value string, life time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) >= mostTokens {
		clear(t.kept)
	}
	t.kept[keyOf(act)] = token{value, time.Now().Add(life - early)}
}

func (t *tokens) forget(act *parley.Action) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.kept, keyOf(act))
}

func (t *tokens) clear() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.kept)
	clear(t.kept)
	return n
}

// authorize puts the token of the authorization URL, if there is one, into headers. cached says that it was not fetched just now.
func (a *Actions) authorize(ctx context.Context, act *parley.Action, headers http.Header) (cached bool, err error) {
	if act.AuthorizationURL == nil {
		return false, nil
	}
	value, cached := a.tokens.find(act)
	if !cached {
		if value, err = a.fetch(ctx, act); err != nil {
			return false, err
		}
	}
	switch act.Scheme {
	case "basic":
		headers.Set("Authorization", "Basic "+value)
	case "api_key":
		headers.Set("X-API-Key", value)
	case "custom":
		headers.Set("Authorization", value)
	default: // a token that was asked for is of use as a bearer's
		headers.Set("Authorization", "Bearer "+value)
	}
	return cached, nil
}

// fetch asks for a token with the custom headers, as a client that shows its credentials (RFC 6749 §4.4).
func (a *Actions) fetch(ctx context.Context, act *parley.Action) (string, error) {
	headers, err := a.headers(act)
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, *act.AuthorizationURL, strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return "", err
	}
	r.Header = headers
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, answer, err := a.do(r)
	if err != nil {
		return "", err
	}
	var given struct {
		Access  string  `json:"access_token"`
		Token   string  `json:"token"`
		Seconds float64 `json:"expires_in"`
	}
	if status < 200 || status > 299 || json.Unmarshal(answer, &given) != nil {
		return "", fmt.Errorf("%w: status %d", errNoToken, status)
	}
	if given.Access == "" {
		given.Access = given.Token
	}
	if given.Access == "" {
		return "", errNoToken
	}
	life := lifetime
	if s := given.Seconds; s > 0 {
		life = min(longest, time.Duration(min(s, longest.Seconds())*float64(time.Second)))
	}
	a.tokens.keep(act, given.Access, life)
	return given.Access, nil
}
