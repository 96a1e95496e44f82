package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/telephony"
)

// trunkJSON is a trunk as it is shown; never with its password.
type trunkJSON struct {
	ID            string    `json:"id"`
	Name          string    `json:"name" example:"Main line"`
	ProviderName  string    `json:"provider_name"`
	Domain        string    `json:"domain"`
	Username      string    `json:"username"`
	Transport     transport `json:"transport"`
	Port          int       `json:"port"`
	OutboundProxy *string   `json:"outbound_proxy"`
	AuthRealm     *string   `json:"auth_realm"`
	Active        bool      `json:"is_active" example:"true"`
	Verified      bool      `json:"is_verified" example:"true"`
	Health        string    `json:"health_status" enum:"healthy,unhealthy,unknown"`
	CheckedAt     *stamp    `json:"last_health_check_at"`
	CreatedAt     stamp     `json:"created_at"`
	UpdatedAt     stamp     `json:"updated_at"`
	// Reach is there for active trunks, once they were asked.
	Reach *reachJSON `json:"reachability,omitempty"`
}

// reachJSON is how an active trunk answers OPTIONS.
type reachJSON struct {
	State     string  `json:"state" enum:"up,down"`
	Since     stamp   `json:"since" doc:"when it became so"`
	CheckedAt stamp   `json:"checked_at"`
	Millis    int64   `json:"round_trip_ms" minimum:"0" doc:"of the last answer; 0 while it is down"`
	Error     *string `json:"last_error"`
	ErrorAt   *stamp  `json:"last_error_at"`
}

func showReach(r *parley.TrunkReach) *reachJSON {
	if r == nil {
		return nil
	}
	out := &reachJSON{
		State: "down", Since: stamp(r.Since), CheckedAt: stamp(r.CheckedAt), Millis: r.RoundTrip.Milliseconds(), Error: orNil(r.Fault),
		ErrorAt: stampOr(r.FaultAt),
	}
	if r.Up {
		out.State = "up"
	}
	return out
}

// trunk shows a trunk with how it answers.
func (a *api) trunk(t *parley.SIPTrunk) trunkJSON {
	out := showTrunk(t)
	out.Reach = showReach(a.deps.Telephony.Reach(t))
	return out
}

func showTrunk(t *parley.SIPTrunk) trunkJSON {
	return trunkJSON{
		ID: t.ID, Name: t.Name, ProviderName: t.ProviderName, Domain: t.Domain, Username: t.Username, Transport: transport(t.Transport),
		Port: t.Port, OutboundProxy: t.OutboundProxy, AuthRealm: t.AuthRealm, Active: t.Active, Verified: t.Verified, Health: t.Health,
		CheckedAt: stampOr(t.CheckedAt), CreatedAt: stamp(t.CreatedAt), UpdatedAt: stamp(t.UpdatedAt),
	}
}

func showTrunkOr(t *parley.SIPTrunk, err error) (trunkJSON, error) {
	if err != nil {
		return trunkJSON{}, err
	}
	return showTrunk(t), nil
}

// createTrunkBody registers a trunk. is_active is taken and ignored: a trunk begins inactive.
type createTrunkBody struct {
	Name          string      `json:"name" minLength:"1" maxLength:"255" example:"Main line"`
	ProviderName  string      `json:"provider_name" minLength:"1"`
	Domain        plain       `json:"domain" minLength:"1"`
	Username      plain       `json:"username"`
	Password      string      `json:"password" writeOnly:"true"`
	Port          int         `json:"port" required:"false" minimum:"1" maximum:"65535" doc:"When absent: 5061 for tls, else 5060."`
	Transport     transport   `json:"transport" required:"false" default:"tls"`
	OutboundProxy *givenPlain `json:"outbound_proxy" required:"false"`
	AuthRealm     *givenText  `json:"auth_realm" required:"false"`
	Active        bool        `json:"is_active" required:"false" default:"false" doc:"Ignored: verify first."`
}

type updateTrunkBody struct {
	Name          *string    `json:"name" required:"false" nullable:"false" minLength:"1" maxLength:"255" example:"Main line"`
	ProviderName  *string    `json:"provider_name" required:"false" nullable:"false" minLength:"1"`
	Domain        *plain     `json:"domain" required:"false" minLength:"1"`
	Username      *plain     `json:"username" required:"false"`
	Password      *string    `json:"password" required:"false" nullable:"false" writeOnly:"true"`
	Port          *int       `json:"port" required:"false" nullable:"false" minimum:"1" maximum:"65535"`
	Transport     *transport `json:"transport" required:"false"`
	OutboundProxy givenPlain `json:"outbound_proxy" required:"false"`
	AuthRealm     givenText  `json:"auth_realm" required:"false"`
	Active        *bool      `json:"is_active" required:"false" nullable:"false"`
}

// trunkOp is what all operations on trunks have in common.
func trunkOp(id, method, path, summary string, codes ...parley.Code) op {
	return op{
		id: id, method: method, path: "/api/v1/sip-trunks" + path, tag: "SIP Trunks", summary: summary,
		codes: append([]parley.Code{parley.Unauthorized, parley.FeatureNotAvailable}, codes...),
	}
}

func (a *api) trunkRoutes() {
	handle(a, trunkOp("listSipTrunks", http.MethodGet, "", "List SIP trunks"), a.listTrunks)
	create := trunkOp("createSipTrunk", http.MethodPost, "", "Register a SIP trunk", parley.ValidationError)
	create.status = http.StatusCreated
	handle(a, create, a.createTrunk)
	const one = "/{trunk_id}"
	handle(a, trunkOp("getSipTrunk", http.MethodGet, one, "Get one SIP trunk", parley.TrunkNotFound), a.getTrunk)
	handle(a, trunkOp("updateSipTrunk", http.MethodPut, one, "Change parts of a SIP trunk",
		parley.TrunkNotFound, parley.TrunkNotVerified, parley.ValidationError), a.updateTrunk)
	remove := trunkOp("deleteSipTrunk", http.MethodDelete, one, "Delete a SIP trunk",
		parley.TrunkNotFound, parley.TrunkHasDIDs, parley.TrunkHasActiveCalls)
	remove.shape, remove.message = doneShape, "SIP trunk deleted"
	handle(a, remove, a.deleteTrunk)
	verify := trunkOp("verifySipTrunk", http.MethodPost, one+"/verify", "Check a SIP trunk with its credentials", parley.TrunkNotFound)
	verify.shape, verify.answer, verify.answers = bareShape, describeVerified, verifiedExamples()
	handle(a, verify, a.verifyTrunk)
	handle(a, trunkOp("getSipTrunkHealth", http.MethodGet, one+"/health", "Probe a SIP trunk", parley.TrunkNotFound), a.trunkHealth)
}

func (a *api) listTrunks(ctx context.Context, r *in[none, none]) ([]trunkJSON, error) {
	rows, err := a.deps.Telephony.Trunks(ctx, r.actor)
	return each(rows, a.trunk), err
}

func (a *api) createTrunk(ctx context.Context, r *in[none, createTrunkBody]) (trunkJSON, error) {
	b := r.body
	n := telephony.NewTrunk{
		Name: b.Name, ProviderName: b.ProviderName, Domain: string(b.Domain), Username: string(b.Username), Password: b.Password,
		Transport: string(b.Transport), Port: b.Port,
	}
	if b.OutboundProxy != nil {
		n.OutboundProxy = b.OutboundProxy.Value
	}
	if b.AuthRealm != nil {
		n.AuthRealm = b.AuthRealm.Value
	}
	return showTrunkOr(a.deps.Telephony.CreateTrunk(ctx, r.actor, n, r.faults))
}

func (a *api) getTrunk(ctx context.Context, r *in[none, none]) (trunkJSON, error) {
	row, err := a.deps.Telephony.Trunk(ctx, r.actor, r.id("trunk_id"))
	if err != nil {
		return trunkJSON{}, err
	}
	return a.trunk(row), nil
}

func (a *api) updateTrunk(ctx context.Context, r *in[none, updateTrunkBody]) (trunkJSON, error) {
	b := r.body
	return showTrunkOr(a.deps.Telephony.UpdateTrunk(ctx, r.actor, r.id("trunk_id"), telephony.TrunkChange{
		Name: b.Name, ProviderName: b.ProviderName, Domain: (*string)(b.Domain), Username: (*string)(b.Username), Password: b.Password,
		Transport: (*string)(b.Transport), Port: b.Port, OutboundProxy: b.OutboundProxy.Given, AuthRealm: b.AuthRealm.Given, Active: b.Active,
	}, r.faults))
}

func (a *api) deleteTrunk(ctx context.Context, r *in[none, none]) (none, error) {
	return none{}, a.deps.Telephony.DeleteTrunk(ctx, r.actor, r.id("trunk_id"))
}

// verifiedJSON is the answer of a check: a failed one is no refusal (contract notes, C64).
type verifiedJSON struct {
	Success bool        `json:"success"`
	Message string      `json:"message,omitempty"`
	Code    string      `json:"code,omitempty"`
	Data    verdictJSON `json:"data"`
}

type verdictJSON struct {
	Verified  bool   `json:"is_verified" example:"true"`
	Health    string `json:"health_status" enum:"healthy,unhealthy,unknown"`
	CheckedAt stamp  `json:"last_health_check_at"`
	Error     string `json:"error,omitempty" example:""`
}

func describeVerified(r huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Required: []string{"success", "data"}, Properties: map[string]*huma.Schema{
		"success": {Type: huma.TypeBoolean}, "message": {Type: huma.TypeString}, "code": {Type: huma.TypeString},
		"data": r.Schema(typeOf[verdictJSON](), true, ""),
	}}
}

// verifiedExamples are a check that passed and one that did not.
func verifiedExamples() map[string]any {
	at := exampleTime()
	return map[string]any{
		"passed": verifiedJSON{Success: true, Data: verdictJSON{Verified: true, Health: "healthy", CheckedAt: at}},
		"failed": verifiedJSON{Message: notVerified, Code: "TRUNK_VERIFICATION_FAILED", Data: verdictJSON{
			Health: "unhealthy", CheckedAt: at, Error: "The trunk refuses the credentials (SIP status 403).",
		}},
	}
}

const notVerified = "SIP trunk verification failed"

func (a *api) verifyTrunk(ctx context.Context, r *in[none, none]) (verifiedJSON, error) {
	c, err := a.deps.Telephony.Verify(ctx, r.actor, r.id("trunk_id"))
	v := verifiedJSON{Success: c.OK, Data: verdictJSON{Verified: c.OK, Health: c.Health, CheckedAt: stamp(c.At), Error: c.Fault}}
	if !c.OK {
		v.Message, v.Code = notVerified, "TRUNK_VERIFICATION_FAILED"
	}
	return v, err
}

type healthJSON struct {
	Healthy   bool    `json:"is_healthy"`
	Millis    int64   `json:"response_time_ms" minimum:"0"`
	Error     *string `json:"error"`
	CheckedAt stamp   `json:"checked_at"`
}

func (a *api) trunkHealth(ctx context.Context, r *in[none, none]) (healthJSON, error) {
	c, err := a.deps.Telephony.Health(ctx, r.actor, r.id("trunk_id"))
	return healthJSON{Healthy: c.OK, Millis: c.Took.Milliseconds(), Error: orNil(c.Fault), CheckedAt: stamp(c.At)}, err
}
