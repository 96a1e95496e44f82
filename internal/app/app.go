// Package app builds the house from its configuration, runs it, and closes it in reverse. It holds no rule of any room.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/parley-voice/parley/internal/actions"
	"github.com/parley-voice/parley/internal/agents"
	"github.com/parley-voice/parley/internal/archive"
	"github.com/parley-voice/parley/internal/billing"
	"github.com/parley-voice/parley/internal/blobs"
	"github.com/parley-voice/parley/internal/calls"
	"github.com/parley-voice/parley/internal/config"
	"github.com/parley-voice/parley/internal/egress"
	"github.com/parley-voice/parley/internal/envelope"
	"github.com/parley-voice/parley/internal/erasure"
	"github.com/parley-voice/parley/internal/ledger"
	"github.com/parley-voice/parley/internal/river"
	"github.com/parley-voice/parley/internal/secrets"
	"github.com/parley-voice/parley/internal/sipdoor"
	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/store"
	"github.com/parley-voice/parley/internal/telephony"
	"github.com/parley-voice/parley/internal/webhooks"
	"github.com/parley-voice/parley/internal/wsdoor"
)

// house is the running server.
type house struct {
	cfg   config.Config
	log   *slog.Logger
	pii   *PIIFile
	parts *parts

	key       *secrets.Key
	db        *sqlstore.Store
	keys      *envelope.Keys
	store     store.Store // db, with transcripts sealed
	blobs     store.Blobs // likewise
	archives  *archive.Archives
	engines   *engines
	telephony *telephony.Telephony
	voices    *agents.Voices
	billing   *billing.Billing
	guard     *egress.Guard
	webhooks  *webhooks.Webhooks
	actions   *actions.Actions
	eraser    *erasure.Eraser
	board     *calls.Switchboard
	sip       *sipdoor.Door
	ws        *wsdoor.Door
	http      net.Listener

	close []func() error // what is no part, in order of opening
}

// Serve runs the server until ctx ends, then refuses new calls, lets the others end, and closes. It prints one line to out once
// everything is bound.
func Serve(ctx context.Context, cfg config.Config, out, errs io.Writer) error {
	log, pii, err := NewLog(cfg, errs)
	if err != nil {
		return fmt.Errorf("log.pii: %w", err)
	}
	h := &house{cfg: cfg, log: log, pii: pii, parts: newParts(log)}
	h.close = append(h.close, pii.Close)
	if pii != nil {
		h.parts.start("log of personal data", func(ctx context.Context) error { return pii.Run(ctx, log) })
	}
	err = h.build(ctx)
	if err == nil {
		fmt.Fprintf(out, "ready http=%s sip=%s\n", h.http.Addr(), h.sip.Addr())
		select {
		case <-ctx.Done():
			log.Info("stopping: new calls are refused, running ones may end")
			h.board.Refuse()
		case err = <-h.parts.failed:
		}
	}
	return errors.Join(err, h.shut())
}

func (h *house) shut() error {
	err := h.parts.stop()
	for i := len(h.close) - 1; i >= 0; i-- {
		err = errors.Join(err, h.close[i]())
	}
	return err
}

// build opens everything from the cellar up.
func (h *house) build(ctx context.Context) error {
	for _, step := range []func(context.Context) error{h.openData, h.openEngines, h.openTelephone, h.openJobs, h.openDoors} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) openData(ctx context.Context) error {
	release, err := sqlstore.LockDir(h.cfg.Data)
	if err != nil {
		return err
	}
	h.close = append(h.close, func() error { release(); return nil })
	if h.key, err = secrets.Load(h.cfg.MasterKey, h.cfg.Data); err != nil {
		return err
	}
	if h.db, err = openStore(ctx, h.cfg, h.log); err != nil {
		return err
	}
	h.close = append(h.close, h.db.Close)
	if err := checkKey(ctx, h.db, h.key); err != nil {
		return err
	}
	dir, err := blobs.Open(filepath.Join(h.cfg.Data, "recordings"))
	if err != nil {
		return err
	}
	h.close = append(h.close, dir.Close)
	if h.keys, err = envelope.OpenKeys(h.cfg.KeysDir(), h.key); err != nil {
		return err
	}
	h.close = append(h.close, h.keys.Close)
	h.store, h.blobs = envelope.Seal(h.db, h.keys, h.log), envelope.SealBlobs(dir, h.keys)
	closed := func(shut func() error) { h.close = append(h.close, shut) }
	if h.archives, err = openArchives(h.cfg, h.key, h.store, h.blobs, closed); err != nil {
		return err
	}
	return h.openErasure(ctx)
}

// openErasure compares the ledger with the database before any door opens: what a restored backup brought back must not answer a call.
func (h *house) openErasure(ctx context.Context) (err error) {
	if h.eraser, err = h.newEraser(); err == nil {
		_, err = h.eraser.Reconcile(ctx)
	}
	return err
}

func (h *house) newEraser() (*erasure.Eraser, error) {
	node, err := nodeID(h.cfg.Data)
	if err != nil {
		return nil, err
	}
	list, err := ledger.Open(h.cfg.LedgerPath(), h.cfg.LedgerCopy)
	if err != nil {
		return nil, err
	}
	more := []erasure.Place{{Name: "caches", Empty: h.forget}}
	if h.pii != nil {
		more = append(more, h.pii.place())
	}
	more = append(more, outside(h.cfg)...)
	return erasure.New(erasure.Deps{
		Store: h.store, Blobs: h.blobs, Ledger: list, Keys: h.keys, Node: node, Signer: h.key, Log: h.log, More: more,
		Archives: h.archives, NewToken: newExportToken, HashToken: secrets.HashToken, ExportFor: duration(h.cfg.ExportFor),
		Unreadable: unreadable(h.cfg),
		HangUp:     func(agentID string) int { return h.board.HangUpAgent(agentID) }, // its job runs once the switchboard is there
	}), nil
}

func (h *house) openEngines(ctx context.Context) (err error) {
	h.engines, err = openEngines(ctx, h.cfg, h.parts, h.log)
	return err
}

// openJobs starts the queue once everything that its handlers use is there.
func (h *house) openJobs(context.Context) error {
	node, err := nodeID(h.cfg.Data)
	if err != nil {
		return err
	}
	runner, err := river.NewRunner(h.db.Queue(), h.jobs(), node)
	if err != nil {
		return err
	}
	h.parts.start("jobs", runner.Run)
	return nil
}

func duration(d config.Duration) time.Duration { return time.Duration(d) }
