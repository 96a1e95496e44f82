package flow

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// fields are the keys of a JSON object.
type fields map[string]json.RawMessage

// reader reads JSON and notes what is wrong with it. Keys that it does not know belong to the editor.
type reader struct{ errs []string }

func (r *reader) fault(format string, args ...any) {
	if len(r.errs) < mostErrors {
		r.errs = append(r.errs, fmt.Sprintf(format, args...))
	}
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// text reads the first of keys that is there; whose names the object for people.
func (r *reader) text(whose string, f fields, most int, keys ...string) string {
	for _, key := range keys {
		if !given(f[key]) {
			continue
		}
		var s string
		switch {
		case json.Unmarshal(f[key], &s) != nil:
			r.fault("%s has an invalid %s: it must be a string", whose, key)
		case len(s) > most:
			r.fault("%s has a %s of more than %d bytes", whose, key, most)
		default:
			return s
		}
		return ""
	}
	return ""
}

func (r *reader) flag(whose string, f fields, key string, otherwise bool) bool {
	is := otherwise
	if given(f[key]) && json.Unmarshal(f[key], &is) != nil {
		r.fault("%s has an invalid %s: it must be true or false", whose, key)
	}
	return is
}

func (r *reader) number(whose string, f fields, key string) *float64 {
	if !given(f[key]) {
		return nil
	}
	var n float64
	if json.Unmarshal(f[key], &n) != nil {
		r.fault("%s has an invalid %s: it must be a number", whose, key)
		return nil
	}
	return &n
}

// list reads a list of objects.
func (r *reader) list(whose string, f fields, key string, most int) []fields {
	if !given(f[key]) {
		return nil
	}
	var raw []json.RawMessage
	if json.Unmarshal(f[key], &raw) != nil {
		r.fault("%s has invalid %s: it must be a list", whose, key)
		return nil
	}
	if len(raw) > most {
		r.fault("%s has more than %d %s", whose, most, key)
		return nil
	}
	all := make([]fields, 0, len(raw))
	for i, item := range raw {
		var one fields
		if json.Unmarshal(item, &one) != nil || one == nil {
			r.fault("%s has invalid %s: entry %d must be an object", whose, key, i)
			continue
		}
		all = append(all, one)
	}
	return all
}

// node reads a node. Branches and conditions follow when all variables are known.
func (r *reader) node(id string, f fields) *node {
	whose := "Node '" + id + "'"
	n := &node{id: id, kind: Type(r.text(whose, f, mostID, "type"))}
	n.content = strings.TrimSpace(r.text(whose, f, mostText, "content"))
	n.next = r.text(whose, f, mostID, "next")
	n.variable = r.variable(whose, f["variable"])
	n.retry = r.text(whose, f, mostText, "retry_content")
	n.retries = 2
	if v := r.number(whose, f, "retries"); v != nil {
		if n.retries = int(*v); float64(n.retries) != *v || n.retries < 0 || n.retries > mostRetries {
			r.fault("%s has invalid retries: it must be a whole number from 0 to %d", whose, mostRetries)
		}
	}
	n.fallback = r.text(whose, f, mostID, "fallback")
	n.action = strings.TrimSpace(r.text(whose, f, mostID, "action_id", "action"))
	n.inputs = r.inputs(whose, f["inputs"])
	if n.result = r.text(whose, f, mostID, "result"); n.result != "" && !reName.MatchString(n.result) {
		r.fault("%s has an invalid result: it must be a name of letters, digits and _", whose)
	}
	n.number = strings.TrimSpace(r.text(whose, f, mostID, "number"))
	n.onSuccess, n.onFailure = r.text(whose, f, mostID, "on_success"), r.text(whose, f, mostID, "on_failure")
	return n
}

var reName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variable reads what an ask node captures: a name alone, or an object.
func (r *reader) variable(whose string, raw json.RawMessage) *Variable {
	if !given(raw) {
		return nil
	}
	f := fields{}
	var name string
	if json.Unmarshal(raw, &name) == nil {
		f["name"] = raw
	} else if json.Unmarshal(raw, &f) != nil {
		r.fault("%s has an invalid variable: it must be a name or an object", whose)
		return nil
	}
	v := &Variable{Name: r.text(whose, f, mostID, "name"), Optional: !r.flag(whose, f, "required", true), Confirm: r.flag(whose, f, "confirm", false)}
	if !reName.MatchString(v.Name) || v.Name == payloadName {
		r.fault("%s has an invalid variable name '%s': it must be made of letters, digits and _", whose, v.Name)
	}
	word := r.text(whose, f, mostID, "type")
	kind, known := kinds[strings.ToLower(word)]
	if !known {
		r.fault("%s has an unknown variable type '%s'", whose, word)
	}
	v.Kind, v.Whole = kind, word == "integer"
	v.Min, v.Max = r.number(whose, f, "min"), r.number(whose, f, "max")
	r.choices(whose, v, f["options"])
	r.pattern(whose, v, f)
	return v
}

func (r *reader) choices(whose string, v *Variable, raw json.RawMessage) {
	if given(raw) && json.Unmarshal(raw, &v.Options) != nil {
		r.fault("%s has invalid options: it must be a list of strings", whose)
		v.Options = nil
	}
	if len(v.Options) > mostChoices {
		r.fault("%s has more than %d options", whose, mostChoices)
	}
	for _, o := range v.Options {
		if strings.TrimSpace(o) == "" || len(o) > mostMatch {
			r.fault("%s has an option that is empty or of more than %d bytes", whose, mostMatch)
		}
	}
	if v.Kind == Text && len(v.Options) > 0 {
		v.Kind = Choice
	}
	if v.Kind == Choice && len(v.Options) == 0 {
		r.fault("%s requires options", whose)
	}
}

func (r *reader) pattern(whose string, v *Variable, f fields) {
	text := r.text(whose, f, mostMatch, "pattern")
	if text == "" {
		return
	}
	var err error
	if v.pattern, err = regexp.Compile(`^(?:` + text + `)$`); err != nil {
		r.fault("%s has an invalid pattern: it must be a regular expression (RE2)", whose)
	}
}

// inputs are what an action gets: constants, or texts with {{variables}}.
func (r *reader) inputs(whose string, raw json.RawMessage) map[string]json.RawMessage {
	if !given(raw) {
		return nil
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		r.fault("%s has invalid inputs: it must be an object", whose)
		return nil
	}
	if len(all) > mostInputs {
		r.fault("%s has more than %d inputs", whose, mostInputs)
	}
	return all
}

// branches reads the branches of a node.
func (r *reader) branches(n *node, f fields, env map[string]any) {
	whose := "Node '" + n.id + "'"
	for i, b := range r.list(whose, f, "branches", mostBranches) {
		one := whose + " branch " + strconv.Itoa(i)
		if !given(b["match"]) {
			r.fault("%s requires match", one)
		}
		got := branch{match: strings.TrimSpace(r.text(one, b, mostMatch, "match")), next: r.text(one, b, mostID, "next")}
		if got.next == "" {
			r.fault("%s requires next", one)
		}
		if err := got.read(n.kind, r.text(one, b, mostID, "kind"), env); err != nil {
			r.fault("%s has an invalid condition '%s': %s", whose, got.match, err)
		}
		n.branches = append(n.branches, got)
	}
}
