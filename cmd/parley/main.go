// Command parley is the whole platform: the server and its tools. Each command is a struct in a file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/parley-voice/parley/internal/config"
)

type cli struct {
	Serve       serveCmd       `cmd:"" help:"Run the server: REST API, SIP, conversations, jobs."`
	Token       tokenCmd       `cmd:"" help:"Environment tokens."`
	User        userCmd        `cmd:"" help:"Users and their personal tokens."`
	Phone       phoneCmd       `cmd:"" help:"Accounts of softphones."`
	Environment environmentCmd `cmd:"" help:"Plan settings of an environment."`
	Models      modelsCmd      `cmd:"" help:"Speech models: list, fetch, verify."`
	Call        callCmd        `cmd:"" help:"Call a SIP address as a phone would, speak, listen and hang up."`
	Chat        chatCmd        `cmd:"" help:"Talk to an agent in text, without audio."`
	Flow        flowCmd        `cmd:"" help:"Flows: talk to one without a call."`
	Erasure     erasureCmd     `cmd:"" help:"Receipts of deletions: show, verify, replay; sweep what has no owner."`
	Doctor      doctorCmd      `cmd:"" help:"Check ports, network, clock, database, models, libraries, disk and a call with audio."`
	Config      configCmd      `cmd:"" help:"Print every setting with its default and meaning."`
	Worker      workerCmd      `cmd:"" hidden:""`
}

// exit is an error that asks for an exit code; its text, if any, was meant for people.
type exit struct {
	code int
	text string
}

func (e *exit) Error() string { return e.text }

// streams are where a command writes.
type streams struct{ out, errs io.Writer }

func main() {
	os.Exit(run(os.Args[1:], streams{os.Stdout, os.Stderr}))
}

func run(args []string, io streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	code := -1
	parser, err := kong.New(&c, kong.Name("parley"), kong.Description("Self-hosted voice agents: they answer and place real phone calls."),
		kong.UsageOnError(), kong.Writers(io.out, io.errs), kong.Exit(func(n int) { code = n }), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(io, argv(args)))
	if err != nil {
		fmt.Fprintln(io.errs, "parley:", err)
		return 1
	}
	k, err := parser.Parse(args)
	if code >= 0 { // help was printed
		return code
	}
	if err != nil {
		fmt.Fprintln(io.errs, "parley:", err)
		fmt.Fprintln(io.errs, "Run `parley --help`, or `parley COMMAND --help`.")
		return 2
	}
	err = k.Run()
	var e *exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		if e.text != "" {
			fmt.Fprintln(io.errs, "parley:", e.text)
		}
		return e.code
	}
	fmt.Fprintln(io.errs, "parley:", err)
	return 1
}

// settings are the flags that several commands share. A flag that is not given leaves the setting to environment and file.
type settings struct {
	Data     string `help:"Directory of everything that is kept." placeholder:"DIR"`
	Database string `help:"PostgreSQL URL instead of SQLite in the data directory." placeholder:"URL"`
	Models   string `help:"Directory of the speech models." placeholder:"DIR"`
	Config   string `help:"Config file (YAML)." placeholder:"FILE" type:"existingfile"`
}

func (s settings) load(more map[string]string) (config.Config, error) {
	flags := map[string]string{"data": s.Data, "database": s.Database, "models": s.Models}
	for k, v := range more {
		flags[k] = v
	}
	for k, v := range flags {
		if v == "" {
			delete(flags, k)
		}
	}
	return config.Load(s.Config, config.Environ(), flags)
}

type configCmd struct {
	settings
}

func (c configCmd) Run(io streams) error {
	current, err := c.load(nil)
	if err != nil {
		return err
	}
	for _, s := range config.Settings() {
		def := s.Default
		if def == "" {
			def = `""`
		}
		fmt.Fprintf(io.out, "%s\n    %s\n    default %s", s.Key, s.Doc, def)
		if v := s.Value(current); v != s.Default {
			fmt.Fprintf(io.out, ", now %s", v)
		}
		fmt.Fprintf(io.out, "; environment %s\n", s.Env)
	}
	fmt.Fprint(io.out, "engines\n    named language models behind OpenAI-compatible endpoints, in the file only: engines.NAME.base_url, .model, .api_key, .languages\n")
	return nil
}
