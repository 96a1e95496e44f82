// Package mcp lets agents use the tools of a server of the Model Context Protocol over streamable HTTP. Each use has a session of its own,
// closed at its end; no use outlives its context by more than a second. What servers ask of their clients is refused. It opens no socket
// but by the client that it is given.
package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/actions"
)

// MCP is the integration. Make it with New. It is safe for concurrent use.
type MCP struct {
	client *http.Client
	lists  lists
}

var (
	_ actions.Integration = (*MCP)(nil)
	_ actions.Expander    = (*MCP)(nil)
)

// New makes it over a client that guards where requests go, and bounds how long one takes and how much is answered.
func New(client *http.Client) *MCP {
	return &MCP{client: client, lists: lists{kept: map[string]list{}}}
}

// Entry implements actions.Integration.
func (*MCP) Entry() parley.Integration {
	return parley.Integration{
		ID: "5b0c5c1e-6f0a-4f44-9d3e-6f1d0b7f0a02", Identifier: parley.IntegrationMCP, DisplayName: "MCP server", Category: "data",
		Description: "Offers the agent the tools of a server of the Model Context Protocol over streamable HTTP.",
		Settings: []parley.Setting{
			{Name: "url", Type: parley.SettingURL, Label: "URL of the server", Required: true},
			{Name: "authorization", Type: parley.SettingText, Label: "Authorization", Secret: true,
				Description: "What is sent as the header of this name, such as Bearer and a token."},
			{Name: "tools", Type: parley.SettingList, Label: "Tools",
				Description: "Names of those that the agent may use; without any, all of them."},
		},
	}
}

// Check implements actions.Integration: any settings go together.
func (*MCP) Check(parley.Config, *parley.Faults) {}

// Forget implements actions.Expander.
func (m *MCP) Forget() int { return m.lists.clear() }

// Run implements actions.Integration.
func (m *MCP) Run(ctx context.Context, o *actions.Order) ([]byte, error) {
	tool := o.Action.Tool
	if only := o.Config.List("tools"); tool == "" && len(only) == 1 { // there is no doubt which one is meant
		tool = only[0]
	}
	if tool == "" {
		return nil, &actions.Refusal{Message: "The server does not say at the moment what it can do."}
	}
	var result *sdk.CallToolResult
	err := m.visit(ctx, o, func(s *sdk.ClientSession) (err error) {
		result, err = s.CallTool(ctx, &sdk.CallToolParams{Name: tool, Arguments: o.Arguments})
		return refused(err)
	})
	if err != nil {
		return nil, err
	}
	return told(result)
}

// mostReason bounds what the model is told of why a server refuses, in runes.
const mostReason = 1000

// refused tells a server that answered, and with what, from one that did not.
func refused(err error) error {
	var by *jsonrpc.Error
	if !errors.As(err, &by) || by.Code == jsonrpc.CodeParseError || by.Message == "" {
		return err
	}
	return &actions.Refusal{Message: "It was refused: " + clip(by.Message, mostReason)}
}

// told is what the model gets to see of a result: what is structured, else the texts. It hears nothing and sees nothing.
func told(r *sdk.CallToolResult) ([]byte, error) {
	var texts []string
	for _, c := range r.Content {
		switch c := c.(type) {
		case *sdk.TextContent:
			texts = append(texts, c.Text)
		case *sdk.EmbeddedResource:
			if c.Resource != nil && c.Resource.Text != "" {
				texts = append(texts, c.Resource.Text)
			}
		}
	}
	text := strings.TrimSpace(strings.Join(texts, "\n"))
	switch {
	case r.IsError && text == "":
		return nil, &actions.Refusal{Message: "It did not work."}
	case r.IsError:
		return nil, &actions.Refusal{Message: clip(text, mostReason)}
	case r.StructuredContent != nil:
		return json.Marshal(r.StructuredContent)
	case text == "" && len(r.Content) > 0:
		return nil, &actions.Refusal{Message: "What came back cannot be said."}
	}
	return []byte(text), nil
}

// visit opens a session with the order's server for what is to be done in it.
func (m *MCP) visit(ctx context.Context, o *actions.Order, do func(*sdk.ClientSession) error) error {
	l := newLife(ctx)
	defer l.end()
	client := *m.client
	client.Transport = &dressed{next: m.client.Transport, headers: headersOf(o), life: l.ctx}
	transport := &sdk.StreamableClientTransport{
		Endpoint: o.Config.Text("url"), HTTPClient: &client, MaxRetries: -1, DisableStandaloneSSE: true, MaxEventSize: mostEvent,
	}
	session, err := sdk.NewClient(&sdk.Implementation{Name: "parley", Version: "1"}, &sdk.ClientOptions{Capabilities: &sdk.ClientCapabilities{}}).
		Connect(ctx, transport, nil)
	if err != nil {
		return fmt.Errorf("mcp: %w", err)
	}
	defer func() {
		l.closing()
		_ = session.Close() // what was to be done is done
	}()
	return do(session)
}

// allows says whether the agent may use a tool.
func allows(c parley.Config, tool string) bool {
	only := c.List("tools")
	return len(only) == 0 || slices.Contains(only, tool)
}

func clip(text string, most int) string {
	r := []rune(strings.ToValidUTF8(text, ""))
	return string(r[:min(len(r), most)])
}
