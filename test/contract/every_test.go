package contract

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// unreachable are codes of the contract that need a resource which the server does not have yet.
var unreachable = map[string]string{"deleteAgent AGENT_IN_USE": "needs a campaign"}

// ours is the document of the operations that the server has.
func ours(t testing.TB) *spec { return loadSpec(t, "../../api/openapi.yaml") }

// contractOps are the operations that both the contract and the server have.
func (h *house) contractOps() (list []*operation) {
	for _, id := range slices.Sorted(maps.Keys(ours(h.t).ops)) {
		if o, ok := h.spec.ops[id]; ok {
			list = append(list, o)
		}
	}
	return list
}

// TestEveryOperationAndEveryCode brings about the success and each error code of every operation, each answer held against the contract,
// and counts at the end what was not seen.
func TestEveryOperationAndEveryCode(t *testing.T) { onBoth(t, everything) }

func everything(t *testing.T, h *house) {
	h.successes()
	h.refusalsOfAll()
	h.refusalsByRow()
	h.refusalsByState()
	h.rateLimits()
	h.faults()
	whole := map[string]bool{}
	for _, o := range h.contractOps() {
		whole[o.id] = h.seen[o.id] && !h.deviates[o.id]
		if !h.seen[o.id] {
			t.Errorf("%s: no success seen", o.id)
		}
		for _, c := range o.codes {
			key := o.id + " " + c.Code
			if why, known := unreachable[key]; known {
				t.Logf("not reachable yet: %s: %s", key, why)
			} else if !h.seen[key] {
				whole[o.id] = false
				t.Errorf("%s: not seen", key)
			}
		}
	}
	h.logFamilies(whole)
}

// logFamilies counts by family the contract's operations whose success and every refusal were seen as the contract has them.
func (h *house) logFamilies(whole map[string]bool) {
	all, here := map[string]int{}, map[string]int{}
	total := 0
	for id, o := range h.spec.ops {
		family := o.raw.Tags[0]
		all[family]++
		if whole[id] {
			here[family]++
			total++
		}
	}
	h.t.Logf("%-22s %d of %d operations conform", "all", total, len(h.spec.ops))
	for _, family := range slices.Sorted(maps.Keys(all)) {
		h.t.Logf("%-22s %d of %d", family, here[family], all[family])
	}
}

// successes calls each operation so that it succeeds.
func (h *house) successes() {
	agent, trunk, did := h.published(parley.Outbound, "+12025550143") // creates, verifies, activates, attaches, voices, publishes
	at := []string{agent}
	call := h.delayed(agent)
	training := h.must(request{op: "upsertTraining", path: at, body: object{"subject": "a", "instructions": "b"}}).id()
	action := h.must(request{op: "upsertAction", path: at, body: actionBody(nil)}).id()
	external := h.outside("+12025550144")
	for _, r := range []request{
		{op: "listAgents"},
		{op: "getAgent", path: at},
		{op: "updateAgentAdvancedSettings", path: at, body: object{}},
		{op: "listTrainings", path: at},
		{op: "deleteTraining", path: []string{agent, training}},
		{op: "listActions", path: at},
		{op: "deleteAction", path: []string{agent, action}},
		{op: "updateAgentFlow", path: at, body: flowBody(nil)},
		{op: "getAgentFlow", path: at},
		{op: "listAgentFlowVersions", path: at},
		{op: "validateAgentFlow", path: at, body: object{"flow_config": object{}}},
		{op: "listAgentTemplates"},
		{op: "listAgentTemplatesBySector"},
		{op: "searchAgentTemplates", query: "?query=front"},
		{op: "getAgentTemplateStatistics"},
		{op: "createAgentFromTemplate", body: object{"template_id": "receptionist-en-us"}},
		{op: "cloneTemplateIntoAgent", body: object{"template_id": "receptionist-en-us", "agent_id": h.agent(nil)}},
		{op: "listActionIntegrations"},
		{op: "listActionIntegrationsByCategory", path: []string{"data"}},
		{op: "getActionIntegrationConfig", path: []string{"http"}},
		{op: "listCallbackAgents"},
		{op: "listCallbackSourceAgents"},
		{op: "getCallbackStats"},
		{op: "getCallbackAgent", path: []string{h.callbackAgent(agent)}},
		{op: "checkCallbackConstraints", path: at, body: object{}},
		{op: "updateAgentCallback", path: []string{h.callbackAgent(agent)}, body: object{"source_agent_ids": []string{agent}}},
		{op: "removeAgentCallback", path: []string{h.callbackAgent(agent)}},
		{op: "listVoiceTemplates"},
		{op: "getVoiceTemplateDemo", path: []string{"rose"}},
		{op: "listSipTrunks"},
		{op: "getSipTrunk", path: []string{trunk}},
		{op: "getSipTrunkHealth", path: []string{trunk}},
		{op: "listSipTrunkDids", path: []string{trunk}},
		{op: "listPhoneNumbers"},
		{op: "listCalls"},
		{op: "listAgentCalls", path: at},
		{op: "getActiveCall", path: []string{agent, "%2B12025550177"}},
		{op: "endCall", path: at, body: object{"call_sid": call}},
		{op: "identifyToken"},
		{op: "getHealth", token: "none"},
		{op: "getAgentPricing", path: at},
		{op: "getAgentPricingSummary", path: at},
		{op: "getAgentOptimizedCostsEligibility", path: at},
		{op: "getCallSummaries"},
		{op: "getCallSummaryTotals"},
		{op: "clearCallSummaryCache"},
		{op: "getCurrentUser"},
		{op: "listUserApiTokens"},
		{op: "deleteUserApiToken", path: []string{h.must(request{op: "createUserApiToken", body: object{"name": "laptop"}}).id()}},
		{op: "updateAgentCalling", path: at, body: object{"direction": "outbound", "phone_number_ids": []string{}}},
		{op: "deleteSipTrunkDid", path: []string{trunk, did}},
		{op: "deleteSipTrunk", path: []string{trunk}},
		{op: "updateAgentKnowledge", path: at, body: knowledgeBody(nil)},
		{op: "unpublishAgent", path: at},
		{op: "deleteAgent", path: at},
	} {
		h.must(r)
	}
	h.webhookSuccesses()
	conn, _, err := websocket.Dial(h.t.Context(), external, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = conn.CloseNow()
	h.seen["connectCallTransport"] = true
}

// refusalsOfAll are those that every operation has: no token, a bad token, no ability, no plan, no such row, a bad form.
func (h *house) refusalsOfAll() {
	incapable := h.newToken("test", "nothing:at_all")
	planless := h.limited("planless", func(l *parley.Limits) { off := false; l.SIPTrunks = &off })
	for _, o := range h.contractOps() {
		if o.id == "getHealth" {
			continue
		}
		none := h.call(request{op: o.id, token: "none"})
		h.refused(none, 401, parley.InvalidToken)
		bad := h.call(request{op: o.id, token: "talq_wrong"})
		h.refused(bad, 401, parley.InvalidToken)
		if o.id != "makeCall" && (none.body["error"] != "MISSING_TOKEN" || bad.body["error"] != "UNAUTHORIZED" || bad.body["status_code"] != 401.0) {
			h.t.Errorf("%s: causes of a 401: %s %s", o.id, none.raw, bad.raw)
		}
		if o.id == "identifyToken" || o.id == "connectCallTransport" {
			continue
		}
		h.refused(h.call(request{op: o.id, token: h.otherKind(o)}), 401, parley.InvalidToken)
		if !o.person() {
			h.refused(h.call(request{op: o.id, token: incapable, body: goodBody(o.id)}), 403, parley.Unauthorized)
		}
		if strings.Contains(o.path, "/sip-trunks") {
			h.refused(h.call(request{op: o.id, token: planless}), 403, parley.FeatureNotAvailable)
		}
		if strings.Contains(o.path, "{") && o.id != "listActionIntegrationsByCategory" {
			if a := h.call(request{op: o.id, body: goodBody(o.id)}); a.status != 404 {
				h.t.Errorf("%s of nothing: %d %s", o.id, a.status, a.raw)
			}
		}
	}
}

// otherKind is a good token that an operation does not take.
func (h *house) otherKind(o *operation) string {
	if o.person() {
		return h.token
	}
	return h.personal
}

// goodBody is a body that passes the rules of an operation's form.
func goodBody(op string) any {
	switch op {
	case "makeCall":
		return object{"to": "+12025550177"}
	case "endCall":
		return object{"call_sid": "nothing"}
	}
	return nil
}

// refusalsByRow are those of a form, and of a second row in the path.
func (h *house) refusalsByRow() {
	agent, trunk := h.agent(nil), h.newTrunk()
	at, on := []string{agent}, []string{trunk}
	for _, r := range []request{
		{op: "listAgents", query: "?per_page=0"},
		{op: "createAgent", body: object{}},
		{op: "listAgentTemplatesBySector", query: "?builder_type=x"},
		{op: "searchAgentTemplates", query: "?query=x"},
		{op: "createAgentFromTemplate", body: object{}},
		{op: "cloneTemplateIntoAgent", body: object{}},
		{op: "updateAgentKnowledge", path: at, body: object{}},
		{op: "updateAgentVoice", path: at, body: object{}},
		{op: "updateAgentCalling", path: at, body: object{}},
		{op: "publishAgent", path: at},
		{op: "updateAgentAdvancedSettings", path: at, body: object{"enable_initial_message_cache": 1}},
		{op: "upsertTraining", path: at, body: object{}},
		{op: "upsertAction", path: at, body: object{}},
		{op: "updateAgentFlow", path: at, body: object{}},
		{op: "validateAgentFlow", path: at, body: object{}},
		{op: "listVoiceTemplates", query: "?language=xx"},
		{op: "createSipTrunk", body: object{}},
		{op: "updateSipTrunk", path: on, body: object{"port": 0}},
		{op: "createSipTrunkDid", path: on, body: object{"number": "1"}},
		{op: "listPhoneNumbers", query: "?type=x"},
		{op: "listCalls", query: "?date_from=yesterday"},
		{op: "listAgentCalls", path: at, query: "?page=x"},
		{op: "makeCall", path: at, body: object{"to": "+12025550177", "delay_seconds": -1}},
		{op: "endCall", path: at, body: object{}},
		{op: "createUserApiToken", body: object{}},
		{op: "createAgentWebhook", path: at, body: object{}},
		{op: "updateAgentWebhook", path: []string{agent, h.hook(agent, nil)}, body: object{"timeout": 1}},
		{op: "setAgentCallback", path: at, body: object{"source_agent_ids": []string{}}},
		{op: "updateAgentCallback", path: []string{h.callbackAgent(h.agent(object{"direction": "outbound"}))}, body: object{}},
		{op: "checkCallbackConstraints", path: at, body: object{"is_callback_agent": "yes"}},
		{op: "getCallbackStats", query: "?start_date=today"},
		{op: "getCallSummaries", query: "?granularity=yearly"},
		{op: "getCallSummaryTotals", query: "?start_date=2024-01-01&end_date=2026-01-01"},
	} {
		h.refused(h.call(r), 422, parley.ValidationError)
	}
	h.refused(h.call(request{op: "updateAgentFlow", path: at, body: flowBody(object{"nodes": []any{}})}), 422, parley.FlowInvalid)
	h.refused(h.call(request{op: "createAgentFromTemplate", body: object{"template_id": "x"}}), 404, parley.TemplateNotFound)
	h.refused(h.call(request{op: "cloneTemplateIntoAgent", body: object{"template_id": "x", "agent_id": agent}}), 404, parley.TemplateNotFound)
	toNobody := request{op: "cloneTemplateIntoAgent", body: object{"template_id": "receptionist-en-us", "agent_id": "x"}}
	h.refused(h.call(toNobody), 404, parley.AgentNotFound)
	h.refused(h.call(request{op: "updateAgentVoice", path: at, body: voiceBody(object{"voice_id": "x"})}), 404, parley.VoiceNotFound)
	sources := object{"source_agent_ids": []string{h.agent(object{"direction": "outbound"})}}
	h.refused(h.call(request{op: "updateAgentCallback", path: at, body: sources}), 404, parley.NotACallbackAgent)
	h.refused(h.call(request{op: "removeAgentCallback", path: at}), 404, parley.NotACallbackAgent)
	h.refused(h.call(request{op: "getCallbackAgent", path: at}), 404, parley.NotACallbackAgent)
	outbound := request{op: "setAgentCallback", path: []string{h.agent(object{"direction": "outbound"})}, body: sources}
	h.refused(h.call(outbound), 422, parley.InvalidAgentDirection)
	h.refused(h.call(request{op: "deleteTraining", path: at}), 404, parley.TrainingNotFound)
	h.refused(h.call(request{op: "deleteAction", path: at}), 404, parley.ActionNotFound)
	h.refused(h.call(request{op: "deleteSipTrunkDid", path: on}), 404, parley.DIDNotFound)
	h.refused(h.call(request{op: "getActiveCall", path: at}), 404, parley.NoActiveCall)
	h.refused(h.call(request{op: "endCall", path: at, body: object{"call_sid": "x"}}), 404, parley.CallNotFound)
	h.refused(h.call(request{op: "connectCallTransport", query: "?x-talq=" + h.token}), 404, parley.CallNotFound)
}

// refusalsByState are those that a row's state makes.
func (h *house) refusalsByState() {
	agent, trunk, did := h.published(parley.Outbound, "+12025550145")
	at := []string{agent}
	order := func(token string, body object) answer {
		return h.call(request{op: "makeCall", path: at, body: body, token: token})
	}
	h.refused(order("", object{"to": "1"}), 400, parley.InvalidPhoneNumber)
	h.refused(order("", object{}), 400, parley.MissingPhoneNumber)
	h.refused(h.call(request{op: "makeCall", path: []string{h.agent(nil)}, body: object{"to": "+12025550177"}}), 400, parley.AgentInactive)
	h.refused(h.call(request{op: "deleteAgent", path: at}), 409, parley.AgentIsPublished)
	call := h.delayed(agent)
	h.refused(h.call(request{op: "deleteAgent", path: at}), 409, parley.AgentHasActiveCalls)
	h.must(request{op: "endCall", path: at, body: object{"call_sid": call}})
	h.refused(h.call(request{op: "endCall", path: at, body: object{"call_sid": call}}), 409, parley.CallNotActive)
	h.refused(h.call(request{op: "deleteSipTrunkDid", path: []string{trunk, did}}), 409, parley.DIDInUse)
	h.refused(h.call(request{op: "deleteSipTrunk", path: []string{trunk}}), 409, parley.TrunkHasDIDs)
	again := request{op: "createSipTrunkDid", path: []string{trunk}, body: object{"country_code": "US", "number": "+12025550145"}}
	h.refused(h.call(again), 409, parley.DIDAlreadyExists)
	fresh := h.must(request{op: "createSipTrunk", body: trunkBody(nil)}).id()
	h.refused(h.call(request{op: "updateSipTrunk", path: []string{fresh}, body: object{"is_active": true}}), 422, parley.TrunkNotVerified)
	on := request{op: "updateAgentAdvancedSettings", path: at, body: object{"enable_initial_message_cache": true}}
	h.refused(h.call(on), 422, parley.OptimizedNotEligible)
	h.refused(h.call(request{op: "getVoiceTemplateDemo", path: []string{"broken"}}), 500, parley.DemoGenerationFailed)
	h.heldOpen(agent, trunk, did)
	h.refusalsByPlan()
	h.transportIsOver("+12025550147")
	h.webhookRefusals(agent)
}

// refusalsByPlan are those that an environment's settings make.
func (h *house) refusalsByPlan() {
	full := h.limited("full", func(l *parley.Limits) { zero := 0; l.Agents = &zero })
	h.refused(h.call(request{op: "createAgent", body: agentBody(nil), token: full}), 403, parley.AgentLimitReached)
	h.refused(h.call(request{op: "createAgentFromTemplate", body: object{"template_id": "x"}, token: full}), 403, parley.AgentLimitReached)
	agent, _, _ := h.published(parley.Outbound, "+12025550146")
	poor := h.limited("test", func(l *parley.Limits) { l.CreditsRequired = true })
	order := request{op: "makeCall", path: []string{agent}, token: poor, body: object{"to": "+12025550177", "delay_seconds": 3600}}
	h.refused(h.call(order), 402, parley.InsufficientCredits)
	order.body = object{"to": "+12025550177", "delay_seconds": 3600, "is_testing": true}
	h.must(order)
	_ = h.limited("test", func(l *parley.Limits) { l.CreditsRequired = false })
}

// transportIsOver announces an outside call on a number, ends it, and returns its id.
func (h *house) transportIsOver(number string) string {
	h.t.Helper()
	link := h.outside(number)
	id := strings.Split(link, "/")[3]
	call := h.send("GET", "/api/v1/calls/"+id, h.token, nil).data()
	h.must(request{op: "endCall", path: []string{call["agent_id"].(string)}, body: object{"call_sid": id}})
	h.until("the call is final", func() bool { return h.send("GET", "/"+id+"/transport?x-talq="+h.token, "", nil).status == 409 })
	h.refused(h.call(request{op: "connectCallTransport", path: []string{id}, query: "?x-talq=" + h.token}), 409, parley.CallNotActive)
	return id
}

// outside announces an outside call on a number and returns the address of its transport.
func (h *house) outside(number string) string {
	h.t.Helper()
	agent, _, _ := h.published(parley.Inbound, number)
	a := h.must(request{op: "makeCall", path: []string{agent}, body: object{
		"sid": "s", "from": "+12025550199", "to": number, "direction": "inbound",
	}})
	return a.body["transport"].(object)["websocketCallUrl"].(string)
}

// rateLimits lets every operation find the minute used up.
func (h *house) rateLimits() {
	spent := h.limited("spent", func(l *parley.Limits) { zero := 0; l.APIRate = &zero })
	for _, o := range h.contractOps() {
		if o.id == "getHealth" || o.id == "connectCallTransport" {
			continue
		}
		token := spent
		if o.person() {
			token = h.newPerson("spent@example.com", "spent")
		}
		a := h.call(request{op: o.id, token: token})
		h.refused(a, 429, parley.RateLimitExceeded)
		if a.header.Get("Retry-After") == "" || a.header.Get("X-RateLimit-Remaining") != "0" {
			h.t.Errorf("%s: headers of a 429: %v", o.id, a.header)
		}
		if details, _ := a.body["details"].(object); (details["retry_after"] != nil) != (o.id == "makeCall") {
			h.t.Errorf("%s: details of a 429: %s", o.id, a.raw)
		}
	}
}

// faults lets every operation find the database away.
func (h *house) faults() {
	if err := h.store.Close(); err != nil {
		h.t.Fatal(err)
	}
	if err := h.store.View(h.t.Context(), func(context.Context, store.Tx) error { return nil }); err == nil {
		h.t.Fatal("a closed database answers")
	}
	for _, o := range h.contractOps() {
		if o.raw.Responses.Status(500) != nil {
			code := parley.ServerError
			if o.id == "getVoiceTemplateDemo" {
				code = parley.DemoGenerationFailed
			}
			h.refused(h.call(request{op: o.id, body: goodBody(o.id)}), 500, code)
		}
	}
	h.must(request{op: "getHealth", token: "none"})
}
