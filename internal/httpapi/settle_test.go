package httpapi

import (
	"slices"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

func TestDocumentSaysWhereNullMayStand(t *testing.T) {
	d := build(Config{}, Deps{}).doc
	for range 2 { // again changes nothing
		d.settle()
	}
	nulls := func(s *huma.Schema) (n int) {
		if s.Nullable || s.Type == "null" {
			n++
		}
		for _, part := range s.AnyOf {
			if part.Type == "null" {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		name, schema, field string
		want                int
	}{
		{"a time that has not come", "Trunk", "last_health_check_at", 1},
		{"an object that is not there", "Action", "action_trigger", 1},
		{"a named schema", "Action", "integration", 1},
		{"a time that is always there", "Trunk", "created_at", 0},
		{"an optional field of a request is as good as not sent", "CreateAgentRequest", "phone_number_ids", 1},
		{"a required field of a request", "CreateAgentRequest", "name", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := d.registry.Map()[c.schema].Properties[c.field]
			if got := nulls(p); got != c.want {
				t.Errorf("%s.%s may be null %d times over, want %d", c.schema, c.field, got, c.want)
			}
		})
	}
	for name, s := range d.registry.Map() {
		for field, p := range s.Properties {
			if count := len(slices.DeleteFunc(slices.Clone(p.Enum), func(v any) bool { return v != nil })); len(p.Enum) > 0 && p.Nullable && count != 1 {
				t.Errorf("%s.%s may be null, and its enum has %d nulls", name, field, count)
			}
		}
	}
}
