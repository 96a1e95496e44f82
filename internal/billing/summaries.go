package billing

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// Granularity is the length of a bucket.
type Granularity string

// Granularities; weeks begin on Monday.
const (
	Hourly  Granularity = "hourly"
	Daily   Granularity = "daily"
	Weekly  Granularity = "weekly"
	Monthly Granularity = "monthly"
)

// mostDays are the largest ranges, and usualDays what is shown when no start is given.
var (
	mostDays  = map[Granularity]int{Hourly: 7, Daily: 90, Weekly: 365, Monthly: 730}
	usualDays = map[Granularity]int{Hourly: 1, Daily: 30, Weekly: 84, Monthly: 365}
)

// totalDays is the largest range of totals, in days.
const totalDays = 365

const (
	keptFor  = time.Minute // a sum is given again for so long
	keptMost = 1000        // sums; past it all are dropped
)

// Range is what is to be summed up. Days are inclusive; a zero one takes the default.
type Range struct {
	Start, End time.Time // midnight UTC
	AgentID    string
	Direction  parley.Direction
}

// Sum is the total of some calls.
type Sum struct {
	Start, End time.Time // End is exclusive
	Calls, Completed, Failed, Busy,
	NoAnswer int
	Talk time.Duration
	Cost float64
}

// Average is the mean time of the calls that were completed.
func (s Sum) Average() time.Duration {
	if s.Completed == 0 {
		return 0
	}
	return s.Talk / time.Duration(s.Completed)
}

func (s *Sum) add(t store.Tally) {
	s.Calls += t.Calls
	s.Talk += t.Talk
	s.Cost += t.Cost
	switch t.Status {
	case parley.CallCompleted:
		s.Completed += t.Calls
	case parley.CallFailed:
		s.Failed += t.Calls
	case parley.CallBusy:
		s.Busy += t.Calls
	case parley.CallNoAnswer:
		s.NoAnswer += t.Calls
	}
}

// question is a sum that was asked for; kept is its answer.
type question struct {
	env         string
	granularity Granularity
	Range
}

type kept struct {
	sums []Sum
	at   time.Time
}

// Buckets sums up calls by hour, day, week or month; every bucket of the range is there. A range that is too long or ends before it
// begins is a fault of the fields start_date and end_date.
func (b *Billing) Buckets(ctx context.Context, actor parley.Actor, g Granularity, r Range, faults parley.Faults) ([]Sum, Range, error) {
	return b.sums(ctx, actor, g, r, mostDays[g], usualDays[g], faults)
}

// Totals is one sum over a range.
func (b *Billing) Totals(ctx context.Context, actor parley.Actor, r Range, faults parley.Faults) (Sum, Range, error) {
	days, r, err := b.sums(ctx, actor, "", r, totalDays, usualDays[Daily], faults)
	if err != nil {
		return Sum{}, r, err
	}
	return days[0], r, nil
}

func (b *Billing) sums(ctx context.Context, actor parley.Actor, g Granularity, r Range, most, usual int, faults parley.Faults) ([]Sum, Range, error) {
	if err := actor.Require(parley.ReadCalls); err != nil {
		return nil, r, err
	}
	r.settle(most, usual, &faults)
	if err := faults.Err(); err != nil {
		return nil, r, err
	}
	q := question{actor.EnvironmentID, g, r}
	if sums, ok := b.known(q); ok {
		return sums, r, nil
	}
	sums := empty(g, r)
	err := b.deps.Store.View(ctx, func(ctx context.Context, tx store.Tx) error {
		tallies, err := tx.TallyCalls(ctx, actor.EnvironmentID, store.TallyFilter{
			AgentID: r.AgentID, Direction: r.Direction, From: sums[0].Start, Before: sums[len(sums)-1].End,
		})
		at := 0
		for _, t := range tallies { // both are in order
			for !t.Hour.Before(sums[at].End) {
				at++
			}
			sums[at].add(t)
		}
		return err
	})
	if err == nil {
		b.keep(q, sums)
	}
	return sums, r, err
}

// settle fills what was not given and judges the rest.
func (r *Range) settle(most, usual int, faults *parley.Faults) {
	if r.End.IsZero() {
		r.End = time.Now().UTC().Truncate(24 * time.Hour)
	}
	if r.Start.IsZero() {
		r.Start = r.End.AddDate(0, 0, 1-usual)
	}
	switch days := int(r.End.Sub(r.Start).Hours()/24) + 1; {
	case days < 1:
		faults.Add("end_date", "The end date must be a date after or equal to start date.")
	case days > most:
		faults.Add("end_date", fmt.Sprintf("The end date must be within %d days of start date.", most))
	}
}

// empty are the buckets that cover a range; without a granularity there is one.
func empty(g Granularity, r Range) (list []Sum) {
	end := r.End.AddDate(0, 0, 1)
	if g == "" {
		return []Sum{{Start: r.Start, End: end}}
	}
	for at := begin(g, r.Start); at.Before(end); {
		next := after(g, at)
		list = append(list, Sum{Start: at, End: next})
		at = next
	}
	return list
}

func begin(g Granularity, t time.Time) time.Time {
	switch g {
	case Weekly:
		return t.AddDate(0, 0, -(int(t.Weekday())+6)%7)
	case Monthly:
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return t
}

func after(g Granularity, t time.Time) time.Time {
	switch g {
	case Hourly:
		return t.Add(time.Hour)
	case Weekly:
		return t.AddDate(0, 0, 7)
	case Monthly:
		return t.AddDate(0, 1, 0)
	}
	return t.AddDate(0, 0, 1)
}

func (b *Billing) known(q question) ([]Sum, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.cache[q]
	return k.sums, ok && time.Since(k.at) < keptFor
}

func (b *Billing) keep(q question, sums []Sum) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.cache) >= keptMost {
		clear(b.cache)
	}
	b.cache[q] = kept{sums, time.Now()}
}

// Forget drops the sums that are kept of the actor's environment.
func (b *Billing) Forget(actor parley.Actor) error {
	if err := actor.Require(parley.ReadCalls); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.cache, func(q question, _ kept) bool { return q.env == actor.EnvironmentID })
	return nil
}
