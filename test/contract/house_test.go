package contract

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/accounts"
	"github.com/parley-voice/parley/internal/actions"
	"github.com/parley-voice/parley/internal/agents"
	"github.com/parley-voice/parley/internal/app"
	"github.com/parley-voice/parley/internal/archive"
	"github.com/parley-voice/parley/internal/billing"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/calls"
	"github.com/parley-voice/parley/internal/convo"
	"github.com/parley-voice/parley/internal/egress"
	"github.com/parley-voice/parley/internal/envelope"
	"github.com/parley-voice/parley/internal/erasure"
	"github.com/parley-voice/parley/internal/flow"
	"github.com/parley-voice/parley/internal/httpapi"
	"github.com/parley-voice/parley/internal/ledger"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/speech"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
	"github.com/parley-voice/parley/internal/store"
	"github.com/parley-voice/parley/internal/telephony"
	catalog "github.com/parley-voice/parley/internal/templates"
	"github.com/parley-voice/parley/internal/webhooks"
	"github.com/parley-voice/parley/internal/wsdoor"
)

// house is the API with real rooms on a database of its own. Only what lies beyond them is played: the trunk's answer to a probe, the
// synthesizer, and the far end of a call.
type house struct {
	t        *testing.T
	spec     *spec
	where    sqlstore.Options // its database
	url      string
	store    *sqlstore.Store
	blobs    *blobs.Dir
	exports  *blobs.Dir
	room     int64 // for exports, in bytes
	eraser   *erasure.Eraser
	accounts *accounts.Accounts
	billing  *billing.Billing
	webhooks *webhooks.Webhooks
	trunk    *trunkStub
	token    string // of the environment "test", with all abilities
	personal string // of a person there
	seen     map[string]bool
	deviates map[string]bool // operations that answered otherwise than the contract says
}

const masterKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// trunkStub answers probes with err and rings for ever.
type trunkStub struct{ err error }

func (s *trunkStub) Probe(context.Context, media.Target) (time.Duration, error) {
	return 12 * time.Millisecond, s.err
}

func (s *trunkStub) Dial(ctx context.Context, _ media.Target, ringing func(string)) (media.Leg, string, error) {
	ringing("network-id")
	<-ctx.Done()
	return nil, "", &media.NotAnswered{Outcome: media.OutcomeCanceled, Reason: "canceled"}
}

// voiceStub says a beep in any voice but the broken one.
type voiceStub struct{}

func (voiceStub) Languages() []string { return []string{"en-US"} }

func (voiceStub) Say(_ context.Context, _ string, v speech.Voice, emit func([]int16) error) error {
	if v.ID == "broken" {
		return speech.ErrUnavailable
	}
	return emit(make([]int16, 1600))
}

var templates = []parley.VoiceTemplate{
	{ID: "rose", DisplayName: "Rose", Name: "Rose basic", Language: "en-US", Gender: "female", Tier: "basic", Cost: "0.00", Provider: "local"},
	{ID: "rose-pt", DisplayName: "Rose", Name: "Rose brasileira", Language: "pt-BR", Gender: "female", Tier: "pro", Cost: "0.00", Provider: "local"},
	{ID: "fine", DisplayName: "Fine", Name: "Fine", Language: "en-US", Gender: "male", Tier: "ultra", Cost: "0.10", HighFidelity: true},
	{ID: "rosa", DisplayName: "Fine", Name: "Fina", Language: "es-ES", Gender: "female", Tier: "basic", Cost: "0.00", Provider: "local"},
	{ID: "broken", DisplayName: "Broken", Name: "Broken", Language: "en-US", Gender: "male", Tier: "beta", Cost: "0.00"},
}

var prices = billing.Prices{
	Currency: "EUR", Voice: map[string]float64{"basic": 0.01, "high_fidelity": 0.1}, Transcription: 0.02, Input: 0.001, Output: 0.01,
	Outbound: map[string]float64{"US": 0.05, billing.AnyCountry: 0.5}, Inbound: map[string]float64{billing.AnyCountry: 0.003},
}

func languages(engine string) (hear, speak []string, err error) {
	switch engine {
	case "":
		return []string{"en-US", "en-CA"}, []string{"en-US"}, nil
	case "polyglot":
		all := []string{"en-US", "pt-BR", "es-ES"}
		return all, all, nil
	}
	return nil, nil, errors.New("known engines are polyglot")
}

var (
	ourSpec       *spec
	catalogueOnce = sync.OnceValues(func() (*catalog.Catalogue, error) { return catalog.Load(flow.Check) })
)

// TestMain stops the PostgreSQL of the tests at their end.
func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// onBoth runs a test on each database.
func onBoth(t *testing.T, test func(t *testing.T, h *house)) {
	t.Run("SQLite", func(t *testing.T) { test(t, open(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, openOn(t, sqlstore.Options{URL: pgtest.Database(t)})) })
}

// open builds a house on SQLite.
func open(t *testing.T) *house {
	t.Helper()
	return openOn(t, sqlstore.Options{DataDir: t.TempDir()})
}

func openOn(t *testing.T, where sqlstore.Options) *house {
	t.Helper()
	if ourSpec == nil {
		ourSpec = loadSpec(t, "testdata/contract.yaml")
	}
	log := slog.New(slog.DiscardHandler)
	where.Log = log
	db, err := sqlstore.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := &house{t: t, spec: ourSpec, where: where, store: db, trunk: &trunkStub{}, seen: map[string]bool{}, room: 1 << 30}
	if h.blobs, err = blobs.Open(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if h.exports, err = blobs.Open(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	key, err := secrets.Parse(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	h.accounts = accounts.New(db, secrets.HashToken, secrets.NewSecret)
	var board *calls.Switchboard
	book, err := ledger.Open(filepath.Join(t.TempDir(), "ledger"), "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := envelope.OpenKeys(t.TempDir(), key)
	if err != nil {
		t.Fatal(err)
	}
	archives := archive.New(archive.Deps{
		Store: db, Recordings: h.blobs, Files: envelope.SealBlobs(h.exports, keys), Keys: keys, Room: func() (int64, error) { return h.room, nil },
	})
	eraser := erasure.New(erasure.Deps{
		Store: db, Blobs: h.blobs, Ledger: book, Keys: keys, Node: "node", Signer: key, Log: log, HangUp: func(id string) int { return board.HangUpAgent(id) },
		Archives: archives, ExportFor: time.Hour, HashToken: secrets.HashToken,
		NewToken: func() (string, string) { token := secrets.NewSecret(); return token, secrets.HashToken(token) },
	})
	h.eraser = eraser
	voices := agents.NewVoices(templates, voiceStub{}, log)
	phones := telephony.New(telephony.Deps{Store: db, Prober: h.trunk, Vault: key, Log: log})
	h.billing = billing.New(billing.Deps{Store: db, Prices: prices, Template: voices.Template})
	guard := &egress.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	h.webhooks = webhooks.New(webhooks.Deps{Store: db, Vault: key, Client: guard.Client(0, 64<<10), CheckURL: guard.CheckURL, Log: log})
	board = calls.New(calls.Config{NodeID: "node"}, calls.Deps{
		Price: h.billing.Price, Events: h.webhooks, Store: db, Blobs: h.blobs, Dialer: h.trunk, Engines: noEngines, Unseal: phones.Password,
		NewToken: secrets.NewToken, HashToken: secrets.HashToken, Authenticate: h.accounts.Authenticate, Log: log,
	})
	transport := wsdoor.New(board, httpapi.Refuse(log), log)
	h.run(board.Run)
	h.run(transport.Run)
	catalogue, err := catalogueOnce()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(httpapi.New(httpapi.Config{RateLimit: 1_000_000}, httpapi.Deps{
		Accounts: h.accounts, Agents: agents.New(agents.Deps{
			Store: db, Eraser: eraser, Voices: voices, Vault: key, CheckURL: guard.CheckURL, Languages: languages,
			Catalogue: actions.New(actions.Deps{Vault: key, CheckURL: guard.CheckURL, Integrations: app.Integrations(guard), Log: log}),
			CheckFlow: flow.Check, Templates: catalogue,
		}), Voices: voices, Templates: catalogue,
		Telephony: phones, Calls: board, Billing: h.billing, Webhooks: h.webhooks, Erasures: eraser, Recordings: h.blobs, Signer: key,
		Transport: transport, Log: log,
	}))
	t.Cleanup(server.Close)
	h.url = server.URL
	h.token, h.personal = h.newToken("test"), h.newPerson("ada@example.com", "test")
	return h
}

// run keeps a part of the house alive until the test ends.
func (h *house) run(part func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- part(ctx) }()
	h.t.Cleanup(func() { stop(); <-ended })
}

func noEngines(string) (convo.Engines, error) {
	return convo.Engines{}, errors.New("no models in this test")
}

// newToken makes a token of an environment; no abilities mean all.
func (h *house) newToken(environment string, abilities ...string) string {
	h.t.Helper()
	token, hash := secrets.NewToken()
	if _, err := h.accounts.CreateToken(h.t.Context(), environment, hash, abilities); err != nil {
		h.t.Fatal(err)
	}
	return token
}

// newPerson makes a personal token of a user of an environment.
func (h *house) newPerson(email, environment string) string {
	h.t.Helper()
	token, err := h.accounts.CreateUser(h.t.Context(), accounts.NewPerson{Environment: environment, Email: email, Token: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// limited makes a token of an environment of its own with plan limits.
func (h *house) limited(environment string, change func(*parley.Limits)) string {
	h.t.Helper()
	if err := h.accounts.SetLimits(h.t.Context(), environment, change); err != nil {
		h.t.Fatal(err)
	}
	return h.newToken(environment)
}

func (h *house) update(fn func(ctx context.Context, tx store.Tx) error) {
	h.t.Helper()
	if err := h.store.Update(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// object is a decoded JSON object.
type object = map[string]any

// answer is a response.
type answer struct {
	status int
	header http.Header
	raw    []byte
	body   object
}

func (a answer) data() object { d, _ := a.body["data"].(object); return d }
func (a answer) rows() []any  { d, _ := a.body["data"].([]any); return d }
func (a answer) id() string   { s, _ := a.data()["id"].(string); return s }

// faults are the texts of a field.
func (a answer) faults(field string) string {
	errs, _ := a.body["errors"].(object)
	list, _ := errs[field].([]any)
	var texts []string
	for _, e := range list {
		texts = append(texts, e.(string))
	}
	return strings.Join(texts, " | ")
}

// send is a request without any check of the answer.
func (h *house) send(method, path, token string, body any, headers ...string) answer {
	h.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			h.t.Fatal(err)
		}
		r = strings.NewReader(string(j))
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, r)
	if err != nil {
		h.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.raw, err = io.ReadAll(res.Body); err != nil {
		h.t.Fatal(err)
	}
	_ = json.Unmarshal(a.raw, &a.body)
	return a
}

// request is one to an operation of the contract. Path holds the parameters in order, query begins with "?".
type request struct {
	op      string
	path    []string
	query   string
	body    any
	token   string // empty is the house's own; "none" sends none
	headers []string
}

// call sends a request and holds the answer against the contract.
func (h *house) call(r request) answer {
	h.t.Helper()
	o, ok := h.spec.ops[r.op]
	if !ok {
		h.t.Fatalf("the contract has no operation %s", r.op)
	}
	token := r.token
	switch token {
	case "":
		token = h.token
		if o.person() {
			token = h.personal
		}
	case "none":
		token = ""
	}
	a := h.send(o.method, fillPath(o.path, r.path)+r.query, token, r.body, r.headers...)
	h.judge(o, a)
	return a
}

func fillPath(path string, values []string) string {
	for _, v := range values {
		start, end := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:start] + v + path[end+1:]
	}
	for strings.Contains(path, "{") { // what is not given names nothing
		start, end := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:start] + "nothing" + path[end+1:]
	}
	return path
}

// judge checks schema, headers and, of an error, code and text.
func (h *house) judge(o *operation, a answer) {
	h.t.Helper()
	if err := h.spec.check(o, a.status, any(a.body)); err != nil {
		h.deviates[o.id] = true
		h.t.Errorf("%s %d: %v\n%s", o.id, a.status, err, a.raw)
	}
	for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		if shown := a.header.Get(name) != ""; shown == (o.id == "getHealth") {
			h.t.Errorf("%s: %s shown: %v", o.id, name, shown)
		}
	}
	if a.status < http.StatusBadRequest {
		h.seen[o.id] = true
		return
	}
	code, _ := a.body["code"].(string)
	h.seen[o.id+" "+code] = true
	for i, c := range o.codes {
		another := func(c errorCode) bool { return c.Code == code && c.Status == a.status }
		if !another(c) {
			continue
		}
		if message, _ := a.body["message"].(string); c.Message != message && slices.ContainsFunc(o.codes[i+1:], another) {
			continue // the code has several texts
		}
		h.judgeText(o, a, c)
		return
	}
	if code == string(parley.AgentLimitReached) && o.id == "createAgentFromTemplate" {
		return // the plan limits agents however they are made
	}
	switch code { // beyond what the contract lists by operation
	case "UNAUTHORIZED", "INVALID_JSON", "BODY_TOO_LARGE", "PHONE_NUMBER_NOT_ALLOWED", "CAPACITY_EXCEEDED":
	default:
		h.deviates[o.id] = true
		h.t.Errorf("%s answers %d %s, which the contract does not list for it", o.id, a.status, code)
	}
}

// filled matches a text of the contract, with anything where it names {something}.
func filled(text string) *regexp.Regexp {
	return regexp.MustCompile("^" + braced.ReplaceAllString(regexp.QuoteMeta(text), ".+") + "$")
}

var braced = regexp.MustCompile(`\\\{\w+\\\}`)

func (h *house) judgeText(o *operation, a answer, c errorCode) {
	h.t.Helper()
	if text, _ := a.body["message"].(string); !filled(c.text()).MatchString(text) {
		h.deviates[o.id] = true
		h.t.Errorf("%s %s says %q, want %q", o.id, c.Code, a.body["message"], c.text())
	}
	if nested, ok := a.body["error"].(object); ok {
		want := c.text()
		if c.Nested != "" {
			want = c.Nested
		}
		if nested["message"] != want || nested["code"] != c.Code {
			h.t.Errorf("%s %s nests %v, want %q", o.id, c.Code, nested, want)
		}
	}
}

// refused fails the test unless an answer has that status and code.
func (h *house) refused(a answer, status int, code parley.Code) {
	h.t.Helper()
	if a.status != status || a.body["code"] != string(code) {
		h.t.Errorf("got %d %v, want %d %s\n%s", a.status, a.body["code"], status, code, a.raw)
	}
}

// must is call that fails the test on an error.
func (h *house) must(r request) answer {
	h.t.Helper()
	a := h.call(r)
	if a.status >= http.StatusBadRequest {
		h.t.Fatalf("%s: %d %s", r.op, a.status, a.raw)
	}
	return a
}
