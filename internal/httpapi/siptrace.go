package httpapi

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/ladder"
)

type sipMessageJSON struct {
	Time      millis `json:"time"`
	Direction string `json:"direction" enum:"sent,received"`
	Transport string `json:"transport" enum:"udp,tcp,tls"`
	Peer      string `json:"peer" doc:"Address and port of the other side." example:"192.0.2.10:5060"`
	FirstLine string `json:"first_line" example:"SIP/2.0 200 OK"`
	Raw       string `json:"raw" doc:"Without credentials and media keys." example:"SIP/2.0 200 OK"`
	Cut       bool   `json:"cut" doc:"Whether raw is only the beginning."`
}

func showSIPMessage(m parley.SIPMessage) sipMessageJSON {
	out := sipMessageJSON{
		Time: millis(m.At), Direction: "received", Transport: m.Transport, Peer: m.Peer, FirstLine: m.FirstLine(), Raw: m.Raw, Cut: m.Cut,
	}
	if m.Sent {
		out.Direction = "sent"
	}
	return out
}

func (a *api) sipTraceRoute() {
	a.mount(&route{op: op{
		id: "getCallSip", method: http.MethodGet, path: "/api/v1/calls/{call_id}/sip", tag: "Calls",
		summary: "List the SIP messages of a call, or draw them with Accept: text/plain; numbers, addresses and bodies only with the ability " +
			parley.TraceCalls + "; beyond the contract",
		codes: []parley.Code{parley.Unauthorized, parley.CallNotFound},
		reply: reflect.TypeFor[[]sipMessageJSON](), answer: sipTraceAnswer,
	}, serve: a.sipTrace})
}

// sipTraceAnswer describes a list in the usual envelope.
func sipTraceAnswer(r huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"success", "data"},
		Properties: map[string]*huma.Schema{
			"success": {Type: huma.TypeBoolean, Enum: []any{true}},
			"data":    {Type: huma.TypeArray, Items: r.Schema(reflect.TypeFor[sipMessageJSON](), true, "SipMessage")},
		},
	}
}

func (a *api) sipTrace(w http.ResponseWriter, r *http.Request, actor parley.Actor) error {
	ms, err := a.deps.Calls.SIPMessages(r.Context(), actor, pathID(r, "call_id"))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	if !strings.HasPrefix(r.Header.Get("Accept"), "text/plain") {
		writeJSON(w, http.StatusOK, envelope{Success: true, Data: each(ms, showSIPMessage)})
		return nil
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(ladder.Draw("parley", ms))) // nobody is left to tell
	return nil
}
