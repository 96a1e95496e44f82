package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

func (h *house) trunk(t *testing.T) *parley.SIPTrunk {
	t.Helper()
	now := h.tick()
	tr := &parley.SIPTrunk{
		ID: parley.NewID(), EnvironmentID: h.env, Name: "Main", ProviderName: "Example", Domain: "sip.example.com", Username: "u",
		Sealed: []byte{0, 1, 254, 255, '\'', '\\'}, Transport: "udp", Port: 5060, OutboundProxy: new("proxy"), Active: true,
		Health: "unknown", CreatedAt: now, UpdatedAt: now,
	}
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertTrunk(ctx, tr) })
	return tr
}

func (h *house) number(t *testing.T, trunkID, number string) *parley.PhoneNumber {
	t.Helper()
	now := h.tick()
	n := &parley.PhoneNumber{
		ID: parley.NewID(), EnvironmentID: h.env, TrunkID: trunkID, Number: number, CountryCode: "DE", Status: "active", CreatedAt: now, UpdatedAt: now,
	}
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertNumber(ctx, n) })
	return n
}

func (h *house) attach(t *testing.T, a *parley.Agent, ns ...*parley.PhoneNumber) {
	t.Helper()
	var ids []string
	for _, n := range ns {
		ids = append(ids, n.ID)
	}
	update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.SetAgentNumbers(ctx, a.ID, ids) })
}

var telephonyRules = []rule{
	{"a trunk comes back as it was, its secret sealed", func(t *testing.T, h *house) {
		tr := h.trunk(t)
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("trunk", tr)(tx.Trunk(ctx, h.env, tr.ID)) })
		tr.Verified, tr.Health, tr.CheckedAt, tr.OutboundProxy, tr.UpdatedAt = true, "healthy", new(h.tick()), nil, h.tick()
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.UpdateTrunk(ctx, tr) })
		view(t, h, func(ctx context.Context, tx store.Tx) error { return same("changed", tr)(tx.Trunk(ctx, h.env, tr.ID)) })
	}},
	{"another environment's trunk does not exist", func(t *testing.T, h *house) {
		tr := h.trunk(t)
		refused(t, h, parley.TrunkNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.Trunk(ctx, h.other, tr.ID); return err })
		refused(t, h, parley.TrunkNotFound, func(ctx context.Context, tx store.Tx) error { return tx.DeleteTrunk(ctx, h.other, tr.ID) })
		stranger := *tr
		stranger.EnvironmentID = h.other
		refused(t, h, parley.TrunkNotFound, func(ctx context.Context, tx store.Tx) error { return tx.UpdateTrunk(ctx, &stranger) })
	}},
	{"trunks are listed of one environment or of all, oldest first", func(t *testing.T, h *house) {
		t1, t2 := h.trunk(t), h.trunk(t)
		view(t, h, func(ctx context.Context, tx store.Tx) error {
			all, err := tx.ListTrunks(ctx, "")
			if err != nil {
				return err
			}
			all = slices.DeleteFunc(all, func(tr *parley.SIPTrunk) bool { return tr.EnvironmentID != h.env })
			want(t, "of all", all, []*parley.SIPTrunk{t1, t2})
			return same("of one", []*parley.SIPTrunk{t1, t2})(tx.ListTrunks(ctx, h.env))
		})
	}},
	{"a trunk with numbers stays", func(t *testing.T, h *house) {
		tr := h.trunk(t)
		n := h.number(t, tr.ID, "+4930100")
		refused(t, h, parley.TrunkHasDIDs, func(ctx context.Context, tx store.Tx) error { return tx.DeleteTrunk(ctx, h.env, tr.ID) })
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.DeleteNumber(ctx, h.env, n.ID) })
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.DeleteTrunk(ctx, h.env, tr.ID) })
		refused(t, h, parley.TrunkNotFound, func(ctx context.Context, tx store.Tx) error { return tx.DeleteTrunk(ctx, h.env, tr.ID) })
	}},
	{"an environment has a number once", func(t *testing.T, h *house) {
		tr := h.trunk(t)
		n := h.number(t, tr.ID, "+4930100")
		again := *n
		again.ID = parley.NewID()
		conflicts(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertNumber(ctx, &again) })
		again.EnvironmentID = h.other
		update(t, h, func(ctx context.Context, tx store.Tx) error { return tx.InsertNumber(ctx, &again) })
		again.ID, again.Number, again.TrunkID = parley.NewID(), "+4930101", "none"
		refused(t, h, parley.TrunkNotFound, func(ctx context.Context, tx store.Tx) error { return tx.InsertNumber(ctx, &again) })
	}},
	{"numbers are listed by environment and trunk, and found by their end", listNumbers},
	{"the set of an agent's numbers is replaced", replaceNumbers},
	{"another environment's number does not exist", func(t *testing.T, h *house) {
		n := h.number(t, h.trunk(t).ID, "+4930100")
		refused(t, h, parley.DIDNotFound, func(ctx context.Context, tx store.Tx) error { _, err := tx.Number(ctx, h.other, n.ID); return err })
		refused(t, h, parley.DIDNotFound, func(ctx context.Context, tx store.Tx) error { return tx.DeleteNumber(ctx, h.other, n.ID) })
		stranger := h.agent(t, func(a *parley.Agent) { a.EnvironmentID = h.other })
		refused(t, h, parley.DIDNotFound, func(ctx context.Context, tx store.Tx) error {
			return tx.SetAgentNumbers(ctx, stranger.ID, []string{n.ID})
		})
	}},
}

func listNumbers(t *testing.T, h *house) {
	t1, t2 := h.trunk(t), h.trunk(t)
	n1, n2, n3 := h.number(t, t1.ID, "+493055500"), h.number(t, t2.ID, "+493055501"), h.number(t, t1.ID, "+44205555500")
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		if err := same("all", []*parley.PhoneNumber{n1, n2, n3})(tx.ListNumbers(ctx, h.env, "")); err != nil {
			return err
		}
		if err := same("of a trunk", []*parley.PhoneNumber{n1, n3})(tx.ListNumbers(ctx, h.env, t1.ID)); err != nil {
			return err
		}
		for digits, some := range map[string][]*parley.PhoneNumber{"55500": {n1, n3}, "493055501": {n2}, "999": nil, "": nil, "%": nil, "_5501": nil} {
			got, err := tx.NumbersWithSuffix(ctx, digits)
			if err != nil {
				return err
			}
			want(t, "ending in "+digits, got, some)
		}
		return same("one", n2)(tx.Number(ctx, h.env, n2.ID))
	})
}

func replaceNumbers(t *testing.T, h *house) {
	trunk := h.trunk(t)
	a, b := h.agent(t), h.agent(t)
	n1, n2 := h.number(t, trunk.ID, "+4930100"), h.number(t, trunk.ID, "+4930101")
	h.attach(t, a, n1, n2, n2)
	h.attach(t, b, n2)
	n1.AgentIDs = []string{a.ID}
	n2.AgentIDs = []string{a.ID, b.ID}
	slices.Sort(n2.AgentIDs)
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		all := map[string][]*parley.PhoneNumber{a.ID: {n1, n2}, b.ID: {n2}}
		if err := same("attached", all)(tx.NumbersOf(ctx, a.ID, b.ID, "none")); err != nil {
			return err
		}
		return same("who is attached", n2)(tx.Number(ctx, h.env, n2.ID))
	})
	refused(t, h, parley.DIDInUse, func(ctx context.Context, tx store.Tx) error { return tx.DeleteNumber(ctx, h.env, n1.ID) })
	refused(t, h, parley.DIDNotFound, func(ctx context.Context, tx store.Tx) error {
		return tx.SetAgentNumbers(ctx, a.ID, []string{n1.ID, "none"})
	})
	h.attach(t, a)
	h.drop(t, b)
	n1.AgentIDs, n2.AgentIDs = nil, nil
	view(t, h, func(ctx context.Context, tx store.Tx) error {
		return same("detached", []*parley.PhoneNumber{n1, n2})(tx.ListNumbers(ctx, h.env, ""))
	})
}
