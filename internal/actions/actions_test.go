package actions

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-voice/parley"
)

type unsealed struct{}

func (unsealed) Open(sealed []byte, _ string) ([]byte, error) { return sealed, nil }

// server is somebody's: it answers with what is given, one after the other, and gives a token at /token.
type server struct {
	*httptest.Server
	answers []answer
	got     []*http.Request
	bodies  []string
	tokens  int
}

type answer struct {
	status int
	body   string
}

func serve(t *testing.T, answers ...answer) *server {
	t.Helper()
	s := &server{answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			s.tokens++
			_, _ = io.WriteString(w, `{"access_token":"t`+strings.Repeat("x", s.tokens)+`","expires_in":3600}`)
			return
		}
		b, _ := io.ReadAll(r.Body)
		s.got, s.bodies = append(s.got, r), append(s.bodies, string(b))
		a := s.answers[min(len(s.got), len(s.answers))-1]
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(s.Close)
	return s
}

func run(t *testing.T, act *parley.Action) (string, bool) {
	t.Helper()
	a := New(Deps{Vault: unsealed{}, Client: http.DefaultClient, Log: slog.New(slog.DiscardHandler)})
	return a.Request(t.Context(), "run-1", act, json.RawMessage(`{"day":"Monday","n":2}`))
}

func action(s *server) *parley.Action {
	return &parley.Action{
		ID: "1", URL: new(s.URL + "/book?shop=7"), Method: "POST", Scheme: "none", SealedHeaders: []byte(`[{"key":"X-Key","value":"k"}]`),
	}
}

func TestWhatTheModelIsTold(t *testing.T) {
	for _, c := range []struct {
		rule     string
		status   int
		body     string
		want     string
		ok       bool
		attempts int
	}{
		{"JSON is given as it is", 200, `{"message":"Booked."}`, `{"message":"Booked."}`, true, 1},
		{"a text is wrapped", 201, "Booked.", `{"ok":true,"result":"Booked."}`, true, 1},
		{"nothing is a success", 204, "", `{"ok":true}`, true, 1},
		{"a refusal gives its reason", 409, `{"message":"Taken."}`, `{"answer":{"message":"Taken."},"message":"Taken.","ok":false,"status":409}`, false, 1},
		{"a refusal without one", 400, "no", `{"message":"It was refused.","ok":false,"status":400}`, false, 1},
		{"a redirect is none", 302, "", `{"message":"It was refused.","ok":false,"status":302}`, false, 1},
		{"who is out of order is asked again", 503, "", `{"message":"It was refused.","ok":false,"status":503}`, false, 2},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := serve(t, answer{c.status, c.body})
			got, ok := run(t, action(s))
			if got != c.want || ok != c.ok || len(s.got) != c.attempts {
				t.Errorf("got %s %v after %d attempts", got, ok, len(s.got))
			}
		})
	}
}

func TestARetryHasTheSameKey(t *testing.T) {
	s := serve(t, answer{503, ""}, answer{200, `{}`})
	if got, ok := run(t, action(s)); !ok || got != `{}` {
		t.Errorf("got %s", got)
	}
	first, second := s.got[0].Header, s.got[1].Header
	if k := first.Get("Idempotency-Key"); k == "" || second.Get("Idempotency-Key") != k || second.Get("X-Key") != "k" {
		t.Errorf("headers %v, then %v", first, second)
	}
	if s.bodies[1] != `{"day":"Monday","n":2}` || first.Get("Content-Type") != "application/json" {
		t.Errorf("body %s", s.bodies[1])
	}
}

func TestAnAnswerIsBounded(t *testing.T) {
	s := serve(t, answer{200, strings.Repeat("a", 1<<20)})
	if got, _ := run(t, action(s)); len(got) > mostAnswer+100 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestArgumentsOfAGetStandInTheQuery(t *testing.T) {
	s := serve(t, answer{200, `{}`})
	act := action(s)
	act.Method = "GET"
	if _, ok := run(t, act); !ok || s.got[0].URL.RawQuery != "day=Monday&n=2&shop=7" || s.bodies[0] != "" {
		t.Errorf("query %s, body %s", s.got[0].URL.RawQuery, s.bodies[0])
	}
}

func TestATokenIsFetchedOnceAndAnewWhenRejected(t *testing.T) {
	for scheme, want := range map[string][2]string{
		"none": {"Authorization", "Bearer tx"}, "bearer": {"Authorization", "Bearer tx"}, "basic": {"Authorization", "Basic tx"},
		"custom": {"Authorization", "tx"}, "api_key": {"X-Api-Key", "tx"},
	} {
		s := serve(t, answer{200, `{}`}, answer{200, `{}`}, answer{401, ""}, answer{200, `{}`})
		act := action(s)
		act.AuthorizationURL, act.Scheme = new(s.URL+"/token"), scheme
		a := New(Deps{Vault: unsealed{}, Client: http.DefaultClient, Log: slog.New(slog.DiscardHandler)})
		for range 3 {
			if got, ok := a.Request(t.Context(), "run-1", act, json.RawMessage(`{}`)); !ok {
				t.Errorf("%s: %s", scheme, got)
			}
		}
		if got := s.got[0].Header.Get(want[0]); got != want[1] || s.tokens != 2 || len(s.got) != 4 {
			t.Errorf("%s: %s %q, %d tokens, %d requests", scheme, want[0], got, s.tokens, len(s.got))
		}
	}
}

func TestNobodyThereIsToldAsThat(t *testing.T) {
	s := serve(t, answer{200, ""})
	s.Close()
	if got, ok := run(t, action(s)); ok || got != `{"message":"It cannot be reached at the moment.","ok":false}` {
		t.Errorf("got %s", got)
	}
}
