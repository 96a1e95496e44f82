// Package store says what may be asked of the database and of the place for recordings. Rooms get a Tx and nothing else;
// sqlstore implements it once for SQLite and PostgreSQL, blobs implements Blobs, and storetest holds the suite that both pass.
// A row of another environment does not exist: methods that take env answer the noun's NotFound code for it.
package store

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/parley-voice/parley"
)

// ErrUnavailable says that the database cannot be reached; nothing was changed.
var ErrUnavailable = errors.New("store: database unavailable")

// ErrConflict says that a unique value is taken.
var ErrConflict = errors.New("store: value is taken")

// Store runs transactions. A fn must use only its Tx and the ctx it is given; an error of fn rolls back and is returned.
type Store interface {
	// Update runs fn in a read-write transaction that is bounded to 10 s.
	Update(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	// View runs fn in a read-only transaction.
	View(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	// Ping says whether the database answers.
	Ping(ctx context.Context) error
	// Scrub makes deleted bytes go, as far as the server allows: it empties SQLite's write-ahead log. done is false when a
	// reader was in the way and it must be tried again. note says what the server keeps for longer, empty when nothing.
	Scrub(ctx context.Context) (done bool, note string, err error)
	Close() error
}

// Tx is all that may be asked within a transaction.
type Tx interface {
	Agents
	Trainings
	Actions
	Flows
	Callbacks
	Trunks
	Numbers
	Softphones
	Calls
	Turns
	CallActions
	SIPMessages
	Accounts
	People
	Webhooks
	Deliveries
	DeliveryLogs
	Erasures
	Exports
	Orphans
	// Enqueue adds a job that exists if and only if the transaction commits.
	Enqueue(ctx context.Context, j Job) error
}

// Job asks for work after the commit. Its arguments are ids only: they must never hold personal data.
type Job struct {
	Kind    string
	Subject string    // id of the row it is about
	RunAt   time.Time // zero is now
}

// Page picks rows of a list; Number counts from 1.
type Page struct{ Number, Size int }

// AgentFilter narrows a list of agents; zero fields do not.
type AgentFilter struct {
	Status    parley.AgentStatus
	Direction parley.Direction
	Search    string // part of name or label, any case
	Callback  bool   // those with the callback role only
	Page      Page
}

// Agents holds agents. Deleting an agent is part of Erasures.
type Agents interface {
	// LockAgent reads an agent and keeps every other LockAgent of it waiting until the end of the transaction.
	LockAgent(ctx context.Context, env, id string) (*parley.Agent, error)
	// Agent reads one; env empty reads any environment's (for the operator's commands).
	Agent(ctx context.Context, env, id string) (*parley.Agent, error)
	// AgentsByID returns those of ids that exist in env, by id.
	AgentsByID(ctx context.Context, env string, ids []string) (map[string]*parley.Agent, error)
	// ListAgents returns a page, newest first, and the number of all matches.
	ListAgents(ctx context.Context, env string, f AgentFilter) ([]*parley.Agent, int, error)
	CountAgents(ctx context.Context, env string) (int, error)
	InsertAgent(ctx context.Context, a *parley.Agent) error
	UpdateAgent(ctx context.Context, a *parley.Agent) error
}

// Trainings are the knowledge of agents.
type Trainings interface {
	// TrainingsOf returns the trainings of agents by agent id, oldest first.
	TrainingsOf(ctx context.Context, agentIDs ...string) (map[string][]parley.Training, error)
	InsertTraining(ctx context.Context, t *parley.Training) error
	UpdateTraining(ctx context.Context, t *parley.Training) error
	// DeleteTraining answers TrainingNotFound when the agent has none of that id.
	DeleteTraining(ctx context.Context, agentID, id string) error
}

// Actions are what agents may do in calls.
type Actions interface {
	// ActionsOf returns the actions of agents by agent id, oldest first.
	ActionsOf(ctx context.Context, agentIDs ...string) (map[string][]parley.Action, error)
	// InsertAction answers ErrConflict when the agent has that node id already.
	InsertAction(ctx context.Context, a *parley.Action) error
	UpdateAction(ctx context.Context, a *parley.Action) error
	// DeleteAction answers ActionNotFound when the agent has none of that id.
	DeleteAction(ctx context.Context, agentID, id string) error
}

// Flows are the graphs that lead the conversations of agents, by version.
type Flows interface {
	// CurrentFlow returns the current version of an agent, nil when none was saved.
	CurrentFlow(ctx context.Context, agentID string) (*parley.FlowVersion, error)
	// FlowVersions returns those that are kept of an agent, newest first.
	FlowVersions(ctx context.Context, agentID string) ([]parley.FlowVersion, error)
	// AddFlowVersion makes a version the current one of its agent in place of the one before, and forgets all but the newest keep. It answers
	// ErrConflict when the agent has that number already, or got a current one at the same moment. The agent's mode is not changed.
	AddFlowVersion(ctx context.Context, v *parley.FlowVersion, keep int) error
}

// Trunks are ways into the telephone network.
type Trunks interface {
	Trunk(ctx context.Context, env, id string) (*parley.SIPTrunk, error)
	// ListTrunks returns the trunks of env, oldest first; of all environments when env is empty (for the SIP door only).
	ListTrunks(ctx context.Context, env string) ([]*parley.SIPTrunk, error)
	InsertTrunk(ctx context.Context, t *parley.SIPTrunk) error
	UpdateTrunk(ctx context.Context, t *parley.SIPTrunk) error
	DeleteTrunk(ctx context.Context, env, id string) error
}

// Numbers are DIDs.
type Numbers interface {
	Number(ctx context.Context, env, id string) (*parley.PhoneNumber, error)
	// ListNumbers returns all numbers of env, oldest first; of one trunk when trunkID is set.
	ListNumbers(ctx context.Context, env, trunkID string) ([]*parley.PhoneNumber, error)
	// NumbersWithSuffix returns the numbers of every environment that end in digits: for the routing of an incoming call only.
	NumbersWithSuffix(ctx context.Context, digits string) ([]*parley.PhoneNumber, error)
	// NumbersOf returns the numbers attached to agents, by agent id.
	NumbersOf(ctx context.Context, agentIDs ...string) (map[string][]*parley.PhoneNumber, error)
	// SetAgentNumbers replaces the set of numbers attached to an agent.
	SetAgentNumbers(ctx context.Context, agentID string, numberIDs []string) error
	// InsertNumber answers ErrConflict when env has that number already.
	InsertNumber(ctx context.Context, n *parley.PhoneNumber) error
	DeleteNumber(ctx context.Context, env, id string) error
}

// Softphones are people's phones and where they are registered.
type Softphones interface {
	SoftphoneByName(ctx context.Context, env, username string) (*parley.Softphone, error)
	// ListSoftphones returns the softphones of env, oldest first.
	ListSoftphones(ctx context.Context, env string) ([]*parley.Softphone, error)
	// SoftphonesNamed returns the softphones of a username in every environment: for the check of credentials only.
	SoftphonesNamed(ctx context.Context, username string) ([]*parley.Softphone, error)
	// AnySoftphone says whether there is a softphone in any environment.
	AnySoftphone(ctx context.Context) (bool, error)
	// InsertSoftphone answers ErrConflict when env has that username already.
	InsertSoftphone(ctx context.Context, s *parley.Softphone) error
	// DeleteSoftphone deletes a softphone and its bindings.
	DeleteSoftphone(ctx context.Context, env, id string) error
	// Bindings returns the bindings of a softphone that last beyond now, the last written first; of all softphones when its id is empty.
	Bindings(ctx context.Context, softphoneID string, now time.Time) ([]parley.Binding, error)
	// LockBindings is Bindings of one softphone, and keeps every other LockBindings of it waiting until the end of the transaction.
	LockBindings(ctx context.Context, softphoneID string, now time.Time) ([]parley.Binding, error)
	// SetBindings replaces all bindings of a softphone.
	SetBindings(ctx context.Context, softphoneID string, bindings []parley.Binding) error
	// ForgetBindings deletes bindings that ran out before t.
	ForgetBindings(ctx context.Context, t time.Time) error
}

// CallFilter narrows a list of calls; zero fields do not.
type CallFilter struct {
	AgentID   string
	Statuses  []parley.CallStatus
	Direction parley.Direction
	From      time.Time // created at or after
	Before    time.Time // created before
	Search    string    // part of a phone number or sid
	To        string    // exact called number
	Page      Page
}

// OpenFilter picks calls that are not final.
type OpenFilter struct {
	EnvironmentID, AgentID, TrunkID string
	NodeID                          string // held by that node
	Phone                           string // the other side's number: to of outbound, from of inbound
}

// Calls are conversations.
type Calls interface {
	InsertCall(ctx context.Context, c *parley.Call) error
	// UpdateCall writes a call whose stored row is not final yet; it returns false and changes nothing when it is.
	UpdateCall(ctx context.Context, c *parley.Call) (bool, error)
	// AmendCall writes recording, recording note, messages and transfers of a call, final or not.
	AmendCall(ctx context.Context, c *parley.Call) error
	// Call reads one; env empty reads any environment's (for the node that holds it).
	Call(ctx context.Context, env, id string) (*parley.Call, error)
	// AgentsOfCalls returns the living agents of calls, by call id.
	AgentsOfCalls(ctx context.Context, ids ...string) (map[string]string, error)
	// CallByRef finds a call of an agent by id or sid, the newest first.
	CallByRef(ctx context.Context, env, agentID, ref string) (*parley.Call, error)
	// ListCalls returns a page, newest first, and the number of all matches. Snapshots are left out.
	ListCalls(ctx context.Context, env string, f CallFilter) ([]*parley.Call, int, error)
	OpenCalls(ctx context.Context, f OpenFilter) ([]*parley.Call, error)
	CountOpenCalls(ctx context.Context, f OpenFilter) (int, error)
	// RenewLeases moves the lease of all open calls of a node.
	RenewLeases(ctx context.Context, nodeID string, until time.Time) error
	// AskEnd leaves word for the node that holds an open call that it is to end, and why; the first reason counts.
	AskEnd(ctx context.Context, callID, reason string) error
	// AskedToEnd returns the open calls of a node that others want to end, each with the reason.
	AskedToEnd(ctx context.Context, nodeID string) (map[string]string, error)
	// LostCalls returns open calls whose lease ran out before t; delayed calls that nobody dialled yet are not among them.
	LostCalls(ctx context.Context, t time.Time, limit int) ([]*parley.Call, error)
	// TallyCalls sums calls that are no tests, in order of the hour.
	TallyCalls(ctx context.Context, env string, f TallyFilter) ([]Tally, error)
	// RememberKey keeps which call an idempotency key of env made; ok is false when the key is known, and callID and fingerprint are the first ones.
	RememberKey(ctx context.Context, env, keyHash, callID, fingerprint string, until time.Time) (firstCall, firstFingerprint string, ok bool, err error)
	// ForgetKeys drops idempotency keys that ran out before t.
	ForgetKeys(ctx context.Context, t time.Time) error
}

// TallyFilter picks calls for sums; zero fields do not narrow.
type TallyFilter struct {
	AgentID   string
	Direction parley.Direction
	From      time.Time // created at or after
	Before    time.Time // created before
}

// Tally sums the calls of one status that were created in one hour.
type Tally struct {
	Hour   time.Time // its beginning, UTC
	Status parley.CallStatus
	Calls  int
	Talk   time.Duration // whole seconds of each call
	Cost   float64
}

// Turns are what was said.
type Turns interface {
	// PutTurns inserts turns, or replaces those with the same ids. Turns of a call that does not exist (any more) are dropped silently.
	PutTurns(ctx context.Context, ts []parley.Turn) error
	// TurnsOf returns the turns of a call in order of their start.
	TurnsOf(ctx context.Context, callID string) ([]parley.Turn, error)
}

// SIPMessages are what was sent and received for calls.
type SIPMessages interface {
	// PutSIPMessages inserts messages; those that are there already, and those of a call that does not exist (any more), are dropped silently.
	PutSIPMessages(ctx context.Context, ms []parley.SIPMessage) error
	// SIPMessagesOf returns the messages of a call in their order.
	SIPMessagesOf(ctx context.Context, callID string) ([]parley.SIPMessage, error)
}

// Accounts are environments, owners and tokens.
type Accounts interface {
	// EnsureEnvironment finds an environment by name, or makes it and its owner.
	EnsureEnvironment(ctx context.Context, name string) (*parley.Environment, error)
	Environment(ctx context.Context, id string) (*parley.Environment, error)
	SetLimits(ctx context.Context, env string, l parley.Limits) error
	// Charge takes an amount from the balance of an environment whose credits are required; of others it takes nothing.
	Charge(ctx context.Context, env string, amount float64) error
	InsertToken(ctx context.Context, t *parley.Token) error
	// TokenByHash answers InvalidToken for an unknown one.
	TokenByHash(ctx context.Context, hash string) (*parley.Token, *parley.Environment, error)
	// Meta reads a value kept for the server itself, such as the check of its master key; empty when unset.
	Meta(ctx context.Context, key string) (string, error)
	SetMeta(ctx context.Context, key, value string) error
}

// People are users and their own tokens.
type People interface {
	// EnsureUser finds a user by e-mail or makes one, whose environment is then env. The first user of an environment whose owner is nobody
	// yet becomes the owner.
	EnsureUser(ctx context.Context, env *parley.Environment, email, name string) (*parley.User, error)
	// User answers NotFound for an unknown one.
	User(ctx context.Context, id string) (*parley.User, error)
	// NextTokenNumber gives a number that no personal token has had.
	NextTokenNumber(ctx context.Context) (int64, error)
	InsertPersonalToken(ctx context.Context, t *parley.PersonalToken) error
	// PersonalToken answers TokenNotFound for an unknown number.
	PersonalToken(ctx context.Context, number int64) (*parley.PersonalToken, error)
	// PersonalTokens lists those of a user, oldest first.
	PersonalTokens(ctx context.Context, userID string) ([]*parley.PersonalToken, error)
	// TouchPersonalToken notes the use of a token.
	TouchPersonalToken(ctx context.Context, number int64, at time.Time) error
	// DeletePersonalToken answers TokenNotFound when the user has none of that number.
	DeletePersonalToken(ctx context.Context, userID string, number int64) error
}

// Place is a part of the database that an erasure empties.
type Place string

// Places.
const (
	PlaceTranscripts Place = "transcripts"
	PlaceSIPMessages Place = "sip_messages"
	PlaceCallActions Place = "call_actions"
	PlaceJobs        Place = "jobs"
	PlaceDeliveries  Place = "webhook_deliveries"
	PlaceHookLogs    Place = "webhook_logs" // after the deliveries: without one no log is written
	PlaceCalls       Place = "calls"        // with snapshots, messages and idempotency keys
)

// Scope is whose rows an erasure means: all below an agent, or below the calls that an erasure has claimed. Exactly one of the ids is set.
type Scope struct {
	AgentID, ErasureID string
	Calls              []string // when not empty only these, which Walk gave; for Erase alone, and not of PlaceCalls
}

// Step is where a walk through calls has come to; the zero value is before the first.
type Step struct {
	At time.Time
	ID string
}

// ErasureFilter narrows a list of receipts; zero fields do not.
type ErasureFilter struct {
	AgentID    string
	CallerHash string
	State      string
	Page       Page
}

// Erasures delete agents and what lies below them, and keep the receipts.
type Erasures interface {
	// DeleteAgent deletes the agent's row, trainings, actions, flow versions and number links: from the commit on nothing below it can be reached, since
	// every read of calls and turns goes through a living agent.
	DeleteAgent(ctx context.Context, env, id string) error
	// ClaimCalls gives an erasure the calls of env with a number on the other side: from the commit on they cannot be reached. Open ones are
	// left out; with a time before it takes those that began before it, open ones too. It returns how many it claimed.
	ClaimCalls(ctx context.Context, env, phone, erasureID string, before time.Time) (int64, error)
	InsertErasure(ctx context.Context, e *parley.Erasure) error
	// UpdateErasure writes state, places and completion of a receipt.
	UpdateErasure(ctx context.Context, e *parley.Erasure) error
	Erasure(ctx context.Context, env, id string) (*parley.Erasure, error)
	// HoldersOf returns the nodes that hold open calls of an agent, though it may be gone.
	HoldersOf(ctx context.Context, agentID string) ([]string, error)
	// CallersOf returns up to limit numbers of the other side of the calls of env that began before a time, after the number after, each once.
	CallersOf(ctx context.Context, env, after string, before time.Time, limit int) ([]string, error)
	// ListErasures returns a page, newest first, and the number of all matches.
	ListErasures(ctx context.Context, env string, f ErasureFilter) ([]*parley.Erasure, int, error)
	// ErasureByID is for the job.
	ErasureByID(ctx context.Context, id string) (*parley.Erasure, error)
	// Walk returns up to limit ids of calls after a step, and the next one; none when it has come to the end.
	Walk(ctx context.Context, s Scope, after Step, limit int) (ids []string, next Step, err error)
	// Erase deletes up to limit rows of a place and returns how many went; 0 means that the place is empty. Of PlaceJobs it answers an
	// error when all that is left is being worked on. What lies below very many calls is to be erased along a Walk, since each Erase of a
	// whole scope looks at every call of it that is left.
	Erase(ctx context.Context, p Place, s Scope, limit int) (int64, error)
	// Measure counts the rows of a place, and the bytes of personal data in them.
	Measure(ctx context.Context, p Place, s Scope) (rows, bytes int64, err error)
	// RecordingsOf returns up to limit blob keys of calls, after the key after; ForgetRecordings clears them once the blobs are gone.
	RecordingsOf(ctx context.Context, s Scope, after string, limit int) ([]string, error)
	ForgetRecordings(ctx context.Context, keys []string) (int64, error)
}

// ErrNoBlob says that there is no blob of that key.
var ErrNoBlob = errors.New("store: no such blob")

// Blob is a recording being written.
type Blob interface {
	io.Writer
	io.WriterAt
	io.Closer
}

// Blobs keeps recordings. Keys are slash-separated and made by us, never from user input.
type Blobs interface {
	Create(ctx context.Context, key string) (Blob, error)
	// Open returns a blob and its size; ErrNoBlob when there is none.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, int64, error)
	// Delete removes a blob; a missing one is no error.
	Delete(ctx context.Context, key string) error
	// List returns the keys under a prefix.
	List(ctx context.Context, prefix string) ([]string, error)
	// Old returns up to limit keys after a key, in order, of blobs that nobody has written to since a time.
	Old(ctx context.Context, since time.Time, after string, limit int) ([]string, error)
}
