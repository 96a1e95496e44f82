package agents

import (
	"encoding/json"
	"testing"

	"github.com/parley-voice/parley"
)

func TestNumbered(t *testing.T) {
	at := func(n int) *parley.FlowVersion { return &parley.FlowVersion{Number: n} }
	for _, c := range []struct {
		rule, config string
		last         *parley.FlowVersion
		number       int
		name         string
	}{
		{"the first is 1", `{}`, nil, 1, "1"},
		{"one led by the model is counted too", ``, at(3), 4, "4"},
		{"meta names it", `{"meta":{"version":"2.1-beta"}}`, at(3), 4, "2.1-beta"},
		{"an empty name is none", `{"meta":{"version":""}}`, at(3), 4, "4"},
		{"null is none", `{"meta":null}`, at(3), 4, "4"},
		{"a higher number raises the count", `{"meta":{"version":"10"}}`, at(3), 10, "10"},
		{"a lower one does not lower it", `{"meta":{"version":"2"}}`, at(3), 4, "2"},
		{"one out of all measure is a name", `{"meta":{"version":"2000000000"}}`, at(3), 4, "2000000000"},
	} {
		if n, name := numbered(c.last, json.RawMessage(c.config)); n != c.number || name != c.name {
			t.Errorf("%s: got %d %q, want %d %q", c.rule, n, name, c.number, c.name)
		}
	}
}
