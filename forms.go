package parley

import "encoding/json"

// Faults are what is wrong with a form: field path to texts. A door begins them, a room adds what only it can see, so that all
// failing fields are reported together.
type Faults map[string][]string

// Add notes a fault of a field.
func (f *Faults) Add(field, text string) {
	if *f == nil {
		*f = Faults{}
	}
	(*f)[field] = append((*f)[field], text)
}

// Err is a ValidationError of all faults, or nil when there are none.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Code: ValidationError, Message: "The given data was invalid.", Fields: f}
}

// Given is a field of a partial update: left out (Sent is false), emptied (Value is nil) or set.
type Given[T any] struct {
	Sent  bool
	Value *T
}

// UnmarshalJSON is called only for a field that was sent, null included.
func (g *Given[T]) UnmarshalJSON(b []byte) error {
	g.Sent = true
	return json.Unmarshal(b, &g.Value)
}

// Into stores the field in dst if it was sent.
func (g Given[T]) Into(dst **T) {
	if g.Sent {
		*dst = g.Value
	}
}
