package wsdoor

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/audio"
	"github.com/parley-voice/parley/internal/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// board is a switchboard with one call, c1, that the token "good" opens.
type board struct{ legs chan media.Leg }

func (b board) Transport(_ context.Context, id, token string) error {
	switch {
	case token != "good":
		return parley.Errorf(parley.InvalidToken, "bad token")
	case id == "over":
		return parley.Errorf(parley.CallNotActive, "over")
	case id != "c1" && id != "late":
		return parley.Errorf(parley.CallNotFound, "unknown")
	}
	return nil
}

func (b board) Connect(_ context.Context, id string, leg media.Leg) error {
	if id == "late" {
		return parley.Errorf(parley.CallNotActive, "late")
	}
	b.legs <- leg
	return nil
}

var statuses = map[parley.Code]int{parley.InvalidToken: 401, parley.CallNotFound: 404, parley.CallNotActive: 409, parley.ValidationError: 422}

// serve runs a door on a real server and gives its address.
func serve(t *testing.T) (url string, b board, stop func()) {
	t.Helper()
	b = board{make(chan media.Leg, 1)}
	fail := func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, err.Error(), statuses[parley.CodeOf(err)])
	}
	d := New(b, fail, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	mux.Handle("GET /{call_id}/transport", d)
	srv := httptest.NewServer(mux)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	t.Cleanup(stop)
	return srv.URL, b, stop
}

// client is the outside system.
type client struct {
	*websocket.Conn
	t   *testing.T
	ctx context.Context
}

func connect(t *testing.T, url, rest string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	ws, _, err := websocket.Dial(ctx, url+rest, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.CloseNow() })
	return &client{ws, t, ctx}
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := c.Write(c.ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// want reads messages until one is of the event.
func (c *client) want(event string) message {
	c.t.Helper()
	for {
		typ, b, err := c.Read(c.ctx)
		if err != nil {
			c.t.Fatalf("waiting for %s: %v", event, err)
		}
		var m message
		if err := json.Unmarshal(b, &m); err != nil || typ != websocket.MessageText {
			c.t.Fatalf("%q: %v", b, err)
		}
		if m.Event == event {
			return m
		}
	}
}

// wantClosed reads until the connection is closed with a code.
func (c *client) wantClosed(code websocket.StatusCode) {
	c.t.Helper()
	for {
		if _, _, err := c.Read(c.ctx); err != nil {
			if got := websocket.CloseStatus(err); got != code {
				c.t.Errorf("closed with %v (%v), want %v", got, err, code)
			}
			return
		}
	}
}

func mediaMessage(code []byte) string {
	return mediaHead + base64.StdEncoding.EncodeToString(code) + mediaTail
}

func TestRefusalsComeBeforeTheUpgrade(t *testing.T) {
	url, _, _ := serve(t)
	for _, c := range []struct {
		name, path string
		status     int
	}{
		{"no token", "/c1/transport", 401},
		{"a bad token", "/c1/transport?x-talq=bad", 401},
		{"an unknown call", "/c9/transport?x-talq=good", 404},
		{"a finished call", "/over/transport?x-talq=good", 409},
		{"an unknown codec", "/c1/transport?x-talq=good&codec=opus", 422},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, res, err := websocket.Dial(t.Context(), url+c.path, nil)
			if err == nil || res == nil || res.StatusCode != c.status {
				t.Errorf("%v, %v", res, err)
			}
		})
	}
}

func TestAnUpgradeThatFailsLeavesNothing(t *testing.T) {
	url, b, _ := serve(t)
	res, err := http.Get(url + "/c1/transport?x-talq=good")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if res.StatusCode != http.StatusUpgradeRequired {
		t.Error(res.Status)
	}
	connect(t, url, "/c1/transport?x-talq=good")
	<-b.legs
}

func TestSoundGoesBothWays(t *testing.T) {
	for _, law := range []audio.Law{audio.PCMU, audio.PCMA} {
		url, b, _ := serve(t)
		c := connect(t, url, "/c1/transport?x-talq=good&codec="+strings.ToLower(law.String()))
		leg := <-b.legs
		tone := audio.Tone{Rate: 8000, Frequency: 500, Peak: 8000}
		pcm, code := make([]int16, 8000), make([]byte, 8000)
		tone.Fill(pcm)
		law.Encode(code, pcm)
		c.send(mediaMessage(code[:30])) // any length is accepted
		c.send(mediaMessage(code[30:]))
		var k media.Tick
		loud := 0
		for loud < 40 {
			if err := leg.Read(c.ctx, &k); err != nil {
				t.Fatal(err)
			}
			if r := audio.RMS(k.Heard[:]); r > 5400 && r < 5900 && !k.Lost {
				loud++
			}
		}
		wide := audio.Tone{Rate: 16000, Frequency: 500, Peak: 8000}
		var f media.Frame
		for range 10 {
			wide.Fill(f[:])
			if err := leg.Write(c.ctx, &f); err != nil {
				t.Fatal(err)
			}
		}
		for loud = 0; loud < 8; {
			raw, err := base64.StdEncoding.DecodeString(c.want("media").Media.Payload)
			if err != nil || len(raw) != 160 {
				t.Fatalf("%d bytes, %v", len(raw), err)
			}
			var back [160]int16
			law.Decode(back[:], raw)
			if r := audio.RMS(back[:]); r > 5400 && r < 5900 {
				loud++
			}
		}
		if s := leg.Stats(); s.Codec != law.String() || s.Received != 2 || s.Sent == 0 {
			t.Errorf("%+v", s)
		}
	}
}

func TestKeysAndClear(t *testing.T) {
	url, b, _ := serve(t)
	c := connect(t, url, "/c1/transport?x-talq=good")
	leg := <-b.legs
	c.send(`{"event":"dtmf","dtmf":{"digit":"7"}}`)
	if d := <-leg.Digits(); d != '7' {
		t.Errorf("%c", d)
	}
	for range 100 {
		if err := leg.Write(c.ctx, &media.Frame{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := leg.Clear(); n < 1 {
		t.Errorf("%d frames cleared", n)
	}
	c.want("clear")
	if err := leg.SendDigit(c.ctx, '#'); err != nil {
		t.Fatal(err)
	}
	if m := c.want("dtmf"); m.DTMF.Digit != "#" {
		t.Errorf("%+v", m.DTMF)
	}
	if err := leg.SendDigit(c.ctx, 'x'); parley.CodeOf(err) != parley.ValidationError {
		t.Error(err)
	}
}

func TestGarbageIsIgnored(t *testing.T) {
	url, b, _ := serve(t)
	c := connect(t, url, "/c1/transport?x-talq=good")
	leg := <-b.legs
	for _, text := range []string{
		"", "hello", `{"event":"dance"}`, `{"event":"clear"}`, `{"event":"media"}`, `{"event":"media","media":{"payload":"***"}}`, `[1]`,
		`{"event":"dtmf"}`, `{"event":"dtmf","dtmf":{"digit":"x"}}`, `{"event":"dtmf","dtmf":{"digit":"12"}}`, `{"event":7}`,
	} {
		c.send(text)
	}
	if err := c.Write(c.ctx, websocket.MessageBinary, []byte{1, 2}); err != nil {
		t.Fatal(err)
	}
	c.send(`{"event":"dtmf","dtmf":{"digit":"1"}}`)
	if d := <-leg.Digits(); d != '1' {
		t.Errorf("%c", d)
	}
	if s := leg.Stats(); s.Received != 0 || s.Refused != 1 {
		t.Errorf("%+v", s)
	}
}

func TestASecondConnectionTakesTheFirstOnesPlace(t *testing.T) {
	url, b, _ := serve(t)
	first := connect(t, url, "/c1/transport?x-talq=good")
	leg := <-b.legs
	first.want("media")
	second := connect(t, url, "/c1/transport?x-talq=good&codec=pcma")
	first.wantClosed(websocket.StatusServiceRestart)
	second.want("media")
	second.send(`{"event":"dtmf","dtmf":{"digit":"2"}}`)
	if d := <-leg.Digits(); d != '2' || len(b.legs) != 0 {
		t.Errorf("%c, %d more legs", d, len(b.legs))
	}
	select {
	case <-leg.Done():
		t.Error("the call ended with the first connection")
	default:
	}
	if err := second.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	<-leg.Done()
	if leg.Cause() != media.EndRemote {
		t.Error(leg.Cause())
	}
}

func TestEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(leg media.Leg, c *client, stop func())
		want media.EndCause
	}{
		{"we hang up", func(l media.Leg, c *client, _ func()) { _ = l.Hangup(c.ctx) }, media.EndLocal},
		{"the client vanishes", func(_ media.Leg, c *client, _ func()) { _ = c.CloseNow() }, media.EndRemote},
		{"the door closes", func(_ media.Leg, _ *client, stop func()) { go stop() }, media.EndNetwork},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, b, stop := serve(t)
			cl := connect(t, url, "/c1/transport?x-talq=good")
			leg := <-b.legs
			cl.want("media")
			c.end(leg, cl, stop)
			<-leg.Done()
			if leg.Cause() != c.want {
				t.Errorf("cause %s", leg.Cause())
			}
			if c.want == media.EndLocal {
				cl.wantClosed(websocket.StatusNormalClosure)
			}
			if err := leg.SendDigit(cl.ctx, '1'); !errors.Is(err, media.ErrEnded) {
				t.Error(err)
			}
			if c.want == media.EndNetwork {
				cl.wantClosed(websocket.StatusNormalClosure)
			}
		})
	}
}

func TestATransportThatComesTooLateIsClosed(t *testing.T) {
	url, _, _ := serve(t)
	connect(t, url, "/late/transport?x-talq=good").wantClosed(websocket.StatusNormalClosure)
}
