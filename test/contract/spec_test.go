package contract

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// operation is one of the contract's, with what a test needs of it.
type operation struct {
	id, method, path string
	raw              *openapi3.Operation
	codes            []errorCode
}

// person says that an operation takes personal tokens and no others.
func (o *operation) person() bool {
	s := o.raw.Security
	if s == nil || len(*s) != 1 {
		return false
	}
	_, ok := (*s)[0]["userToken"]
	return ok
}

// errorCode is an entry of x-error-codes. Message is literal, Suggested is not, Nested differs from both where the operation nests errors.
type errorCode struct {
	Status    int
	Code      string
	Message   string
	Suggested string
	Nested    string
}

func (c errorCode) text() string {
	if c.Message != "" {
		return c.Message
	}
	return c.Suggested
}

// spec is an OpenAPI document by operation id.
type spec struct {
	doc *openapi3.T
	ops map[string]*operation
}

func loadSpec(t testing.TB, file string) *spec {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	s := &spec{doc: doc, ops: map[string]*operation{}}
	for path, item := range doc.Paths.Map() {
		for method, raw := range item.Operations() {
			o := &operation{id: raw.OperationID, method: method, path: path, raw: raw, codes: listedCodes(raw.Extensions["x-error-codes"])}
			o.codes = append(o.codes, o.missingDefaults(listedCodes(doc.Extensions["x-default-error-codes"]))...)
			s.ops[o.id] = o
		}
	}
	return s
}

func listedCodes(v any) (codes []errorCode) {
	list, _ := v.([]any)
	for _, e := range list {
		m := e.(map[string]any)
		text := func(key string) string { s, _ := m[key].(string); return s }
		status, _ := strconv.Atoi(fmt.Sprint(m["status"]))
		codes = append(codes, errorCode{status, text("code"), text("message"), text("suggestedMessage"), text("errorMessage")})
	}
	return codes
}

// missingDefaults are the codes that every operation has unless it lists the status or has no such answer.
func (o *operation) missingDefaults(defaults []errorCode) (codes []errorCode) {
	for _, d := range defaults {
		listed := slices.ContainsFunc(o.codes, func(c errorCode) bool { return c.Status == d.Status })
		if !listed && o.raw.Responses.Status(d.Status) != nil {
			codes = append(codes, d)
		}
	}
	return codes
}

// successes are the statuses of a success that the contract knows.
func (o *operation) successes() (list []int) {
	for s := range o.raw.Responses.Map() {
		if n, err := strconv.Atoi(s); err == nil && n < http.StatusBadRequest {
			list = append(list, n)
		}
	}
	return list
}

// check holds a body against the schema of a status. A status that the contract does not list for the operation must have the general body
// of an error.
func (s *spec) check(o *operation, status int, body any) error {
	var schema *openapi3.SchemaRef
	if r := o.raw.Responses.Status(status); r != nil {
		if m := r.Value.Content["application/json"]; m != nil {
			schema = m.Schema
		}
	} else if status >= http.StatusBadRequest {
		schema = s.doc.Components.Schemas["Error"]
	}
	if schema == nil {
		return fmt.Errorf("%s has no answer %d in the contract", o.id, status)
	}
	return schema.Value.VisitJSON(body, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors())
}
