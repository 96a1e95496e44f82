package openai

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-voice/parley/internal/llm"
	"github.com/parley-voice/parley/internal/llm/llmtest"
)

// request is what the endpoint reads of a chat completion.
type request struct {
	Model    string
	Stream   bool
	Messages []struct{ Role, Content string }
	Tools    []struct{ Function struct{ Name string } }
}

// endpoint is a server of chat completions that answers a question in two pieces and a goodbye with a call in three.
func endpoint(t *testing.T, seen func(*http.Request, request)) *Model {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q request
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || !q.Stream || r.URL.Path != "/v1/chat/completions" {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		if seen != nil {
			seen(r, q)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		deltas := []string{`{"content":"There is free "}`, `{"content":"parking behind the shop."}`}
		if strings.Contains(q.Messages[len(q.Messages)-1].Content, "goodbye") {
			deltas = []string{`{"content":"Goodbye."}`, `{"tool_calls":[{"index":0,"id":"c1","function":{"name":"hang_up","arguments":"{"}}]}`,
				`{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}`}
		}
		for _, d := range deltas {
			fmt.Fprintf(w, "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":%s}]}\n\n", d)
			w.(http.Flusher).Flush()
		}
		fmt.Fprint(w, "data: [DONE]\n\n")
	}))
	t.Cleanup(srv.Close)
	return New(Config{BaseURL: srv.URL + "/v1", Model: "small", Client: srv.Client()})
}

func TestSuite(t *testing.T) {
	llmtest.Run(t, func(t *testing.T) llm.Model { return endpoint(t, nil) })
}

func TestWhatTheEndpointIsTold(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "sk-of-somebody")
	var got request
	m := endpoint(t, func(r *http.Request, q request) {
		got = q
		if a := r.Header.Get("Authorization"); a != "" {
			t.Errorf("a key from the environment was sent: %q", a)
		}
	})
	c, err := m.Open(t.Context(), llmtest.Brief())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = llmtest.Collect(t.Context(), c, []llm.Message{
		{Role: llm.Agent, Text: "There is", Interrupted: true}, {Role: llm.Caller, Text: "Pardon?"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Model != "small" || len(got.Messages) != 3 || got.Messages[0].Role != "system" || len(got.Tools) != 1 {
		t.Fatalf("request %+v", got)
	}
	if sys := got.Messages[0].Content; !strings.Contains(sys, "free parking") || !strings.Contains(sys, "nine to six") {
		t.Errorf("the system message lacks the agent's texts: %s", sys)
	}
	if !strings.Contains(got.Messages[1].Content, "interrupted") {
		t.Errorf("the model is not told of the interruption: %s", got.Messages[1].Content)
	}
}

func TestBadAnswersAreErrors(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":            "data: [DONE]\n\n",
		"broken arguments":   `data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"hang_up","arguments":"{{"}}]}}]}` + "\n\ndata: [DONE]\n\n",
		"an error mid-reply": `data: {"error":{"message":"overloaded"}}` + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				fmt.Fprint(w, body)
			}))
			defer srv.Close()
			c, err := New(Config{BaseURL: srv.URL, Model: "m", Client: srv.Client()}).Open(t.Context(), llmtest.Brief())
			if err != nil {
				t.Fatal(err)
			}
			if text, calls, err := llmtest.Collect(t.Context(), c, []llm.Message{{Role: llm.Caller, Text: "Hello?"}}); err == nil {
				t.Errorf("no error; %q %v", text, calls)
			}
		})
	}
}
