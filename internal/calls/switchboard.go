// Package calls is the switchboard: it starts, counts, drains and ends live calls and owns their goroutines. A call is a row from
// its first moment; the row is held under a lease by the node that runs it, so that a dead process blocks nobody for ever. Sound is
// convo's business, networks are the doors'; the switchboard joins a media.Leg to a conversation and writes down what came of it.
package calls

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/store"
)

// Config holds the switchboard's limits and clocks.
type Config struct {
	NodeID            string        // survives restarts of the same data directory
	Max               int           // live calls of this node; 0 does not limit
	MaxPerEnvironment int           // open calls of an environment; 0 does not limit
	MaxDuration       time.Duration // of any call
	OutboundPrefixes  []string      // such as +44; empty allows the countries of the trunk's DIDs
	Lease             time.Duration // a call whose node has not renewed it for so long is lost
	ConnectWithin     time.Duration // for an outside caller to open its transport
	DrainWithin       time.Duration // for calls to end by themselves at shutdown
}

// Defaults of everything that may be left out.
func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.MaxDuration, time.Hour)
	set(&c.Lease, 30*time.Second)
	set(&c.ConnectWithin, 3*time.Minute)
	set(&c.DrainWithin, 30*time.Second)
	return c
}

// Deps are what the switchboard uses.
type Deps struct {
	Store  store.Store
	Blobs  store.Blobs
	Dialer media.Dialer
	// Engines gives what a conversation needs, by the agent's engine name (empty is the default); an error names the remedy.
	Engines func(name string) (convo.Engines, error)
	// Events tells the outside what happens; nil tells nobody.
	Events teller
	// Price says what a finished call costs its environment; nil charges nothing.
	Price func(c *parley.Call) float64
	// Requester runs webhook actions of agents.
	Requester convo.Requester
	// Targets are whom the agent of a call may give its callers to; nil for nobody.
	Targets func(c *parley.Call) []Target
	// Unseal opens the sealed password of a trunk.
	Unseal func(t *parley.SIPTrunk) (string, error)
	// NewToken makes a secret and its hash for the transport of an outside call.
	NewToken func() (token, hash string)
	// HashToken hashes a token as the store keeps it.
	HashToken func(token string) string
	// Authenticate tells whose an environment token is.
	Authenticate func(ctx context.Context, token string) (parley.Actor, error)
	Log          *slog.Logger
}

// Switchboard runs calls.
type Switchboard struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	journal *journal
	traces  *traces
	phrases *convo.Phrases // rendered once for all calls

	mu       sync.Mutex
	live     map[string]*live // by call id
	draining bool
	wg       sync.WaitGroup
}

// New makes a switchboard; Run must be running before calls come.
func New(cfg Config, deps Deps) *Switchboard {
	j := newJournal(deps)
	return &Switchboard{cfg: cfg.withDefaults(), deps: deps, log: deps.Log, journal: j, traces: newTraces(j.putSIP),
		phrases: convo.NewPhrases(), live: map[string]*live{}}
}

// Run closes what an earlier life of this node left open, then renews leases and writes the journal until ctx ends; then it drains.
func (s *Switchboard) Run(ctx context.Context) error {
	s.recoverOwn(ctx)
	journalCtx, stopJournal := context.WithCancel(context.WithoutCancel(ctx))
	defer stopJournal()
	written := make(chan struct{})
	go func() { defer close(written); s.journal.run(journalCtx) }()
	beat := time.NewTicker(s.cfg.Lease / 3)
	defer beat.Stop()
	ear := time.NewTicker(listen)
	defer ear.Stop()
	for {
		select {
		case <-ear.C:
			s.obey(ctx)
		case <-beat.C:
			s.renew(ctx)
			s.hangUpOrphans(ctx)
			s.traces.prune(time.Now(), func(id string) bool { return s.find(id) != nil })
		case <-ctx.Done():
			s.drain()
			s.journal.close()
			<-written
			return nil
		}
	}
}

func (s *Switchboard) renew(ctx context.Context) {
	err := s.deps.Store.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		return tx.RenewLeases(ctx, s.cfg.NodeID, parley.Stamp(time.Now().Add(s.cfg.Lease)))
	})
	if err != nil && ctx.Err() == nil {
		s.log.Warn("leases of live calls not renewed", "error", err)
	}
}

// Refuse makes the switchboard turn away new calls, which is the first step of a shutdown.
func (s *Switchboard) Refuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

// endWithin is how long calls that were told to end may take for it.
const endWithin = 20 * time.Second

// drain waits for calls to end by themselves, then ends them, then waits for their goroutines.
func (s *Switchboard) drain() {
	s.Refuse()
	idle := make(chan struct{})
	go func() { s.wg.Wait(); close(idle) }()
	if within(idle, s.cfg.DrainWithin) {
		return
	}
	for _, l := range s.lives() {
		l.end(parley.EndedServerStopped)
	}
	if !within(idle, endWithin) {
		s.log.Error("calls did not end when told to", "calls", s.Live())
	}
}

func within(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

func (s *Switchboard) lives() []*live {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*live, 0, len(s.live))
	for _, l := range s.live {
		all = append(all, l)
	}
	return all
}

// Live counts the calls that run here.
func (s *Switchboard) Live() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)
}

// Full says whether another call would be one too many, or none are taken any more.
func (s *Switchboard) Full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining || s.cfg.Max > 0 && len(s.live) >= s.cfg.Max
}

// enter makes room for a call that this node is to run, before its row says so: whoever finds an open row of this node finds the
// live call too. nil means that there is no room. leave must follow.
func (s *Switchboard) enter(callID string) *live {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining || s.cfg.Max > 0 && len(s.live) >= s.cfg.Max || s.live[callID] != nil {
		return nil
	}
	l := newLive(callID)
	s.live[callID] = l
	s.wg.Add(1)
	return l
}

func (s *Switchboard) leave(l *live) {
	s.mu.Lock()
	delete(s.live, l.id)
	s.mu.Unlock()
	s.wg.Done()
}

func (s *Switchboard) find(callID string) *live {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[callID]
}
