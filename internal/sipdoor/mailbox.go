package sipdoor

import "sync"

// crowded is how many waiting functions stop a mailbox from taking what the network brings.
const crowded = 64

// mailbox holds what a dialog has to do, in order. Putting never blocks.
type mailbox struct {
	wake chan struct{}

	mu     sync.Mutex
	items  []func()
	closed bool
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// put is for our own news, of which a call makes few; false after the end.
func (m *mailbox) put(f func()) bool { return m.add(f, false) }

// receive is for the network's news, of which a peer may make many; false when full or after the end.
func (m *mailbox) receive(f func()) bool { return m.add(f, true) }

func (m *mailbox) add(f func(), bounded bool) bool {
	m.mu.Lock()
	ok := !m.closed && !(bounded && len(m.items) >= crowded)
	if ok {
		m.items = append(m.items, f)
	}
	m.mu.Unlock()
	if ok {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
	return ok
}

func (m *mailbox) take() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.items
	m.items = nil
	return all
}

// close refuses further mail and returns what still waits.
func (m *mailbox) close() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.items
	m.items, m.closed = nil, true
	return all
}
