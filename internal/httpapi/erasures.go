package httpapi

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/store"
)

// erasureState of a receipt.
type erasureState string

// Schema lists them.
func (erasureState) Schema(huma.Registry) *huma.Schema {
	return oneOf(parley.ErasureExporting, parley.ErasureRunning, parley.ErasureComplete, parley.ErasureFailed)
}

type erasureJSON struct {
	ID          string       `json:"id"`
	AgentID     *string      `json:"agent_id" doc:"Null for the erasure of a caller."`
	CallerHash  *string      `json:"caller_hash" doc:"The caller's number under a keyed hash; null for an agent."`
	State       erasureState `json:"state" doc:"Nothing is erased while it is exporting, or when it failed." example:"complete"`
	Export      *exportJSON  `json:"export" doc:"The archive that was asked for; null for none."`
	Places      []placeJSON  `json:"places" nullable:"false"`
	CreatedAt   stamp        `json:"created_at"`
	CompletedAt *stamp       `json:"completed_at"`
	Statement   string       `json:"statement" doc:"All of this as a compact JWS; see /.well-known/jwks.json." example:"eyJhbGciOiJFZERTQSJ9.e30.c2ln"`
}

type placeJSON struct {
	Name  string `json:"name" example:"transcripts"`
	Count int64  `json:"count"`
	State string `json:"state" enum:"running,complete" example:"complete"`
	Note  string `json:"note,omitempty" doc:"What outlives the rows, and for how long." example:""`
}

// keySetJSON is a JWK set (RFC 7517 §5) of Ed25519 keys (RFC 8037 §2), as it is described.
type keySetJSON struct {
	Keys []publicKeyJSON `json:"keys" nullable:"false"`
}

type publicKeyJSON struct {
	Use   string `json:"use" enum:"sig"`
	Type  string `json:"kty" enum:"OKP"`
	Curve string `json:"crv" enum:"Ed25519"`
	Alg   string `json:"alg" enum:"EdDSA"`
	ID    string `json:"kid" example:"2W1c2l_8q5o3"`
	X     string `json:"x" example:"wjG9nHIZHsIyYMFXWTD31sRHosjSBNqULU1wc4O6QFs"`
}

type erasureQuery struct {
	AgentID string       `json:"agent_id" required:"false"`
	Phone   string       `json:"phone_number" required:"false" doc:"Erasures of this caller."`
	State   erasureState `json:"state" required:"false"`
	PageQuery
}

type eraseCallerBody struct {
	Phone phone `json:"phone_number"`
}

func (a *api) erasureRoutes() {
	const path = "/api/v1/erasures"
	handle(a, op{
		id: "listErasures", method: http.MethodGet, path: path, tag: "Erasures", summary: "List receipts of deletions; beyond the contract",
		shape: pageShape, codes: []parley.Code{parley.Unauthorized, parley.ValidationError},
	}, a.listErasures)
	handle(a, op{
		id: "getErasure", method: http.MethodGet, path: path + "/{erasure_id}", tag: "Erasures",
		summary: "Get the receipt of a deletion; beyond the contract",
		codes:   []parley.Code{parley.Unauthorized, parley.ErasureNotFound},
	}, a.getErasure)
	handle(a, op{
		id: "eraseCaller", method: http.MethodPost, path: path, tag: "Erasures", status: http.StatusCreated,
		summary: "Erase all calls of one caller, with any agent; beyond the contract",
		codes:   []parley.Code{parley.Unauthorized, parley.CallerHasActiveCalls, parley.ValidationError},
	}, a.eraseCaller)
	a.mount(&route{op: op{
		id: "getPublicKeys", method: http.MethodGet, path: "/.well-known/jwks.json", tag: "Erasures", summary: "Get the keys that receipts are verified with",
		free: true, shape: mediaShape, media: "application/jwk-set+json", reply: reflect.TypeFor[keySetJSON](),
	}, serve: func(w http.ResponseWriter, _ *http.Request, _ parley.Actor) error {
		keys, err := a.deps.Signer.PublicKeys()
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, _ = w.Write(keys) // a client that went away hears nothing
		return nil
	}})
}

func (a *api) showErasure(e *parley.Erasure) (erasureJSON, error) {
	statement, err := a.deps.Erasures.Attest(e)
	return erasureJSON{
		ID: e.ID, AgentID: orNil(e.AgentID), CallerHash: orNil(e.CallerHash), State: erasureState(e.State), CreatedAt: stamp(e.CreatedAt),
		CompletedAt: stampOr(e.CompletedAt), Statement: statement, Export: showExport(e.Export),
		Places: each(e.Places, func(p parley.ErasurePlace) placeJSON {
			return placeJSON{Name: p.Name, Count: p.Count, State: p.State, Note: p.Note}
		}),
	}, err
}

func (a *api) getErasure(ctx context.Context, r *in[none, none]) (erasureJSON, error) {
	e, err := a.deps.Erasures.Get(ctx, r.actor, r.id("erasure_id"))
	if err != nil {
		return erasureJSON{}, err
	}
	return a.showErasure(e)
}

func (a *api) listErasures(ctx context.Context, r *in[erasureQuery, none]) (page[erasureJSON], error) {
	if err := r.faults.Err(); err != nil {
		return page[erasureJSON]{}, err
	}
	q := r.query
	f := store.ErasureFilter{AgentID: q.AgentID, State: string(q.State), Page: q.page()}
	list, total, err := a.deps.Erasures.List(ctx, r.actor, f, plus(q.Phone))
	p := page[erasureJSON]{at: f.Page, total: total}
	for _, e := range list {
		row, err := a.showErasure(e)
		if err != nil {
			return p, err
		}
		p.items = append(p.items, row)
	}
	return p, err
}

func (a *api) eraseCaller(ctx context.Context, r *in[none, eraseCallerBody]) (erasureJSON, error) {
	e, err := a.deps.Erasures.EraseCaller(ctx, r.actor, string(r.body.Phone), r.faults)
	if err != nil {
		return erasureJSON{}, err
	}
	return a.showErasure(e)
}

type previewJSON struct {
	AgentID   string         `json:"agent_id"`
	Deletable bool           `json:"deletable"`
	Blockers  []blockerJSON  `json:"blockers" nullable:"false"`
	Places    []sizeJSON     `json:"places" nullable:"false"`
	Export    roomJSON       `json:"export" doc:"Of a deletion with the header Parley-Export: true."`
	Numbers   []AgentDIDJSON `json:"phone_numbers" nullable:"false" doc:"Attached to the agent; they stay."`
	Callbacks []agentRefJSON `json:"callback_agents" nullable:"false" doc:"Agents whose lists of sources it leaves."`
	Campaigns []none         `json:"campaigns" nullable:"false" doc:"Always empty: the server has no campaigns."`
}

type roomJSON struct {
	Possible bool  `json:"possible" doc:"There is room for it on the server's disk."`
	Bytes    int64 `json:"bytes" doc:"About what the archive takes." example:"2048"`
	Free     int64 `json:"free_bytes" example:"1000000000"`
}

type blockerJSON struct {
	Code    string `json:"code" example:"AGENT_IS_PUBLISHED"`
	Message string `json:"message" example:"Cannot delete agent while it is published."`
	Remedy  string `json:"remedy" example:"Unpublish it."`
}

type sizeJSON struct {
	Name  string `json:"name" example:"transcripts"`
	Items *int64 `json:"items" doc:"Null for a place that is emptied whole." example:"12"`
	Bytes *int64 `json:"bytes" example:"2048"`
}

// remedies say how to lift what blocks a deletion.
var remedies = map[parley.Code]string{
	parley.AgentHasActiveCalls: "End its calls (POST /api/v1/agents/{agent_id}/end-call), wait for their end, or delete with ?force=true.",
	parley.AgentIsPublished:    "Unpublish it (POST /api/v1/agents/{agent_id}/unpublish), or delete with ?force=true.",
}

func (a *api) previewDeletion(ctx context.Context, r *in[none, none]) (previewJSON, error) {
	p, err := a.deps.Agents.DeletionPreview(ctx, r.actor, r.id("agent_id"))
	if err != nil {
		return previewJSON{}, err
	}
	return previewJSON{
		AgentID: p.Agent.ID, Deletable: len(p.Blockers) == 0, Campaigns: []none{}, Numbers: each(p.Numbers, showAgentDID),
		Callbacks: each(p.Callbacks, showAgentRef), Export: roomJSON{p.Export.Fits(), p.Export.Bytes, p.Export.Free},
		Blockers: each(p.Blockers, func(e *parley.Error) blockerJSON {
			return blockerJSON{string(e.Code), table[e.Code].text, remedies[e.Code]}
		}),
		Places: each(p.Places, func(s parley.PlaceSize) sizeJSON {
			if s.Whole {
				return sizeJSON{Name: s.Name}
			}
			return sizeJSON{s.Name, &s.Items, &s.Bytes}
		}),
	}, nil
}
