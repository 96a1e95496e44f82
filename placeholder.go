package parley

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

var placeholder = regexp.MustCompile(`\{\{\s*([\w.\-]+)\s*\}\}`)

// FillPlaceholders puts values into a text where it says {{name}}; a dot goes into an object, and what is unknown becomes nothing. escape,
// unless nil, makes each value harmless for what reads the text.
func FillPlaceholders(text string, values map[string]any, escape func(string) string) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, func(m string) string {
		v := valueAt(values, placeholder.FindStringSubmatch(m)[1])
		if escape != nil {
			v = escape(v)
		}
		return v
	})
}

func valueAt(values map[string]any, path string) string {
	if v, ok := values[path]; ok {
		return Written(v)
	}
	head, rest, ok := strings.Cut(path, ".")
	if inner, isObject := values[head].(map[string]any); ok && isObject {
		return valueAt(inner, rest)
	}
	return ""
}

// Written is a value of JSON as people write it.
func Written(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any, []any:
		b, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(b)
	case float64: // JSON's only number
		return strings.TrimSuffix(fmt.Sprintf("%.6f", v), ".000000")
	}
	return fmt.Sprint(v)
}
