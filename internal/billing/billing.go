// Package billing says what calls cost and sums them up: prices a minute by agent, the charge of a finished call, and totals over hours,
// days, weeks and months in UTC. Prices are the operator's, in one currency; test calls cost nothing and are left out of sums.
package billing

import (
	"context"
	"sync"
	"time"

	"github.com/nyaruka/phonenumbers"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// What a minute of conversation takes of a language model on average, for the estimate that calls are charged by: about five turns, each with
// the agent's texts before it.
const (
	inputTokens  = 6000
	outputTokens = 200
)

// Tiers of voices that pricing knows beside the templates' own.
const (
	tierBasic        = "basic"
	tierHighFidelity = "high_fidelity"
)

// AnyCountry is the key of a price of transport that holds where no country has its own.
const AnyCountry = "*"

// Prices are what the operator charges. The zero value is free of charge.
type Prices struct {
	Currency          string             // ISO 4217
	Voice             map[string]float64 // a minute, by tier
	Transcription     float64            // a minute
	Input, Output     float64            // a thousand tokens of the language model
	Outbound, Inbound map[string]float64 // a minute, by ISO 3166 country of the agent's number, or AnyCountry
}

// Deps are what the room uses.
type Deps struct {
	Store  store.Store
	Prices Prices
	// Template finds a voice template by id.
	Template func(id string) (*parley.VoiceTemplate, bool)
}

// Billing is the room. Make it with New.
type Billing struct {
	deps Deps

	mu    sync.Mutex
	cache map[question]kept
}

// New makes the room.
func New(deps Deps) *Billing { return &Billing{deps: deps, cache: map[question]kept{}} }

// Currency of all prices.
func (b *Billing) Currency() string { return b.deps.Prices.Currency }

// Quote is the price of an agent's conversations.
type Quote struct {
	AgentID             string
	Currency            string
	Tier                string
	Country             string
	Voice               float64 // a minute
	Transcription       float64 // a minute
	Input, Output       float64 // a thousand tokens
	Outbound, Inbound   float64 // a minute
	Minute              float64 // all of it, by the agent's direction
	InitialMessageCache bool
	At                  time.Time
}

// Quote prices an agent as it stands.
func (b *Billing) Quote(ctx context.Context, actor parley.Actor, agentID string) (q Quote, err error) {
	if err := actor.Require(parley.ReadAgents); err != nil {
		return q, err
	}
	err = b.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		a, err := tx.Agent(ctx, actor.EnvironmentID, agentID)
		if err != nil {
			return err
		}
		numbers, err := tx.NumbersOf(ctx, a.ID)
		if err != nil {
			return err
		}
		country := ""
		if own := numbers[a.ID]; len(own) > 0 {
			country = own[0].CountryCode
		}
		q = b.quote(a, country)
		return nil
	})
	return q, err
}

func (b *Billing) quote(a *parley.Agent, country string) Quote {
	p := b.deps.Prices
	q := Quote{
		AgentID: a.ID, Currency: p.Currency, Tier: b.tier(a), Country: country, Transcription: p.Transcription, Input: p.Input, Output: p.Output,
		Outbound: byCountry(p.Outbound, country), Inbound: byCountry(p.Inbound, country),
		InitialMessageCache: a.Advanced.InitialMessageCache, At: time.Now(),
	}
	q.Voice = p.Voice[q.Tier]
	q.Minute = q.Voice + q.Transcription + q.Input*inputTokens/1000 + q.Output*outputTokens/1000
	if a.Direction == parley.Outbound {
		q.Minute += q.Outbound
	} else {
		q.Minute += q.Inbound
	}
	return q
}

// tier of an agent's voice: high_fidelity for one that takes similarity and stability (contract notes, C16).
func (b *Billing) tier(a *parley.Agent) string {
	if a.Voice == nil {
		return tierBasic
	}
	t, ok := b.deps.Template(a.Voice.TemplateID)
	switch {
	case !ok:
		return tierBasic
	case t.HighFidelity:
		return tierHighFidelity
	}
	return t.Tier
}

func byCountry(prices map[string]float64, country string) float64 {
	if p, ok := prices[country]; ok {
		return p
	}
	return prices[AnyCountry]
}

// Price is what a finished call costs: its time from the answer to the end, by the second, at the quote of the agent that it ran on.
func (b *Billing) Price(c *parley.Call) float64 {
	if c.Testing || c.Snapshot == nil {
		return 0
	}
	own := c.To
	if c.Direction == parley.Outbound {
		own = c.From
	}
	country := ""
	if n, err := phonenumbers.Parse(own, ""); err == nil {
		country = phonenumbers.GetRegionCodeForNumber(n)
	}
	a := c.Snapshot.Agent
	a.Direction = c.Direction
	return b.quote(&a, country).Minute * c.Duration().Round(time.Second).Minutes()
}
