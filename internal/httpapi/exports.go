package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
)

// exportHeader of a deletion asks for an archive.
func exportHeader() *huma.Param {
	return &huma.Param{
		Name: exportName, In: "header", Example: "true", Schema: &huma.Schema{Type: huma.TypeString},
		Description: "true packs configuration, transcripts and recordings into an archive first; beyond the contract.",
	}
}

const exportName = "Parley-Export"

type deletedJSON struct {
	ErasureID string     `json:"erasure_id" doc:"Receipt of the erasure that goes on; beyond the contract."`
	Export    *orderJSON `json:"export,omitempty" doc:"Of a deletion with the header Parley-Export: true; beyond the contract."`
}

// orderJSON is an archive that is about to be packed.
type orderJSON struct {
	URL       string `json:"url" format:"uri" doc:"Where the archive can be fetched once it is packed."`
	Token     string `json:"token" doc:"Bearer token of that address alone; shown this once." example:"parley_export_mXv0"`
	ExpiresAt null   `json:"expires_at" doc:"Null until the archive is packed: see the receipt."`
}

// deleteAgent looks for force and export by itself: the contract's operation takes no parameter.
func (a *api) deleteAgent(ctx context.Context, r *in[none, none]) (deletedJSON, error) {
	id, force := r.id("agent_id"), r.http.URL.Query().Get("force") == "true"
	if r.http.Header.Get(exportName) != "true" {
		receipt, err := a.deps.Agents.Delete(ctx, r.actor, id, force)
		if err != nil {
			return deletedJSON{}, err
		}
		return deletedJSON{ErasureID: receipt.ID}, nil
	}
	receipt, token, err := a.deps.Agents.DeleteWithExport(ctx, r.actor, id, force)
	if err != nil {
		return deletedJSON{}, err
	}
	link := a.link(r.http, "/api/v1/erasures", receipt.ID, "export").String()
	return deletedJSON{ErasureID: receipt.ID, Export: &orderJSON{URL: link, Token: token}}, nil
}

// exportJSON is what became of an archive.
type exportJSON struct {
	State      string `json:"state" enum:"packing,ready,expired,failed" example:"ready"`
	Fault      string `json:"fault,omitempty" doc:"Why it failed: then nothing was erased, and the agent is as it was." example:""`
	Calls      int64  `json:"calls"`
	Recordings int64  `json:"recordings"`
	Bytes      int64  `json:"bytes" example:"2048"`
	SHA256     string `json:"sha256,omitempty" doc:"Hex, of the whole archive." example:""`
	ExpiresAt  *stamp `json:"expires_at" doc:"Null until it is packed."`
}

func showExport(x *parley.Export) *exportJSON {
	if x == nil {
		return nil
	}
	return &exportJSON{
		State: x.State, Fault: x.Fault, Calls: x.Calls, Recordings: x.Recordings, Bytes: x.Bytes, SHA256: x.SHA256, ExpiresAt: stampOr(x.ExpiresAt),
	}
}

func (a *api) exportRoutes() {
	const path = "/api/v1/erasures/{erasure_id}/export"
	a.mount(&route{op: op{
		id: "getErasureExport", method: http.MethodGet, path: path, tag: "Erasures",
		summary: "Get the archive that was packed before a deletion, whole or in ranges, by its own bearer token; beyond the contract",
		open:    true, shape: mediaShape, media: "application/x-tar",
		codes: []parley.Code{parley.ExportNotFound, parley.ExportNotReady, parley.ExportGone},
	}, serve: a.export})
	handle(a, op{
		id: "deleteErasureExport", method: http.MethodDelete, path: path, tag: "Erasures", shape: doneShape, message: "Export deleted successfully",
		summary: "Remove the archive of a deletion before it expires; beyond the contract",
		codes:   []parley.Code{parley.Unauthorized, parley.ErasureNotFound, parley.ExportNotFound, parley.ExportNotReady, parley.ExportGone},
	}, func(ctx context.Context, r *in[none, none]) (none, error) {
		return none{}, a.deps.Erasures.EndExport(ctx, r.actor, r.id("erasure_id"))
	})
}

func (a *api) export(w http.ResponseWriter, r *http.Request, _ parley.Actor) error {
	archive, x, err := a.deps.Erasures.OpenExport(r.Context(), pathID(r, "erasure_id"), bearer(r))
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }() // it was only read
	w.Header().Set("Content-Type", "application/x-tar")
	w.Header().Set("Content-Disposition", `attachment; filename="agent.tar"`)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("ETag", `"`+x.SHA256+`"`) // so that a range fits what was fetched before
	http.ServeContent(w, r, "", time.Time{}, archive)
	return nil
}
