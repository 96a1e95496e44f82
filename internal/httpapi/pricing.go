package httpapi

import (
	"context"
	"encoding/json"
	"math"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
)

type eligibilityJSON struct {
	Eligible  bool `json:"eligible"`
	Current   int  `json:"current_calls" minimum:"0"`
	Required  int  `json:"required_calls" minimum:"0"`
	Days      int  `json:"threshold_days" minimum:"1"`
	Remaining int  `json:"calls_remaining,omitempty" minimum:"0" doc:"Only while not eligible."`
}

// tier of a voice as pricing names it.
type tier string

// Schema lists them.
func (tier) Schema(huma.Registry) *huma.Schema {
	return oneOf("basic", "pro", "ultra", "beta", "high_fidelity")
}

// price is an amount without the noise of binary fractions.
type price float64

// MarshalJSON rounds to a millionth.
func (p price) MarshalJSON() ([]byte, error) { return json.Marshal(math.Round(float64(p)*1e6) / 1e6) }

// Schema describes it.
func (price) Schema(huma.Registry) *huma.Schema {
	zero := 0.0
	return &huma.Schema{Type: huma.TypeNumber, Minimum: &zero}
}

// MinutePriceJSON is a price by the minute.
type MinutePriceJSON struct {
	Unit  string `json:"unit" enum:"per_minute"`
	Price price  `json:"price"`
}

type voicePriceJSON struct {
	MinutePriceJSON
	Tier tier `json:"tier"`
}

type tokenPriceJSON struct {
	Unit   string `json:"unit" enum:"per_1k_tokens"`
	Input  price  `json:"input_price"`
	Output price  `json:"output_price"`
}

type transportPriceJSON struct {
	Country string `json:"country_code" doc:"Of the agent's first number; empty without one."`
	MinutePriceJSON
}

type pricingJSON struct {
	AgentID    string `json:"agent_id"`
	Currency   string `json:"currency"`
	Components struct {
		Voice         voicePriceJSON  `json:"voice_synthesis"`
		Transcription MinutePriceJSON `json:"transcription"`
		Model         tokenPriceJSON  `json:"language_model"`
	} `json:"components"`
	Transport struct {
		Outbound transportPriceJSON `json:"outbound"`
		Inbound  transportPriceJSON `json:"inbound"`
	} `json:"transport"`
	Minute       price `json:"estimated_cost_per_minute"`
	CalculatedAt stamp `json:"calculated_at"`
}

type pricingSummaryJSON struct {
	AgentID   string `json:"agent_id"`
	Currency  string `json:"currency"`
	Minute    price  `json:"estimated_cost_per_minute"`
	Tier      tier   `json:"voice_quality_tier"`
	Optimized bool   `json:"optimized_costs_enabled"`
}

// pricingRoutes tell what an agent's calls cost.
func (a *api) pricingRoutes() {
	agent := func(id, path, summary string) op {
		return op{
			id: id, method: http.MethodGet, path: "/api/v1/agents/{agent_id}" + path, tag: "Agents", summary: summary,
			codes: []parley.Code{parley.Unauthorized, parley.AgentNotFound},
		}
	}
	handle(a, agent("getAgentOptimizedCostsEligibility", "/optimized-costs-eligibility", "Check optimized-cost eligibility"), a.getEligibility)
	handle(a, agent("getAgentPricing", "/pricing", "Get the price breakdown"), a.getPricing)
	handle(a, agent("getAgentPricingSummary", "/pricing/summary", "Get the price in one line"), a.getPricingSummary)
}

func (a *api) getEligibility(ctx context.Context, r *in[none, none]) (eligibilityJSON, error) {
	e, err := a.deps.Agents.Eligibility(ctx, r.actor, r.id("agent_id"))
	return eligibilityJSON{
		Eligible: e.Eligible(), Current: e.Calls, Required: e.Required, Days: e.Days, Remaining: max(0, e.Required-e.Calls),
	}, err
}

func (a *api) getPricing(ctx context.Context, r *in[none, none]) (out pricingJSON, err error) {
	q, err := a.deps.Billing.Quote(ctx, r.actor, r.id("agent_id"))
	if err != nil {
		return out, err
	}
	minute := func(p float64) MinutePriceJSON { return MinutePriceJSON{"per_minute", price(p)} }
	out.AgentID, out.Currency, out.Minute, out.CalculatedAt = q.AgentID, q.Currency, price(q.Minute), stamp(q.At)
	out.Components.Voice = voicePriceJSON{minute(q.Voice), tier(q.Tier)}
	out.Components.Transcription = minute(q.Transcription)
	out.Components.Model = tokenPriceJSON{"per_1k_tokens", price(q.Input), price(q.Output)}
	out.Transport.Outbound = transportPriceJSON{q.Country, minute(q.Outbound)}
	out.Transport.Inbound = transportPriceJSON{q.Country, minute(q.Inbound)}
	return out, nil
}

func (a *api) getPricingSummary(ctx context.Context, r *in[none, none]) (pricingSummaryJSON, error) {
	q, err := a.deps.Billing.Quote(ctx, r.actor, r.id("agent_id"))
	return pricingSummaryJSON{
		AgentID: q.AgentID, Currency: q.Currency, Minute: price(q.Minute), Tier: tier(q.Tier), Optimized: q.InitialMessageCache,
	}, err
}
