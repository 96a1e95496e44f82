// Package openai is the llm.Model behind any endpoint that speaks OpenAI's chat completions: OpenAI itself, vLLM, Ollama, llama.cpp's
// server. It streams, keeps no state between replies, and leaves time-outs of a turn to its caller's context.
package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/parley-voice/parley/internal/llm"
)

// maxReply bounds the tokens of an answer: nobody listens longer on a telephone.
const maxReply = 500

// Config is one endpoint and model.
type Config struct {
	BaseURL   string // up to and with /v1
	APIKey    string
	Model     string
	Languages []string // BCP 47; nil is any
	Client    *http.Client
}

// Model talks to one endpoint. It is safe for concurrent use.
type Model struct {
	cfg    Config
	client sdk.Client
}

var _ llm.Model = (*Model)(nil)

// New makes a model; it does not connect.
func New(cfg Config) *Model {
	o := []option.RequestOption{
		option.WithBaseURL(cfg.BaseURL), option.WithMaxRetries(1), option.WithRequestTimeout(time.Minute),
		// Without a key the SDK would take one from the environment and send it to whoever answers here.
		option.WithAPIKey(cfg.APIKey), option.WithOrganization(""), option.WithProject(""),
	}
	if cfg.APIKey == "" {
		o = append(o, option.WithHeaderDel("Authorization"))
	}
	if cfg.Client != nil {
		o = append(o, option.WithHTTPClient(cfg.Client))
	}
	return &Model{cfg: cfg, client: sdk.NewClient(o...)}
}

// Languages implements llm.Model.
func (m *Model) Languages() []string { return m.cfg.Languages }

// Open implements llm.Model.
func (m *Model) Open(ctx context.Context, b llm.Brief) (llm.Chat, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c := &chat{model: m, params: sdk.ChatCompletionNewParams{
		Model: m.cfg.Model, Temperature: sdk.Float(b.Temperature), MaxTokens: sdk.Int(maxReply),
	}}
	c.system = sdk.SystemMessage(instructions(b))
	for _, t := range b.Tools {
		var schema map[string]any
		if err := json.Unmarshal(t.Parameters, &schema); err != nil {
			return nil, fmt.Errorf("parameters of tool %s: %w", t.Name, err)
		}
		c.params.Tools = append(c.params.Tools, sdk.ChatCompletionFunctionTool(sdk.FunctionDefinitionParam{
			Name: t.Name, Description: sdk.String(t.Description), Parameters: schema,
		}))
	}
	return c, nil
}

type chat struct {
	model  *Model
	system sdk.ChatCompletionMessageParamUnion
	params sdk.ChatCompletionNewParams
}

// Close implements llm.Chat.
func (c *chat) Close() {}

// Reply implements llm.Chat.
func (c *chat) Reply(ctx context.Context, history []llm.Message, emit func(llm.Chunk) error) error {
	params := c.params
	params.Messages = append([]sdk.ChatCompletionMessageParamUnion{c.system}, messages(history)...)
	stream := c.model.client.Chat.Completions.NewStreaming(ctx, params)
	defer stream.Close()
	var calls toolCalls
	said := false
	for stream.Next() {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		choices := stream.Current().Choices
		if len(choices) == 0 {
			continue
		}
		calls.add(choices[0].Delta.ToolCalls)
		if text := choices[0].Delta.Content; text != "" {
			said = true
			if err := emit(llm.Chunk{Text: text}); err != nil {
				return err
			}
		}
	}
	if err := stream.Err(); err != nil && !errors.Is(err, io.EOF) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("model %s: %w", c.model.cfg.Model, err)
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	list, err := calls.finish()
	if err != nil {
		return err
	}
	if !said && len(list) == 0 {
		return errors.New("the model answered with nothing")
	}
	for i := range list {
		if err := emit(llm.Chunk{Call: &list[i]}); err != nil {
			return err
		}
	}
	return nil
}

// toolCalls puts the pieces of streamed calls together, by index.
type toolCalls []llm.ToolCall

func (t *toolCalls) add(pieces []sdk.ChatCompletionChunkChoiceDeltaToolCall) {
	for _, p := range pieces {
		i := int(p.Index)
		if i < 0 || i > 15 {
			continue
		}
		for len(*t) <= i {
			*t = append(*t, llm.ToolCall{})
		}
		c := &(*t)[i]
		if p.ID != "" {
			c.ID = p.ID
		}
		c.Name += p.Function.Name
		c.Arguments = append(c.Arguments, p.Function.Arguments...)
	}
}

// finish checks what came: models write arguments that are no JSON.
func (t toolCalls) finish() ([]llm.ToolCall, error) {
	out := t[:0:0]
	for i, c := range t {
		if c.Name == "" {
			continue
		}
		if c.ID == "" {
			c.ID = fmt.Sprintf("call_%d", i)
		}
		if len(c.Arguments) == 0 {
			c.Arguments = json.RawMessage("{}")
		}
		var object map[string]any
		if err := json.Unmarshal(c.Arguments, &object); err != nil {
			return nil, fmt.Errorf("the model called %s with arguments that are no JSON object: %w", c.Name, err)
		}
		out = append(out, c)
	}
	return out, nil
}
