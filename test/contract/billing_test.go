package contract

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

func near(a any, b float64) bool { v, ok := a.(float64); return ok && math.Abs(v-b) < 1e-9 }

// TestPricesAreThoseOfVoiceNumberAndDirection: 6,000 tokens in and 200 out a minute make 0.006 + 0.002.
func TestPricesAreThoseOfVoiceNumberAndDirection(t *testing.T) {
	h := open(t)
	out, _, _ := h.published(parley.Outbound, "+12025550150")
	in, _, _ := h.published(parley.Inbound, "+12025550151")
	bare := h.agent(nil)
	h.must(request{op: "updateAgentVoice", path: []string{in}, body: voiceBody(object{"voice_id": "fine", "similarity": 0.7, "stability": 0.7})})
	for _, c := range []struct {
		rule, agent, tier, country string
		minute                     float64
	}{
		{"an agent that calls out pays its country's way out", out, "basic", "US", 0.01 + 0.02 + 0.008 + 0.05},
		{"a voice that takes similarity is high fidelity", in, "high_fidelity", "US", 0.1 + 0.02 + 0.008 + 0.003},
		{"without voice and number the basic ones hold", bare, "basic", "", 0.01 + 0.02 + 0.008 + 0.003},
	} {
		full := h.must(request{op: "getAgentPricing", path: []string{c.agent}}).data()
		short := h.must(request{op: "getAgentPricingSummary", path: []string{c.agent}}).data()
		voice := full["components"].(object)["voice_synthesis"].(object)
		way := full["transport"].(object)["outbound"].(object)
		if !near(full["estimated_cost_per_minute"], c.minute) || !near(short["estimated_cost_per_minute"], c.minute) || voice["tier"] != c.tier ||
			short["voice_quality_tier"] != c.tier || way["country_code"] != c.country || full["currency"] != "EUR" {
			t.Errorf("%s: %v, %v", c.rule, full, short)
		}
	}
}

// finished writes calls of an agent as they end.
func (h *house) finished(agentID string, at time.Time, talk time.Duration, status parley.CallStatus, testing bool) *parley.Call {
	h.t.Helper()
	var c *parley.Call
	h.update(func(ctx context.Context, tx store.Tx) error {
		a, err := tx.Agent(ctx, "", agentID)
		if err != nil {
			return err
		}
		c = &parley.Call{
			ID: parley.NewID(), EnvironmentID: a.EnvironmentID, AgentID: a.ID, Direction: parley.Outbound, Status: status, Testing: testing,
			From: "+12025550150", To: "+12025550177", Snapshot: &parley.Snapshot{Agent: *a}, CreatedAt: at,
		}
		if talk > 0 {
			c.AnsweredAt, c.EndedAt = new(at), new(at.Add(talk))
		}
		c.Cost = h.billing.Price(c)
		return tx.InsertCall(ctx, c)
	})
	return c
}

func TestCallsAreSummedUpByTime(t *testing.T) {
	h := open(t)
	agent, other := h.agent(nil), h.agent(nil)
	day := time.Date(2026, 3, 4, 12, 30, 0, 0, time.UTC) // a Wednesday
	call := h.finished(agent, day, 2*time.Minute, parley.CallCompleted, false)
	h.finished(agent, day.AddDate(0, 0, 1), time.Minute, parley.CallCompleted, false)
	h.finished(agent, day.AddDate(0, 0, 7), 0, parley.CallBusy, false)
	h.finished(agent, day, time.Hour, parley.CallCompleted, true)
	h.finished(other, day, 0, parley.CallFailed, false)
	if perMinute := 0.01 + 0.02 + 0.008 + 0.05; math.Abs(call.Cost-2*perMinute) > 1e-9 {
		t.Errorf("two minutes cost %v", call.Cost)
	}
	const span = "start_date=2026-03-04&end_date=2026-03-12"
	sums := func(query string) []any {
		return h.must(request{op: "getCallSummaries", query: "?" + span + query}).data()["buckets"].([]any)
	}
	for _, c := range []struct {
		rule, query string
		buckets     int
		start       string
		calls       float64
	}{
		{"days", "", 9, "2026-03-04T00:00:00Z", 2},
		{"weeks begin on Monday", "&granularity=weekly", 2, "2026-03-02T00:00:00Z", 3},
		{"months", "&granularity=monthly", 1, "2026-03-01T00:00:00Z", 4},
		{"of an agent", "&agent_id=" + agent, 9, "2026-03-04T00:00:00Z", 1},
		{"inbound", "&direction=inbound", 9, "2026-03-04T00:00:00Z", 0},
		{"of a campaign", "&campaign_id=x", 9, "2026-03-04T00:00:00Z", 0},
	} {
		list := sums(c.query)
		first := list[0].(object)
		if len(list) != c.buckets || first["period_start"] != c.start || first["total_calls"] != c.calls {
			t.Errorf("%s: %d buckets, first %v", c.rule, len(list), first)
		}
	}
	total := h.must(request{op: "getCallSummaryTotals", query: "?" + span}).data()
	if total["total_calls"] != 4.0 || total["completed_calls"] != 2.0 || total["busy_calls"] != 1.0 || total["failed_calls"] != 1.0 ||
		total["total_duration_seconds"] != 180.0 || total["average_duration_seconds"] != 90.0 || total["currency"] != "EUR" {
		t.Errorf("totals %v", total)
	}
	hours := h.must(request{op: "getCallSummaries", query: "?granularity=hourly&start_date=2026-03-04&end_date=2026-03-04"}).data()["buckets"].([]any)
	if len(hours) != 24 || hours[12].(object)["total_calls"] != 2.0 {
		t.Errorf("hours %v", hours)
	}
	for _, query := range []string{"?granularity=hourly&" + span, "?start_date=2026-03-04&end_date=2026-03-03", "?start_date=2026-02-30"} {
		if a := h.call(request{op: "getCallSummaries", query: query}); a.status != 422 {
			t.Errorf("%s: %d", query, a.status)
		}
	}
}

// A sum is kept for a minute, until its own environment drops it.
func TestSumsAreKeptUntilDropped(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	calls := func() any { return h.must(request{op: "getCallSummaryTotals"}).data()["total_calls"] }
	if n := calls(); n != 0.0 {
		t.Fatalf("%v calls before any", n)
	}
	h.finished(agent, time.Now(), time.Minute, parley.CallCompleted, false)
	h.must(request{op: "clearCallSummaryCache", token: h.newToken("other")})
	if n := calls(); n != 0.0 {
		t.Errorf("another environment dropped the sum: %v", n)
	}
	h.must(request{op: "clearCallSummaryCache"})
	if n := calls(); n != 1.0 {
		t.Errorf("%v calls after the sum was dropped", n)
	}
}

func TestAnAgentThatCallsMuchIsEligible(t *testing.T) {
	h := open(t)
	agent := h.agent(nil)
	ask := func() object {
		return h.must(request{op: "getAgentOptimizedCostsEligibility", path: []string{agent}}).data()
	}
	h.finished(agent, time.Now(), time.Minute, parley.CallCompleted, false)
	h.finished(agent, time.Now(), time.Minute, parley.CallCompleted, true)
	h.finished(agent, time.Now().AddDate(0, 0, -8), time.Minute, parley.CallCompleted, false)
	if e := ask(); e["eligible"] != false || e["current_calls"] != 1.0 || e["calls_remaining"] != 699.0 {
		t.Errorf("%v", e)
	}
	for range 699 {
		h.finished(agent, time.Now(), 0, parley.CallBusy, false)
	}
	if e := ask(); e["eligible"] != true || e["calls_remaining"] != nil {
		t.Errorf("%v", e)
	}
	h.must(request{op: "updateAgentAdvancedSettings", path: []string{agent}, body: object{"enable_initial_message_cache": true}})
}
