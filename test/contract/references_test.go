package contract

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/parley-voice/parley/internal/httpapi"
)

// references are the queries and bodies that name rows: by operation and field, the row that the field names, by its name in a world.
// A field that looks like a row's id and stands neither here nor in otherIDs fails the test.
var references = map[string]string{
	"listCalls agent_id":                  "agent_id",
	"listErasures agent_id":               "erased agent",
	"getCallSummaries agent_id":           "agent_id",
	"getCallSummaryTotals agent_id":       "agent_id",
	"createAgent phone_number_ids":        "phone_number_id",
	"updateAgentCalling phone_number_ids": "phone_number_id",
	"endCall call_sid":                    "open call",

	"createAgentFromTemplate phone_number_ids": "phone_number_id",
	"cloneTemplateIntoAgent agent_id":          "agent_id",

	"setAgentCallback source_agent_ids":               "agent_id",
	"updateAgentCallback source_agent_ids":            "agent_id",
	"checkCallbackConstraints source_agent_ids":       "agent_id",
	"checkCallbackConstraints callback_source_agents": "agent_id",
}

// otherIDs are fields that look like ids of rows and are none, with what they are.
var otherIDs = map[string]string{
	"upsertTraining node_id":      "the client's own key within the agent",
	"upsertAction node_id":        "the client's own key within the agent",
	"upsertAction integration.id": "an entry of the server's catalogue",
	"updateAgentVoice voice_id":   "one of the server's voices",

	"createAgentFromTemplate template_id": "one of the server's templates",
	"cloneTemplateIntoAgent template_id":  "one of the server's templates",

	"makeCall sid":                     "the outside system's own id of its call",
	"getCallSummaries campaign_id":     "no row has it: the server has no campaigns",
	"getCallSummaryTotals campaign_id": "no row has it: the server has no campaigns",
}

var looksLikeID = regexp.MustCompile(`(^|[._])(id|ids|sid|sids|agents)$`)

// TestReferencesToRowsOfAnotherEnvironmentAreUnknown puts another environment's ids into queries and bodies: the answer is the one that an
// id of nothing gets. Their owner gets another, or the test showed nothing.
func TestReferencesToRowsOfAnotherEnvironmentAreUnknown(t *testing.T) {
	spec := ours(t)
	found := map[string]bool{}
	for _, o := range spec.ops {
		for _, field := range idFields(o) {
			key := o.id + " " + field
			found[key] = true
			if references[key] == "" && otherIDs[key] == "" {
				t.Errorf("%s: the field %s looks like the id of a row: enter in references which, or in otherIDs what it is instead", o.id, field)
			}
		}
	}
	for key := range maps.All(references) {
		if !found[key] {
			t.Errorf("there is no field %s", key)
		}
	}
	onBoth(t, func(t *testing.T, h *house) {
		mine, theirs := h.newWorld("mine", "43"), h.newWorld("theirs", "44")
		before := dump(h)
		for _, key := range slices.Sorted(maps.Keys(references)) {
			o, field := split(spec, key)
			id := theirs.ids[references[key]]
			if got, want := mine.refer(o, field, id), mine.refer(o, field, unknownID); got != want {
				t.Errorf("%s with another's id:\n%s\nwith an id of nothing:\n%s", key, got, want)
			}
		}
		for _, line := range changes(before, dump(h)) {
			t.Errorf("a request changed a row: %s", line)
		}
		for _, key := range slices.Sorted(maps.Keys(references)) {
			o, field := split(spec, key)
			if theirs.refer(o, field, theirs.ids[references[key]]) == theirs.refer(o, field, unknownID) {
				t.Errorf("%s: its owner gets the answer of an id of nothing", key)
			}
		}
	})
}

const unknownID = "00000000-0000-4000-8000-000000000000"

func split(s *spec, key string) (*operation, string) {
	id, field, _ := strings.Cut(key, " ")
	return s.ops[id], field
}

// refer calls an operation with an id in a field and returns the answer, with "ID" where that id stood.
func (w world) refer(o *operation, field, id string) string {
	w.t.Helper()
	path := o.path
	for _, name := range params(path) {
		path = strings.Replace(path, "{"+name+"}", w.id(httpapi.Route{ID: o.id}, name), 1)
	}
	var body any
	if o.method == http.MethodGet {
		path += "?" + url.Values{field: {id}}.Encode()
	} else {
		body = w.bodyNaming(o.id, field, id)
	}
	a := w.send(o.method, path, w.token, body)
	return http.StatusText(a.status) + " " + strings.ReplaceAll(string(a.raw), id, "ID")
}

// bodyNaming is a good body of an operation but for an id in it.
func (w world) bodyNaming(op, field, id string) object {
	switch op {
	case "createAgent":
		return agentBody(object{field: []string{id}})
	case "createAgentFromTemplate":
		return object{"template_id": "receptionist-en-us", field: []string{id}}
	case "cloneTemplateIntoAgent":
		return object{"template_id": "receptionist-en-us", field: id}
	case "updateAgentCalling":
		return object{"direction": "outbound", field: []string{id}}
	case "setAgentCallback", "updateAgentCallback", "checkCallbackConstraints":
		return object{field: []string{id}}
	}
	return object{field: id}
}

// idFields are the query parameters and fields of bodies whose names are those of ids.
func idFields(o *operation) (fields []string) {
	for _, p := range o.raw.Parameters {
		if p.Value.In == "query" && looksLikeID.MatchString(p.Value.Name) {
			fields = append(fields, p.Value.Name)
		}
	}
	if b := o.raw.RequestBody; b != nil {
		for _, m := range b.Value.Content {
			fields = append(fields, idsWithin("", m.Schema)...)
		}
	}
	return fields
}

// idsWithin are the fields of a schema, and of what stands in it, whose names are those of ids.
func idsWithin(at string, s *openapi3.SchemaRef) (fields []string) {
	if s == nil || s.Value == nil {
		return nil
	}
	for name, p := range s.Value.Properties {
		if looksLikeID.MatchString(name) {
			fields = append(fields, at+name)
		}
		fields = append(fields, idsWithin(at+name+".", p)...)
	}
	fields = append(fields, idsWithin(at, s.Value.Items)...)
	for _, list := range []openapi3.SchemaRefs{s.Value.AnyOf, s.Value.OneOf, s.Value.AllOf} {
		for _, part := range list {
			fields = append(fields, idsWithin(at, part)...)
		}
	}
	return fields
}
