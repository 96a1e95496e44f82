package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/mattn/go-isatty"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/app"
)

type chatCmd struct {
	settings
	Agent   string `required:"" help:"Id of the agent; it need not be published." placeholder:"ID"`
	Payload string `help:"Values for the placeholders of its texts, a JSON object." placeholder:"JSON"`
	JSON    bool   `name:"json" help:"Write turns as JSON, one a line; so it is done too when the output is no terminal."`
}

// Run reads a line for each thing that the caller says, until the agent hangs up or the input ends.
func (c chatCmd) Run(ctx context.Context, io streams) error {
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	var payload map[string]any
	if c.Payload != "" {
		if err := json.Unmarshal([]byte(c.Payload), &payload); err != nil {
			return fmt.Errorf("--payload: no JSON object: %w", err)
		}
	}
	out := printer{streams: io, json: c.JSON || !isTerminal(io.out)}
	log := slog.New(slog.NewTextHandler(io.errs, &slog.HandlerOptions{Level: slog.LevelWarn}))
	chat, err := app.OpenChat(ctx, cfg, c.Agent, payload, out.message, log)
	if err != nil {
		return err
	}
	err = talk(ctx, chat, out)
	if closeErr := chat.Close(); err == nil {
		err = closeErr
	}
	return err
}

func talk(ctx context.Context, chat *app.Chat, out printer) error {
	if greeting, ok := chat.Greet(); ok {
		out.turn(greeting)
	}
	lines := bufio.NewScanner(os.Stdin)
	for out.prompt(); !chat.Over() && lines.Scan(); out.prompt() {
		if lines.Text() == "" {
			continue
		}
		turns, err := chat.Say(ctx, lines.Text())
		for _, t := range turns {
			out.turn(t)
		}
		if err != nil || chat.Over() {
			return err
		}
	}
	return lines.Err()
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// printer writes a conversation for people or for programs.
type printer struct {
	streams
	json bool
}

func (p printer) prompt() {
	if !p.json {
		fmt.Fprint(p.out, "you:   ")
	}
}

func (p printer) turn(t parley.Turn) {
	switch {
	case p.json:
		p.object(t)
	case t.Who == parley.WhoAgent:
		fmt.Fprintf(p.out, "agent: %s\n", t.Text)
	}
}

func (p printer) message(m parley.TakenMessage) {
	if p.json {
		p.object(map[string]any{"message": m})
		return
	}
	fmt.Fprintf(p.out, "(taken down: %v)\n", m.Slots)
}

func (p printer) object(v any) {
	b, err := json.Marshal(v)
	if err == nil {
		fmt.Fprintf(p.out, "%s\n", b)
	}
}
