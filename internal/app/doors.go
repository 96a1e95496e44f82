package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/accounts"
	"github.com/parley-voice/parley/internal/agents"
	"github.com/parley-voice/parley/internal/billing"
	"github.com/parley-voice/parley/internal/calls"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/egress"
	"github.com/parley-voice/parley/internal/flow"
	"github.com/parley-voice/parley/internal/httpapi"
	"github.com/parley-voice/parley/internal/jobs"
	"github.com/parley-voice/parley/internal/media"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/sipdoor"
	"github.com/parley-voice/parley/internal/store"
	"github.com/parley-voice/parley/internal/telephony"
	"github.com/parley-voice/parley/internal/templates"
	"github.com/parley-voice/parley/internal/webhooks"
	"github.com/parley-voice/parley/internal/wsdoor"
)

const (
	sweepEvery = 15 * time.Second
	keysEvery  = time.Hour
	httpGrace  = 5 * time.Second
	hooksEvery = time.Hour
	// orphansEvery is once a day: what has no owner comes of faults alone.
	orphansEvery = 24 * time.Hour
	hookAnswer   = 64 << 10 // bytes of a receiver's answer
)

// openTelephone joins the SIP door and the switchboard, which need each other.
func (h *house) openTelephone(context.Context) error {
	h.guard = &egress.Guard{Allow: h.cfg.EgressAllow()}
	h.actions = requester(h.cfg, h.key, h.log)
	h.webhooks = webhooks.New(webhooks.Deps{
		Store: h.store, Vault: h.key, Client: h.guard.Client(0, hookAnswer), CheckURL: h.guard.CheckURL,
		PublicURL: strings.TrimSuffix(h.cfg.PublicURL, "/"), Log: h.log,
	})
	var board boardLater
	door, err := h.newSIP(h.guard, &board)
	if err != nil {
		return err
	}
	h.sip = door
	h.voices = agents.NewVoices(voices(), h.engines.synthesizer(), h.log)
	h.billing = billing.New(billing.Deps{Store: h.store, Prices: prices(h.cfg), Template: h.voices.Template})
	h.telephony = telephony.New(telephony.Deps{
		Store: h.store, Prober: door, Vault: h.key, Log: h.log, Changed: door.TrunksChanged, Reach: door.Reach,
	})
	if h.board, err = h.newBoard(door); err != nil {
		return err
	}
	board.Switchboard = h.board
	h.parts.start("SIP", door.Run)
	return nil
}

// boardLater lets the door be made before the switchboard; nothing asks for it before the door runs.
type boardLater struct{ *calls.Switchboard }

func inNetworks(all []netip.Prefix) func(netip.Addr) bool {
	return func(a netip.Addr) bool {
		return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
	}
}

// trunks lists the trunks of all environments with their passwords, for the SIP door alone.
func (h *house) trunks(ctx context.Context) (all []sipdoor.Trunk, err error) {
	var rows []*parley.SIPTrunk
	err = h.store.View(ctx, func(ctx context.Context, tx store.Tx) (err error) {
		rows, err = tx.ListTrunks(ctx, "")
		return err
	})
	for _, r := range rows {
		password, err := h.telephony.Password(r)
		if err != nil {
			h.log.Error("a trunk's password cannot be opened", "trunk", r.ID, "error", err)
			continue
		}
		all = append(all, sipdoor.Trunk{SIPTrunk: *r, Password: password})
	}
	return all, err
}

// prices are what the operator charges; the lists were checked with the rest of the configuration.
func prices(c config.Config) billing.Prices {
	list := func(l []string) map[string]float64 {
		m, _ := config.Prices(l)
		return m
	}
	return billing.Prices{
		Currency: c.PriceCurrency, Voice: list(c.PriceVoice), Transcription: c.PriceTranscription, Input: c.PriceInput, Output: c.PriceOutput,
		Outbound: list(c.PriceOutbound), Inbound: list(c.PriceInbound),
	}
}

func (h *house) newBoard(dialer media.Dialer) (*calls.Switchboard, error) {
	node, err := nodeID(h.cfg.Data)
	if err != nil {
		return nil, err
	}
	return calls.New(calls.Config{
		NodeID: node, Max: h.cfg.CallsMax, MaxPerEnvironment: h.cfg.CallsPerEnv, MaxDuration: duration(h.cfg.CallsDuration),
		OutboundPrefixes: h.cfg.CallsPrefixes, DrainWithin: duration(h.cfg.Drain),
	}, calls.Deps{
		Store: h.store, Blobs: h.blobs, Dialer: dialer, Engines: h.engines.forCall, Unseal: h.telephony.Password,
		Price: h.billing.Price, Events: h.webhooks, Requester: h.actions,
		Authenticate: accounts.New(h.store, secrets.HashToken, secrets.NewSecret).Authenticate,
		NewToken:     secrets.NewToken, HashToken: secrets.HashToken, Log: h.log,
	}), nil
}

// jobs is what the queue runs.
func (h *house) jobs() jobs.Set {
	return jobs.Set{
		Handlers: map[string]jobs.Handler{
			jobs.EraseAgent: h.eraser.Handle, jobs.ExportAgent: h.eraser.HandleExport, jobs.SweepOrphans: h.eraser.HandleSweep,
			jobs.DialCall: h.board.HandleDial, jobs.SweepCalls: h.board.HandleSweep, jobs.ForgetKeys: h.board.HandleForgetKeys,
			jobs.ForgetBindings: h.location().HandleForget, jobs.SettleActions: h.board.HandleActions,
			jobs.DeliverEvents: h.webhooks.HandleLane, jobs.RetryDelivery: h.webhooks.HandleRetry,
			jobs.DropDeliveries: h.webhooks.HandleDrop, jobs.ForgetDeliveries: h.webhooks.HandleForget,
		},
		Periodic: []jobs.Periodic{
			{Kind: jobs.SweepCalls, Every: sweepEvery}, {Kind: jobs.ForgetKeys, Every: keysEvery}, {Kind: jobs.ForgetBindings, Every: keysEvery},
			{Kind: jobs.ForgetDeliveries, Every: hooksEvery}, {Kind: jobs.SweepOrphans, Every: orphansEvery},
		},
	}
}

// openDoors starts HTTP and the WebSocket transport, and then the calls.
func (h *house) openDoors(context.Context) error {
	h.ws = wsdoor.New(h.board, httpapi.Refuse(h.log), h.log)
	h.parts.start("WebSocket transport", h.ws.Run)
	listener, err := net.Listen("tcp", h.cfg.HTTP)
	if err != nil {
		return fmt.Errorf("http: %w", err)
	}
	h.http = listener
	catalogue, err := templates.Load(flow.Check)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler: httpapi.New(httpapi.Config{RateLimit: h.cfg.APIRate, PublicURL: h.cfg.PublicURL}, httpapi.Deps{
			Accounts: accounts.New(h.store, secrets.HashToken, secrets.NewSecret),
			Agents: agents.New(agents.Deps{
				Store: h.store, Eraser: h.eraser, Voices: h.voices, Vault: h.key, Catalogue: h.actions, CheckURL: h.guard.CheckURL,
				Languages: h.engines.languages, Templates: catalogue,
				CheckFlow: flow.Check,
			}),
			Voices: h.voices, Templates: catalogue, Billing: h.billing, Telephony: h.telephony, Webhooks: h.webhooks, Calls: h.board, Erasures: h.eraser,
			Recordings: h.blobs, Signer: h.key,
			Transport: h.ws, Log: h.log,
		}),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
	}
	h.parts.start("HTTP", func(ctx context.Context) error { return serveHTTP(ctx, srv, listener) })
	h.parts.start("calls", h.board.Run) // the first to stop: while calls drain, everything they and their owners use is there
	return nil
}

func serveHTTP(ctx context.Context, srv *http.Server, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpGrace)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		_ = srv.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
