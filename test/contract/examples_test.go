package contract

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// examples are those of a content, by name.
func examples(m *openapi3.MediaType) map[string]any {
	all := map[string]any{}
	if m.Example != nil {
		all["the example"] = m.Example
	}
	for name, e := range m.Examples {
		all[name] = e.Value.Value
	}
	return all
}

// fits holds a value against a schema, as JSON would bring it.
func fits(s *openapi3.SchemaRef, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var plain any
	if err := json.Unmarshal(b, &plain); err != nil {
		return err
	}
	return s.Value.VisitJSON(plain, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors())
}

// TestEveryOperationHasExamplesThatFit wants an example for each parameter, each request and each answer, and holds every one against its
// schema. Those of the contract's operations must fit the contract's schemas too.
func TestEveryOperationHasExamplesThatFit(t *testing.T) {
	contract, count := loadSpec(t, "testdata/contract.yaml"), 0
	for _, o := range ours(t).ops {
		for _, p := range o.raw.Parameters {
			if p.Value.Example == nil {
				t.Errorf("%s: parameter %s has no example", o.id, p.Value.Name)
			} else if err := fits(p.Value.Schema, p.Value.Example); err != nil {
				t.Errorf("%s: example of parameter %s: %v", o.id, p.Value.Name, err)
			}
		}
		theirs := contract.ops[o.id]
		if b := o.raw.RequestBody; b != nil {
			count += judgeExamples(t, o.id+" request", b.Value.Content, contractRequest(theirs))
		}
		for status, r := range o.raw.Responses.Map() {
			count += judgeExamples(t, o.id+" "+status, r.Value.Content, contractAnswer(theirs, status))
		}
	}
	t.Logf("%d examples fit", count)
}

// judgeExamples holds the examples of contents against their schemas and, unless it is nil, against another one; it returns how many there are.
func judgeExamples(t *testing.T, what string, contents openapi3.Content, another *openapi3.SchemaRef) (count int) {
	t.Helper()
	for kind, m := range contents {
		if m.Schema != nil && m.Schema.Value.Format == "binary" {
			continue // sound
		}
		all := examples(m)
		if len(all) == 0 {
			t.Errorf("%s (%s) has no example", what, kind)
		}
		for name, e := range all {
			count++
			if err := fits(m.Schema, e); err != nil {
				t.Errorf("%s: %s does not fit its schema: %v", what, name, err)
			}
			if another != nil {
				if err := fits(another, e); err != nil {
					t.Errorf("%s: %s does not fit the contract's schema: %v", what, name, err)
				}
			}
		}
	}
	return count
}

func contractRequest(o *operation) *openapi3.SchemaRef {
	if o == nil || o.raw.RequestBody == nil {
		return nil
	}
	return jsonSchema(o.raw.RequestBody.Value.Content)
}

func contractAnswer(o *operation, status string) *openapi3.SchemaRef {
	n, _ := strconv.Atoi(status)
	if o == nil || n >= http.StatusBadRequest && o.raw.Responses.Status(n) == nil {
		return nil
	}
	r := maps.Collect(maps.All(o.raw.Responses.Map()))[status]
	if r == nil {
		return nil
	}
	return jsonSchema(r.Value.Content)
}

func jsonSchema(c openapi3.Content) *openapi3.SchemaRef {
	if m := c["application/json"]; m != nil {
		return m.Schema
	}
	return nil
}
