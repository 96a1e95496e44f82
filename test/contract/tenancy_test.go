package contract

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/httpapi"
	"github.com/parley-voice/parley/internal/store"
)

// notFound are the codes that a path's unknown ids are refused with, by the name of the parameter; of one operation alone as "op name".
// An operation with another parameter fails the walk: enter it here, and make a row for it in newWorld.
var notFound = map[string]parley.Code{
	"agent_id":        parley.AgentNotFound,
	"training_id":     parley.TrainingNotFound,
	"action_id":       parley.ActionNotFound,
	"action_run_id":   parley.ActionNotFound,
	"webhook_id":      parley.WebhookNotFound,
	"log_id":          parley.LogNotFound,
	"call_id":         parley.CallNotFound,
	"trunk_id":        parley.TrunkNotFound,
	"phone_number_id": parley.DIDNotFound,
	"phone_id":        parley.SoftphoneNotFound,
	"erasure_id":      parley.ErasureNotFound,
	"token_id":        parley.TokenNotFound,
	"phone":           parley.NoActiveCall, // no id, but what is found by it is a call

	"getErasureExport erasure_id": parley.ExportNotFound,
}

// shared are parameters that name what belongs to the server and to no environment, each with a good value.
var shared = map[string]string{"voice_template_id": "rose", "category": "data", "identifier": "http"}

// world is an environment with one row of everything: the ids of the rows by the names that paths give them.
type world struct {
	*house                   // with the environment's tokens
	ids    map[string]string // of one operation alone as "op name"
}

// id is the row that a parameter of a route names.
func (w world) id(rt httpapi.Route, param string) string {
	if id, special := w.ids[rt.ID+" "+param]; special {
		return id
	}
	return w.ids[param]
}

// newWorld fills an environment with rows around a number of its own, of which there are the last two digits.
func (h *house) newWorld(environment, digits string) world {
	own, number, caller := *h, "+120255501"+digits, "+120255502"+digits
	own.token, own.personal = h.newToken(environment), h.newPerson(digits+"@example.com", environment)
	w := world{house: &own, ids: map[string]string{"phone": url.PathEscape(caller)}}
	agent, trunk, did := w.published(parley.Outbound, number)
	at := []string{agent}
	w.ids["agent_id"], w.ids["trunk_id"], w.ids["phone_number_id"] = agent, trunk, did
	w.ids["training_id"] = w.must(request{op: "upsertTraining", path: at, body: object{"subject": "a", "instructions": "b"}}).id()
	w.ids["action_id"] = w.must(request{op: "upsertAction", path: at, body: actionBody(nil)}).id()
	w.ids["webhook_id"] = w.hook(agent, nil)
	w.ids["call_id"] = w.happens(agent, parley.EventCallEnded).ID
	w.record(w.ids["call_id"])
	logs := w.must(request{op: "listAgentWebhookLogs", path: []string{agent, w.ids["webhook_id"]}})
	w.ids["log_id"] = logs.rows()[0].(object)["id"].(string)
	w.must(request{op: "publishAgent", path: at}) // the action made it a draft
	w.ids["open call"] = w.must(request{op: "makeCall", path: at, body: object{"to": caller, "delay_seconds": 3600}}).id()
	back := w.callbackAgent(agent)
	for _, op := range []string{"getCallbackAgent", "setAgentCallback", "updateAgentCallback", "removeAgentCallback", "checkCallbackConstraints"} {
		w.ids[op+" agent_id"] = back
	}
	w.ids["action_run_id"] = w.asks(w.ids["call_id"])
	w.ids["phone_id"] = w.send("POST", "/api/v1/sip/phones", w.token, object{"username": "desk" + digits}).id()
	w.ids["connectCallTransport call_id"] = w.transportIsOver("+120255503" + digits)
	w.ids["erased agent"] = w.agent(nil)
	gone := w.must(request{op: "deleteAgent", path: []string{w.ids["erased agent"]}})
	w.ids["erasure_id"] = gone.data()["erasure_id"].(string)
	w.ids["getErasureExport erasure_id"], w.ids["export token"] = w.exported()
	w.ids["deleteErasureExport erasure_id"] = w.ids["getErasureExport erasure_id"]
	w.ids["token_id"] = w.must(request{op: "createUserApiToken", body: object{"name": "laptop"}}).id()
	return w
}

// asks lets a call wait for the answer to an external action.
func (w world) asks(call string) (id string) {
	w.t.Helper()
	id = parley.NewID()
	due := parley.Stamp(time.Now().Add(time.Hour))
	w.update(func(ctx context.Context, tx store.Tx) error {
		_, err := tx.PutCallAction(ctx, &parley.CallAction{
			ID: id, CallID: call, ActionID: w.ids["action_id"], Type: parley.ActionExternal, Mode: parley.DuringCall, Name: "Ask the kitchen",
			Status: parley.ActionRequested, Input: json.RawMessage(`{"table":7}`), DueAt: &due, CreatedAt: parley.Stamp(time.Now()),
		})
		return err
	})
	return id
}

// record gives a call a recording.
func (w world) record(call string) {
	w.t.Helper()
	b, err := w.blobs.Create(w.t.Context(), "calls/"+call+".wav")
	if err != nil {
		w.t.Fatal(err)
	}
	_, _ = b.Write([]byte("RIFF....WAVEfmt "))
	_ = b.Close()
	w.update(func(ctx context.Context, tx store.Tx) error {
		c, err := tx.Call(ctx, "", call)
		if err != nil {
			return err
		}
		c.Recording = "calls/" + call + ".wav"
		return tx.AmendCall(ctx, c)
	})
}

// body is one that passes the rules of a route's form.
func (w world) body(op string) any {
	switch op {
	case "endCall":
		return object{"call_sid": w.ids["open call"]}
	case "makeCall":
		return object{"to": "+12025550179", "delay_seconds": 3600}
	case "transferCall":
		return object{"to": "+12025550179"}
	case "pressKeys":
		return object{"digits": "1"}
	}
	return object{}
}

// visit calls a route with ids in its path, by a token.
func (w world) visit(rt httpapi.Route, ids []string, token string) answer {
	w.t.Helper()
	path := fillPath(rt.Path, ids)
	if rt.ID == "connectCallTransport" {
		path += "?x-talq=" + url.QueryEscape(token)
	}
	var body any
	if rt.Method != http.MethodGet && rt.Method != http.MethodDelete {
		body = w.body(rt.ID)
	}
	a := w.send(rt.Method, path, token, body)
	if o := w.spec.ops[rt.ID]; o != nil {
		w.judge(o, a)
	}
	return a
}

// tokenFor is of the kind that a route takes.
func (w world) tokenFor(rt httpapi.Route) string {
	switch {
	case rt.ID == "getErasureExport":
		return w.ids["export token"]
	case rt.Person:
		return w.personal
	}
	return w.token
}

// wrongKind is the other.
func (w world) wrongKind(rt httpapi.Route) string {
	if rt.Person {
		return w.token
	}
	return w.personal
}

// params are the names of a path's parameters, in order.
func params(path string) (names []string) {
	for part := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(part, "{") {
			names = append(names, strings.Trim(part, "{}"))
		}
	}
	return names
}

// TestRowsOfAnotherEnvironmentDoNotExist walks the router. Each operation is called with every mixture of ids of its own environment and of
// another one in its path, and answers as it does to ids of nothing; what was there before is there afterwards.
func TestRowsOfAnotherEnvironmentDoNotExist(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		mine := h.newWorld("mine", "43")
		sibling := h.newWorld("mine", "44")
		theirs := h.newWorld("theirs", "45")
		routes := withIDs(t)
		before := dump(h)
		for _, rt := range routes {
			mine.walk(rt, theirs, 0)
			mine.walk(rt, sibling, 1) // the first id of a path exists; what lies below it belongs to another row
		}
		for _, line := range changes(before, dump(h)) {
			t.Errorf("a request changed a row: %s", line)
		}
		theirs.proveReal(routes)
		t.Logf("%d operations take ids of rows", len(routes))
	})
}

// withIDs are the routes that take ids of an environment in their path.
func withIDs(t *testing.T) (list []httpapi.Route) {
	t.Helper()
	for _, rt := range httpapi.Routes() {
		takes := false
		for _, name := range params(rt.Path) {
			_, common := shared[name]
			code, known := codeOf(rt, name)
			switch {
			case !common && !known:
				t.Errorf("%s (%s %s) takes {%s}, of which this walk knows no row: make one in newWorld and enter its code in notFound, "+
					"or enter the name in shared if what it names belongs to no environment", rt.ID, rt.Method, rt.Path, name)
			case !common && !slices.Contains(rt.Codes, code):
				t.Errorf("%s does not list %s, which an unknown {%s} is refused with", rt.ID, code, name)
			case !common:
				takes = true
			}
		}
		if takes {
			list = append(list, rt)
		}
	}
	return list
}

func codeOf(rt httpapi.Route, param string) (parley.Code, bool) {
	if code, special := notFound[rt.ID+" "+param]; special {
		return code, true
	}
	code, known := notFound[param]
	return code, known
}

// walk calls a route with every mixture of ids of two worlds that holds at least one of the other's, all of them at from or behind it.
func (w world) walk(rt httpapi.Route, other world, from int) {
	w.t.Helper()
	names := params(rt.Path)
	for mixture := 1 << from; mixture < 1<<len(names); mixture += 1 << from {
		ids, first := make([]string, len(names)), ""
		for i, name := range names {
			good, common := shared[name]
			foreign := mixture>>i&1 == 1
			switch {
			case common:
				ids[i] = good
			case foreign:
				ids[i] = other.id(rt, name)
			default:
				ids[i] = w.id(rt, name)
			}
			if ids[i] == "" {
				w.t.Fatalf("%s: newWorld makes no row for {%s}", rt.ID, name)
			}
			if foreign && !common && first == "" {
				first = name
			}
		}
		if first == "" {
			continue
		}
		code, _ := codeOf(rt, first)
		if a := w.visit(rt, ids, w.tokenFor(rt)); a.status != http.StatusNotFound || a.body["code"] != string(code) {
			w.t.Errorf("%s with another's {%s} in %v answers %d, want 404 %s: %s", rt.ID, first, ids, a.status, code, a.raw)
		}
		if a := w.visit(rt, ids, w.wrongKind(rt)); a.status != http.StatusUnauthorized && rt.ID != "getErasureExport" {
			w.t.Errorf("%s answers %d to a token of the other kind: %s", rt.ID, a.status, a.raw)
		}
	}
}

// proveReal calls each route with its owner's token: the ids name something, or the walk showed nothing.
func (w world) proveReal(routes []httpapi.Route) {
	w.t.Helper()
	order := []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodPost, http.MethodDelete}
	slices.SortStableFunc(routes, func(a, b httpapi.Route) int {
		if d := slices.Index(order, a.Method) - slices.Index(order, b.Method); d != 0 {
			return d
		}
		return strings.Count(b.Path, "/") - strings.Count(a.Path, "/") // what lies below goes first
	})
	for _, rt := range routes {
		var ids []string
		for _, name := range params(rt.Path) {
			if good, common := shared[name]; common {
				ids = append(ids, good)
			} else {
				ids = append(ids, w.id(rt, name))
			}
		}
		if a := w.visit(rt, ids, w.tokenFor(rt)); a.status == http.StatusNotFound || a.status == http.StatusUnauthorized || a.status >= 500 {
			w.t.Errorf("%s with its owner's ids answers %d %s", rt.ID, a.status, a.raw)
		}
	}
}
