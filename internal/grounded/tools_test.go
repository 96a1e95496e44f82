package grounded

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/llm"
)

// TestSchemasOfServers: tools of other people's servers come with schemas that none of us wrote.
func TestSchemasOfServers(t *testing.T) {
	b := llm.Brief{AgentName: "Desk", Greeting: "Hello, how can I help?", Now: "2026-11-24T10:00:00Z", Tools: []llm.Tool{{
		Name: "reserve_table", Description: "Reserves a table",
		Parameters: json.RawMessage(`{"$schema":"http://json-schema.org/draft-07/schema#","additionalProperties":false,"type":"object","properties":{` +
			`"n":{"description":"Party size.","type":["integer","null"]},"seat":{"anyOf":[{"type":"string"}],"enum":["inside","outside"]}},` +
			`"required":["n","seat"]}`),
	}}}
	said := []string{"I want to reserve a table"}
	if r := talks(t, b, said...); !strings.Contains(strings.Join(r.texts, " "), "how many people") {
		t.Errorf("said %q", r.texts)
	}
	r := talks(t, b, append(said, "four", "outside please", "yes that's right")...)
	if r.call == nil || r.call.Name != "reserve_table" || string(r.call.Arguments) != `{"n":4,"seat":"outside"}` {
		t.Errorf("said %q, called %v", r.texts, r.call)
	}
}
