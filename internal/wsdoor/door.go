// Package wsdoor brings the sound of outside calls in over a WebSocket (contract notes, chapter 5): JSON text frames with base64 G.711
// at 8 kHz. It turns a connection into a media.Leg; a second connection to the same call takes the first one's place.
package wsdoor

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
)

const (
	maxMessage = 256 << 10 // of a text frame: over ten seconds of sound in base64
	catchUp    = 25        // beats that the clock makes up for when it was late; beyond, they are dropped
)

// switchboard is what the door wants of calls.
type switchboard interface {
	// Transport says whether a token opens the transport of a call.
	Transport(ctx context.Context, callID, token string) error
	// Connect hands the leg to its call.
	Connect(ctx context.Context, callID string, leg media.Leg) error
}

// Door serves GET /{call_id}/transport. Run must be running.
type Door struct {
	calls switchboard
	fail  func(w http.ResponseWriter, r *http.Request, err error) // writes an error as the API does
	log   *slog.Logger

	mu      sync.Mutex
	legs    map[string]*leg
	beaten  atomic.Pointer[[]*leg] // the same legs, copied when they change, so that a beat takes no lock
	closed  bool
	serving sync.WaitGroup
}

// New makes a door; fail writes refusals in the form of the API.
func New(calls switchboard, fail func(http.ResponseWriter, *http.Request, error), log *slog.Logger) *Door {
	d := &Door{calls: calls, fail: fail, log: log, legs: map[string]*leg{}}
	d.beaten.Store(new([]*leg))
	return d
}

// Run beats the clock of all legs until ctx ends; then it ends them and waits for their connections to close.
func (d *Door) Run(ctx context.Context) error {
	ticks := time.NewTicker(media.FrameTime)
	defer ticks.Stop()
	begin, beats := time.Now(), int64(0)
	for {
		select {
		case <-ticks.C:
			due := int64(time.Since(begin) / media.FrameTime)
			for beats = max(beats, due-catchUp); beats < due; beats++ {
				for _, l := range *d.beaten.Load() {
					l.beat()
				}
			}
		case <-ctx.Done():
			for _, l := range d.close() {
				l.end(media.EndNetwork)
			}
			d.serving.Wait()
			return nil
		}
	}
}

func (d *Door) close() []*leg {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	return *d.beaten.Load()
}

// ServeHTTP checks the token, upgrades, and serves the connection until it closes. All refusals come before the upgrade.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("call_id")
	token := r.URL.Query().Get("x-talq")
	if token == "" {
		token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	if err := d.calls.Transport(r.Context(), id, token); err != nil {
		d.fail(w, r, err)
		return
	}
	law, err := lawNamed(r.URL.Query().Get("codec"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	l, made, err := d.enter(id)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	defer d.serving.Done()
	// Tokens, not cookies, open a transport, so that a foreign origin gains nothing.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil { // Accept has answered
		if made {
			l.end(media.EndNetwork)
		}
		return
	}
	conn.SetReadLimit(maxMessage)
	ctx := context.WithoutCancel(r.Context())
	if made {
		if err := d.calls.Connect(ctx, id, l); err != nil {
			d.log.Info("transport came too late", "call", id, "error", err)
			l.end(media.EndNetwork)
		}
	}
	l.serve(ctx, conn, law)
}

// enter finds the leg of a call, or makes it; made says which. Serving must be ended with serving.Done.
func (d *Door) enter(id string) (l *leg, made bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, false, parley.Errorf(parley.CallNotActive, "Call is not active")
	}
	l, known := d.legs[id]
	if !known {
		if l, err = newLeg(func() { d.forget(id) }); err != nil {
			return nil, false, err
		}
		d.legs[id] = l
		with := append(slices.Clone(*d.beaten.Load()), l)
		d.beaten.Store(&with)
	}
	d.serving.Add(1)
	return l, !known, nil
}

// forget drops a leg that has ended.
func (d *Door) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.legs[id]
	delete(d.legs, id)
	without := slices.DeleteFunc(slices.Clone(*d.beaten.Load()), func(o *leg) bool { return o == l })
	d.beaten.Store(&without)
}

func lawNamed(name string) (audio.Law, error) {
	switch strings.ToLower(name) {
	case "", "pcmu":
		return audio.PCMU, nil
	case "pcma":
		return audio.PCMA, nil
	}
	return 0, parley.Invalid("codec", "The selected codec is invalid.")
}
