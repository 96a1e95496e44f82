package httpapi

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

func TestEveryCodeOfARoomHasAStatus(t *testing.T) {
	for code, r := range table {
		if r.status < 400 || r.status > 599 {
			t.Errorf("%s has status %d", code, r.status)
		}
	}
	a := build(Config{}, Deps{})
	for pattern, rt := range a.routes {
		for _, c := range rt.codes {
			if _, ok := table[c]; !ok {
				t.Errorf("%s names %s, which is not in the table", pattern, c)
			}
		}
		if rt.shape == doneShape && rt.message == "" {
			t.Errorf("%s answers nothing", pattern)
		}
	}
}

func TestFaultsStayInTheLog(t *testing.T) {
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for _, c := range []struct {
		name string
		err  error
	}{
		{"a wrapped fault", errors.New("disk on fire")},
		{"the database away", store.ErrUnavailable},
		{"a code that nobody listed", parley.Errorf("ODD", "disk on fire")},
	} {
		t.Run(c.name, func(t *testing.T) {
			log.Reset()
			w := httptest.NewRecorder()
			fail(logger, w, httptest.NewRequest("GET", "/", nil), nil, c.err)
			if w.Code != 500 || w.Body.String() != `{"success":false,"message":"Internal server error.","code":"SERVER_ERROR"}`+"\n" {
				t.Errorf("wire: %d %s", w.Code, w.Body)
			}
			if !strings.Contains(log.String(), "request failed") {
				t.Errorf("log: %s", log.String())
			}
		})
	}
}

func TestAPanicIsA500(t *testing.T) {
	var log strings.Builder
	a := build(Config{}, Deps{Log: slog.New(slog.NewTextHandler(&log, nil))})
	a.mount(&route{op: op{id: "boom", method: "GET", path: "/boom", free: true, shape: mediaShape},
		serve: func(http.ResponseWriter, *http.Request, parley.Actor) error { panic("boom") }})
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", "/boom", nil))
	if w.Code != 500 || !strings.Contains(log.String(), "panic in a request") {
		t.Errorf("%d %s; log %s", w.Code, w.Body, log.String())
	}
}

func TestBoundsPrintAsInTheRule(t *testing.T) {
	type rules struct {
		Speed   float64 `json:"speed" minimum:"0.1" maximum:"3"`
		Percent float64 `json:"percent" minimum:"0" maximum:"100"`
		Least   int     `json:"least" minimum:"2"`
		Most    int     `json:"most" maximum:"9"`
	}
	f := newForm(typeOf[rules]())
	for field, want := range map[string]string{
		"speed": "must be between 0.1 and 3.0", "percent": "must be between 0 and 100", "least": "must be at least 2", "most": "must not be greater than 9",
	} {
		if got := rangeText(field, f.schema.Properties[field]); got != want {
			t.Errorf("%s %q, want %q", field, got, want)
		}
	}
}

func TestPagination(t *testing.T) {
	for _, c := range []struct {
		name               string
		at                 store.Page
		rows, total        int
		lastPage, from, to int
	}{
		{"nothing at all", store.Page{Number: 1, Size: 20}, 0, 0, 1, 0, 0},
		{"a full page", store.Page{Number: 1, Size: 2}, 2, 4, 2, 1, 2},
		{"a part of a page", store.Page{Number: 2, Size: 2}, 1, 3, 2, 3, 3},
		{"past the end", store.Page{Number: 9, Size: 2}, 0, 3, 2, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := page[int]{items: make([]int, c.rows), at: c.at, total: c.total}.pagination()
			if b.LastPage != c.lastPage || (b.From == nil) != (c.from == 0) || b.From != nil && (*b.From != c.from || *b.To != c.to) {
				t.Errorf("%+v", b)
			}
		})
	}
}

func TestLinks(t *testing.T) {
	r := httptest.NewRequest("GET", "http://voice.example:8080/x", nil)
	for _, c := range []struct{ public, want, socket string }{
		{"", "http://voice.example:8080/api/v1/calls/a%2Fb/recording", "ws://voice.example:8080/a%2Fb/transport?x-talq=t"},
		{"https://public.example/", "https://public.example/api/v1/calls/a%2Fb/recording", "wss://public.example/a%2Fb/transport?x-talq=t"},
		{"https://public.example/voice", "https://public.example/voice/api/v1/calls/a%2Fb/recording", "wss://public.example/voice/a%2Fb/transport?x-talq=t"},
	} {
		a := &api{cfg: Config{PublicURL: c.public}}
		if got := a.link(r, "/api/v1/calls", "a/b", "recording").String(); got != c.want {
			t.Errorf("link %s, want %s", got, c.want)
		}
		if got := a.socket(r, "a/b", "t"); got != c.socket {
			t.Errorf("socket %s, want %s", got, c.socket)
		}
	}
}

func TestNumbersAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct{ number, national, international string }{
		{"+12025550143", "(202) 555-0143", "+1 202 555 0143"},
		{"+442079460018", "020 7946 0018", "+44 20 7946 0018"},
		{"+0123456789", "+0123456789", "+0123456789"},
		{parley.Anonymous, parley.Anonymous, parley.Anonymous},
	} {
		if n, i := national(c.number), international(c.number); n != c.national || i != c.international {
			t.Errorf("%s: %q and %q", c.number, n, i)
		}
	}
}
