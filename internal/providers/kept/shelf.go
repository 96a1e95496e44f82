package kept

import (
	"container/list"
	"context"
	"errors"
	"sync"
)

// errDropped is what is left of work that panicked.
var errDropped = errors.New("kept: the work was not finished")

// shelf holds results by key, the latest used first, up to a number of bytes. Who asks for what another is working on waits for it.
type shelf[K comparable, V any] struct {
	limit int
	size  func(V) int

	mu    sync.Mutex
	bytes int
	order *list.List // of *result, the latest used first; finished ones only
	all   map[K]*result[K, V]
}

// result is what came of some work, or will.
type result[K comparable, V any] struct {
	key   K
	done  chan struct{} // closed once the following two are set
	value V
	err   error
	place *list.Element // nil while the work goes on
}

func newShelf[K comparable, V any](limit int, size func(V) int) *shelf[K, V] {
	return &shelf[K, V]{limit: limit, size: size, order: list.New(), all: map[K]*result[K, V]{}}
}

// get finds the result for a key or works it out; fresh says that it was this call that worked. When the work of another fails, who
// waited for it tries too.
func (s *shelf[K, V]) get(ctx context.Context, key K, work func() (V, error)) (v V, fresh bool, err error) {
	for ctx.Err() == nil {
		r, mine := s.claim(key)
		if mine {
			s.work(r, work)
			return r.value, true, r.err
		}
		select {
		case <-r.done:
			if r.err == nil {
				return r.value, false, nil
			}
		case <-ctx.Done():
		}
	}
	return v, false, context.Cause(ctx)
}

// claim finds a result, or makes one that the caller is to work out.
func (s *shelf[K, V]) claim(key K) (r *result[K, V], mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r = s.all[key]
	if r == nil {
		r = &result[K, V]{key: key, done: make(chan struct{}), err: errDropped}
		s.all[key] = r
		return r, true
	}
	if r.place != nil {
		s.order.MoveToFront(r.place)
	}
	return r, false
}

func (s *shelf[K, V]) work(r *result[K, V], work func() (V, error)) {
	defer s.settle(r) // also when work panics
	r.value, r.err = work()
}

// settle shelves a result unless it is a failure or was cleared away meanwhile, and makes room for it.
func (s *shelf[K, V]) settle(r *result[K, V]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(r.done)
	switch {
	case s.all[r.key] != r:
		return
	case r.err != nil:
		delete(s.all, r.key)
		return
	}
	r.place = s.order.PushFront(r)
	s.bytes += s.size(r.value)
	for s.bytes > s.limit {
		s.drop(s.order.Back())
	}
}

func (s *shelf[K, V]) drop(e *list.Element) {
	r := s.order.Remove(e).(*result[K, V])
	s.bytes -= s.size(r.value)
	delete(s.all, r.key)
}

// clear empties the shelf and says how many results it held. What is being worked out is given to those who wait, and not kept.
func (s *shelf[K, V]) clear() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.order.Len()
	s.order.Init()
	clear(s.all)
	s.bytes = 0
	return n
}
