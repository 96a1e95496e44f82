package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/billing"
)

// granularity of buckets.
type granularity string

// Schema lists them.
func (granularity) Schema(huma.Registry) *huma.Schema {
	return oneOf(string(billing.Hourly), string(billing.Daily), string(billing.Weekly), string(billing.Monthly))
}

// RangeQuery picks the calls of a sum.
type RangeQuery struct {
	Start      string    `json:"start_date" required:"false" format:"date" doc:"Inclusive day."`
	End        string    `json:"end_date" required:"false" format:"date" doc:"Inclusive day; today when left out."`
	AgentID    string    `json:"agent_id" required:"false"`
	CampaignID string    `json:"campaign_id" required:"false"`
	Direction  direction `json:"direction" required:"false"`
}

func (q RangeQuery) rows() billing.Range {
	r := billing.Range{AgentID: q.AgentID, Direction: parley.Direction(q.Direction)}
	if q.CampaignID != "" { // no call belongs to one
		r.AgentID = noAgent
	}
	// What is no date was found wrong before and leaves these zero.
	r.Start, _ = time.Parse(time.DateOnly, q.Start)
	r.End, _ = time.Parse(time.DateOnly, q.End)
	return r
}

// noAgent is the id of no agent.
const noAgent = "-"

type summaryQuery struct {
	Granularity granularity `json:"granularity" required:"false" default:"daily"`
	RangeQuery
}

type periodJSON struct {
	Start string `json:"start" format:"date"`
	End   string `json:"end" format:"date"`
}

func showPeriod(r billing.Range) periodJSON {
	return periodJSON{r.Start.Format(time.DateOnly), r.End.Format(time.DateOnly)}
}

// SumsJSON are the figures of some calls.
type SumsJSON struct {
	Calls     int     `json:"total_calls" minimum:"0"`
	Completed int     `json:"completed_calls" minimum:"0"`
	Failed    int     `json:"failed_calls" minimum:"0"`
	Busy      int     `json:"busy_calls" minimum:"0"`
	NoAnswer  int     `json:"no_answer_calls" minimum:"0"`
	Seconds   int     `json:"total_duration_seconds" minimum:"0"`
	Average   float64 `json:"average_duration_seconds" minimum:"0"`
	Cost      price   `json:"total_cost"`
}

func showSums(s billing.Sum) SumsJSON {
	return SumsJSON{
		Calls: s.Calls, Completed: s.Completed, Failed: s.Failed, Busy: s.Busy, NoAnswer: s.NoAnswer, Seconds: int(s.Talk.Seconds()),
		Average: s.Average().Round(time.Millisecond).Seconds(), Cost: price(s.Cost),
	}
}

type bucketJSON struct {
	Start stamp `json:"period_start"`
	End   stamp `json:"period_end"`
	SumsJSON
}

type summaryJSON struct {
	Granularity granularity  `json:"granularity"`
	Period      periodJSON   `json:"period"`
	Buckets     []bucketJSON `json:"buckets" nullable:"false"`
}

type totalsJSON struct {
	Period periodJSON `json:"period"`
	SumsJSON
	Currency string `json:"currency"`
}

func (a *api) summaryRoutes() {
	const path = "/api/v1/call-summaries"
	handle(a, op{
		id: "getCallSummaries", method: http.MethodGet, path: path, tag: "Call Summaries", summary: "Get call totals per time bucket",
		codes: []parley.Code{parley.Unauthorized, parley.ValidationError},
	}, a.getSummaries)
	handle(a, op{
		id: "getCallSummaryTotals", method: http.MethodGet, path: path + "/totals", tag: "Call Summaries", summary: "Get call totals over a range",
		codes: []parley.Code{parley.Unauthorized, parley.ValidationError},
	}, a.getTotals)
	handle(a, op{
		id: "clearCallSummaryCache", method: http.MethodDelete, path: path + "/cache", tag: "Call Summaries", summary: "Drop cached summaries",
		shape: doneShape, message: "Call summary cache cleared", codes: []parley.Code{parley.Unauthorized},
	}, func(_ context.Context, r *in[none, none]) (none, error) {
		return none{}, a.deps.Billing.Forget(r.actor)
	})
}

func (a *api) getSummaries(ctx context.Context, r *in[summaryQuery, none]) (summaryJSON, error) {
	g := billing.Granularity(r.query.Granularity)
	if g == "" {
		g = billing.Daily
	}
	sums, period, err := a.deps.Billing.Buckets(ctx, r.actor, g, r.query.rows(), r.faults)
	return summaryJSON{
		Granularity: granularity(g), Period: showPeriod(period),
		Buckets: each(sums, func(s billing.Sum) bucketJSON { return bucketJSON{stamp(s.Start), stamp(s.End), showSums(s)} }),
	}, err
}

func (a *api) getTotals(ctx context.Context, r *in[RangeQuery, none]) (totalsJSON, error) {
	sum, period, err := a.deps.Billing.Totals(ctx, r.actor, r.query.rows(), r.faults)
	return totalsJSON{Period: showPeriod(period), SumsJSON: showSums(sum), Currency: a.deps.Billing.Currency()}, err
}
