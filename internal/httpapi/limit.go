package httpapi

import (
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/parley-voice/parley"
)

// strangersKept bounds how many addresses without a valid token are counted one by one; those beyond share one count.
const strangersKept = 10000

// limiter counts requests by token, or by address where there is none, in windows of a minute of the wall clock. All counts are
// dropped together when the minute ends, so that memory is bounded by what one minute brings.
type limiter struct {
	standard int

	mu        sync.Mutex
	window    time.Time
	counts    map[string]int
	strangers map[string]int
}

func newLimiter(standard int) *limiter {
	return &limiter{standard: standard, counts: map[string]int{}, strangers: map[string]int{}}
}

// allowance is what a caller has left in a window.
type allowance struct {
	limit, left int
	over        bool
	reset       time.Time
}

// take counts one request of a token, whose environment may have a limit of its own.
func (l *limiter) take(actor parley.Actor, now time.Time) allowance {
	limit := l.standard
	if own := actor.Limits.APIRate; own != nil {
		limit = *own
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	l.counts[actor.TokenID]++
	return l.left(limit, l.counts[actor.TokenID])
}

// takeStranger counts one request of an address.
func (l *limiter) takeStranger(address string, now time.Time) allowance {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	if _, known := l.strangers[address]; !known && len(l.strangers) >= strangersKept {
		address = "others"
	}
	l.strangers[address]++
	return l.left(l.standard, l.strangers[address])
}

func (l *limiter) turn(now time.Time) {
	if w := now.Truncate(time.Minute); !w.Equal(l.window) {
		l.window = w
		clear(l.counts)
		clear(l.strangers)
	}
}

func (l *limiter) left(limit, used int) allowance {
	return allowance{limit: limit, left: max(0, limit-used), over: used > limit, reset: l.window.Add(time.Minute)}
}

// show writes the headers of an allowance (contract notes, 1.6).
func (a allowance) show(h http.Header) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(a.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(a.left))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(a.reset.Unix(), 10))
}

// err is the refusal of a caller who has nothing left.
func (a allowance) err(now time.Time) error {
	if !a.over {
		return nil
	}
	wait := max(1, int(a.reset.Sub(now).Seconds()+0.999))
	return &parley.Error{Code: parley.RateLimitExceeded, Message: "rate limit", Details: map[string]any{"retry_after": wait}}
}

func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
