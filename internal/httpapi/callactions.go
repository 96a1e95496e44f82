package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
)

// anyJSON is any value of JSON, kept as it came.
type anyJSON json.RawMessage

// Schema describes it: nothing is known of it.
func (anyJSON) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// MarshalJSON writes it as it came.
func (v anyJSON) MarshalJSON() ([]byte, error) { return json.RawMessage(v).MarshalJSON() }

// UnmarshalJSON keeps the text.
func (v *anyJSON) UnmarshalJSON(b []byte) error { return (*json.RawMessage)(v).UnmarshalJSON(b) }

// callActionJSON is an action that ran in a call, or is to run after it.
type callActionJSON struct {
	ID        string  `json:"id" doc:"Of this run; also the Idempotency-Key of its requests."`
	ActionID  string  `json:"action_id"`
	Name      string  `json:"name" example:"Book a visit"`
	Type      string  `json:"type" enum:"webhook,transfer,hold,external" example:"webhook"`
	Mode      string  `json:"execution_mode" enum:"during_call,post_call" example:"during_call"`
	Status    string  `json:"status" enum:"queued,requested,succeeded,failed" example:"succeeded"`
	Input     anyJSON `json:"input" doc:"What was sent; null until it is known." example:"{\"day\":\"2026-03-06\",\"time\":\"10:00\"}"`
	Output    anyJSON `json:"output" doc:"What came of it; null until it is known." example:"{\"reference\":\"B-7\"}"`
	Attempts  int     `json:"attempts" minimum:"0" doc:"Requests made after the call." example:"0"`
	StartedAt stamp   `json:"started_at"`
	DueAt     *stamp  `json:"due_at" doc:"When a queued one runs next, and when a requested one is given up."`
	SettledAt *stamp  `json:"settled_at"`
}

func showCallAction(a *parley.CallAction) callActionJSON {
	return callActionJSON{
		ID: a.ID, ActionID: a.ActionID, Name: a.Name, Type: string(a.Type), Mode: string(a.Mode), Status: string(a.Status),
		Input: anyJSON(a.Input), Output: anyJSON(a.Output), Attempts: a.Attempts,
		StartedAt: stamp(a.CreatedAt), DueAt: stampOr(a.DueAt), SettledAt: stampOr(a.SettledAt),
	}
}

// mostOutput bounds what an answer may bring, in bytes, as those of webhook actions are.
const mostOutput = 16 << 10

func (a *api) callActionRoutes() {
	handle(a, op{
		id: "answerAction", method: http.MethodPost, path: "/api/v1/calls/{call_id}/actions/{action_run_id}/result", tag: "Calls",
		summary: "Give the outcome of an external action that waits for it; beyond the contract", message: "Result taken successfully",
		codes: []parley.Code{parley.Unauthorized, parley.CallNotFound, parley.ActionNotFound, parley.ActionSettled, parley.ValidationError},
	}, a.answerAction)
}

type resultBody struct {
	Success *bool   `json:"success" required:"false" default:"true" doc:"Whether it was done."`
	Output  anyJSON `json:"output" required:"false" doc:"What the agent is told; message of an object is put into its words." example:"{\"message\":\"It is on its way.\"}"`
}

func (a *api) answerAction(ctx context.Context, r *in[none, resultBody]) (callActionJSON, error) {
	if len(r.body.Output) > mostOutput {
		r.faults.Add("output", fmt.Sprintf("The output must not be greater than %d bytes.", mostOutput))
	}
	if err := r.faults.Err(); err != nil {
		return callActionJSON{}, err
	}
	output := json.RawMessage(r.body.Output)
	if len(output) == 0 {
		output = json.RawMessage("null")
	}
	ok := r.body.Success == nil || *r.body.Success
	run, err := a.deps.Calls.Answer(ctx, r.actor, r.id("call_id"), r.id("action_run_id"), ok, output)
	if err != nil {
		return callActionJSON{}, err
	}
	return showCallAction(run), nil
}
