package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/parley-voice/parley/internal/models"
	"github.com/parley-voice/parley/internal/phone"
	"github.com/parley-voice/parley/internal/providers/local"
	"github.com/parley-voice/parley/internal/sipdoor"
	"github.com/parley-voice/parley/internal/sipdoor/stream"
)

type callCmd struct {
	modelsDir
	URI            string          `arg:"" help:"Whom to call: sip:USER@HOST:PORT." placeholder:"sip:USER@HOST:PORT"`
	From           string          `help:"The caller's number." placeholder:"NUMBER"`
	Transport      string          `enum:"udp,tcp,tls," default:"" help:"udp, tcp or tls; without it what the address says, else udp."`
	Codec          string          `enum:"pcmu,pcma,g722,opus," default:"" help:"pcmu, pcma, g722 or opus; without it pcmu and pcma are offered, as by a telephone."`
	Insecure       bool            `help:"Take any certificate of the other side."`
	Play           []string        `sep:"none" help:"Play a file. --play, --say and --dtmf act in the order given, each after the other side has finished." placeholder:"FILE.wav"`
	Say            []string        `sep:"none" help:"Say a text in the built-in voice." placeholder:"TEXT"`
	DTMF           []string        `name:"dtmf" sep:"none" help:"Press keys." placeholder:"DIGITS"`
	InterruptAfter []time.Duration `sep:"none" help:"The next line cuts in after the other side has spoken for so long." placeholder:"1.2s"`
	QuietFor       time.Duration   `default:"1.5s" help:"Silence after which the other side has finished."`
	Record         string          `help:"Record both sides: left is me, right are they." placeholder:"FILE.wav"`
	Transcript     bool            `help:"Print what is said: me: … and they: …"`
	Trace          bool            `help:"Print the SIP messages of my side at the end, and a ladder of them. Credentials are left out."`
	Report         string          `help:"Write what was measured as JSON." placeholder:"FILE"`
	Timeout        time.Duration   `default:"120s" help:"Of the whole call."`
}

// argv are the command's arguments as given: the order of lines stands nowhere else.
type argv []string

func (c callCmd) Run(ctx context.Context, args argv, io streams) error {
	lines, err := phone.Script(args)
	if err != nil {
		return err
	}
	target := sipdoor.URITarget{URI: c.URI, Transport: c.Transport, From: c.From}
	log := slog.New(slog.NewTextHandler(io.errs, &slog.HandlerOptions{Level: slog.LevelWarn}))
	plan := phone.Plan{Lines: lines, QuietFor: c.QuietFor, Timeout: c.Timeout, Record: c.Record, Transcript: c.Transcript}
	deps := phone.Deps{Out: io.out, Log: log}
	done, err := c.equip(ctx, &deps, plan)
	if err != nil {
		return err
	}
	defer done()
	var trace sipTrace
	config := sipdoor.Config{
		TLSClient: &tls.Config{InsecureSkipVerify: c.Insecure}, Codecs: c.codecs(), //nolint:gosec // asked for by flag
	}
	sip, err := phone.OpenSIP(config, trace.when(c.Trace), log)
	if err != nil {
		return err
	}
	deps.Dial = sip.Dialer(target)
	result, err := phone.Run(ctx, plan, deps)
	err = errors.Join(err, sip.Close(), c.report(result))
	trace.print(io.out)
	if err != nil {
		return err
	}
	return outcome(result)
}

// codecs are what the phone offers.
func (c callCmd) codecs() []stream.Codec {
	if codec, named := stream.CodecNamed(c.Codec); named {
		return []stream.Codec{codec}
	}
	return []stream.Codec{stream.PCMU, stream.PCMA}
}

// equip opens the speech engines when the plan needs them, or has a use for them and they are there.
func (c callCmd) equip(ctx context.Context, deps *phone.Deps, plan phone.Plan) (done func(), err error) {
	speaks := slices.ContainsFunc(plan.Lines, func(l phone.Line) bool { return l.Text != "" })
	dir, err := c.path()
	if err != nil {
		return nil, err
	}
	missing := models.Ready(dir)
	if missing != nil {
		if speaks || plan.Transcript {
			return nil, fmt.Errorf("--say and --transcript need the speech models: %w", missing)
		}
		return func() {}, nil
	}
	engines, err := local.Open(local.Config{Models: dir, Workers: 1, Log: deps.Log})
	if err != nil {
		return nil, err
	}
	deps.Detector = engines
	if !speaks && !plan.Transcript {
		return engines.Close, nil
	}
	deps.Voice, deps.Recognizer = engines, engines
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() { defer close(ended); _ = engines.Run(working) }()
	done = func() { stop(); <-ended; engines.Close() }
	if err := engines.Ready(ctx); err != nil {
		done()
		return nil, err
	}
	return done, nil
}

func (c callCmd) report(r phone.Result) error {
	if c.Report == "" {
		return nil
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(c.Report, append(b, '\n'), 0o600)
}

// outcome says in words and as an exit code how the call went.
func outcome(r phone.Result) error {
	switch r.Code {
	case phone.CodeOK:
		return nil
	case phone.CodeRefused:
		return &exit{r.Code, fmt.Sprintf("refused: %d %s", r.Status, r.Reason)}
	case phone.CodeNoAnswer:
		return &exit{r.Code, "no answer: " + r.Reason}
	case phone.CodeNoAudio:
		return &exit{r.Code, "no audio heard"}
	case phone.CodeTimeout:
		return &exit{r.Code, "the call took longer than --timeout"}
	case phone.CodeHungUp:
		return &exit{r.Code, "the other side hung up before all lines were said"}
	}
	return &exit{r.Code, r.Reason}
}
