package httpapi

import (
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley/internal/store"
)

// envelope is the frame of most answers (contract notes, 1.2).
type envelope struct {
	Success    bool   `json:"success"`
	Message    string `json:"message,omitempty"`
	Data       any    `json:"data,omitempty"`
	Pagination any    `json:"pagination,omitempty"`
	Meta       any    `json:"meta,omitempty"`
}

func (o *op) envelope(data any) any {
	e := envelope{Success: true, Message: o.message, Data: data}
	switch o.shape {
	case bareShape:
		return data
	case onlyDataShape:
		return map[string]any{"data": data}
	case onlyDoneShape:
		return map[string]any{"message": o.message}
	case doneShape:
		e.Data = nil
	case pageShape:
		p := data.(paged)
		e.Data, e.Pagination = p.rows(), p.pagination()
	case metaShape:
		p := data.(paged)
		e.Data, e.Meta = p.rows(), p.pagination().MetaBlock
	}
	return e
}

// PageQuery holds the parameters of every paginated list (contract notes, 1.5).
type PageQuery struct {
	Page    int `json:"page" required:"false" minimum:"1" default:"1"`
	PerPage int `json:"per_page" required:"false" minimum:"1" maximum:"100" default:"20"`
}

// page is what the store is asked for. A page so far out that its first row has no number is empty anyway.
func (q PageQuery) page() store.Page {
	p := store.Page{Number: min(q.Page, 1_000_000_000), Size: q.PerPage}
	if p.Number == 0 {
		p.Number = 1
	}
	if p.Size == 0 {
		p.Size = 20
	}
	return p
}

// MetaBlock is the pagination of the list of agents.
type MetaBlock struct {
	CurrentPage int `json:"current_page" minimum:"1"`
	PerPage     int `json:"per_page" minimum:"1"`
	Total       int `json:"total" minimum:"0"`
	LastPage    int `json:"last_page" minimum:"1"`
}

// pagination is that of all other lists.
type pagination struct {
	MetaBlock
	From *int `json:"from"`
	To   *int `json:"to"`
}

// paged is an answer of any page type.
type paged interface {
	rows() any
	pagination() pagination
	row() reflect.Type
}

// page is a page of a list.
type page[T any] struct {
	items []T
	at    store.Page
	total int
}

func (p page[T]) rows() any {
	if p.items == nil {
		return []T{}
	}
	return p.items
}

func (p page[T]) row() reflect.Type { return reflect.TypeFor[T]() }

func (p page[T]) pagination() pagination {
	b := pagination{MetaBlock: MetaBlock{
		CurrentPage: p.at.Number, PerPage: p.at.Size, Total: p.total, LastPage: max(1, (p.total+p.at.Size-1)/p.at.Size),
	}}
	if n := len(p.items); n > 0 {
		from := (p.at.Number-1)*p.at.Size + 1
		to := from + n - 1
		b.From, b.To = &from, &to
	}
	return b
}

// each maps the rows of a list; the result is never null on the wire.
func each[S, T any](rows []S, f func(S) T) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = f(r)
	}
	return out
}

// stamp is a time in whole seconds of UTC (contract notes, 1.7).
type stamp time.Time

// MarshalJSON writes RFC 3339 with Z.
func (s stamp) MarshalJSON() ([]byte, error) {
	return []byte(time.Time(s).UTC().Format(`"2006-01-02T15:04:05Z"`)), nil
}

// Schema describes it.
func (stamp) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time"}
}

// millis is a time with milliseconds, where the order of things within a second matters.
type millis time.Time

// MarshalJSON writes RFC 3339 with three digits of a second and Z.
func (m millis) MarshalJSON() ([]byte, error) {
	return []byte(time.Time(m).UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

// Schema describes it.
func (millis) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time"}
}

// stampOr is nil for a time that has not come.
func stampOr(t *time.Time) *stamp {
	if t == nil {
		return nil
	}
	s := stamp(*t)
	return &s
}

// orNil is nil for an empty text.
func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// null is a field that the contract has and this server never fills.
type null struct{}

// MarshalJSON writes null.
func (null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// Schema describes it.
func (null) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: "null"} }
