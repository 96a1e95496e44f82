package grounded

import (
	"encoding/json"
	"strings"

	"github.com/parley-voice/parley/internal/llm"
)

// targetKey is the input that names whom a caller is given to.
const targetKey = "target"

// handover is the form of the tool that gives callers to somebody else: with one target it asks nothing, else to whom.
func handover(t llm.Tool) *form {
	f := &form{tool: t.Name, title: "to put you through", reaches: map[string]map[string]bool{}}
	var s schema
	if json.Unmarshal(t.Parameters, &s) != nil {
		return f
	}
	for _, sl := range toolSlots(s) {
		if sl.key != targetKey {
			continue
		}
		for _, name := range sl.choices {
			f.reaches[name] = stems(words(name + " " + lineOf(t.Description, name)))
		}
		if len(sl.choices) > 1 {
			sl.prompt = "Whom would you like to talk to: " + list(sl.choices, "or") + "?"
			f.slots = []*slot{sl}
		}
	}
	return f
}

// lineOf is what a description says of a name, in a line of its own.
func lineOf(description, name string) string {
	for line := range strings.Lines(description) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			return rest
		}
	}
	return ""
}

// handOver gives the caller to the target that he names or whose concern is his; where that is not clear he is asked.
func (k *knowledge) handOver(s *state, u utterance) act {
	f := k.transfer
	if len(f.slots) == 0 {
		s.drop()
		return act{call: f}
	}
	k.openForm(s, f, u)
	if s.missing() != nil {
		if name, ok := f.concerned(u); ok {
			s.values[targetKey] = plainValue(name)
		}
	}
	if s.missing() == nil {
		return act{call: f}
	}
	return say(append([]string{sayGladly}, k.next(s)...)...)
}

// concerned is the one target whose name or description holds most of what was said.
func (f *form) concerned(u utterance) (name string, ok bool) {
	most := 0
	for _, target := range f.slots[0].choices {
		n := 0
		for _, w := range u.ws {
			if f.reaches[target][stem(w)] && !english().stop[w] {
				n++
			}
		}
		switch {
		case n > most:
			name, most, ok = target, n, true
		case n == most:
			ok = false
		}
	}
	return name, ok && most > 0
}
