package httpapi

import (
	"context"
	"net/http"

	"github.com/parley-voice/parley"
)

type erasureJSON struct {
	ID          string      `json:"id"`
	AgentID     string      `json:"agent_id"`
	State       string      `json:"state" enum:"running,complete"`
	Places      []placeJSON `json:"places" nullable:"false"`
	CreatedAt   stamp       `json:"created_at"`
	CompletedAt *stamp      `json:"completed_at"`
}

type placeJSON struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
	State string `json:"state" enum:"running,complete"`
	Note  string `json:"note,omitempty" doc:"What outlives the rows, and for how long."`
}

func (a *api) erasureRoutes() {
	handle(a, op{
		id: "getErasure", method: http.MethodGet, path: "/api/v1/erasures/{erasure_id}", tag: "Erasures",
		summary: "Get the receipt of a deletion; beyond the contract",
		codes:   []parley.Code{parley.Unauthorized, parley.ErasureNotFound},
	}, a.getErasure)
}

func (a *api) getErasure(ctx context.Context, r *in[none, none]) (erasureJSON, error) {
	e, err := a.deps.Erasures.Get(ctx, r.actor, r.id("erasure_id"))
	if err != nil {
		return erasureJSON{}, err
	}
	return erasureJSON{
		ID: e.ID, AgentID: e.AgentID, State: e.State, CreatedAt: stamp(e.CreatedAt), CompletedAt: stampOr(e.CompletedAt),
		Places: each(e.Places, func(p parley.ErasurePlace) placeJSON { return placeJSON(p) }),
	}, nil
}
