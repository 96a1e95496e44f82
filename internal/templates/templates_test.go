package templates

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/parley-voice/parley"
)

// sound is what the graphs are held against here; their real check is in test/contract.
func sound(json.RawMessage) []string { return nil }

func reader(t *testing.T) (*Catalogue, parley.Actor) {
	t.Helper()
	c, err := Load(sound)
	if err != nil {
		t.Fatal(err)
	}
	return c, parley.Actor{Abilities: []string{"*"}}
}

func TestEachTemplateIsFoundInTheLanguageAskedFor(t *testing.T) {
	c, _ := reader(t)
	for _, r := range []struct{ rule, id, language, want string }{
		{"without a language it is the one with the id", "receptionist-en-us", "", "receptionist-en-us"},
		{"of the same kind", "receptionist-en-us", "es-ES", "receptionist-es-es"},
		{"another region of the language will do", "receptionist-en-us", "pt-PT", "receptionist-pt-br"},
		{"a language that it is not written in leaves it", "receptionist-en-us", "ja-JP", "receptionist-en-us"},
		{"an unknown id is none", "receptionist", "en-US", ""},
	} {
		if got, ok := c.Template(r.id, r.language); got.ID != r.want || ok != (r.want != "") {
			t.Errorf("%s: %s", r.rule, got.ID)
		}
	}
}

func TestNobodyReadsWithoutTheAbility(t *testing.T) {
	c, _ := reader(t)
	for what, err := range map[string]error{
		"list":       second(c.List(parley.Actor{}, "")),
		"sectors":    second(c.Sectors(parley.Actor{}, "", nil)),
		"search":     second(c.Search(parley.Actor{}, "front desk", nil)),
		"statistics": second(c.Statistics(parley.Actor{})),
	} {
		if parley.CodeOf(err) != parley.Unauthorized {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestAFlowGoesOnAfterTheGreeting: the opening is said before the first node, so that one greets and the other asks.
func TestAFlowGoesOnAfterTheGreeting(t *testing.T) {
	c, actor := reader(t)
	list, err := c.List(actor, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		if one.Flow == "" {
			continue
		}
		g := graphOf(t, &one)
		first := g.Nodes[slices.IndexFunc(g.Nodes, func(n node) bool { return n.ID == g.Initial })].Content
		if opening := *one.Settings.InitialMessage; strings.Contains(opening, "?") || !strings.HasSuffix(first, "?") || strings.Contains(first, opening) {
			t.Errorf("%s greets with %q and asks %q", one.ID, opening, first)
		}
	}
}

type node struct {
	ID, Type, Content string
	Action            string `json:"action_id"`
}

type graph struct {
	Initial string `json:"initial_node_id"`
	Nodes   []node
}

func graphOf(t *testing.T, one *parley.AgentTemplate) (g graph) {
	t.Helper()
	if err := json.Unmarshal([]byte(one.Flow), &g); err != nil {
		t.Fatalf("%s: %v", one.ID, err)
	}
	return g
}

func TestTenKindsAreWrittenInThreeLanguages(t *testing.T) {
	c, actor := reader(t)
	list, err := c.List(actor, "")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string][]string{}
	for _, one := range list {
		kinds[one.Kind] = append(kinds[one.Kind], one.Settings.Language+" "+one.Country)
	}
	for kind, in := range kinds {
		if !slices.Equal(in, []string{"en-US US", "es-ES ES", "pt-BR BR"}) {
			t.Errorf("%s is written in %v", kind, in)
		}
	}
	if len(kinds) != 10 {
		t.Errorf("%d kinds", len(kinds))
	}
}

// TestAKindIsTheSameInAllLanguages holds what is not text against the English one.
func TestAKindIsTheSameInAllLanguages(t *testing.T) {
	c, actor := reader(t)
	list, err := c.List(actor, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		english, ok := c.Template(one.Kind+"-en-us", "")
		if !ok {
			t.Fatalf("%s is not written in English", one.Kind)
		}
		if len(one.Trainings) != len(english.Trainings) || len(one.Actions) != len(english.Actions) {
			t.Errorf("%s holds %d trainings and %d actions", one.ID, len(one.Trainings), len(one.Actions))
		}
		if one.Flow == "" {
			continue
		}
		shape := func(g graph) (all []string) {
			for _, n := range g.Nodes {
				all = append(all, n.ID+" "+n.Type+" "+n.Action)
			}
			return all
		}
		if got, want := shape(graphOf(t, &one)), shape(graphOf(t, &english)); !slices.Equal(got, want) {
			t.Errorf("%s has the nodes %v, in English they are %v", one.ID, got, want)
		}
		for _, n := range graphOf(t, &one).Nodes {
			known := func(a parley.Action) bool { return a.NodeID == n.Action }
			if n.Type == "action" && !slices.ContainsFunc(one.Actions, known) {
				t.Errorf("%s: node %s runs the action %q, which there is not", one.ID, n.ID, n.Action)
			}
		}
	}
}

const (
	goodShared = `
sector: services
direction: inbound
builder: general
settings: {interrupt_sensitivity: medium, conversation_speed: 1, idle_time_seconds: 15, max_idle_check_count: 2, max_call_duration_seconds: 900,
  llm_temperature: 0.3, who_speaks_first: agent}
placeholders: [{name: business_name}, {name: team_number, kind: phone}]
actions: [{node_id: transfer, type: transfer, inputs: [{name: transfer_to, type: phone, value: "{{team_number}}"}]}]
`
	goodTexts = `
country: US
sector: Services
name: Receptionist
summary: Answers the phone.
agent: Emma
initial_message: Thank you for calling {{business_name}}.
description: You answer the phone of {{business_name}}.
trainings: [{subject: Hours, instructions: We are open.}]
placeholders:
  business_name: {description: Its name., example: Cascade}
  team_number: {description: Its number., example: "+12025550108"}
actions: {transfer: {name: Transfer, description: Puts the caller through.}}
`
)

func TestATemplateThatNoAgentCanBeMadeOfIsRefused(t *testing.T) {
	for _, c := range []struct{ rule, old, now, want string }{
		{"a good one is taken", "", "", ""},
		{"a field that nobody knows", "agent: Emma", "agent: Emma\ncolour: red", "field colour not found"},
		{"a placeholder that is not declared", "We are open.", `"{{hours}}"`, `placeholder "hours" is not declared`},
		{"a placeholder that is not closed", "We are open.", `"{{hours"`, "a placeholder is not closed"},
		{"a placeholder that is not used", "calling {{business_name}}", "calling", ""}, // it stands in the description too
		{"a placeholder that stands nowhere", "{{business_name}}", "us", `placeholder "business_name" is not used`},
		{"a placeholder without an example", "example: Cascade", "", `placeholder "business_name"`},
		{"a placeholder of no kind", "kind: phone", "kind: fax", `placeholder "team_number"`},
		{"a placeholder too many", "  business_name:", "  other: {}\n  business_name:", "explains placeholders that the template does not have"},
		{"a flow without a graph", "builder: general", "builder: flow", "does not go with its flow"},
		{"no trainings", "trainings: [{subject: Hours, instructions: We are open.}]", "", "no trainings"},
		{"a long opening", "Thank you for", "Thank you " + strings.Repeat("very much ", 25) + "for", "initial message has"},
		{"a setting out of its range", "idle_time_seconds: 15", "idle_time_seconds: 0", "idle_time_seconds is 0"},
		{"a word for a setting", "interrupt_sensitivity: medium", "interrupt_sensitivity: none", "interrupt_sensitivity is none"},
		{"a direction", "direction: inbound", "direction: up", `direction "up"`},
		{"an action without its texts", "actions: {transfer:", "actions: {other:", `action "transfer" lacks`},
	} {
		edit := strings.NewReplacer(c.old, c.now)
		if c.old == "" {
			edit = strings.NewReplacer()
		}
		_, err := load(fstest.MapFS{
			"one/template.yaml": {Data: []byte(edit.Replace(goodShared))},
			"one/en-US.yaml":    {Data: []byte(edit.Replace(goodTexts))},
		}, sound)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.rule, err, c.want)
		}
	}
}
