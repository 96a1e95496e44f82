package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
)

// op describes an operation: its place, the shape of its answer, and what it says when it refuses.
type op struct {
	id, method, path, tag, summary string

	status  int    // of success; 0 is 200
	message string // literal text of the success envelope
	shape   shape
	codes   []parley.Code            // refusals beyond 401, 429 and 500
	texts   map[parley.Code]string   // where the table has another text
	reasons map[parley.Code][]string // further texts of a refusal, where its error says one of them
	fault   parley.Code              // what a fault of the server is called; empty is ServerError

	open   bool // needs no token, or looks at tokens itself
	person bool // takes a personal token, where others take an environment's
	free   bool // open, and not counted

	nested      bool // refusals carry a nested error
	nestedTexts map[parley.Code]string

	query, body, reply reflect.Type                       // for the document; nil when there is none
	request, answer    func(r huma.Registry) *huma.Schema // for the document, where a type cannot say it
	requests, answers  map[string]any                     // examples by name, where those made from the schemas mislead
	headers            []*huma.Param
	media              string // content type of an answer that is not JSON
}

// shape is the form of a success (contract notes, 1.2).
type shape int

const (
	dataShape     shape = iota // {success, message?, data}
	doneShape                  // {success, message}
	pageShape                  // {success, data, pagination}
	metaShape                  // {success, data, meta}
	bareShape                  // the data itself
	onlyDataShape              // {data}
	onlyDoneShape              // {message}
	mediaShape                 // no JSON
)

// none stands for a query, body or answer that an operation does not have.
type none struct{}

// in is a request as an operation sees it: decoded and checked. faults hold what is wrong with query and body; the operation hands
// them to its room, so that the room may refuse for a better reason first, or add to them.
type in[Q, B any] struct {
	actor  parley.Actor
	query  Q
	body   B
	faults parley.Faults
	http   *http.Request
}

// id is a path parameter. One that no database can hold names nothing.
func (r *in[Q, B]) id(name string) string { return pathID(r.http, name) }

func pathID(r *http.Request, name string) string {
	v := r.PathValue(name)
	if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
		return ""
	}
	return v
}

// handle mounts an operation that takes and gives JSON.
func handle[Q, B, R any](a *api, o op, do func(ctx context.Context, r *in[Q, B]) (R, error)) {
	a.mount(newRoute(a, o, do))
}

// newRoute makes the route of an operation that takes and gives JSON.
func newRoute[Q, B, R any](a *api, o op, do func(ctx context.Context, r *in[Q, B]) (R, error)) *route {
	o.query, o.body = typeOf[Q](), typeOf[B]()
	if o.reply == nil {
		o.reply = typeOf[R]()
	}
	query, body := newForm(o.query), newForm(o.body)
	return &route{op: o, serve: func(w http.ResponseWriter, r *http.Request, actor parley.Actor) error {
		request := &in[Q, B]{actor: actor, http: r}
		if err := query.fill(&request.query, queryValues(r.URL.Query(), query.schema), &request.faults); err != nil {
			return err
		}
		if body.schema != nil {
			values, err := a.decode(w, r)
			if err != nil {
				return err
			}
			if err := body.fill(&request.body, values, &request.faults); err != nil {
				return err
			}
		}
		data, err := do(r.Context(), request)
		if err != nil {
			return err
		}
		writeJSON(w, o.successStatus(), o.envelope(data))
		return nil
	}}
}

// typeOf is nil for none.
func typeOf[T any]() reflect.Type {
	if t := reflect.TypeFor[T](); t != reflect.TypeFor[none]() {
		return t
	}
	return nil
}

// faultCode is what a fault of the server is called.
func (o *op) faultCode() parley.Code {
	if o.fault == "" {
		return parley.ServerError
	}
	return o.fault
}

func (o *op) successStatus() int {
	if o.status == 0 {
		return http.StatusOK
	}
	return o.status
}

// decode reads a body as an object; an empty one is an object without fields.
func (a *api) decode(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, a.cfg.MaxBody))
	if tooLarge(err) {
		return nil, parley.Errorf(parley.BodyTooLarge, "more than %d bytes", a.cfg.MaxBody)
	}
	if err != nil {
		return nil, parley.Errorf(parley.InvalidJSON, "body not read: %s", err)
	}
	values := map[string]any{}
	if len(bytes.TrimSpace(raw)) == 0 {
		return values, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // 10^17 must stay what it is
	if err := dec.Decode(&values); err != nil || values == nil {
		return nil, parley.Errorf(parley.InvalidJSON, "no JSON object: %v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, parley.Errorf(parley.InvalidJSON, "something follows the JSON object")
	}
	return values, nil
}

// refill puts checked values into a typed form.
func refill(dst any, values map[string]any) error {
	b, err := json.Marshal(values)
	if err == nil {
		err = json.Unmarshal(b, dst)
	}
	if err != nil {
		return fmt.Errorf("form %T does not take what its rules let through: %w", dst, err)
	}
	return nil
}
