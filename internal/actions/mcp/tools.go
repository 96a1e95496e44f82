package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/sync/singleflight"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/actions"
)

const (
	// mostTools bounds what a server is asked for.
	mostTools = 64
	// mostSchema bounds the schema of a tool, in bytes; one with a longer one is left out.
	mostSchema = 8 << 10
	// mostDescription bounds the description of a tool, in runes.
	mostDescription = 1000
	// mostName bounds the name of a tool, in bytes.
	mostName = 128
	// fresh is how long a list is good for calls that begin later.
	fresh = time.Minute
	// downFor is how long a server is not asked again that did not answer, so that not each call waits for it.
	downFor = 20 * time.Second
	// askWithin bounds asking, whoever gave up waiting.
	askWithin = 3 * time.Second
	// mostLists bounds how many lists are kept; all are dropped then.
	mostLists = 500
)

// Tools implements actions.Expander.
func (m *MCP) Tools(ctx context.Context, o *actions.Order) ([]parley.ActionTool, error) {
	key, err := keyOf(o)
	if err != nil {
		return nil, err
	}
	l := m.lists.of(key, func() list {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin) // others wait for the same
		defer cancel()
		tools, err := m.ask(ctx, o)
		return list{tools, err, time.Now()}
	})
	if l.err != nil {
		return nil, l.err
	}
	var all []parley.ActionTool
	for _, t := range l.tools {
		if allows(o.Config, t.Name) {
			all = append(all, offer(o.Action, t))
		}
	}
	return all, nil
}

// keyOf changes with everything that a server is asked with.
func keyOf(o *actions.Order) (string, error) {
	b, err := json.Marshal([]any{o.Action.ID, o.Config, o.Headers})
	sum := sha256.Sum256(b)
	return string(sum[:]), err
}

// ask fetches what the agent may use.
func (m *MCP) ask(ctx context.Context, o *actions.Order) (all []tool, err error) {
	err = m.visit(ctx, o, func(s *sdk.ClientSession) error {
		for t, err := range s.Tools(ctx, nil) {
			if err != nil {
				return err
			}
			if read, ok := toolOf(t); ok && len(all) < mostTools {
				all = append(all, read)
			}
			if len(all) == mostTools {
				break
			}
		}
		return nil
	})
	return all, err
}

// tool is what is kept of one.
type tool struct {
	Name, Description string
	Schema            json.RawMessage
	Inputs            []parley.ActionInput
}

// toolOf reads a tool; one that is too large, or whose arguments are no object, is left out.
func toolOf(t *sdk.Tool) (tool, bool) {
	schema, err := json.Marshal(t.InputSchema)
	if err != nil || len(schema) > mostSchema || t.Name == "" || len(t.Name) > mostName {
		return tool{}, false
	}
	var of struct {
		Type       string
		Properties map[string]json.RawMessage
		Required   []string
	}
	if json.Unmarshal(schema, &of) != nil || of.Type != "object" {
		return tool{}, false
	}
	harmless := t.Annotations != nil && t.Annotations.ReadOnlyHint
	out := tool{Name: t.Name, Description: clip(strings.TrimSpace(t.Description), mostDescription), Schema: schema}
	for _, name := range slices.Sorted(maps.Keys(of.Properties)) {
		out.Inputs = append(out.Inputs, inputOf(name, of.Properties[name], slices.Contains(of.Required, name), harmless))
	}
	return out, true
}

// inputOf reads a property. A tool that only reads takes nothing that a caller would have to confirm.
func inputOf(name string, property json.RawMessage, required, harmless bool) parley.ActionInput {
	in := parley.ActionInput{Name: name, Type: "any", Required: required}
	var is struct {
		Type, Format, Description string
		Enum                      []json.RawMessage
	}
	if json.Unmarshal(property, &is) != nil || harmless {
		return in
	}
	in.Description, in.Enum, in.Type = is.Description, is.Enum, is.Type
	if is.Type == "string" && is.Format != "" {
		in.Type = is.Format
	}
	return in
}

// offer is a tool as the model is to know it.
func offer(a *parley.Action, t tool) parley.ActionTool {
	as := *a
	as.Tool, as.Name, as.Description, as.Inputs = t.Name, t.Name, t.Description, t.Inputs
	if as.Description == "" {
		as.Description = a.Description
	}
	return parley.ActionTool{Action: as, Parameters: t.Schema}
}

// list is what a server answered, and when.
type list struct {
	tools []tool
	err   error
	at    time.Time
}

// good says whether it need not be asked for again.
func (l list) good(now time.Time) bool {
	if l.err != nil {
		return now.Sub(l.at) < downFor
	}
	return now.Sub(l.at) < fresh
}

// lists are those that were asked for lately. Who asks for the same at the same time waits for the first.
type lists struct {
	asking singleflight.Group
	mu     sync.Mutex
	kept   map[string]list
}

func (s *lists) of(key string, ask func() list) list {
	if l, ok := s.find(key); ok {
		return l
	}
	v, _, _ := s.asking.Do(key, func() (any, error) {
		l, ok := s.find(key)
		if !ok {
			l = ask()
			s.keep(key, l)
		}
		return l, nil
	})
	l, _ := v.(list)
	return l
}

func (s *lists) find(key string) (list, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.kept[key]
	return l, ok && l.good(time.Now())
}

func (s *lists) keep(key string, l list) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) >= mostLists {
		clear(s.kept)
	}
	s.kept[key] = l
}

func (s *lists) clear() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.kept)
	clear(s.kept)
	return n
}
