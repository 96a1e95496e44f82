package slack

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/actions/actionstest"
)

// channel is a receiver that answers as Slack does.
type channel struct {
	*httptest.Server
	status int
	answer string
	texts  []string
}

func open(t *testing.T, status int, answer string) *channel {
	t.Helper()
	c := &channel{status: status, answer: answer}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var got struct{ Text string }
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%v, %v", err, r.Header)
		}
		c.texts = append(c.texts, got.Text)
		w.WriteHeader(c.status)
		_, _ = io.WriteString(w, c.answer)
	}))
	t.Cleanup(c.Close)
	return c
}

func TestWhatTheModelIsTold(t *testing.T) {
	for _, c := range []struct {
		rule   string
		status int
		answer string
		want   string
		ok     bool
	}{
		{"a message that was taken", 200, "ok", `{"ok":true,"message":"The message was sent."}`, true},
		{"one that was not", 404, "channel_not_found", `{"message":"The message was not accepted.","ok":false,"reason":"channel_not_found","status":404}`, false},
		{"too many", 429, "", `{"message":"There were too many messages. It can be tried again in a minute.","ok":false}`, false},
		{"a chat that is out of order", 503, "x", `{"message":"It cannot be reached at the moment.","ok":false}`, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			at := open(t, c.status, c.answer)
			bench := actionstest.New(New(http.DefaultClient))
			got, ok := bench.Run(t, map[string]any{"webhook_url": at.URL, "text": "Call {{name}}."}, `{"name":"Ann"}`)
			if got != c.want || ok != c.ok || len(at.texts) != 1 || at.texts[0] != "Call Ann." {
				t.Errorf("told %s, %v; sent %q", got, ok, at.texts)
			}
		})
	}
}

func TestWhatACallerSaysHasNoMeaningToSlack(t *testing.T) {
	at := open(t, 200, "ok")
	actionstest.New(New(http.DefaultClient)).Run(t, map[string]any{"webhook_url": at.URL, "text": "<https://parley.example|Call> {{name}}: {{n}}"},
		`{"name":"<!channel> & <https://evil.example|click>","n":{"a":"<b>"}}`)
	want := `<https://parley.example|Call> &lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;: {"a":"`
	if len(at.texts) != 1 || !strings.HasPrefix(at.texts[0], want) || strings.Contains(at.texts[0], "<b>") {
		t.Errorf("sent %q", at.texts)
	}
}

func TestAMessageIsBounded(t *testing.T) {
	at := open(t, 200, "ok")
	actionstest.New(New(http.DefaultClient)).Run(t, map[string]any{"webhook_url": at.URL, "text": "{{name}}"}, `{"name":"`+strings.Repeat("é", 9000)+`"}`)
	if n := len([]rune(at.texts[0])); n != mostText {
		t.Errorf("%d runes", n)
	}
}

func TestEntry(t *testing.T) { actionstest.Entry(t, New(http.DefaultClient)) }
