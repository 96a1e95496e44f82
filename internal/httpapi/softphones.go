package httpapi

import (
	"context"
	"net/http"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/telephony"
)

// softphoneJSON is a softphone as it is shown; never with its password.
type softphoneJSON struct {
	ID          string        `json:"id"`
	Username    string        `json:"username" example:"anna"`
	DisplayName string        `json:"display_name" example:"Anna's desk"`
	Registered  bool          `json:"is_registered"`
	Bindings    []bindingJSON `json:"bindings" nullable:"false"`
	CreatedAt   stamp         `json:"created_at"`
	UpdatedAt   stamp         `json:"updated_at"`
}

// bindingJSON is where a softphone is reached.
type bindingJSON struct {
	Contact   string    `json:"contact" example:"sip:anna@192.0.2.20:5060"`
	Transport transport `json:"transport"`
	Source    string    `json:"source" doc:"Address and port that the registration came from." example:"192.0.2.20:5060"`
	NAT       bool      `json:"behind_nat"`
	ExpiresAt stamp     `json:"expires_at"`
}

func showSoftphone(v telephony.SoftphoneView) softphoneJSON {
	return softphoneJSON{
		ID: v.ID, Username: v.Username, DisplayName: v.DisplayName, Registered: len(v.Bindings) > 0, Bindings: each(v.Bindings, showBinding),
		CreatedAt: stamp(v.CreatedAt), UpdatedAt: stamp(v.UpdatedAt),
	}
}

func showBinding(b parley.Binding) bindingJSON {
	return bindingJSON{
		Contact: b.Contact, Transport: transport(b.Transport), Source: b.Source.String(), NAT: b.NAT, ExpiresAt: stamp(b.ExpiresAt),
	}
}

// NewSoftphoneJSON is a softphone just made, the only answer with its password.
type NewSoftphoneJSON struct {
	ID          string `json:"id"`
	Username    string `json:"username" example:"anna"`
	DisplayName string `json:"display_name" example:"Anna's desk"`
	Password    string `json:"password" doc:"Shown once and kept nowhere."`
	Realm       string `json:"realm"`
	CreatedAt   stamp  `json:"created_at"`
}

type createSoftphoneBody struct {
	Username    string `json:"username" minLength:"1" maxLength:"64" pattern:"^[a-z][a-z0-9._-]*$" example:"anna"`
	DisplayName string `json:"display_name" required:"false" maxLength:"255" example:"Anna's desk"`
}

func softphoneOp(id, method, path, summary string, codes ...parley.Code) op {
	return op{
		id: id, method: method, path: "/api/v1/sip/phones" + path, tag: "SIP Phones", summary: summary,
		codes: append([]parley.Code{parley.Unauthorized}, codes...),
	}
}

func (a *api) softphoneRoutes() {
	handle(a, softphoneOp("listSipPhones", http.MethodGet, "", "List softphones and where they are registered"), a.listSoftphones)
	create := softphoneOp("createSipPhone", http.MethodPost, "", "Make a softphone", parley.ValidationError, parley.SoftphoneExists)
	create.status = http.StatusCreated
	handle(a, create, a.createSoftphone)
	remove := softphoneOp("deleteSipPhone", http.MethodDelete, "/{phone_id}", "Delete a softphone", parley.SoftphoneNotFound)
	remove.shape, remove.message = doneShape, "SIP phone deleted"
	handle(a, remove, a.deleteSoftphone)
}

func (a *api) listSoftphones(ctx context.Context, r *in[none, none]) ([]softphoneJSON, error) {
	views, err := a.deps.Telephony.Softphones(ctx, r.actor)
	return each(views, showSoftphone), err
}

func (a *api) createSoftphone(ctx context.Context, r *in[none, createSoftphoneBody]) (NewSoftphoneJSON, error) {
	s, password, err := a.deps.Telephony.CreateSoftphone(ctx, r.actor,
		telephony.NewSoftphone{Username: r.body.Username, DisplayName: r.body.DisplayName}, r.faults)
	if err != nil {
		return NewSoftphoneJSON{}, err
	}
	return NewSoftphoneJSON{
		ID: s.ID, Username: s.Username, DisplayName: s.DisplayName, Password: password, Realm: parley.SIPRealm, CreatedAt: stamp(s.CreatedAt),
	}, nil
}

func (a *api) deleteSoftphone(ctx context.Context, r *in[none, none]) (none, error) {
	return none{}, a.deps.Telephony.DeleteSoftphone(ctx, r.actor, r.id("phone_id"))
}
