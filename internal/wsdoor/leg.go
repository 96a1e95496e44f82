package wsdoor

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/line"
)

const (
	outQueue     = 100              // messages that wait for a slow client: two seconds
	writeTimeout = 10 * time.Second // for one message; since sound goes out all the time, a dead client is noticed by it
	digits       = "0123456789*#ABCD"
)

// message is a text frame in either direction.
type message struct {
	Event string    `json:"event"`
	Media *payload  `json:"media,omitempty"`
	DTMF  *keypress `json:"dtmf,omitempty"`
}

type payload struct {
	Payload string `json:"payload"`
}

type keypress struct {
	Digit string `json:"digit"`
}

// leg is an outside call's sound. Connections may come and go by replacement; the call ends when the current one closes.
type leg struct {
	*line.Line
	buf    *buffer // of what the client sent
	forget func()  // called once, at the end

	mu   sync.Mutex
	conn *connection

	enc    encoder // these four belong to the clock
	said   media.Frame
	heard  media.Frame
	parcel parcel

	received, sent, refused atomic.Int64
}

var _ media.Leg = (*leg)(nil)

func newLeg(forget func()) (*leg, error) {
	buf, err := newBuffer()
	if err != nil {
		return nil, err
	}
	enc, err := newEncoder()
	if err != nil {
		return nil, err
	}
	return &leg{Line: line.New(), buf: buf, enc: enc, forget: forget}, nil
}

// serve makes ws the leg's connection in place of an earlier one and returns when it has closed.
func (l *leg) serve(ctx context.Context, ws *websocket.Conn, law audio.Law) {
	n := &connection{ws: ws, law: law, out: make(chan parcel, outQueue), gone: make(chan struct{})}
	l.mu.Lock()
	old := l.conn
	l.conn = n
	l.mu.Unlock()
	if old != nil {
		old.close(websocket.StatusServiceRestart, "replaced by a newer connection")
	}
	select {
	case <-l.Done(): // ended in the meantime; end may not have seen this connection
		n.close(websocket.StatusNormalClosure, "call ended")
	default:
	}
	var writer sync.WaitGroup
	writer.Go(func() { n.write(ctx) })
	l.read(ctx, n)
	n.close(websocket.StatusNormalClosure, "")
	writer.Wait()
	if l.connection() == n {
		l.end(media.EndRemote)
	}
}

func (l *leg) connection() *connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn
}

// read takes messages until the connection closes. What is no known event is ignored, as the contract says.
func (l *leg) read(ctx context.Context, n *connection) {
	for {
		typ, b, err := n.ws.Read(ctx)
		if err != nil {
			return
		}
		var m message
		if typ != websocket.MessageText || json.Unmarshal(b, &m) != nil {
			continue
		}
		switch {
		case m.Event == "media" && m.Media != nil:
			l.take(n.law, m.Media.Payload)
		case m.Event == "dtmf" && m.DTMF != nil && len(m.DTMF.Digit) == 1 && strings.Contains(digits, m.DTMF.Digit):
			l.Press(m.DTMF.Digit[0])
		}
	}
}

func (l *leg) take(law audio.Law, b64 string) {
	raw, err := base64.StdEncoding.DecodeString(b64)
	if err != nil {
		l.refused.Add(1)
		return
	}
	l.received.Add(1)
	l.buf.put(law, raw)
}

// beat is the leg's part of the door's clock.
func (l *leg) beat() {
	lost := !l.buf.take(&l.heard)
	l.Beat(&l.heard, lost, &l.said)
	n := l.connection()
	if n == nil {
		return
	}
	l.enc.media(n.law, &l.said, &l.parcel)
	if n.send(&l.parcel) {
		l.sent.Add(1)
	}
}

// Clear drops what waits here and tells the client to drop what it has not played.
func (l *leg) Clear() int {
	n := l.Line.Clear()
	l.tell(message{Event: "clear"})
	return n
}

func (l *leg) tell(m message) {
	n := l.connection()
	b, err := json.Marshal(m)
	if err != nil || n == nil {
		return
	}
	var p parcel
	p.n = copy(p.b[:], b)
	n.send(&p)
}

// SendDigit implements media.Leg.
func (l *leg) SendDigit(_ context.Context, digit byte) error {
	select {
	case <-l.Done():
		return media.ErrEnded
	default:
	}
	if strings.IndexByte(digits, digit) < 0 {
		return parley.Errorf(parley.ValidationError, "%q is no DTMF digit", digit)
	}
	l.tell(message{Event: "dtmf", DTMF: &keypress{string(digit)}})
	return nil
}

// Hangup implements media.Leg.
func (l *leg) Hangup(context.Context) error {
	l.end(media.EndLocal)
	return nil
}

func (l *leg) end(cause media.EndCause) {
	if !l.End(cause) {
		return
	}
	l.forget()
	if n := l.connection(); n != nil {
		n.close(websocket.StatusNormalClosure, "call ended")
	}
}

// Stats implements media.Leg.
func (l *leg) Stats() media.Stats {
	s := media.Stats{Received: l.received.Load(), Late: l.buf.late(), Sent: l.sent.Load(), Refused: l.refused.Load(), Missed: l.Missed()}
	if n := l.connection(); n != nil {
		s.Codec = n.law.String()
	}
	return s
}

// connection is one WebSocket with the queue of what is to go out on it.
type connection struct {
	ws  *websocket.Conn
	law audio.Law
	out chan parcel

	closing sync.Once
	gone    chan struct{}
	code    websocket.StatusCode // these two are set before gone is closed
	reason  string
}

// close asks the writer to say goodbye, which ends the reader too. Only the first code is sent.
func (n *connection) close(code websocket.StatusCode, reason string) {
	n.closing.Do(func() {
		n.code, n.reason = code, reason
		close(n.gone)
	})
}

// send queues a message; a client that is two seconds behind loses it.
func (n *connection) send(p *parcel) bool {
	select {
	case n.out <- *p:
		return true
	default:
		return false
	}
}

// write sends what is queued until the connection is closed, and closes it.
func (n *connection) write(ctx context.Context) {
	var p parcel
	for {
		select {
		case p = <-n.out:
			if !n.deliver(ctx, p.bytes()) {
				_ = n.ws.CloseNow()
				return
			}
		case <-n.gone:
			_ = n.ws.Close(n.code, n.reason)
			return
		}
	}
}

func (n *connection) deliver(ctx context.Context, b []byte) bool {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return n.ws.Write(ctx, websocket.MessageText, b) == nil
}
