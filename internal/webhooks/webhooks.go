// Package webhooks tells the outside world of what happens to agents. An event is written in the transaction of its fact, one row for each
// webhook that listens; jobs send the rows. First attempts leave in the order of the events of a call, a failed one comes again by itself and
// holds up none that follow, and a slow receiver holds up nobody else. Each event arrives at least once, under an id that repeated attempts
// share. The package opens no socket: requests go through the client that it is given.
package webhooks

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/parley-voice/parley/internal/store"
)

// vault seals what lets others in at a receiver.
type vault interface {
	Seal(plain []byte, context string) ([]byte, error)
	Open(sealed []byte, context string) ([]byte, error)
}

// Deps are what the room uses.
type Deps struct {
	Store store.Store
	Vault vault
	// Client sends requests. It bounds no time, follows no redirect, and refuses addresses that users may not reach.
	Client *http.Client
	// CheckURL says why a URL can never be requested.
	CheckURL func(url string) error
	// PublicURL is how clients reach the API, for links in events; empty leaves links without a host.
	PublicURL string
	// Delay is how long a delivery waits after its nth attempt failed; nil takes the usual schedule.
	Delay func(attempt int) time.Duration
	Log   *slog.Logger
}

// Webhooks is the room. Make it with New.
type Webhooks struct {
	deps      Deps
	endpoints *endpoints
}

// New makes the room.
func New(deps Deps) *Webhooks {
	if deps.Delay == nil {
		deps.Delay = growing
	}
	return &Webhooks{deps: deps, endpoints: newEndpoints()}
}

// schedule is how long a delivery waits after each failed attempt; the last value is for all further ones.
var schedule = []time.Duration{
	10 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
}

// growing takes the schedule and adds up to a quarter, so that receivers which come back do not meet everything at once.
func growing(attempt int) time.Duration {
	d := schedule[min(max(attempt, 1), len(schedule))-1]
	return d + rand.N(d/4)
}
