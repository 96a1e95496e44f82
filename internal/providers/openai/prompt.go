package openai

import (
	"fmt"
	"strings"

	sdk "github.com/openai/openai-go/v3"

	"github.com/parley-voice/parley/internal/llm"
)

// instructions is the system message: what the agent knows and how one talks on a telephone.
func instructions(b llm.Brief) string {
	if b.Bare {
		return b.Description
	}
	var s strings.Builder
	if b.AgentName != "" {
		fmt.Fprintf(&s, "Your name is %s. ", b.AgentName)
	}
	fmt.Fprintf(&s, "You are on the telephone; your words are spoken by a synthesizer. Answer in %s, in one or two short sentences, without lists, markup or "+
		"emojis. Say only what the texts below hold; when they do not hold the answer, say so and offer to take a message. When the conversation is over, "+
		"say goodbye and call %s.\n", b.Language, llm.ToolHangUp)
	if b.Now != "" {
		fmt.Fprintf(&s, "It is %s.\n", b.Now)
	}
	if b.Situation != "" {
		fmt.Fprintf(&s, "%s\n", b.Situation)
	}
	fmt.Fprintf(&s, "\n%s\n", b.Description)
	for _, t := range b.Trainings {
		fmt.Fprintf(&s, "\n## %s\n%s\n", t.Subject, t.Instructions)
	}
	return s.String()
}

// messages turns a history into the endpoint's form. What the caller did not hear is not in it; that he interrupted is.
func messages(history []llm.Message) []sdk.ChatCompletionMessageParamUnion {
	out := make([]sdk.ChatCompletionMessageParamUnion, 0, len(history))
	for _, m := range history {
		switch m.Role {
		case llm.Caller:
			out = append(out, sdk.UserMessage(m.Text))
		case llm.Result:
			out = append(out, sdk.ToolMessage(m.Text, m.CallID))
		case llm.Agent:
			out = append(out, spoken(m))
		}
	}
	return out
}

func spoken(m llm.Message) sdk.ChatCompletionMessageParamUnion {
	text := m.Text
	if m.Interrupted {
		text += "— (the caller interrupted here)"
	}
	a := sdk.AssistantMessage(text)
	for _, c := range m.Calls {
		a.OfAssistant.ToolCalls = append(a.OfAssistant.ToolCalls, sdk.ChatCompletionMessageToolCallUnionParam{
			OfFunction: &sdk.ChatCompletionMessageFunctionToolCallParam{
				ID: c.ID, Function: sdk.ChatCompletionMessageFunctionToolCallFunctionParam{Name: c.Name, Arguments: string(c.Arguments)},
			},
		})
	}
	return a
}
