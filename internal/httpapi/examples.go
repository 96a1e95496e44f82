package httpapi

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// exampler makes examples out of the schemas of requests and answers, so that an operation has one from the day it is mounted. A field's
// value is its example tag, which stands beside the form, else what the field's name means in the one world that all examples tell of
// (world, and ids by noun), else what its rule allows. A text that none of this gives is missing, and a test says so.
type exampler struct {
	registry huma.Registry
	missing  []string
}

// of is the example of a schema that stands in a field of a noun.
func (x *exampler) of(s *huma.Schema, noun, field string) any {
	if s.Ref != "" {
		return x.object(x.registry.SchemaFromRef(s.Ref), refName(s))
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) == 1:
		return s.Enum[0]
	}
	if v, known := x.word(s, noun, field); known {
		return v
	}
	switch {
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Nullable || s.Type == "null":
		return nil
	}
	return x.byType(s, noun, field)
}

func refName(s *huma.Schema) string { return s.Ref[strings.LastIndex(s.Ref, "/")+1:] }

// word is what a field's name means in the world of the examples.
func (x *exampler) word(s *huma.Schema, noun, field string) (any, bool) {
	v, known := world[field]
	switch {
	case known && (len(s.Enum) == 0 || slices.Contains(s.Enum, v)) && isA(v, s.Type):
		return v, true
	case s.Type != huma.TypeString || len(s.Enum) > 0:
		return nil, false
	case field == "id":
		return exampleID(noun), true
	}
	of, names := strings.CutSuffix(field, "_id")
	return exampleID(of), names
}

// isA says whether a value is of a schema's type.
func isA(v any, kind string) bool {
	switch v.(type) {
	case string:
		return kind == huma.TypeString
	case int, float64:
		return kind == huma.TypeInteger || kind == huma.TypeNumber
	case bool:
		return kind == huma.TypeBoolean
	case []any:
		return kind == huma.TypeArray
	case map[string]any:
		return kind == huma.TypeObject
	}
	return false
}

func (x *exampler) byType(s *huma.Schema, noun, field string) any {
	switch s.Type {
	case huma.TypeBoolean:
		return false
	case huma.TypeInteger, huma.TypeNumber:
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case huma.TypeArray:
		return []any{x.of(s.Items, noun, strings.TrimSuffix(field, "s"))}
	case huma.TypeObject:
		return x.object(s, noun)
	case huma.TypeString:
		if v, known := exampleOfFormat[s.Format]; known {
			return v
		}
		x.missing = append(x.missing, fmt.Sprintf("%s.%s", noun, field))
		return ""
	}
	if parts := slices.Concat(s.OneOf, s.AnyOf); len(parts) > 0 {
		return x.of(parts[0], noun, field)
	}
	return map[string]any{}
}

func (x *exampler) object(s *huma.Schema, noun string) any {
	if s.Type != huma.TypeObject {
		return x.of(s, noun, "")
	}
	out := map[string]any{}
	for name, p := range s.Properties {
		out[name] = x.of(p, noun, name)
	}
	if each, ok := s.AdditionalProperties.(*huma.Schema); ok {
		out["name"] = x.of(each, noun, "name")
	}
	return out
}

// params gives each parameter its example.
func (x *exampler) params(list []*huma.Param) {
	for _, p := range list {
		if p.Example == nil {
			p.Example = x.of(p.Schema, "parameter", p.Name)
		}
	}
}

// media puts the examples of a content in its place: one as it is, several by name.
func (x *exampler) media(m *huma.MediaType, noun string, own map[string]any) {
	if len(own) == 0 {
		own = map[string]any{}
		if parts := slices.Concat(m.Schema.OneOf, m.Schema.AnyOf); len(parts) > 1 {
			for i, part := range parts {
				name := fmt.Sprintf("form %d", i+1)
				if part.Ref != "" {
					name = refName(part)
				}
				own[name] = x.of(part, noun, "")
			}
		} else {
			own[""] = x.of(m.Schema, noun, "")
		}
	}
	if len(own) == 1 {
		for _, v := range own {
			m.Example = v
		}
		return
	}
	m.Examples = map[string]*huma.Example{}
	for name, v := range own {
		m.Examples[name] = &huma.Example{Value: v}
	}
}

var capital = regexp.MustCompile(`[a-z][A-Z]`)

// exampleID is the id of the world's one row of a noun, however a schema or a field names it.
func exampleID(noun string) string {
	noun = strings.ToLower(capital.ReplaceAllStringFunc(noun, func(s string) string { return s[:1] + "_" + s[1:] }))
	noun = strings.TrimSuffix(noun, "_request")
	if n, known := sameNoun[noun]; known {
		noun = n
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(noun)).String()
}
