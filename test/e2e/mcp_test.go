package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// mcpServer runs the reference server of the Model Context Protocol behind a door on loopback that wants an authorization.
func mcpServer(t *testing.T, authorization string) (at string, asked func() []string) {
	t.Helper()
	Need(t, "node")
	program, err := filepath.Abs("mcpserver/node_modules/@modelcontextprotocol/server-everything/dist/index.js")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("needs the MCP server: run `scripts/setup test`")
	}
	dir, err := os.MkdirTemp("", "mcp") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	cmd := exec.Command("node", program, "streamableHttp")
	cmd.Env = append(os.Environ(), "PORT="+socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	inside := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "mcp"})
	proxy.Transport = inside
	var mu sync.Mutex
	var seen []string
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != authorization {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		mu.Lock()
		seen = append(seen, r.Method)
		mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { door.Close(); inside.CloseIdleConnections() })
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("unix", socket); err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal("the MCP server does not come up")
		}
	}
	return door.URL + "/mcp", func() []string { mu.Lock(); defer mu.Unlock(); return append([]string(nil), seen...) }
}

// adder is a model behind an OpenAI-compatible endpoint that has a tool add what callers ask for, and says what came of it.
func adder(t *testing.T, tool string) (baseURL string, offered func() string) {
	t.Helper()
	var mu sync.Mutex
	var tools string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Messages []struct {
				Role    string
				Content any
			}
			Tools json.RawMessage
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.Messages) == 0 {
			http.Error(w, "no messages", http.StatusBadRequest)
			return
		}
		mu.Lock()
		tools = string(asked.Tools)
		mu.Unlock()
		delta := JSON{"tool_calls": []JSON{{"index": 0, "id": "c1", "type": "function", "function": JSON{"name": tool, "arguments": `{"a":17,"b":25}`}}}}
		if last := asked.Messages[len(asked.Messages)-1]; last.Role == "tool" {
			text := fmt.Sprint(last.Content)
			var told struct{ Result, Message string }
			_ = json.Unmarshal([]byte(text), &told)
			delta = JSON{"content": told.Result + told.Message}
		}
		w.Header().Set("Content-Type", "text/event-stream")
		b, _ := json.Marshal(JSON{"id": "1", "object": "chat.completion.chunk", "choices": []JSON{{"index": 0, "delta": delta}}})
		fmt.Fprintf(w, "data: %s\n\ndata: [DONE]\n\n", b)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1", func() string { mu.Lock(); defer mu.Unlock(); return tools }
}

func TestAnAgentUsesAToolOfAnMCPServer(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	at, asked := mcpServer(t, "Bearer hunter2")
	model, offered := adder(t, "get_sum")
	s := Start(t, Env("PARLEY_EGRESS_ALLOW=127.0.0.0/8", "PARLEY_LLM_BASE_URL="+model, "PARLEY_LLM_MODEL=adder"))
	agent := s.Clinic(nil)
	s.Must("POST", "/api/v1/agents/"+agent+"/actions", JSON{
		"node_id": "sums", "name": "Sums", "description": "Adds numbers.", "type": "webhook", "integration": JSON{"id": "mcp"},
		"config": JSON{"url": at, "authorization": "Bearer hunter2", "tools": []string{"get-sum", "echo"}},
	})
	s.Must("POST", "/api/v1/agents/"+agent+"/publish", nil)
	heard, code := s.Call(Number, "--say", "How much is seventeen and twenty five?", "--quiet-for", "2s")
	lower := strings.ReplaceAll(strings.ToLower(heard), "-", " ")
	if code != 0 || !strings.Contains(lower, "forty two") && !strings.Contains(lower, "42") {
		t.Errorf("exit code %d, the caller heard: %s", code, heard)
	}
	if tools := offered(); !strings.Contains(tools, `"get_sum"`) || !strings.Contains(tools, `"echo"`) || strings.Contains(tools, "get_env") {
		t.Errorf("offered: %s", tools)
	}
	if said := said(s.lastCall(), "agent"); !strings.Contains(said, "the sum of 17 and 25 is 42.") {
		t.Errorf("said: %s", said)
	}
	opened, closed := 0, 0
	for _, m := range asked() {
		switch m {
		case http.MethodDelete:
			closed++
		case http.MethodGet:
			opened++
		}
	}
	if closed != 2 || opened != 0 { // one use for the list, one for the sum
		t.Errorf("requests %v", asked())
	}
}

// TestTheOfflineMindUsesAToolOfAnMCPServer: it asks for what the schema of the tool wants, and says the result.
func TestTheOfflineMindUsesAToolOfAnMCPServer(t *testing.T) {
	t.Parallel()
	NeedModels(t)
	at, _ := mcpServer(t, "")
	s := Start(t, Env("PARLEY_EGRESS_ALLOW=127.0.0.0/8"))
	agent := s.Must("POST", "/api/v1/agents", AgentBody(nil))["id"].(string)
	s.Must("POST", "/api/v1/agents/"+agent+"/actions", JSON{
		"node_id": "sums", "name": "Sums", "description": "Adds numbers.", "type": "webhook", "integration": JSON{"id": "mcp"},
		"config": JSON{"url": at, "tools": []string{"get-sum"}},
	})
	said := s.chat(agent, "I would like to get a sum.", "Seventeen.", "Twenty five.", "Yes.")
	if !strings.Contains(said, "The sum of 17 and 25 is 42.") {
		t.Error(said)
	}
}
