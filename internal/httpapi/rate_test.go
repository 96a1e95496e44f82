package httpapi

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-voice/parley"
)

// plans knows tokens that are the name of a plan.
type plans struct {
	accounts
	limits map[string]parley.Limits
}

func (p plans) Identify(_ context.Context, token string) (parley.Actor, error) {
	l, known := p.limits[token]
	if !known {
		return parley.Actor{}, parley.Errorf(parley.InvalidToken, "unknown")
	}
	return parley.Actor{TokenID: token, EnvironmentID: token, Limits: l}, nil
}

// TestRatesOfPlans holds what every answer says of the rate (contract notes, 1.6) over two minutes of one clock.
func TestRatesOfPlans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		three := 3
		a := build(Config{RateLimit: 2}, Deps{
			Accounts: plans{limits: map[string]parley.Limits{"standard": {}, "custom": {APIRate: &three}}}, Log: slog.New(slog.DiscardHandler),
		})
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute))) // the beginning of a minute
		begin := time.Now()
		for _, c := range []struct {
			name, token string
			at          time.Duration
			status      int
			limit, left string
			retryAfter  string
		}{
			{"the standard plan", "standard", 0, 404, "2", "1", ""},
			{"the last of its minute", "standard", 10 * time.Second, 404, "2", "0", ""},
			{"one too many", "standard", 20 * time.Second, 429, "2", "0", "40"},
			{"a plan of its own", "custom", 30 * time.Second, 404, "3", "2", ""},
			{"no token is counted by address, under the standard limit", "", 40 * time.Second, 404, "2", "1", ""},
			{"refused until the minute ends", "standard", 59500 * time.Millisecond, 429, "2", "0", "1"},
			{"the next minute begins anew", "standard", time.Minute, 404, "2", "1", ""},
		} {
			time.Sleep(time.Until(begin.Add(c.at)))
			r := httptest.NewRequest("GET", "/api/v1/nothing", nil)
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			h := w.Header()
			if w.Code != c.status || h.Get("X-RateLimit-Limit") != c.limit || h.Get("X-RateLimit-Remaining") != c.left || h.Get("Retry-After") != c.retryAfter {
				t.Errorf("%s: %d %v", c.name, w.Code, h)
			}
			if c.status != 429 {
				continue
			}
			var body errorBody
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Success || body.Code != parley.RateLimitExceeded ||
				body.Message != "Too many requests. Please try again later." {
				t.Errorf("%s: %s %v", c.name, w.Body, err)
			}
		}
	})
}
