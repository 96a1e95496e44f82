package httpapi

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
)

// form checks what a client sent against the schema of a type and says what is wrong in the texts of the contract (notes, 1.4). What the
// type does not name is ignored.
type form struct {
	schema *huma.Schema // nil when there is nothing to check
}

// newForm takes the rules from the tags of a struct type.
func newForm(t reflect.Type) form {
	if t == nil {
		return form{}
	}
	return form{schema: huma.NewMapRegistry("#/", huma.DefaultSchemaNamer).Schema(t, false, t.Name())}
}

// fill checks values and puts those that are right into dst.
func (f form) fill(dst any, values map[string]any, faults *parley.Faults) error {
	if f.schema == nil {
		return nil
	}
	right := map[string]any{}
	for name, rule := range f.schema.Properties {
		v, sent := values[name]
		required := slices.Contains(f.schema.Required, name)
		if required && (!sent || v == nil || empty(v, rule)) {
			faults.Add(name, fmt.Sprintf("The %s field is required.", spaced(name)))
			continue
		}
		if !sent || v == nil && !rule.Nullable {
			continue
		}
		c := checker{faults: faults}
		if v, ok := c.check(name, v, rule); ok {
			right[name] = v
		}
	}
	return refill(dst, right)
}

// empty says whether a text is as good as not sent: where a character is needed there must be one.
func empty(v any, rule *huma.Schema) bool {
	s, ok := v.(string)
	return ok && s == "" && rule.MinLength != nil
}

// spaced is a field name as texts write it.
func spaced(name string) string { return strings.ReplaceAll(name, "_", " ") }

type checker struct{ faults *parley.Faults }

// check returns the value in the form that its Go type takes, and whether it is right.
func (c checker) check(field string, v any, rule *huma.Schema) (any, bool) {
	if v == nil {
		return nil, rule.Nullable || rule.Type == "" || c.wrong(field, "must be "+article(rule.Type))
	}
	switch rule.Type {
	case huma.TypeString:
		s, ok := v.(string)
		if !ok {
			return nil, c.wrong(field, "must be a string")
		}
		return s, c.text(field, s, rule)
	case huma.TypeInteger, huma.TypeNumber:
		return c.number(field, v, rule)
	case huma.TypeBoolean:
		_, ok := v.(bool)
		return v, ok || c.wrong(field, "field must be true or false")
	case huma.TypeArray:
		list, ok := v.([]any)
		if !ok {
			return nil, c.wrong(field, "must be an array")
		}
		return c.list(field, list, rule)
	case huma.TypeObject:
		fields, ok := v.(map[string]any)
		if !ok {
			return nil, c.wrong(field, "must be an object")
		}
		if !c.fields(field, fields, rule) {
			return nil, false
		}
	}
	return v, !hasNull(v) || c.wrong(field, "must not contain null characters")
}

// fields checks what stands in an object whose fields the schema names, or has a rule for all of.
func (c checker) fields(field string, values map[string]any, rule *huma.Schema) bool {
	right := true
	if each, ok := rule.AdditionalProperties.(*huma.Schema); ok {
		for name, v := range values {
			if _, named := rule.Properties[name]; !named {
				_, ok := c.check(field+"."+name, v, each)
				right = right && ok
			}
		}
	}
	for name, inner := range rule.Properties {
		at := field + "." + name
		v, sent := values[name]
		if slices.Contains(rule.Required, name) && (!sent || v == nil || empty(v, inner)) {
			right = c.wrong(at, "field is required")
			continue
		}
		if !sent {
			continue
		}
		if v, ok := c.check(at, v, inner); ok {
			values[name] = v
		} else {
			right = false
		}
	}
	return right
}

func article(kind string) string {
	switch kind {
	case huma.TypeInteger, huma.TypeArray, huma.TypeObject:
		return "an " + kind
	}
	return "a " + kind
}

// wrong notes a fault and is always false.
func (c checker) wrong(field, what string) bool {
	c.faults.Add(field, fmt.Sprintf("The %s %s.", spaced(field), what))
	return false
}

func (c checker) list(field string, list []any, rule *huma.Schema) (any, bool) {
	right := true
	for i, v := range list {
		if v, ok := c.check(field+"."+strconv.Itoa(i), v, rule.Items); ok {
			list[i] = v
		} else {
			right = false
		}
	}
	if rule.MinItems != nil && len(list) < *rule.MinItems {
		return nil, c.wrong(field, fmt.Sprintf("field must contain at least %d items", *rule.MinItems))
	}
	return list, right
}

func (c checker) text(field, s string, rule *huma.Schema) bool {
	n := utf8.RuneCountInString(s)
	switch {
	case strings.ContainsRune(s, 0):
		return c.wrong(field, "must not contain null characters")
	case len(rule.Enum) > 0 && !slices.Contains(rule.Enum, any(s)):
		c.faults.Add(field, fmt.Sprintf("The selected %s is invalid.", spaced(field)))
		return false
	case rule.MinLength != nil && n < *rule.MinLength:
		if *rule.MinLength == 1 { // an optional field that was sent without a character
			return c.wrong(field, "field is required")
		}
		return c.wrong(field, fmt.Sprintf("must be at least %d characters", *rule.MinLength))
	case rule.MaxLength != nil && n > *rule.MaxLength:
		return c.wrong(field, fmt.Sprintf("field must not be greater than %d characters", *rule.MaxLength))
	}
	f, known := formats[rule.Format]
	return !known || f.fits(s) || c.wrong(field, f.text)
}

func (c checker) number(field string, v any, rule *huma.Schema) (any, bool) {
	n, ok := v.(json.Number)
	x, err := strconv.ParseFloat(string(n), 64)
	whole := rule.Type == huma.TypeInteger
	switch {
	case !ok || whole && x != math.Trunc(x):
		return nil, c.wrong(field, "must be "+article(rule.Type))
	case err != nil || rule.Minimum != nil && x < *rule.Minimum || rule.Maximum != nil && x > *rule.Maximum:
		return nil, c.wrong(field, rangeText(field, rule))
	case whole && math.Abs(x) >= 1<<53:
		return nil, c.wrong(field, "must be an integer")
	case whole:
		return json.Number(strconv.FormatInt(int64(x), 10)), true // 30.0 is an integer to JSON, but not to Go
	}
	return n, true
}

// rangeText prints bounds as the rule does: with a fraction if one of them has one.
func rangeText(field string, rule *huma.Schema) string {
	if t, ok := rangeTexts[field]; ok {
		return t
	}
	digits := 0
	for _, b := range []*float64{rule.Minimum, rule.Maximum} {
		if b != nil && *b != math.Trunc(*b) {
			digits = 1
		}
	}
	bound := func(b *float64) string { return strconv.FormatFloat(*b, 'f', digits, 64) }
	switch {
	case rule.Minimum != nil && rule.Maximum != nil:
		return "must be between " + bound(rule.Minimum) + " and " + bound(rule.Maximum)
	case rule.Minimum != nil:
		return "must be at least " + bound(rule.Minimum)
	case rule.Maximum != nil:
		return "must not be greater than " + bound(rule.Maximum)
	}
	return "must be " + article(rule.Type)
}

// rangeTexts are texts of ranges that the contract words in its own way.
var rangeTexts = map[string]string{
	"similarity": "must be at least 0.5 and less than 1",
	"stability":  "must be at least 0.5 and less than 1",
}

// format is a kind of text and what is said of one that is no such text.
type format struct {
	fits func(string) bool
	text string
}

// Patterns of formats, also shown in the document.
const (
	phonePattern = `^\+\d{7,15}$`
	plainPattern = `^[^\s\x00-\x1f\x7f]*$`
)

var formats = map[string]format{
	"phone": {regexp.MustCompile(phonePattern).MatchString, "must be a valid phone number"},
	"plain": {regexp.MustCompile(plainPattern).MatchString, "must not contain spaces or control characters"},
	"region": {
		regexp.MustCompile(`^[A-Z]{2}$`).MatchString, "must be a country code of two capital letters",
	},
	"uri":  {isWebURL, "must be a valid URL"},
	"date": {func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil }, "must be a valid date"},
}

// isWebURL says whether s is an absolute address of the web.
func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// hasNull finds the one character that PostgreSQL's texts and JSON cannot hold.
func hasNull(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		return slices.ContainsFunc(v, hasNull)
	case map[string]any:
		for k, e := range v {
			if hasNull(k) || hasNull(e) {
				return true
			}
		}
	}
	return false
}

// queryValues turns query parameters into what a body would hold, by their schema; an empty parameter is as good as not sent. A value that is not
// of its type stays a text and is found wrong.
func queryValues(q url.Values, s *huma.Schema) map[string]any {
	values := map[string]any{}
	if s == nil {
		return values
	}
	for name, rule := range s.Properties {
		v := q.Get(name)
		if v == "" {
			continue
		}
		values[name] = v
		switch {
		case rule.Type == huma.TypeInteger && json.Valid([]byte(v)) && v[0] != '"':
			values[name] = json.Number(v)
		case rule.Type == huma.TypeBoolean && (v == "true" || v == "1"):
			values[name] = true
		case rule.Type == huma.TypeBoolean && (v == "false" || v == "0"):
			values[name] = false
		}
	}
	return values
}
