package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-voice/parley"
)

// refusal is the status of a code and the text that operations without one of their own give. An empty text takes the error's, and
// {reason} in one is filled in with it.
type refusal struct {
	status int
	text   string
}

// table is the one error table of the house.
var table = map[parley.Code]refusal{
	parley.InvalidJSON:           {400, "The request body is not valid JSON."},
	parley.InvalidPhoneNumber:    {400, "Phone number must be in international format (e.g., +1234567890)"},
	parley.MissingPhoneNumber:    {400, "Phone number is required"},
	parley.PhoneNumberForbidden:  {400, ""},
	parley.AgentInactive:         {400, "Agent is not published"},
	parley.InvalidToken:          {401, parley.InvalidTokenDefault},
	parley.InsufficientCredits:   {402, "Account has insufficient credits to place this call"},
	parley.Unauthorized:          {403, "You are not authorized to perform this action."},
	parley.AgentLimitReached:     {403, "Your plan does not allow creating more agents"},
	parley.FeatureNotAvailable:   {403, "Your plan does not include custom SIP trunks"},
	parley.NotFound:              {404, "Not found."},
	parley.AgentNotFound:         {404, "Agent not found"},
	parley.TrainingNotFound:      {404, "Training not found"},
	parley.ActionNotFound:        {404, "Action not found"},
	parley.IntegrationNotFound:   {404, "Integration not found"},
	parley.TemplateNotFound:      {404, "Template not found"},
	parley.VoiceNotFound:         {404, "Voice template not found"},
	parley.VoiceTemplateNotFound: {404, "Voice template not found"},
	parley.CallNotFound:          {404, "Call not found"},
	parley.NotACallbackAgent:     {404, "Agent is not configured as a callback agent"},
	parley.InvalidAgentDirection: {422, "Agent must have direction=inbound to serve as a callback"},
	parley.NoActiveCall:          {404, "No active call found for this phone number"},
	parley.TrunkNotFound:         {404, "SIP trunk not found"},
	parley.DIDNotFound:           {404, "DID not found"},
	parley.SoftphoneNotFound:     {404, "SIP phone not found"},
	parley.ErasureNotFound:       {404, "Erasure not found"},
	parley.ExportNotFound:        {404, "Export not found"},
	parley.ExportNotReady:        {409, "The export is still being packed"},
	parley.ExportGone:            {410, "The export has expired"},
	parley.TokenNotFound:         {404, "Token not found"},
	parley.WebhookNotFound:       {404, "Webhook not found."},
	parley.LogNotFound:           {404, "Webhook log not found."},
	parley.LogNotRetriable:       {422, "Log cannot be retried"},
	parley.WebhookTestFailed:     {422, "Webhook test failed: {reason}"},
	parley.RecordingNotFound:     {404, "Recording not found"},
	parley.MethodNotAllowed:      {405, ""},
	parley.AgentHasActiveCalls:   {409, "Cannot delete agent while it has active calls."},
	parley.AgentIsPublished:      {409, "Cannot delete agent while it is published."},
	parley.AgentInUse:            {409, "Cannot delete agent that is currently in use"},
	parley.CallerHasActiveCalls:  {409, "Cannot erase a caller who is in a call."},
	parley.CallNotActive:         {409, "Call is not active"},
	parley.ActionSettled:         {409, "The action waits for no answer"},
	parley.TransferUnderway:      {409, "The call is being transferred already"},
	parley.TransferUnsupported:   {422, "The caller's network cannot be asked to call somebody else"},
	parley.DigitNotSent:          {422, "The caller's side takes no keys, or not so many at once"},
	parley.TrunkHasDIDs:          {409, "Trunk still has DIDs attached. Delete DIDs before deleting the trunk."},
	parley.TrunkHasActiveCalls:   {409, "Trunk has active calls"},
	parley.DIDAlreadyExists:      {409, "This number is already registered in your environment"},
	parley.SoftphoneExists:       {409, "This username is already taken in your environment"},
	parley.DIDInUse:              {409, "DID is still assigned to active agents"},
	parley.BodyTooLarge:          {413, "The request body is too large."},
	parley.ValidationError:       {422, "The given data was invalid."},
	parley.FlowInvalid:           {422, "Flow validation failed"},
	parley.OptimizedNotEligible:  {422, "Agent does not meet the call volume threshold for optimized costs"},
	parley.TrunkNotVerified:      {422, "Verify the trunk before activating it"},
	parley.RateLimitExceeded:     {429, "Too many requests. Please try again later."},
	parley.CapacityExceeded:      {429, ""},
	parley.ServerError:           {500, "Internal server error."},
	parley.DemoGenerationFailed:  {500, "Failed to generate demo audio"},
}

// errorBody is the body of every refusal (contract notes, 1.3).
type errorBody struct {
	Success bool           `json:"success"`
	Message string         `json:"message"`
	Code    parley.Code    `json:"code"`
	Errors  parley.Faults  `json:"errors,omitempty"`
	Details map[string]any `json:"details,omitempty"`
	// Error is the cause of a 401, the text of a failed demo, or the nested error of the operation that places calls.
	Error      any `json:"error,omitempty"`
	StatusCode int `json:"status_code,omitempty"` // of a 401
}

// listErrorBody is that of a graph that cannot be run: there errors are a plain list (contract notes, C29).
type listErrorBody struct {
	Success bool        `json:"success"`
	Message string      `json:"message"`
	Code    parley.Code `json:"code"`
	Errors  []string    `json:"errors" nullable:"false" minItems:"1"`
}

// nestedError is the error within the error of the operation that places calls.
type nestedError struct {
	Code    parley.Code    `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details,omitempty"`
}

// Causes of a 401.
const (
	causeMissing  = "MISSING_TOKEN"
	causeRejected = "UNAUTHORIZED"
)

// errMissingToken is an InvalidToken for want of one.
var errMissingToken = &parley.Error{Code: parley.InvalidToken, Message: "no bearer token", Details: map[string]any{parley.DetailCause: causeMissing}}

// fail writes err as the operation says it; o is nil outside of any. A fault that no caller may read is logged and becomes a 500.
func (a *api) fail(w http.ResponseWriter, r *http.Request, o *op, err error) {
	fail(a.log, w, r, o, err)
}

func fail(log *slog.Logger, w http.ResponseWriter, r *http.Request, o *op, err error) {
	if o == nil {
		o = &op{}
	}
	e, ok := errors.AsType[*parley.Error](err)
	if _, listed := table[codeOf(e)]; !ok || !listed {
		level := slog.LevelError
		if r.Context().Err() != nil {
			level = slog.LevelDebug // nobody waits for the answer any more
		}
		log.Log(context.WithoutCancel(r.Context()), level, "request failed", "operation", o.id, "request", requestID(w), "error", err)
		e = parley.Errorf(o.faultCode(), "")
	}
	status := table[e.Code].status
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter(e)))
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, status, o.refusalBody(e, status))
}

// refusalBody is what stands on the wire.
func (o *op) refusalBody(e *parley.Error, status int) any {
	if e.List != nil {
		return listErrorBody{Message: o.text(e), Code: e.Code, Errors: e.List}
	}
	return o.errorBody(e, status)
}

func codeOf(e *parley.Error) parley.Code {
	if e == nil {
		return ""
	}
	return e.Code
}

func (o *op) errorBody(e *parley.Error, status int) errorBody {
	b := errorBody{Message: o.text(e), Code: e.Code}
	switch status {
	case http.StatusUnprocessableEntity:
		b.Errors, b.Details = e.Fields, e.Details
	case http.StatusUnauthorized:
		b.StatusCode, b.Error = status, cause(e)
	case http.StatusTooManyRequests:
		if o.nested {
			b.Details = map[string]any{"retry_after": retryAfter(e)}
		}
	default:
		b.Details = e.Details
	}
	if e.Code == parley.DemoGenerationFailed {
		b.Error, b.Details = b.Message, nil
	}
	if o.nested {
		inner := nestedError{Code: e.Code, Message: b.Message, Details: b.Details}
		if t, ok := o.nestedTexts[e.Code]; ok {
			inner.Message = t
		}
		if status == http.StatusUnauthorized {
			inner.Details = map[string]any{parley.DetailCause: cause(e)}
		}
		b.Error = inner
	}
	return b
}

// text is what the operation says for a code, else the table, else the error itself.
func (o *op) text(e *parley.Error) string {
	if slices.Contains(o.reasons[e.Code], e.Message) {
		return e.Message
	}
	if t, ok := o.texts[e.Code]; ok {
		return t
	}
	t := table[e.Code].text
	switch {
	case t == "":
		return e.Message
	case e.Message != "":
		return strings.ReplaceAll(t, "{reason}", e.Message)
	}
	return t
}

func cause(e *parley.Error) string {
	if c, ok := e.Details[parley.DetailCause].(string); ok {
		return c
	}
	return causeRejected
}

// retryAfter is in seconds; a refusal for want of capacity names none and takes a few.
func retryAfter(e *parley.Error) int {
	if n, ok := e.Details["retry_after"].(int); ok {
		return n
	}
	return 5
}

// Refuse writes refusals of the transport's door as the API does.
func Refuse(log *slog.Logger) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		if parley.CodeOf(err) == parley.InvalidToken && r.URL.Query().Get("x-talq") == "" && bearer(r) == "" {
			err = errMissingToken
		}
		fail(log, w, r, &transportOp, err)
	}
}
