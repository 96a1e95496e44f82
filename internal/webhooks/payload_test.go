package webhooks

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/parley-voice/parley"
)

func TestALargeBodyLosesWhatUsersBrought(t *testing.T) {
	large := json.RawMessage(`{"a":"` + strings.Repeat("x", mostBody) + `"}`)
	for _, c := range []struct {
		name    string
		p       payload
		omitted string
	}{
		{"small", payload{Context: json.RawMessage(`{"a":1}`)}, ""},
		{"a large context", payload{Context: large}, "context"},
		{"a context that is no JSON", payload{Context: json.RawMessage("{")}, "context"},
		{"large data", payload{Data: map[string]any{"output": string(large)}}, "context data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := body(c.p, nil)
			var got payload
			if err != nil || json.Unmarshal(b, &got) != nil || len(b) > mostBody || strings.Join(got.Omitted, " ") != c.omitted {
				t.Errorf("%d bytes without %v, %v", len(b), got.Omitted, err)
			}
		})
	}
}

func TestATemplateCannotBlowUp(t *testing.T) {
	p := payload{Event: parley.EventAction, Context: json.RawMessage(`{"a":"` + strings.Repeat("x", 10000) + `"}`)}
	bomb, err := json.Marshal(map[string]any{"event_action": map[string]any{"a": strings.Repeat("{{context.a}}", 1000)}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := body(p, bomb)
	if err != nil || len(b) > mostBody || !strings.Contains(string(b), `"event":"event_action"`) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

func TestRedaction(t *testing.T) {
	got := Redacted([]byte(`{"n": 12345678901234567890, "list": [{"Password": "a", "pin": null}], "card_number": 1, "spin": "ok"}`))
	b, err := json.Marshal(got)
	if err != nil || string(b) != `{"card_number":"[redacted]","list":[{"Password":"[redacted]","pin":null}],"n":12345678901234567890,"spin":"ok"}` {
		t.Errorf("%s, %v", b, err)
	}
	if got := Redacted([]byte(strings.Repeat(" ", mostRequest+1))); got["bytes"] != mostRequest+1 {
		t.Errorf("a large one is shown as %v", got)
	}
	hide := newRedactor([]byte("hush-hush"), []parley.Header{{Key: "Authorization", Value: "Bearer letmein"}, {Key: "X", Value: "1"}})
	if s := hide.response([]byte("you said hush-hush, letmein, Bearer letmein\x00 and 1")); s != "you said [redacted], [redacted], [redacted] and 1" {
		t.Errorf("shown %q", s)
	}
}
