package httpapi

import (
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
)

// document gathers the OpenAPI description while routes are mounted.
type document struct {
	spec     *huma.OpenAPI
	registry huma.Registry
	examples exampler
	bodies   map[reflect.Type]bool // types of requests
}

const schemaPrefix = "#/components/schemas/"

func newDocument() *document {
	d := &document{registry: huma.NewMapRegistry(schemaPrefix, schemaName), bodies: map[reflect.Type]bool{}}
	d.examples.registry = d.registry
	d.spec = &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Parley API", Version: "1.0.0", Description: "Voice agents on the telephone. Generated from the routes; do not edit."},
		Servers: []*huma.Server{{URL: "http://localhost:8080"}},
		Components: &huma.Components{
			Schemas:  d.registry,
			Examples: map[string]*huma.Example{},
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"environmentToken": {Type: "http", Scheme: "bearer", Description: "Environment token, prefix talq_."},
				"userToken":        {Type: "http", Scheme: "bearer", Description: "Personal token, NUMBER|SECRET."},
			},
		},
	}
	return d
}

// schemaName is a type's name as the document shows it.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if form, ok := strings.CutSuffix(name, "Body"); ok && name != "ErrorBody" {
		return form + "Request"
	}
	return strings.TrimSuffix(name, "JSON")
}

var pathParam = regexp.MustCompile(`\{(\w+)\}`)

// add describes a route.
func (d *document) add(rt *route) {
	o := &huma.Operation{
		OperationID: rt.id, Method: rt.method, Path: rt.path, Tags: []string{rt.tag}, Summary: rt.summary,
		Responses: map[string]*huma.Response{}, Security: []map[string][]string{},
	}
	switch {
	case rt.open || rt.free:
	case rt.person:
		o.Security = append(o.Security, map[string][]string{"userToken": {}})
	default:
		o.Security = append(o.Security, map[string][]string{"environmentToken": {}})
	}
	for _, m := range pathParam.FindAllStringSubmatch(rt.path, -1) {
		o.Parameters = append(o.Parameters, &huma.Param{Name: m[1], In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	o.Parameters = append(append(o.Parameters, d.queryParams(rt.query)...), rt.headers...)
	d.examples.params(o.Parameters)
	if s, required := d.request(rt); s != nil {
		m := &huma.MediaType{Schema: s}
		d.examples.media(m, rt.id, rt.requests)
		o.RequestBody = &huma.RequestBody{Required: required, Content: map[string]*huma.MediaType{"application/json": m}}
	}
	d.addSuccess(o, rt)
	d.addRefusals(o, rt)
	d.spec.AddOperation(o)
}

func (d *document) ref(t reflect.Type) *huma.Schema { return d.registry.Schema(t, true, t.Name()) }

// request is the schema of a body, and whether there must be one.
func (d *document) request(rt *route) (s *huma.Schema, required bool) {
	switch {
	case rt.op.request != nil:
		return rt.op.request(d.registry), true
	case rt.body != nil:
		d.bodies[rt.body] = true
		return d.ref(rt.body), len(newForm(rt.body).schema.Required) > 0
	}
	return nil, false
}

func (d *document) queryParams(t reflect.Type) (params []*huma.Param) {
	s := newForm(t).schema
	if s == nil {
		return nil
	}
	for name, rule := range s.Properties {
		boundWhole(rule)
		p := &huma.Param{Name: name, In: "query", Required: slices.Contains(s.Required, name), Schema: rule}
		if !p.Required {
			takeEmpty(p)
		}
		params = append(params, p)
	}
	slices.SortFunc(params, func(a, b *huma.Param) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return params
}

func (d *document) addSuccess(o *huma.Operation, rt *route) {
	r := &huma.Response{Description: http.StatusText(rt.successStatus())}
	if rt.shape == mediaShape {
		switch {
		case rt.media != "" && rt.reply != nil:
			m := &huma.MediaType{Schema: d.ref(rt.reply)}
			d.examples.media(m, rt.id, rt.answers)
			r.Content = map[string]*huma.MediaType{rt.media: m}
		case rt.media != "":
			r.Content = map[string]*huma.MediaType{rt.media: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
		}
	} else {
		m := &huma.MediaType{Schema: d.success(rt)}
		d.examples.media(m, rt.id, rt.answers)
		r.Content = map[string]*huma.MediaType{"application/json": m}
	}
	o.Responses[strconv.Itoa(rt.successStatus())] = r
}

// success is the schema of an operation's answer.
func (d *document) success(rt *route) *huma.Schema {
	if rt.answer != nil {
		return rt.answer(d.registry)
	}
	if rt.shape == bareShape {
		return d.ref(rt.reply)
	}
	s := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}}
	put := func(name string, p *huma.Schema) {
		s.Properties[name] = p
		s.Required = append(s.Required, name)
	}
	if rt.shape != onlyDataShape && rt.shape != onlyDoneShape {
		put("success", &huma.Schema{Type: huma.TypeBoolean, Enum: []any{true}})
	}
	if rt.message != "" {
		put("message", oneOf(rt.message))
	}
	switch rt.shape {
	case dataShape, onlyDataShape:
		data := d.ref(rt.reply)
		if data.Type == huma.TypeArray {
			data.Nullable = false // each never gives null
		}
		put("data", data)
	case pageShape, metaShape:
		rows := reflect.Zero(rt.reply).Interface().(paged).row()
		put("data", &huma.Schema{Type: huma.TypeArray, Items: d.ref(rows)})
		if rt.shape == metaShape {
			put("meta", d.ref(reflect.TypeFor[MetaBlock]()))
		} else {
			put("pagination", d.ref(reflect.TypeFor[pagination]()))
		}
	}
	return s
}

// errorCode is an entry of x-error-codes.
type errorCode struct {
	Status  int         `json:"status"`
	Code    parley.Code `json:"code"`
	Message string      `json:"message,omitempty"`
}

// addRefusals lists what an operation may answer instead, with its texts.
func (d *document) addRefusals(o *huma.Operation, rt *route) {
	if rt.free {
		return
	}
	codes := []parley.Code{parley.RateLimitExceeded, rt.faultCode()}
	if !rt.open || rt.id == "identifyToken" {
		codes = append(codes, parley.InvalidToken)
	}
	codes = append(codes, rt.codes...)
	if rt.body != nil || rt.op.request != nil {
		codes = append(codes, parley.InvalidJSON, parley.BodyTooLarge)
	}
	var list []errorCode
	for _, c := range codes {
		status := table[c].status
		list = append(list, errorCode{status, c, rt.text(&parley.Error{Code: c})})
		for _, text := range rt.reasons[c] {
			list = append(list, errorCode{status, c, text})
		}
		key := strconv.Itoa(status)
		if o.Responses[key] == nil {
			o.Responses[key] = &huma.Response{
				Description: http.StatusText(status),
				Content:     map[string]*huma.MediaType{"application/json": {Schema: d.refused(c), Examples: map[string]*huma.Example{}}},
			}
		}
		o.Responses[key].Content["application/json"].Examples[string(c)] = d.refusalExample(rt, c)
	}
	slices.SortStableFunc(list, func(a, b errorCode) int { return a.Status - b.Status })
	o.Extensions = map[string]any{"x-error-codes": list}
}

// refused is the body of a refusal.
func (d *document) refused(c parley.Code) *huma.Schema {
	body := d.ref(reflect.TypeFor[errorBody]())
	if c != parley.FlowInvalid {
		return body
	}
	return &huma.Schema{AnyOf: []*huma.Schema{d.ref(reflect.TypeFor[listErrorBody]()), body}}
}

// refusalExample is an error as the operation says it. Those that several operations say stand among the components.
func (d *document) refusalExample(rt *route, c parley.Code) *huma.Example {
	body := rt.refusalBody(exampleError(rt, c), table[c].status)
	if c == parley.ValidationError {
		return &huma.Example{Value: body}
	}
	for n := 1; ; n++ {
		name := string(c)
		if n > 1 {
			name += "-" + strconv.Itoa(n)
		}
		known := d.spec.Components.Examples[name]
		if known == nil {
			d.spec.Components.Examples[name] = &huma.Example{Value: body}
		} else if !reflect.DeepEqual(known.Value, body) {
			continue
		}
		return &huma.Example{Ref: "#/components/examples/" + name}
	}
}

// json is the description as it is served: operations are tried where it came from, unless the server says how it is reached.
func (d *document) json(publicURL string) ([]byte, error) {
	d.settle()
	served := *d.spec
	served.Servers = []*huma.Server{{URL: cmp.Or(strings.TrimSuffix(publicURL, "/"), "/")}}
	return json.Marshal(&served)
}

func (d *document) yaml() ([]byte, error) {
	d.settle()
	return d.spec.YAML()
}
