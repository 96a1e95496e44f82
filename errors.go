package parley

import (
	"errors"
	"fmt"
)

// Code names an error that the caller of the API may read. Its HTTP status stands in one table, in httpapi.
type Code string

// Codes of the contract.
const (
	AgentNotFound         Code = "AGENT_NOT_FOUND"
	TrainingNotFound      Code = "TRAINING_NOT_FOUND"
	ActionNotFound        Code = "ACTION_NOT_FOUND"
	FlowInvalid           Code = "FLOW_VALIDATION_FAILED"
	IntegrationNotFound   Code = "INTEGRATION_NOT_FOUND"
	TemplateNotFound      Code = "TEMPLATE_NOT_FOUND"
	VoiceNotFound         Code = "VOICE_NOT_FOUND"
	VoiceTemplateNotFound Code = "VOICE_TEMPLATE_NOT_FOUND"
	CallNotFound          Code = "CALL_NOT_FOUND"
	NotACallbackAgent     Code = "NOT_A_CALLBACK_AGENT"
	InvalidAgentDirection Code = "INVALID_AGENT_DIRECTION"
	NoActiveCall          Code = "NO_ACTIVE_CALL"
	TrunkNotFound         Code = "SIP_TRUNK_NOT_FOUND"
	DIDNotFound           Code = "DID_NOT_FOUND"
	SoftphoneNotFound     Code = "SIP_PHONE_NOT_FOUND" // beyond the contract
	ErasureNotFound       Code = "ERASURE_NOT_FOUND"
	ExportNotFound        Code = "EXPORT_NOT_FOUND"
	ExportNotReady        Code = "EXPORT_NOT_READY" // beyond the contract: 409
	ExportGone            Code = "EXPORT_EXPIRED"   // beyond the contract: 410
	TokenNotFound         Code = "TOKEN_NOT_FOUND"
	WebhookNotFound       Code = "WEBHOOK_NOT_FOUND"
	LogNotFound           Code = "LOG_NOT_FOUND"
	LogNotRetriable       Code = "LOG_NOT_RETRIABLE"
	WebhookTestFailed     Code = "WEBHOOK_TEST_FAILED"
	RecordingNotFound     Code = "RECORDING_NOT_FOUND"
	NotFound              Code = "NOT_FOUND"
	MethodNotAllowed      Code = "METHOD_NOT_ALLOWED"
	InvalidJSON           Code = "INVALID_JSON"
	ValidationError       Code = "VALIDATION_ERROR"
	InvalidToken          Code = "INVALID_TOKEN"
	Unauthorized          Code = "UNAUTHORIZED" // 403: the token lacks the ability
	RateLimitExceeded     Code = "RATE_LIMIT_EXCEEDED"
	ServerError           Code = "SERVER_ERROR"
	AgentLimitReached     Code = "AGENT_LIMIT_REACHED"
	FeatureNotAvailable   Code = "FEATURE_NOT_AVAILABLE"
	AgentHasActiveCalls   Code = "AGENT_HAS_ACTIVE_CALLS"
	AgentIsPublished      Code = "AGENT_IS_PUBLISHED"
	AgentInUse            Code = "AGENT_IN_USE"
	CallerHasActiveCalls  Code = "CALLER_HAS_ACTIVE_CALLS" // beyond the contract: 409 of the erasure of a caller
	OptimizedNotEligible  Code = "OPTIMIZED_COSTS_NOT_ELIGIBLE"
	InvalidPhoneNumber    Code = "INVALID_PHONE_NUMBER"
	MissingPhoneNumber    Code = "MISSING_PHONE_NUMBER"
	PhoneNumberForbidden  Code = "PHONE_NUMBER_NOT_ALLOWED"
	AgentInactive         Code = "AGENT_INACTIVE"
	InsufficientCredits   Code = "INSUFFICIENT_CREDITS"
	CallNotActive         Code = "CALL_NOT_ACTIVE"
	TrunkNotVerified      Code = "TRUNK_NOT_VERIFIED"
	TrunkHasDIDs          Code = "TRUNK_HAS_DIDS"
	TrunkHasActiveCalls   Code = "TRUNK_HAS_ACTIVE_CALLS"
	DIDAlreadyExists      Code = "DID_ALREADY_EXISTS"
	SoftphoneExists       Code = "SIP_PHONE_ALREADY_EXISTS" // beyond the contract
	DIDInUse              Code = "DID_IN_USE"
	DemoGenerationFailed  Code = "DEMO_GENERATION_FAILED"
	TransferUnderway      Code = "TRANSFER_IN_PROGRESS"   // beyond the contract: 409
	TransferUnsupported   Code = "TRANSFER_NOT_SUPPORTED" // beyond the contract: 422
	DigitNotSent          Code = "DIGIT_NOT_SENT"         // beyond the contract: 422
	CapacityExceeded      Code = "CAPACITY_EXCEEDED"      // beyond the contract: 429 of makeCall at calls.max
	ActionSettled         Code = "ACTION_ALREADY_SETTLED" // beyond the contract: 409 of an answer to an external action
	BodyTooLarge          Code = "BODY_TOO_LARGE"         // beyond the contract: 413
)

// Error is a fault that the caller of the API may read.
type Error struct {
	Code    Code
	Message string              // for the log, and for the wire where the operation's own text has none
	Fields  map[string][]string // of a ValidationError
	List    []string            // of a FlowInvalid: all that is wrong
	Details map[string]any
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// DetailCause is the key in Details of an InvalidToken that says why: one of the causes.
const DetailCause = "cause"

// CauseExpired is the cause of a token that was good once.
const CauseExpired = "TOKEN_EXPIRED"

// Errorf makes an Error.
func Errorf(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...)}
}

// Invalid makes a ValidationError of one field.
func Invalid(field, text string) *Error {
	return &Error{Code: ValidationError, Message: "The given data was invalid.", Fields: map[string][]string{field: {text}}}
}

// CodeOf finds the code in err's chain; empty when there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
