package httpapi

import (
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// settle brings the schemas, which huma makes of types, to what the wire takes and gives: where null may stand, and that bodies may have
// fields that no schema names, since unknown ones are ignored and answers may grow. It may be called again.
func (d *document) settle() {
	for name, s := range d.registry.Map() {
		if s.AdditionalProperties == false {
			s.AdditionalProperties = nil
		}
		t := d.registry.TypeFromRef(schemaPrefix + name)
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() == reflect.Struct {
			nullPointers(s, t)
		}
		if d.bodies[t] {
			takeNulls(s)
		}
	}
}

// nullPointers lets null stand where a struct has a pointer. Huma does so itself, save for types that describe themselves.
func nullPointers(s *huma.Schema, t reflect.Type) {
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := s.Properties[name]
		if p == nil || f.Type.Kind() != reflect.Pointer || options == "omitempty" || f.Tag.Get("nullable") == "false" {
			continue
		}
		allowNull(s.Properties, name)
	}
}

// takeNulls lets null stand in the optional fields of a request, where it is as good as not sent, and says how large whole numbers may be.
func takeNulls(s *huma.Schema) {
	for name, p := range s.Properties {
		if !slices.Contains(s.Required, name) {
			allowNull(s.Properties, name)
		}
		boundWhole(p)
	}
}

// allowNull changes a property so that it may be null.
func allowNull(properties map[string]*huma.Schema, name string) {
	p := properties[name]
	switch {
	case p.Ref != "":
		properties[name] = &huma.Schema{AnyOf: []*huma.Schema{p, {Type: "null"}}}
	case p.Type != "" && p.Type != "null":
		p.Nullable = true
	}
	if len(p.Enum) > 0 && p.Nullable && !slices.Contains(p.Enum, nil) {
		p.Enum = append(slices.Clone(p.Enum), nil)
	}
}

// boundWhole says that a whole number is one that every JSON reader can hold (RFC 8259 §6).
func boundWhole(s *huma.Schema) {
	if s.Type != huma.TypeInteger {
		return
	}
	if s.Maximum == nil {
		s.Maximum = new(float64(1<<53 - 1))
	}
	if s.Minimum == nil && s.ExclusiveMinimum == nil {
		s.Minimum = new(float64(-(1<<53 - 1)))
	}
}

// takeEmpty describes an optional parameter of a query, which is as good as not sent when it is empty.
func takeEmpty(p *huma.Param) {
	p.AllowEmptyValue = true
	if p.Schema.Type == huma.TypeString && p.Schema.Format != "" {
		p.Schema = &huma.Schema{AnyOf: []*huma.Schema{p.Schema, oneOf("")}}
	}
}
