package httpapi

import (
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
)

// event of an agent.
type event string

// Schema lists them.
func (event) Schema(huma.Registry) *huma.Schema {
	var names []any
	for e := range parley.AgentEvents() {
		names = append(names, string(e))
	}
	slices.SortFunc(names, func(a, b any) int {
		if a.(string) < b.(string) {
			return -1
		}
		return 1
	})
	return oneOf(names...)
}

// httpMethod of requests that go out.
type httpMethod string

// Schema lists them.
func (httpMethod) Schema(huma.Registry) *huma.Schema {
	return oneOf(http.MethodPost, http.MethodPut, http.MethodPatch)
}

// authScheme is how a receiver wants credentials.
type authScheme string

// Schema lists them.
func (authScheme) Schema(huma.Registry) *huma.Schema {
	return oneOf("none", "bearer", "basic", "api_key", "custom")
}

// webURL is an address of the web.
type webURL string

// Schema describes it.
func (webURL) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uri"}
}

// headerPair is a header of requests that go out.
type headerPair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func headerPairs() *huma.Schema {
	one := 1
	return &huma.Schema{Type: huma.TypeArray, Nullable: true, Items: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"key", "value"}, Properties: map[string]*huma.Schema{
			"key": {Type: huma.TypeString, MinLength: &one}, "value": {Type: huma.TypeString},
		},
	}}
}

// givenHeaders are headers that a form may leave out, empty with null, or set.
type givenHeaders struct{ parley.Given[[]headerPair] }

// Schema describes them.
func (givenHeaders) Schema(huma.Registry) *huma.Schema { return headerPairs() }

// givenTemplate is an object of templates that a form may leave out, empty with null, or set.
type givenTemplate struct{ parley.Given[object] }

// Schema describes it.
func (givenTemplate) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Nullable: true, AdditionalProperties: true}
}

// givenSecret is a secret that an update may leave out, empty with null, or set.
type givenSecret struct{ parley.Given[string] }

// Schema describes it.
func (givenSecret) Schema(huma.Registry) *huma.Schema {
	most := 255
	return &huma.Schema{Type: huma.TypeString, Nullable: true, MaxLength: &most}
}

// micros is a time with microseconds, as webhooks show it (contract notes, 1.7).
type micros time.Time

// MarshalJSON writes RFC 3339 with six digits of a second and Z.
func (m micros) MarshalJSON() ([]byte, error) {
	return []byte(time.Time(m).UTC().Format(`"2006-01-02T15:04:05.000000Z"`)), nil
}

// Schema describes it.
func (micros) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time"}
}
