package contract

import (
	"slices"
	"strings"
	"testing"

	"github.com/parley-voice/parley"
)

// templates are what an operation lists, by id in its order.
func (h *house) templates(op, query string) (ids []string, rows []object) {
	h.t.Helper()
	for _, r := range h.must(request{op: op, query: query}).rows() {
		ids, rows = append(ids, r.(object)["id"].(string)), append(rows, r.(object))
	}
	return ids, rows
}

// given are the example values of a template's placeholders; those that come per call are left out.
func given(template object) object {
	values := object{}
	for _, p := range template["placeholders"].([]any) {
		if p := p.(object); p["per_call"] != true {
			values[p["name"].(string)] = p["example"]
		}
	}
	return values
}

// TestEveryTemplateMakesAnAgentThatCanBePublished fills each template with its examples. An agent that takes calls needs a number besides.
func TestEveryTemplateMakesAnAgentThatCanBePublished(t *testing.T) {
	h := open(t)
	number := h.did(h.newTrunk(), "+12025550149")
	_, rows := h.templates("listAgentTemplates", "")
	for _, template := range rows {
		values := given(template)
		body := object{"template_id": template["id"], "placeholders": values, "engine": "polyglot", "phone_number_ids": []string{number}}
		made := h.must(request{op: "createAgentFromTemplate", body: body})
		agent := made.data()
		if agent["current_status"] != "draft" || agent["language"] != template["language"] || agent["direction"] != template["direction"] {
			t.Errorf("%s makes %s", template["id"], made.raw)
		}
		if agent["is_ready_to_publish"] != true {
			t.Errorf("%s is not ready: %s", template["id"], made.raw)
		}
		if n := len(agent["trainings"].([]any)); n < 3 || n > 6 {
			t.Errorf("%s has %d trainings", template["id"], n)
		}
		for _, act := range agent["actions"].([]any) {
			if act.(object)["current_status"] != "active" {
				t.Errorf("%s has an action that does not know where to go: %v", template["id"], act)
			}
		}
		f := h.must(request{op: "getAgentFlow", path: []string{made.id()}})
		if driven := f.data()["conversation_mode"] == "flow_driven"; driven != (template["builder_type"] == "flow") {
			t.Errorf("%s, of type %v, makes an agent that is %v", template["id"], template["builder_type"], f.data()["conversation_mode"])
		}
		for name := range values {
			if hole := "{{" + name + "}}"; strings.Contains(string(made.raw), hole) || strings.Contains(string(f.raw), hole) {
				t.Errorf("%s leaves %s in %s %s", template["id"], hole, made.raw, f.raw)
			}
		}
		h.must(request{op: "publishAgent", path: []string{made.id()}})
	}
}

func TestTemplatesAreListedAndCounted(t *testing.T) {
	h := open(t)
	all, rows := h.templates("listAgentTemplates", "")
	brazilian, _ := h.templates("listAgentTemplates", "?country_code=BR")
	american, _ := h.templates("listAgentTemplates", "?country_code=US")
	nowhere, _ := h.templates("listAgentTemplates", "?country_code=XX")
	if len(all) != 30 || len(american) != 10 || len(brazilian) != 10 || len(nowhere) != 0 || !slices.Contains(american, "receptionist-en-us") {
		t.Errorf("templates of the US %v, of XX %v", american, nowhere)
	}
	grouped := func(query string) (ids []string) {
		for _, s := range h.must(request{op: "listAgentTemplatesBySector", query: query}).rows() {
			for _, template := range s.(object)["templates"].([]any) {
				template := template.(object)
				if ids = append(ids, template["id"].(string)); template["sector"] != s.(object)["sector"] {
					t.Errorf("%v stands in sector %v", template, s.(object)["sector"])
				}
			}
		}
		return ids
	}
	flows, general := grouped("?builder_type=flow"), grouped("?builder_type=general")
	if len(flows) == 0 || len(general) == 0 || len(flows)+len(general) != len(all) || len(grouped("")) != len(all) {
		t.Errorf("by sector: flows %v, others %v, of %v", flows, general, all)
	}
	count := h.must(request{op: "getAgentTemplateStatistics"}).data()
	sectors := object{}
	for _, r := range rows {
		n, _ := sectors[r["sector"].(string)].(float64)
		sectors[r["sector"].(string)] = n + 1
	}
	for sector, n := range sectors {
		if count["by_sector"].(object)[sector] != n {
			t.Errorf("%v of sector %s, want %v", count, sector, n)
		}
	}
	if b := count["by_builder_type"].(object); count["total_templates"] != float64(len(all)) || b["flow"] != float64(len(flows)) ||
		b["general"] != float64(len(general)) {
		t.Errorf("counted %v", count)
	}
}

func TestTemplatesAreSearched(t *testing.T) {
	h := open(t)
	for rule, c := range map[string]struct{ query, want string }{
		"by name":                      {"Receptionist", "receptionist-en-us"},
		"by sector":                    {"healthcare", "appointment-reminder-en-us"},
		"by description":               {"six+short+questions", "survey-en-us"},
		"without regard to case":       {"REMIND", "appointment-reminder-en-us"},
		"for letters with accents":     {"SATISFACAO", "survey-pt-br"},
		"with accents":                 {"satisfacci%C3%B3n", "survey-es-es"},
		"without regard to accents":    {"r%C3%A9ceptionist", "receptionist-en-us"},
		"by all words, in any order":   {"phone+receptionist", "receptionist-en-us"},
		"a word that nobody has":       {"receptionist+zeppelin", ""},
		"blanks alone":                 {"%20%20", ""},
		"two characters of other text": {"%F0%9F%98%80%F0%9F%98%80", ""},
	} {
		ids, _ := h.templates("searchAgentTemplates", "?query="+c.query)
		if c.want == "" && len(ids) > 0 || c.want != "" && !slices.Contains(ids, c.want) {
			t.Errorf("%s: %v", rule, ids)
		}
	}
	for query, text := range map[string]string{
		"":           "The query field is required.",
		"?query=a":   "The query must be at least 2 characters.",
		"?query=%20": "The query must be at least 2 characters.",
	} {
		a := h.call(request{op: "searchAgentTemplates", query: query})
		if h.refused(a, 422, parley.ValidationError); a.faults("query") != text {
			t.Errorf("%q: %s", query, a.raw)
		}
	}
}

func TestAgentsFromTemplatesAreOverridden(t *testing.T) { onBoth(t, agentsFromTemplatesAreOverridden) }

func agentsFromTemplatesAreOverridden(t *testing.T, h *house) {
	number := h.did(h.newTrunk(), "+12025550150")
	create := func(change object) answer {
		return h.call(request{op: "createAgentFromTemplate", body: changed(object{"template_id": "receptionist-en-us"}, change)})
	}
	plain := create(nil).data()
	if plain["name"] != "Emma" || plain["label"] != "Receptionist" || plain["voice"].(object)["template"].(object)["id"] != "rose" ||
		plain["is_ready_to_publish"] != false || !strings.Contains(plain["description"].(string), "{{business_name}}") {
		t.Errorf("without overrides: %v", plain)
	}
	if act := plain["actions"].([]any)[0].(object); act["current_status"] != "inactive" {
		t.Errorf("an action that does not know where to go: %v", act)
	}
	own := create(object{
		"name": "Ida", "label": "night desk", "language": "en-CA", "direction": "outbound", "phone_number_ids": []string{number},
		"placeholders": object{"business_name": ` A "good" \ place `, "team_number": "+12025550109", "unknown": "x"},
	}).data()
	if own["name"] != "Ida" || own["label"] != "night desk" || own["language"] != "en-CA" || own["direction"] != "outbound" ||
		len(own["phone_numbers"].([]any)) != 1 || own["initial_message"] != `Thank you for calling A "good" \ place, this is Emma. How can I help you today?` {
		t.Errorf("with overrides: %v", own)
	}
	if in := own["actions"].([]any)[0].(object)["input_schema"].([]any)[0].(object); in["value"] != "+12025550109" {
		t.Errorf("number of the action: %v", in)
	}
	h.must(request{op: "publishAgent", path: []string{own["id"].(string)}})
	other := create(object{"language": "pt-PT"}).data()
	if other["language"] != "pt-PT" || other["name"] != "Camila" || other["voice"].(object)["template"].(object)["id"] != "rose-pt" {
		t.Errorf("in another language: %v", other)
	}
	quoted := create(object{"template_id": "survey-en-us", "placeholders": object{"survey_topic": ` the "good" \ place `}})
	graph := h.must(request{op: "getAgentFlow", path: []string{quoted.id()}}).data()["flow_config"].(object)
	if first := graph["nodes"].([]any)[0].(object)["content"].(string); !strings.Contains(first, `opinion on the "good" \ place. Do`) {
		t.Errorf("in the flow: %s", first)
	}
	if v := h.must(request{op: "listAgentFlowVersions", path: []string{quoted.id()}}).data()["versions"].([]any); len(v) != 1 {
		t.Errorf("versions %v", v)
	}
	h.templateFaults(create)
}

// templateFaults are what is wrong with a body of createAgentFromTemplate.
func (h *house) templateFaults(create func(object) answer) {
	before := len(h.must(request{op: "listAgents"}).rows())
	for rule, c := range map[string]struct {
		change object
		field  string
		text   string
	}{
		"no template":      {object{"template_id": nil}, "template_id", "The template id field is required."},
		"an empty name":    {object{"name": ""}, "name", "The name field is required."},
		"a long label":     {object{"label": strings.Repeat("x", 256)}, "label", "The label field must not be greater than 255 characters."},
		"a language":       {object{"language": "xx"}, "language", "The selected language is invalid."},
		"a direction":      {object{"direction": "up"}, "direction", "The selected direction is invalid."},
		"a number":         {object{"phone_number_ids": []string{"x"}}, "phone_number_ids", "The selected phone number ids are invalid."},
		"no list":          {object{"phone_number_ids": "x"}, "phone_number_ids", "The phone number ids must be an array."},
		"no object":        {object{"placeholders": "x"}, "placeholders", "The placeholders must be an object."},
		"no text":          {object{"placeholders": object{"address": 1}}, "placeholders.address", "The placeholders.address must be a string."},
		"an empty text":    {object{"placeholders": object{"address": " "}}, "placeholders.address", "The placeholders.address field is required."},
		"no phone number":  {object{"placeholders": object{"team_number": "1"}}, "placeholders.team_number", "The placeholders.team_number must be a valid phone number."},
		"a null character": {object{"placeholders": object{"address": "a\x00"}}, "placeholders.address", "The placeholders.address must not contain null characters."},
		"a long text": {
			object{"placeholders": object{"address": strings.Repeat("x", 501)}}, "placeholders.address",
			"The placeholders.address field must not be greater than 500 characters.",
		},
		"an address that nobody may ask": {
			object{"template_id": "survey-en-us", "placeholders": object{"survey_url": "http://169.254.169.254/"}}, "placeholders.survey_url",
			"The placeholders.survey_url cannot be used: ",
		},
	} {
		a := create(c.change)
		if h.refused(a, 422, parley.ValidationError); !strings.HasPrefix(a.faults(c.field), c.text) {
			h.t.Errorf("%s: %s", rule, a.raw)
		}
	}
	if after := len(h.must(request{op: "listAgents"}).rows()); after != before {
		h.t.Errorf("%d agents before refusals, %d after", before, after)
	}
}

func TestTemplatesAreCopiedIntoAgents(t *testing.T) { onBoth(t, templatesAreCopiedIntoAgents) }

func templatesAreCopiedIntoAgents(t *testing.T, h *house) {
	agent, _, did := h.published(parley.Inbound, "+12025550151")
	at := []string{agent}
	h.must(request{op: "upsertTraining", path: at, body: object{"subject": "old", "instructions": "b"}})
	h.must(request{op: "upsertAction", path: at, body: actionBody(nil)})
	h.hook(agent, nil)
	h.must(request{op: "publishAgent", path: at})
	clone := func(template string) object {
		body := object{"template_id": template, "agent_id": agent, "placeholders": object{"business_name": "Cascade"}}
		return h.must(request{op: "cloneTemplateIntoAgent", body: body}).data()
	}
	flowNow := func() object { return h.must(request{op: "getAgentFlow", path: at}).data() }
	a := clone("survey-en-us")
	if a["current_status"] != "draft" || a["name"] != "Rose" || a["label"] != "reception" || a["direction"] != "inbound" {
		t.Errorf("a copy is %v", a)
	}
	if n := a["phone_numbers"].([]any); len(n) != 1 || n[0].(object)["id"] != did {
		t.Errorf("numbers %v", n)
	}
	if !strings.Contains(a["description"].(string), "Cascade") || a["idle_time_seconds"] != 10.0 || a["enable_recording"] != true {
		t.Errorf("settings %v", a)
	}
	if v := a["voice"].(object); v["template"].(object)["id"] != "rose" {
		t.Errorf("voice %v", v)
	}
	if f := flowNow(); f["conversation_mode"] != "flow_driven" || len(a["trainings"].([]any)) != 3 || len(a["actions"].([]any)) != 2 {
		t.Errorf("holds %v, %v", a, f)
	}
	if n := len(h.must(request{op: "listAgentWebhooks", path: at}).data()["webhooks"].([]any)); n != 1 {
		t.Errorf("%d webhooks are left", n)
	}
	a = clone("receptionist-en-us")
	var subjects []string
	for _, tr := range a["trainings"].([]any) {
		subjects = append(subjects, tr.(object)["subject"].(string))
	}
	if f := flowNow(); f["conversation_mode"] != "llm_driven" || len(subjects) != 6 || subjects[0] != "Opening hours" || len(a["actions"].([]any)) != 1 {
		t.Errorf("a second copy holds %v, %v", a, f)
	}
	if a = clone("receptionist-es-es"); a["language"] != "es-ES" || a["voice"].(object)["template"].(object)["id"] != "rosa" {
		t.Errorf("a copy in another language: %v", a)
	}
	if len(h.must(request{op: "listAgentFlowVersions", path: at}).data()["versions"].([]any)) != 2 {
		t.Error("a copy without a flow into an agent without one makes a version")
	}
}
