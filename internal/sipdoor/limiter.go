package sipdoor

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// remembered is how many addresses a limiter keeps; past it those are dropped that have been quiet, then all.
const remembered = 8192

// limiter is a token bucket for each address.
type limiter struct {
	each  rate.Limit
	burst int

	mu   sync.Mutex
	from map[netip.Addr]*rate.Limiter
}

func newLimiter(each float64, burst int) *limiter {
	return &limiter{each: rate.Limit(each), burst: burst, from: map[netip.Addr]*rate.Limiter{}}
}

func (l *limiter) allow(a netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(a).Allow()
}

// delay takes n tokens and says how long it is until they are there.
func (l *limiter) delay(a netip.Addr, n int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(a).ReserveN(time.Now(), min(n, l.burst)).Delay()
}

// of is the bucket of an address.
func (l *limiter) of(a netip.Addr) *rate.Limiter {
	b := l.from[a]
	if b == nil {
		l.forget(time.Now())
		b = rate.NewLimiter(l.each, l.burst)
		l.from[a] = b
	}
	return b
}

// spent says whether an address has nothing left, without taking anything.
func (l *limiter) spent(a netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.from[a]
	return b != nil && b.Tokens() < 1
}

func (l *limiter) forget(now time.Time) {
	if len(l.from) < remembered {
		return
	}
	for a, b := range l.from {
		if b.TokensAt(now) >= float64(l.burst) {
			delete(l.from, a)
		}
	}
	if len(l.from) >= remembered {
		clear(l.from)
	}
}
