package calls

import (
	"context"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/media/mediatest"
	"github.com/parley-voice/parley/internal/store"
)

// ringFrom makes a call of a softphone come in.
func (h *house) ringFrom(env, dialled string) *ringing {
	leg := mediatest.Start(h.t)
	r := &ringing{Incoming: mediatest.Ringing(dialled, "anna", leg), leg: leg, done: make(chan struct{})}
	r.Inv.Phone = &parley.Softphone{ID: "p", EnvironmentID: env, Username: "anna"}
	go func() { defer close(r.done); h.board.Serve(h.t.Context(), r) }()
	return r
}

// TestSoftphonesReachTheirEnvironmentAlone is the isolation of environments: an agent of another one is as good as none.
func TestSoftphonesReachTheirEnvironmentAlone(t *testing.T) {
	twice := func(h *house) {
		h.update(func(ctx context.Context, tx store.Tx) error {
			twin := *h.agent
			twin.ID, twin.Name = parley.NewID(), "desk!"
			return tx.InsertAgent(ctx, &twin)
		})
	}
	draft := func(h *house) { h.setAgent(func(a *parley.Agent) { a.Status = parley.Draft }) }
	for _, c := range []struct {
		name, dialled string // ID stands for the agent's
		arrange       func(h *house)
		stranger      bool // the phone is of another environment
		want          media.Refusal
	}{
		{"an agent by name", "desk", nil, false, 0},
		{"an agent by id", "ID", nil, false, 0},
		{"an agent by its number", number, nil, false, 0},
		{"an agent that is a draft by name", "desk", draft, false, media.RefuseUnknownNumber},
		{"an agent that is a draft by id", "ID", draft, false, media.RefuseNoAgent},
		{"a name that two agents have", "desk", twice, false, media.RefuseNoAgent},
		{"a name that nobody has", "nobody", nil, false, media.RefuseUnknownNumber},
		{"another environment's agent by name", "desk", nil, true, media.RefuseUnknownNumber},
		{"another environment's agent by id", "ID", nil, true, media.RefuseUnknownNumber},
		{"another environment's agent by number", number, nil, true, media.RefuseUnknownNumber},
	} {
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				if c.arrange != nil {
					c.arrange(h)
				}
				env, dialled := h.actor.EnvironmentID, c.dialled
				if dialled == "ID" {
					dialled = h.agent.ID
				}
				if c.stranger {
					h.update(func(ctx context.Context, tx store.Tx) error {
						other, err := tx.EnsureEnvironment(ctx, "other")
						env = other.ID
						return err
					})
				}
				r := h.ringFrom(env, dialled)
				h.sleep(time.Second)
				if _, answered, refusal := r.Fate(); answered != (c.want == 0) || refusal != c.want {
					t.Fatalf("answered %v, refused with %d, want %d", answered, refusal, c.want)
				}
				if c.want == 0 {
					if call, _ := h.only(); call.From != "anna" || call.To != dialled || call.AgentID != h.agent.ID {
						t.Errorf("call %+v", call)
					}
				}
				r.leg.HangUp()
				<-r.done
			})
		})
	}
}

func TestTransferToASoftphone(t *testing.T) {
	for _, c := range []struct {
		name, to string
		mode     parley.TransferMode
		code     parley.Code
	}{
		{"joined", "phone:anna", parley.TransferBridged, ""},
		{"by its address", "sip:anna@parley.example.com", parley.TransferBridged, ""},
		{"after a briefing", "phone:anna", parley.TransferWarm, ""},
		{"by its bare name", "anna", parley.TransferBridged, ""},
		{"another environment's", "phone:otto", parley.TransferBridged, parley.InvalidPhoneNumber},
		{"by REFER, whose target the caller's network calls", "phone:anna", parley.TransferRefer, parley.TransferUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.update(func(ctx context.Context, tx store.Tx) error {
					other, err := tx.EnsureEnvironment(ctx, "other")
					if err != nil {
						return err
					}
					if err := tx.InsertSoftphone(ctx, &parley.Softphone{ID: "p1", EnvironmentID: h.actor.EnvironmentID, Username: "anna", Sealed: []byte{1}}); err != nil {
						return err
					}
					return tx.InsertSoftphone(ctx, &parley.Softphone{ID: "p2", EnvironmentID: other.ID, Username: "otto", Sealed: []byte{1}})
				})
				phone := mediatest.Start(h.t)
				h.dialer.Leg = func() media.Leg { return phone }
				leg, r, id := h.answered()
				o := h.transfer(id, parley.TransferRequest{To: c.to, Mode: c.mode, Briefing: "a caller"})
				if c.code != "" {
					<-o.done
					if parley.CodeOf(o.err) != c.code {
						t.Errorf("%v, want %s", o.err, c.code)
					}
				} else {
					<-o.done
					if d := h.dialer.Dialled(); o.err != nil || len(d) != 1 || d[0].Phone == nil || d[0].Phone.ID != "p1" || d[0].From != caller {
						t.Errorf("%v, dialled %+v", o.err, d)
					}
				}
				phone.HangUp()
				leg.HangUp()
				<-r.done
			})
		})
	}
}
