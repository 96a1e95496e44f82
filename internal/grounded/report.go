package grounded

import (
	"encoding/json"
	"strings"

	"github.com/parley-voice/parley/internal/llm"
)

// maxReport bounds what is read out of an action's result, in bytes.
const maxReport = 400

// report tells the outcome of a tool call.
func (c *chat) report(s *state, history []llm.Message, result llm.Message) reply {
	name := ""
	for _, m := range history {
		for _, call := range m.Calls {
			if call.ID == result.CallID {
				name = call.Name
			}
		}
	}
	if name == llm.ToolHangUp {
		return reply{texts: []string{sayGoodbye}}
	}
	if list := unconfirmed(result.Text); list != "" {
		s.handBack(result.Text)
		if s.form != nil {
			return reply{texts: []string{s.form.summary(s.values)}}
		}
		return reply{texts: []string{readBack + " " + stopped(list) + " " + askCorrect}}
	}
	texts := outcome(result.Text)
	f := s.called
	if f != nil && f.message && (texts == nil || texts[0] != sayFailed) {
		texts = []string{sayNoted}
		if f.closing != "" {
			texts = append(texts, f.closing)
		}
	}
	if len(texts) == 0 {
		texts = []string{sayDone}
	}
	if leaving(history) {
		return reply{texts: append(texts, sayGoodbye), call: &llm.ToolCall{ID: callID(s), Name: llm.ToolHangUp, Arguments: json.RawMessage(`{}`)}}
	}
	if name == llm.ToolTransfer && texts[0] == sayFailed {
		return reply{texts: append(texts, askMessage)}
	}
	return reply{texts: append(texts, askAnythingElse)}
}

// unconfirmed is what a result says that the caller has to confirm first; empty when nothing.
func unconfirmed(result string) string {
	var told struct{ Unconfirmed string }
	if json.Unmarshal([]byte(result), &told) != nil {
		return ""
	}
	return told.Unconfirmed
}

// leaving says whether the caller's last words held a goodbye.
func leaving(history []llm.Message) bool {
	for i := len(history) - 1; i >= 0; i-- {
		if history[i].Role == llm.Caller {
			return hear(history[i].Text).has(leaves)
		}
	}
	return false
}

// outcome words the result of an action: its message when it has one, else its values by name, else the text itself.
func outcome(text string) []string {
	text = strings.TrimSpace(text)
	var object map[string]any
	if json.Unmarshal([]byte(text), &object) == nil {
		return outcomeOf(object, objectKeys(json.RawMessage(text)))
	}
	var items []any
	if json.Unmarshal([]byte(text), &items) == nil {
		return nonEmptyList(spokenValue(items))
	}
	return nonEmptyList(text)
}

func nonEmptyList(text string) []string {
	if text = bounded(strings.TrimSpace(text)); text == "" {
		return nil
	}
	return []string{capital(stopped(text))}
}

func bounded(text string) string {
	if len(text) <= maxReport {
		return text
	}
	text = strings.ToValidUTF8(text[:maxReport], "")
	if i := strings.LastIndexByte(text, ' '); i > 0 {
		text = text[:i]
	}
	return text
}

func outcomeOf(object map[string]any, order []string) []string {
	var said []string
	for _, key := range []string{"message", "text", "result", "answer", "summary"} {
		if t, ok := object[key].(string); ok && t != "" {
			said = nonEmptyList(t)
			break
		}
	}
	failed := object["ok"] == false || object["success"] == false
	if e, ok := object["error"]; ok && e != nil && e != false && e != "" {
		failed = true
	}
	if failed {
		return append([]string{sayFailed}, said...)
	}
	if said != nil {
		return said
	}
	var parts []string
	for _, key := range order {
		v := spokenValue(object[key])
		if v == "" || isOneOf(strings.ToLower(key), "ok", "success", "status", "id", "error", "code") {
			continue
		}
		parts = append(parts, strings.ToLower(strings.NewReplacer("_", " ", "-", " ").Replace(splitCamel(key)))+": "+v)
	}
	return nonEmptyList(strings.Join(parts, ", "))
}

// spokenValue words a value of a result; objects within are left out.
func spokenValue(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		raw, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(raw)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []any:
		var items []string
		for _, item := range v[:min(len(v), 5)] {
			if t := spokenValue(item); t != "" {
				items = append(items, t)
			}
		}
		return list(items, "and")
	}
	return ""
}
