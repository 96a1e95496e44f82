package httpapi

import (
	"cmp"
	"context"
	"net/http"

	"github.com/parley-voice/parley"
)

// liveCallRoutes act on a call while it talks; they are beyond the contract.
func (a *api) liveCallRoutes() {
	handle(a, op{
		id: "transferCall", method: http.MethodPost, path: "/api/v1/calls/{call_id}/transfer", tag: "Calls",
		summary: "Give the caller of a running call to somebody else; answers when the outcome is known; beyond the contract",
		codes: []parley.Code{
			parley.Unauthorized, parley.CallNotFound, parley.CallNotActive, parley.TransferUnderway, parley.TransferUnsupported,
			parley.InvalidPhoneNumber, parley.MissingPhoneNumber, parley.PhoneNumberForbidden, parley.ValidationError,
		},
	}, a.transferCall)
	handle(a, op{
		id: "pressKeys", method: http.MethodPost, path: "/api/v1/calls/{call_id}/dtmf", tag: "Calls", shape: doneShape,
		summary: "Press keys towards the caller of a running call; beyond the contract", message: "Digits sent successfully",
		codes: []parley.Code{parley.Unauthorized, parley.CallNotFound, parley.CallNotActive, parley.DigitNotSent, parley.ValidationError},
	}, a.pressKeys)
}

type transferBody struct {
	To       string `json:"to" maxLength:"255" doc:"E.164, or a softphone of the environment: USERNAME or phone:USERNAME." example:"+12025550166"`
	Mode     string `json:"mode" required:"false" enum:"refer,bridged,warm,attended" default:"bridged" doc:"refer: SIP REFER; warm: briefed; attended: then handed over."`
	Briefing string `json:"briefing" required:"false" maxLength:"1000" doc:"Said to the target first, who may hang up on it." example:"Ann Lee asks about her invoice."`
	Return   bool   `json:"return_to_agent" required:"false" default:"false" doc:"The agent has the caller again when the target hangs up, which else ends the call."`
}

type transferJSON struct {
	To        string  `json:"to" example:"+12025550166"`
	Mode      string  `json:"mode" enum:"refer,bridged,warm,attended,asked"`
	Outcome   *string `json:"outcome" enum:"answered,busy,no-answer,refused,failed,canceled,unknown" doc:"Null while it is not known."`
	Reason    *string `json:"reason" doc:"Such as sip_486."`
	StartedAt stamp   `json:"started_at"`
	SettledAt *stamp  `json:"settled_at"`
	EndedAt   *stamp  `json:"ended_at"`
}

func showTransfer(t parley.Transfer) transferJSON {
	return transferJSON{
		To: t.To, Mode: string(t.Mode), Outcome: orNil(t.Outcome), Reason: orNil(t.Reason), StartedAt: stamp(t.StartedAt),
		SettledAt: stampOr(t.SettledAt), EndedAt: stampOr(t.EndedAt),
	}
}

func (a *api) transferCall(ctx context.Context, r *in[none, transferBody]) (transferJSON, error) {
	if err := r.faults.Err(); err != nil {
		return transferJSON{}, err
	}
	mode := cmp.Or(parley.TransferMode(r.body.Mode), parley.TransferBridged)
	t, err := a.deps.Calls.Transfer(ctx, r.actor, r.id("call_id"), parley.TransferRequest{
		To: plus(r.body.To), Mode: mode, Briefing: r.body.Briefing, Return: r.body.Return,
	})
	if err != nil {
		return transferJSON{}, err
	}
	return showTransfer(*t), nil
}

type keysBody struct {
	Digits string `json:"digits" minLength:"1" maxLength:"32" pattern:"^[0-9*#A-Da-d]+$" example:"12#"`
}

func (a *api) pressKeys(ctx context.Context, r *in[none, keysBody]) (none, error) {
	if err := r.faults.Err(); err != nil {
		return none{}, err
	}
	return none{}, a.deps.Calls.Press(ctx, r.actor, r.id("call_id"), r.body.Digits)
}
