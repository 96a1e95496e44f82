package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-voice/parley/internal/audio"
)

// wire is the outside system's end of a call over the WebSocket transport: it talks and listens in real time.
type wire struct {
	t    *testing.T
	conn *websocket.Conn
	done chan struct{} // closed when the connection has ended
	stop context.CancelFunc

	mu     sync.Mutex
	queue  []byte // µ-law that is to be sent
	quiet  int    // frames since the last loud one
	loud   int    // loud frames heard in all
	clears int
	cause  error // of the end
}

// frameJSON is a message in either direction.
type frameJSON struct {
	Event string `json:"event"`
	Media *struct {
		Payload string `json:"payload"`
	} `json:"media,omitempty"`
	DTMF *struct {
		Digit string `json:"digit"`
	} `json:"dtmf,omitempty"`
}

// wired connects to a transport.
func wired(t *testing.T, url string) *wire {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	conn, res, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		stop()
		t.Fatalf("connect: %v %v", err, res)
	}
	w := &wire{t: t, conn: conn, done: make(chan struct{}), stop: stop}
	var both sync.WaitGroup
	both.Go(func() { w.listen(ctx) })
	both.Go(func() { w.talk(ctx) })
	go func() { both.Wait(); close(w.done) }()
	t.Cleanup(func() { stop(); <-w.done })
	return w
}

func (w *wire) listen(ctx context.Context) {
	defer w.stop()
	pcm := make([]int16, 4000)
	for {
		_, b, err := w.conn.Read(ctx)
		if err != nil {
			w.mu.Lock()
			w.cause = err
			w.mu.Unlock()
			return
		}
		var m frameJSON
		if json.Unmarshal(b, &m) != nil {
			continue
		}
		w.mu.Lock()
		switch {
		case m.Event == "clear":
			w.clears++
		case m.Media != nil:
			code, _ := base64.StdEncoding.DecodeString(m.Media.Payload)
			if n := audio.PCMU.Decode(pcm, code); audio.RMS(pcm[:n]) > audible {
				w.loud, w.quiet = w.loud+1, 0
			} else {
				w.quiet++
			}
		}
		w.mu.Unlock()
	}
}

// talk sends 160 bytes every 20 ms, silence when there is nothing else.
func (w *wire) talk(ctx context.Context) {
	beat := time.NewTicker(frame)
	defer beat.Stop()
	code := make([]byte, 160)
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		w.mu.Lock()
		n := copy(code, w.queue)
		w.queue = w.queue[n:]
		w.mu.Unlock()
		for i := n; i < len(code); i++ {
			code[i] = audio.PCMU.Silence()
		}
		w.send(ctx, `{"event":"media","media":{"payload":"`+base64.StdEncoding.EncodeToString(code)+`"}}`)
	}
}

func (w *wire) send(ctx context.Context, text string) {
	_ = w.conn.Write(ctx, websocket.MessageText, []byte(text)) // the reader learns of a lost connection
}

// says queues sound.
func (w *wire) says(pcm []int16) {
	code := make([]byte, len(pcm))
	audio.PCMU.Encode(code, pcm)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, code...)
}

// state is how many loud frames were heard, how many quiet ones since, and how many clears came.
func (w *wire) state() (loud, quiet, clears int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loud, w.quiet, w.clears
}

// hears waits until the other side has spoken for so long, from now on.
func (w *wire) hears(s *Server, spoken time.Duration) {
	s.t.Helper()
	before, _, _ := w.state()
	s.Wait("they speak", 15*time.Second, func() bool { loud, _, _ := w.state(); return time.Duration(loud-before)*frame >= spoken })
}

// hearsOut waits until the other side has spoken and has been quiet for a second.
func (w *wire) hearsOut(s *Server) {
	s.t.Helper()
	w.hears(s, 500*time.Millisecond)
	s.Wait("they are quiet", 20*time.Second, func() bool { _, quiet, _ := w.state(); return time.Duration(quiet)*frame >= time.Second })
}

// refusal is the status with which a connection is refused.
func refusal(t *testing.T, url string) int {
	t.Helper()
	conn, res, err := websocket.Dial(t.Context(), url, nil)
	if err == nil {
		_ = conn.CloseNow()
		return http.StatusSwitchingProtocols
	}
	if res == nil {
		t.Fatal(err)
	}
	return res.StatusCode
}

func TestAnOutsideCall(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	s := Start(t)
	agent := s.demoAgent(s.DID(s.Trunk("127.0.0.1", 5999, nil), Number))
	status, made := s.Do("POST", "/api/v1/agents/"+agent+"/call", JSON{"sid": "outside-1", "from": CallerNumber, "to": Number, "direction": "inbound"})
	id, _ := made["id"].(string)
	transport, _ := made["transport"].(JSON)
	url, _ := transport["websocketCallUrl"].(string)
	base, token, ok := strings.Cut(url, "?x-talq=")
	if status/100 != 2 || made["status"] != "ready" || id == "" || !ok {
		t.Fatalf("%d %v", status, made)
	}
	if got := refusal(t, base+"?x-talq=wrong"); got != 401 {
		t.Errorf("a wrong token: %d", got)
	}
	if got := refusal(t, strings.Replace(base, id, "nothing", 1)+"?x-talq="+s.Token); got != 404 {
		t.Errorf("an unknown call: %d", got)
	}
	if c := s.call(id); c["status"] != "initiated" || c["sid"] != "outside-1" {
		t.Errorf("before the connection the call is %v", c)
	}
	_, _, script := demo(t)
	first := wired(t, base+"?x-talq="+token)
	first.hearsOut(s) // the greeting
	s.waitStatus(id, "answered")
	first.says(question(t, script[0]))
	first.hearsOut(s)
	first.says(question(t, script[1])) // the long answer
	first.hears(s, 2*time.Second)
	_, _, before := first.state()
	first.says(question(t, script[2]))
	s.Wait("we are told to drop what was not played", 3*time.Second, func() bool { _, _, clears := first.state(); return clears > before })
	first.hearsOut(s)

	second := wired(t, base+"?x-talq="+s.Token) // the environment's token opens it too
	<-first.done
	if code := websocket.CloseStatus(first.cause); code != websocket.StatusServiceRestart {
		t.Errorf("the first connection ended with %v (%v)", code, first.cause)
	}
	second.send(t.Context(), `{"event":"clear"}`)
	second.send(t.Context(), `{"event":"something else"}`)
	second.says(make([]int16, 4000)) // a breath
	second.says(question(t, script[3]))
	second.hearsOut(s)
	second.send(t.Context(), `{"event":"dtmf","dtmf":{"digit":"5"}}`)
	second.hearsOut(s)
	_ = second.conn.Close(websocket.StatusNormalClosure, "")
	c := s.final(id, "completed", "")
	for _, turn := range turns(c) {
		t.Logf("%-6s %v", turn.(JSON)["who"], turn.(JSON)["text"])
	}
	all := answers(turns(c))
	if len(all) < 4 {
		t.Fatalf("%d answers", len(all))
	}
	for i := range 4 {
		if heard := all[i]["heard"].(string); !says(heard, script[i].Expect) {
			t.Errorf("%q was answered with %q", script[i].Say, heard)
		}
	}
	if all[1]["interrupted"] != true {
		t.Error("the long answer was not interrupted")
	}
	if k := keys(c); len(k) != 1 || k[0] != "5" {
		t.Errorf("pressed %q", k)
	}
	if got := refusal(t, url); got != 409 {
		t.Errorf("a finished call: %d", got)
	}
}
