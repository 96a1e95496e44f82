// Package httpapi is the REST door: routes, tokens, decoding, validation texts and the one error table. It holds what stands on the
// wire and nothing else: rules are the rooms'. net/http serves; the OpenAPI document and the rules of each field come from the types of
// bodies and answers through huma's schemas. One file a noun.
package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/agents"
	"github.com/parley-voice/parley/internal/billing"
	"github.com/parley-voice/parley/internal/store"
	"github.com/parley-voice/parley/internal/telephony"
	"github.com/parley-voice/parley/internal/templates"
	"github.com/parley-voice/parley/internal/webhooks"
)

// Config is what an operator may set.
type Config struct {
	RateLimit int           // requests a minute and token, unless the environment has a limit of its own; 0 is 100
	PublicURL string        // how clients reach the API, for links in answers; empty takes the request's host
	MaxBody   int64         // bytes of a request's body; 0 is 1 MiB
	LinkLife  time.Duration // of signed links; 0 is 15 minutes
}

func (c Config) withDefaults() Config {
	if c.RateLimit <= 0 {
		c.RateLimit = 100
	}
	if c.MaxBody <= 0 {
		c.MaxBody = 1 << 20
	}
	if c.LinkLife <= 0 {
		c.LinkLife = 15 * time.Minute
	}
	return c
}

// accounts tells whose a token is, InvalidToken when nobody's, and keeps the tokens of people.
type accounts interface {
	Identify(ctx context.Context, token string) (parley.Actor, error)
	User(ctx context.Context, actor parley.Actor) (*parley.User, error)
	PersonalTokens(ctx context.Context, actor parley.Actor) ([]*parley.PersonalToken, error)
	CreatePersonalToken(ctx context.Context, actor parley.Actor, name string, abilities []string) (t *parley.PersonalToken, token string, err error)
	RevokePersonalToken(ctx context.Context, actor parley.Actor, id string) error
}

// switchboard is what the door wants of calls.
type switchboard interface {
	Place(ctx context.Context, actor parley.Actor, agentID string, r parley.CallRequest) (*parley.Call, error)
	Expect(ctx context.Context, actor parley.Actor, agentID string, r parley.ExternalRequest) (c *parley.Call, token string, err error)
	End(ctx context.Context, actor parley.Actor, agentID, ref string) (*parley.Call, error)
	Active(ctx context.Context, actor parley.Actor, agentID, phone string) ([]*parley.Call, error)
	Transfer(ctx context.Context, actor parley.Actor, callID string, r parley.TransferRequest) (*parley.Transfer, error)
	Press(ctx context.Context, actor parley.Actor, callID, digits string) error
	List(ctx context.Context, actor parley.Actor, agentID string, f store.CallFilter) ([]*parley.Call, int, error)
	Get(ctx context.Context, actor parley.Actor, id string) (*parley.Call, []parley.Turn, error)
	Actions(ctx context.Context, actor parley.Actor, id string) ([]*parley.CallAction, error)
	Answer(ctx context.Context, actor parley.Actor, callID, runID string, ok bool, output json.RawMessage) (*parley.CallAction, error)
	SIPMessages(ctx context.Context, actor parley.Actor, id string) ([]parley.SIPMessage, error)
}

// receipts keeps the receipts of deletions and begins those of callers.
type receipts interface {
	Get(ctx context.Context, actor parley.Actor, id string) (*parley.Erasure, error)
	List(ctx context.Context, actor parley.Actor, f store.ErasureFilter, phone string) ([]*parley.Erasure, int, error)
	EraseCaller(ctx context.Context, actor parley.Actor, phone string, faults parley.Faults) (*parley.Erasure, error)
	// OpenExport opens an archive by its own token; EndExport removes one.
	OpenExport(ctx context.Context, id, token string) (io.ReadSeekCloser, *parley.Export, error)
	EndExport(ctx context.Context, actor parley.Actor, id string) error
	// Attest signs a receipt as it stands.
	Attest(r *parley.Erasure) (string, error)
}

// recordings opens what was recorded.
type recordings interface {
	Open(ctx context.Context, key string) (io.ReadSeekCloser, int64, error)
}

// signer makes and checks tags of links.
type signer interface {
	Sign(parts ...string) string
	Signed(tag string, parts ...string) bool
	// PublicKeys is the JWK set that receipts are verified with.
	PublicKeys() ([]byte, error)
}

// Deps are the rooms and cellars behind the door.
type Deps struct {
	Accounts   accounts
	Agents     *agents.Agents
	Voices     *agents.Voices
	Templates  *templates.Catalogue
	Telephony  *telephony.Telephony
	Calls      switchboard
	Billing    *billing.Billing
	Webhooks   *webhooks.Webhooks
	Erasures   receipts
	Recordings recordings
	Signer     signer
	// Transport serves GET /{call_id}/transport and checks the token itself; refusals through Refuse.
	Transport http.Handler
	Log       *slog.Logger
}

// api is the door.
type api struct {
	cfg    Config
	deps   Deps
	log    *slog.Logger
	mux    *http.ServeMux
	routes map[string]*route // by pattern of the mux
	limits *limiter
	doc    *document
}

// New makes the handler of everything the server offers over HTTP.
func New(cfg Config, deps Deps) http.Handler { return build(cfg, deps) }

// OpenAPI is the description of all operations as an OpenAPI 3.1 document in YAML.
func OpenAPI() ([]byte, error) { return build(Config{}, Deps{}).doc.yaml() }

func build(cfg Config, deps Deps) *api {
	cfg = cfg.withDefaults()
	a := &api{
		cfg: cfg, deps: deps, log: deps.Log, mux: http.NewServeMux(), routes: map[string]*route{},
		limits: newLimiter(cfg.RateLimit), doc: newDocument(),
	}
	a.agentRoutes()
	a.templateRoutes()
	a.trainingRoutes()
	a.actionRoutes()
	a.integrationRoutes()
	a.flowRoutes()
	a.callbackRoutes()
	a.voiceRoutes()
	a.trunkRoutes()
	a.softphoneRoutes()
	a.didRoutes()
	a.numberRoutes()
	a.callRoutes()
	a.liveCallRoutes()
	a.callActionRoutes()
	a.makeCallRoute()
	a.recordingRoute()
	a.sipTraceRoute()
	a.transportRoute()
	a.erasureRoutes()
	a.exportRoutes()
	a.pricingRoutes()
	a.summaryRoutes()
	a.accountRoutes()
	a.peopleRoutes()
	a.webhookRoutes()
	a.docsRoutes()
	return a
}
