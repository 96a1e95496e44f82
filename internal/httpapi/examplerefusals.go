package httpapi

import (
	"maps"
	"slices"

	"github.com/parley-voice/parley"
)

// exampleReasons are what errors say themselves where the table of texts leaves it to them.
var exampleReasons = map[parley.Code]string{
	parley.PhoneNumberForbidden: "Calls to this number are not allowed: premium rate",
	parley.CapacityExceeded:     "The server has no room for another call",
	parley.WebhookTestFailed:    "Connection refused",
}

// exampleError is an error that makes an operation refuse with a code. The faults of a form are those that it really finds.
func exampleError(rt *route, c parley.Code) *parley.Error {
	e := &parley.Error{Code: c, Message: exampleReasons[c]}
	switch {
	case c == parley.InvalidToken:
		return errMissingToken
	case c == parley.RateLimitExceeded && rt.nested:
		e.Details = map[string]any{"retry_after": 17}
	case c == parley.FlowInvalid:
		e.List = exampleGraphFaults()
	case c == parley.ValidationError:
		e.Fields = exampleFaults(rt)
	}
	return e
}

// exampleFaults are what is wrong with an empty body, else with a list in the first field that takes none.
func exampleFaults(rt *route) (faults parley.Faults) {
	for _, t := range []form{newForm(rt.body), newForm(rt.query)} {
		if t.schema == nil {
			continue
		}
		c := checker{faults: &faults}
		for _, name := range slices.Sorted(slices.Values(t.schema.Required)) {
			c.wrong(name, "field is required")
		}
		if len(faults) > 0 {
			return faults
		}
		for _, name := range slices.Sorted(maps.Keys(t.schema.Properties)) {
			if _, right := c.check(name, []any{nil}, t.schema.Properties[name]); !right {
				return faults
			}
		}
	}
	return parley.Faults{"agent_id": {"The selected agent id is invalid."}}
}
