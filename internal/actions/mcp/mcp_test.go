package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/actions"
	"github.com/parley-voice/parley/internal/actions/actionstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a server with tools.
type desk struct {
	*httptest.Server
	mcp     *sdk.Server
	methods atomic.Value // of HTTP, in order
}

type table struct {
	Guests int    `json:"guests"`
	Name   string `json:"name"`
}

func text(s string) *sdk.CallToolResult {
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: s}}}
}

func open(t *testing.T, o *sdk.StreamableHTTPOptions) *desk {
	t.Helper()
	d := &desk{mcp: sdk.NewServer(&sdk.Implementation{Name: "desk", Version: "1"}, nil)}
	d.methods.Store([]string(nil))
	sdk.AddTool(d.mcp, &sdk.Tool{Name: "book-table", Description: "Books a table."},
		func(_ context.Context, _ *sdk.CallToolRequest, in table) (*sdk.CallToolResult, any, error) {
			if in.Guests > 8 {
				return nil, nil, fmt.Errorf("no table for %d", in.Guests)
			}
			return text(fmt.Sprintf("A table for %d, %s.", in.Guests, in.Name)), nil, nil
		})
	sdk.AddTool(d.mcp, &sdk.Tool{Name: "tables", Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true}},
		func(context.Context, *sdk.CallToolRequest, table) (*sdk.CallToolResult, map[string]int, error) {
			return nil, map[string]int{"free": 3}, nil
		})
	sdk.AddTool(d.mcp, &sdk.Tool{Name: "photo"}, func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.ImageContent{Data: []byte("x"), MIMEType: "image/png"}}}, nil, nil
	})
	sdk.AddTool(d.mcp, &sdk.Tool{Name: "menu"}, func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
		return text(strings.Repeat("soup ", 20000)), nil, nil
	})
	handler := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return d.mcp }, o)
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen, _ := d.methods.Load().([]string)
		d.methods.Store(append(slices.Clone(seen), r.Method))
		if a := r.Header.Get("Authorization"); a != "Bearer hunter2" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { d.Close(); http.DefaultClient.CloseIdleConnections() })
	return d
}

func (d *desk) config(more map[string]any) map[string]any {
	c := map[string]any{"url": d.URL, "authorization": "Bearer hunter2"}
	for k, v := range more {
		c[k] = v
	}
	return c
}

// use is the offer of that name, or the action itself.
func use(t *testing.T, b *actionstest.Bench, config map[string]any, tool string) *parley.Action {
	t.Helper()
	offers := b.Actions.Expand(t.Context(), b.Action(t, config))
	for i := range offers {
		if offers[i].Name == tool {
			return &offers[i].Action
		}
	}
	t.Fatalf("%s is not among %d offers; %s", tool, len(offers), b.Log)
	return nil
}

func TestToolsAreOfferedAndCalled(t *testing.T) {
	for name, o := range map[string]*sdk.StreamableHTTPOptions{
		"with sessions": nil, "without": {Stateless: true}, "in plain JSON": {JSONResponse: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, o)
			b := actionstest.New(New(http.DefaultClient))
			for tool, c := range map[string]struct {
				arguments, want string
				ok              bool
			}{
				"book-table": {`{"guests":4,"name":"Ann"}`, `{"ok":true,"result":"A table for 4, Ann."}`, true},
				"tables":     {`{"guests":4,"name":"Ann"}`, `{"free":3}`, true},
				"photo":      {`{}`, `{"message":"What came back cannot be said.","ok":false}`, false},
			} {
				got, ok := b.Actions.Request(t.Context(), "run", use(t, b, d.config(nil), tool), []byte(c.arguments))
				if got != c.want || ok != c.ok {
					t.Errorf("%s: told %s, %v; %s", tool, got, ok, b.Log)
				}
			}
		})
	}
}

func TestASessionIsClosedAtTheEndOfItsUse(t *testing.T) {
	d := open(t, nil)
	b := actionstest.New(New(http.DefaultClient))
	a := use(t, b, d.config(nil), "tables")
	b.Actions.Request(t.Context(), "run", a, []byte(`{"guests":1,"name":"Ann"}`))
	seen, _ := d.methods.Load().([]string)
	left := len(slices.Collect(d.mcp.Sessions()))
	if left != 0 || slices.Contains(seen, http.MethodGet) {
		t.Errorf("requests %v, %d sessions left", seen, left)
	}
}

func TestWhatAServerRefusesIsTold(t *testing.T) {
	d := open(t, nil)
	b := actionstest.New(New(http.DefaultClient))
	a := use(t, b, d.config(nil), "book-table")
	for _, c := range []struct{ rule, tool, arguments, want string }{
		{"a tool that fails", "book-table", `{"guests":9,"name":"Ann"}`, "no table for 9"},
		{"arguments of the wrong type", "book-table", `{"guests":"many","name":"Ann"}`, "many"},
		{"a tool that is gone", "sing", `{}`, "sing"},
	} {
		a.Tool = c.tool
		if got, ok := b.Actions.Request(t.Context(), "run", a, []byte(c.arguments)); ok || !strings.Contains(got, c.want) {
			t.Errorf("%s: told %s, %v", c.rule, got, ok)
		}
	}
}

func TestResultsAreBounded(t *testing.T) {
	d := open(t, nil)
	b := actionstest.New(New(http.DefaultClient))
	got, ok := b.Actions.Request(t.Context(), "run", use(t, b, d.config(nil), "menu"), []byte(`{}`))
	if !ok || len(got) > 17000 || !strings.Contains(got, "soup soup") {
		t.Errorf("%d bytes, %v", len(got), ok)
	}
}

func TestOnlyAllowedToolsAreOffered(t *testing.T) {
	d := open(t, nil)
	b := actionstest.New(New(http.DefaultClient))
	offers := b.Actions.Expand(t.Context(), b.Action(t, d.config(map[string]any{"tools": []any{"tables", "no such"}})))
	if len(offers) != 1 || offers[0].Name != "tables" || offers[0].Description != "Acts." || offers[0].ID != "1" {
		t.Errorf("%+v", offers)
	}
}

func TestAnActionWithOneToolMeansThat(t *testing.T) {
	d := open(t, nil)
	got, ok := actionstest.New(New(http.DefaultClient)).Run(t, d.config(map[string]any{"tools": []any{"tables"}}), `{"guests":1,"name":"Ann"}`)
	if !ok || got != `{"free":3}` {
		t.Errorf("told %s", got)
	}
}

func TestAListIsAskedForOnceAMinuteAndForgottenWhenTold(t *testing.T) {
	d := open(t, nil)
	b := actionstest.New(New(http.DefaultClient))
	requests := func() int { seen, _ := d.methods.Load().([]string); return len(seen) }
	use(t, b, d.config(nil), "tables")
	first := requests()
	use(t, b, d.config(nil), "tables")
	if n := requests(); n != first {
		t.Errorf("%d requests after %d", n, first)
	}
	if n := b.Actions.Forget(); n != 1 {
		t.Errorf("forgot %d", n)
	}
	use(t, b, d.config(nil), "tables")
	if n := requests(); n != 2*first {
		t.Errorf("%d requests after %d", n, first)
	}
}

func TestExactArgumentsAreThoseOfToolsThatChangeSomething(t *testing.T) {
	d := open(t, nil)
	b := actionstest.New(New(http.DefaultClient))
	for tool, want := range map[string][]string{"book-table": {"guests"}, "tables": nil} {
		var exact, required []string
		for _, in := range use(t, b, d.config(nil), tool).Inputs {
			if in.Exact() {
				exact = append(exact, in.Name)
			}
			if in.Required {
				required = append(required, in.Name)
			}
		}
		if !slices.Equal(exact, want) || !slices.Equal(required, []string{"guests", "name"}) {
			t.Errorf("%s: exact %v, required %v", tool, exact, required)
		}
	}
}

func TestAServerThatIsDownOrAnswersGarbage(t *testing.T) {
	for rule, answer := range map[string]http.HandlerFunc{
		"garbage": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":`)
		},
		"another type": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"an error":     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusTemporaryRedirect)
		},
		"a stream without an end of events": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: "+strings.Repeat("x", 2<<20))
		},
		"a stream that ends at once": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/event-stream") },
		"a protocol that nobody speaks": func(w http.ResponseWriter, r *http.Request) {
			var asked struct{ ID json.RawMessage }
			_ = json.NewDecoder(r.Body).Decode(&asked)
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Mcp-Session-Id", "1")
			_, _ = fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"1812"}}`, asked.ID)
		},
	} {
		t.Run(rule, func(t *testing.T) {
			s := httptest.NewServer(answer)
			defer s.Close()
			client := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			defer client.CloseIdleConnections()
			wantDown(t, actionstest.New(New(client)), map[string]any{"url": s.URL})
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		s := httptest.NewServer(nil)
		s.Close()
		wantDown(t, actionstest.New(New(http.DefaultClient)), map[string]any{"url": s.URL})
	})
}

// wantDown wants the action itself to be offered, and its use to fail in words.
func wantDown(t *testing.T, b *actionstest.Bench, config map[string]any) {
	t.Helper()
	offers := b.Actions.Expand(t.Context(), b.Action(t, config))
	if len(offers) != 1 || offers[0].Tool != "" {
		t.Fatalf("%+v", offers)
	}
	if got, ok := b.Actions.Request(t.Context(), "run", &offers[0].Action, []byte(`{}`)); ok || !strings.Contains(got, "does not say") {
		t.Errorf("told %s", got)
	}
	a := offers[0].Action
	a.Tool = "tables"
	if got, ok := b.Actions.Request(t.Context(), "run", &a, []byte(`{}`)); ok || !strings.Contains(got, "cannot be reached") {
		t.Errorf("told %s", got)
	}
}

func TestAServerThatHangsIsLeft(t *testing.T) {
	for rule, answer := range map[string]http.HandlerFunc{
		"it takes requests and is silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"it answers what nobody asked": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Mcp-Session-Id", "1")
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":77,"result":{}}`)
		},
		"it sends on and on": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "data: {}\n\n")
			}
		},
	} {
		t.Run(rule, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // the server notices the end of a request only after that
				answer(w, r)
			}))
			defer s.Close() // it waits for all requests to end
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			client := &http.Client{Transport: &http.Transport{}}
			_, err := New(client).Run(ctx, &actions.Order{Action: &parley.Action{Tool: "tables"}, Config: parley.Config{"url": s.URL}})
			if err == nil {
				t.Error("no error")
			}
			client.CloseIdleConnections()
		})
	}
}

func TestHowLongListsAreGood(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		rule string
		l    list
		age  time.Duration
		want bool
	}{
		{"a list", list{}, 59 * time.Second, true},
		{"an old one", list{}, time.Minute, false},
		{"a failure, so that not every call waits", list{err: io.EOF}, 19 * time.Second, true},
		{"an old failure", list{err: io.EOF}, 20 * time.Second, false},
	} {
		c.l.at = now
		if got := c.l.good(now.Add(c.age)); got != c.want {
			t.Errorf("%s: %v", c.rule, got)
		}
	}
}

func TestToolsThatAreTooLargeAreLeftOut(t *testing.T) {
	object := map[string]any{"type": "object"}
	for _, c := range []struct {
		rule string
		tool sdk.Tool
		want bool
	}{
		{"a small one", sdk.Tool{Name: "a", InputSchema: object}, true},
		{"no name", sdk.Tool{InputSchema: object}, false},
		{"a long name", sdk.Tool{Name: strings.Repeat("a", 200), InputSchema: object}, false},
		{"arguments that are no object", sdk.Tool{Name: "a", InputSchema: map[string]any{"type": "array"}}, false},
		{"no schema", sdk.Tool{Name: "a"}, false},
		{"a long schema", sdk.Tool{Name: "a", InputSchema: map[string]any{"type": "object", "x": strings.Repeat("y", 9000)}}, false},
	} {
		if _, got := toolOf(&c.tool); got != c.want {
			t.Errorf("%s: %v", c.rule, got)
		}
	}
}

func TestNoSecretIsLogged(t *testing.T) {
	d := open(t, nil)
	b := actionstest.New(New(http.DefaultClient))
	config := d.config(map[string]any{"authorization": "Bearer letmein"})
	wantDown(t, b, config)
	if log := b.Log.String(); strings.Contains(log, "letmein") || strings.Contains(log, d.URL) || !strings.Contains(log, "which tools") || !strings.Contains(log, "error=*") {
		t.Error(log)
	}
}

func TestEntry(t *testing.T) { actionstest.Entry(t, New(http.DefaultClient)) }
