package flow

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

var rePlaceholder = regexp.MustCompile(`\{\{\s*([\w.\-]+)\s*\}\}`)

// fill puts variables into a text that is said; a dot goes into an object, and what is unknown becomes nothing.
func (s *State) fill(text string) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	return rePlaceholder.ReplaceAllStringFunc(text, func(m string) string {
		v := s.find(rePlaceholder.FindStringSubmatch(m)[1])
		if v.Spoken != "" {
			return v.Spoken
		}
		return written(v.Value)
	})
}

// find looks a variable up, then a value of the payload.
func (s *State) find(path string) Value {
	if v, ok := s.Values[path]; ok {
		return v
	}
	head, rest, _ := strings.Cut(path, ".")
	if v, ok := s.Values[head]; ok {
		return Value{Value: inside(v.Value, rest)}
	}
	if head == payloadName {
		return Value{Value: inside(s.payload, rest)}
	}
	return Value{Value: inside(s.payload, path)}
}

// inside goes down into an object. A key may hold a dot.
func inside(v any, path string) any {
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	if v, ok := object[path]; ok {
		return v
	}
	head, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return nil
	}
	return inside(object[head], rest)
}

// written is a value as a text.
func written(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// arguments are what an action gets: all variables by their names, and the node's inputs. An input that is one placeholder keeps its type.
func (s *State) arguments(n *node) json.RawMessage {
	all := map[string]any{}
	for name, v := range s.Values {
		if _, object := v.Value.(map[string]any); !object && name != outcomeName {
			all[name] = v.Value
		}
	}
	for name, raw := range n.inputs {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			all[name] = raw
			continue
		}
		if m := rePlaceholder.FindStringSubmatch(text); m != nil && m[0] == strings.TrimSpace(text) {
			all[name] = s.find(m[1]).Value
			continue
		}
		all[name] = rePlaceholder.ReplaceAllStringFunc(text, func(m string) string {
			return written(s.find(rePlaceholder.FindStringSubmatch(m)[1]).Value)
		})
	}
	b, err := json.Marshal(all)
	if err != nil {
		return json.RawMessage(`{}`) // texts, numbers and JSON that was read always marshal
	}
	return b
}

// known are the values that conditions see.
func (s *State) known() map[string]any {
	all := map[string]any{payloadName: s.payload}
	for name, v := range s.Values {
		all[name] = v.Value
	}
	return all
}
