package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/telephony"
)

// didJSON is a number among those of its trunk.
type didJSON struct {
	ID          string `json:"id"`
	Number      phone  `json:"number"`
	CountryCode string `json:"country_code"`
	Formatted   string `json:"formatted_number"`
	TrunkID     string `json:"trunk_id"`
}

func showDID(n *parley.PhoneNumber) didJSON {
	return didJSON{ID: n.ID, Number: phone(n.Number), CountryCode: n.CountryCode, Formatted: national(n.Number), TrunkID: n.TrunkID}
}

// AgentDIDJSON is a number among those of an agent.
type AgentDIDJSON struct {
	ID            string `json:"id"`
	Number        phone  `json:"number"`
	CountryCode   string `json:"country_code"`
	Formatted     string `json:"formatted_number"`
	International string `json:"international_number"`
	Status        string `json:"current_status" enum:"active,inactive,pending,suspended"`
}

func showAgentDID(n *parley.PhoneNumber) AgentDIDJSON {
	return AgentDIDJSON{
		ID: n.ID, Number: phone(n.Number), CountryCode: n.CountryCode, Formatted: national(n.Number),
		International: international(n.Number), Status: n.Status,
	}
}

// numberJSON is a number with what an operator's own trunk says of it: voice only, and no price.
type numberJSON struct {
	AgentDIDJSON
	Type          string         `json:"type" enum:"voice,sms,whatsapp,mms,fax"`
	Voice         bool           `json:"has_voice"`
	SMS           bool           `json:"has_sms"`
	MMS           bool           `json:"has_mms"`
	Fax           bool           `json:"has_fax"`
	WhatsApp      bool           `json:"has_whatsapp"`
	Sandbox       bool           `json:"is_sandbox"`
	Price         float64        `json:"current_price"`
	Currency      string         `json:"currency"`
	RenewalDate   null           `json:"renewal_date"`
	AutoRenewal   bool           `json:"auto_renewal"`
	MonthlyCost   float64        `json:"monthly_renewal_cost"`
	DaysUntil     null           `json:"days_until_monthly_renewal"`
	DueForRenewal bool           `json:"is_due_for_monthly_renewal"`
	SIPTrunkID    string         `json:"trunk_id"`
	CreatedAt     stamp          `json:"created_at"`
	UpdatedAt     stamp          `json:"updated_at"`
	AttachedTo    []agentRefJSON `json:"agents" nullable:"false"`
}

func showNumber(v telephony.NumberView) numberJSON {
	return numberJSON{
		AgentDIDJSON: showAgentDID(v.PhoneNumber), Type: "voice", Voice: true, Currency: "USD", SIPTrunkID: v.TrunkID,
		CreatedAt: stamp(v.CreatedAt), UpdatedAt: stamp(v.UpdatedAt), AttachedTo: each(v.Agents, showAgentRef),
	}
}

type numberListQuery struct {
	Type      string    `json:"type" required:"false" enum:"voice,sms,whatsapp,mms,fax"`
	Voice     *bool     `json:"has_voice" required:"false" nullable:"false"`
	WhatsApp  *bool     `json:"has_whatsapp" required:"false" nullable:"false"`
	Direction direction `json:"direction" required:"false"`
	Search    string    `json:"search" required:"false" doc:"Substring of the number or id."`
}

// nothingPasses says that the query asks for what a number of a trunk never is.
func (q numberListQuery) nothingPasses() bool {
	return q.Type != "" && q.Type != "voice" || q.Voice != nil && !*q.Voice || q.WhatsApp != nil && *q.WhatsApp
}

func (a *api) numberRoutes() {
	handle(a, op{
		id: "listPhoneNumbers", method: http.MethodGet, path: "/api/v1/phone-numbers", tag: "Phone Numbers", summary: "List phone numbers",
		codes: []parley.Code{parley.Unauthorized, parley.ValidationError},
		texts: map[parley.Code]string{parley.InvalidToken: unauthorizedText},
	}, a.listNumbers)
}

func (a *api) listNumbers(ctx context.Context, r *in[numberListQuery, none]) ([]numberJSON, error) {
	if err := r.faults.Err(); err != nil {
		return nil, err
	}
	f := telephony.NumberFilter{Direction: parley.Direction(r.query.Direction), Search: plus(r.query.Search)}
	views, err := a.deps.Telephony.Numbers(ctx, r.actor, f)
	if r.query.nothingPasses() {
		views = nil
	}
	return each(views, showNumber), err
}

type didBody struct {
	CountryCode string `json:"country_code" format:"region" pattern:"^[A-Z]{2}$"`
	Number      phone  `json:"number"`
}

func (a *api) didRoutes() {
	const path = "/{trunk_id}/dids"
	handle(a, trunkOp("listSipTrunkDids", http.MethodGet, path, "List numbers of a trunk", parley.TrunkNotFound), a.listDIDs)
	create := trunkOp("createSipTrunkDid", http.MethodPost, path, "Add a number to a trunk",
		parley.TrunkNotFound, parley.DIDAlreadyExists, parley.ValidationError)
	create.status = http.StatusCreated
	handle(a, create, a.createDID)
	remove := trunkOp("deleteSipTrunkDid", http.MethodDelete, path+"/{phone_number_id}", "Remove a number from a trunk",
		parley.TrunkNotFound, parley.DIDNotFound, parley.DIDInUse)
	remove.shape, remove.message = doneShape, "DID removed"
	handle(a, remove, a.deleteDID)
}

func (a *api) listDIDs(ctx context.Context, r *in[none, none]) ([]didJSON, error) {
	rows, err := a.deps.Telephony.DIDs(ctx, r.actor, r.id("trunk_id"))
	return each(rows, showDID), err
}

func (a *api) createDID(ctx context.Context, r *in[none, didBody]) (didJSON, error) {
	row, err := a.deps.Telephony.AddDID(ctx, r.actor, r.id("trunk_id"), string(r.body.Number), r.body.CountryCode, r.faults)
	if err != nil {
		return didJSON{}, err
	}
	return showDID(row), nil
}

func (a *api) deleteDID(ctx context.Context, r *in[none, none]) (none, error) {
	return none{}, a.deps.Telephony.RemoveDID(ctx, r.actor, r.id("trunk_id"), r.id("phone_number_id"))
}

// plus undoes what a query does to a plus sign that was not encoded: it arrives as a space.
func plus(search string) string { return strings.ReplaceAll(search, " ", "+") }

// national is a number as people of its country write it; one that no country has stays as it is.
func national(number string) string { return formatted(number, phonenumbers.NATIONAL) }

// international is a number spaced, with plus.
func international(number string) string {
	return strings.ReplaceAll(formatted(number, phonenumbers.INTERNATIONAL), "-", " ")
}

func formatted(number string, form phonenumbers.PhoneNumberFormat) string {
	p, err := phonenumbers.Parse(number, "")
	if err != nil || !phonenumbers.IsPossibleNumber(p) {
		return number
	}
	return phonenumbers.Format(p, form)
}
