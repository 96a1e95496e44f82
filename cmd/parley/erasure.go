package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/parley-voice/parley"
	"github.com/parley-voice/parley/internal/app"
	"github.com/parley-voice/parley/internal/secrets"
)

type erasureCmd struct {
	Show   erasureShowCmd   `cmd:"" help:"Print the receipt of an erasure, with its signed statement."`
	Verify erasureVerifyCmd `cmd:"" help:"Check a receipt or statement by the public keys alone, on any machine."`
	Replay erasureReplayCmd `cmd:"" help:"Erase again what a restored backup brought back; the server must not run meanwhile."`
	Sweep  erasureSweepCmd  `cmd:"" help:"Remove recordings, rows and keys that have no owner, as the server does once a day."`
}

type erasureShowCmd struct {
	settings
	ID string `arg:"" help:"Id of the erasure."`
}

// receipt is what show prints and verify takes.
type receipt struct {
	*parley.Erasure
	Statement string `json:"statement"`
}

func (c erasureShowCmd) Run(ctx context.Context, io streams) error {
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	r, statement, err := app.Receipt(ctx, cfg, c.ID)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(io.out)
	enc.SetIndent("", "  ")
	return enc.Encode(receipt{r, statement})
}

type erasureVerifyCmd struct {
	Receipt string `arg:"" help:"File of a receipt (as the API or 'erasure show' gives it) or of a statement; - is standard input." placeholder:"FILE"`
	Keys    string `required:"" help:"File of the server's public keys, from /.well-known/jwks.json." type:"existingfile" placeholder:"FILE"`
}

// Run prints what was attested. The exit code is 0 for a complete erasure, 3 for one that is not complete yet or never began, 4 for a forged statement, and
// 1 when nothing could be checked, as with a file of keys that holds none.
func (c erasureVerifyCmd) Run(s streams) error {
	text, err := readAll(c.Receipt)
	if err != nil {
		return err
	}
	keys, err := os.ReadFile(c.Keys)
	if err != nil {
		return err
	}
	payload, err := secrets.Verify(statementIn(text), keys)
	if errors.Is(err, secrets.ErrNoKeys) {
		return fmt.Errorf("%s: %w", c.Keys, err)
	}
	if err != nil {
		return &exit{4, err.Error()}
	}
	var said struct{ State string }
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, payload, "", "  "); err != nil {
		return err
	}
	if err := json.Unmarshal(payload, &said); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s\n", pretty.Bytes())
	if said.State == parley.ErasureFailed {
		return &exit{3, "the signature is good, and nothing was erased: the export that was to come first failed"}
	}
	if said.State != parley.ErasureComplete {
		return &exit{3, "the signature is good, and the erasure was not complete when this was signed"}
	}
	fmt.Fprintln(s.errs, "verified: the signature is good and the erasure is complete")
	return nil
}

func readAll(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(os.Stdin, 1<<20))
	}
	return os.ReadFile(path)
}

// statementIn finds the statement in a receipt, alone or in the API's envelope; what is no receipt is a statement itself.
func statementIn(text []byte) string {
	var r struct {
		Statement string
		Data      struct{ Statement string }
	}
	if json.Unmarshal(text, &r) == nil {
		if r.Statement != "" {
			return r.Statement
		}
		return r.Data.Statement
	}
	return string(bytes.TrimSpace(text))
}

type erasureReplayCmd struct {
	settings
	Ledger string `required:"" help:"Ledger file, or its copy." type:"existingfile" placeholder:"FILE"`
}

func (c erasureReplayCmd) Run(ctx context.Context, io streams) error {
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	n, err := app.Replay(ctx, cfg, c.Ledger)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "%d erasures begun again; the server completes them at its next start\n", n)
	return nil
}

type erasureSweepCmd struct {
	settings
	DryRun bool `help:"Count them and change nothing."`
}

// Run prints what was found, by kind.
func (c erasureSweepCmd) Run(ctx context.Context, io streams) error {
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	s, err := app.Sweep(ctx, cfg, c.DryRun)
	if err != nil {
		return err
	}
	for _, kind := range slices.Sorted(maps.Keys(s.Found)) {
		fmt.Fprintf(io.out, "%-20s %d\n", kind, s.Found[kind])
	}
	if s.Strange > 0 {
		fmt.Fprintf(io.out, "%d files are older than this database's knowledge of this directory: look at them yourself\n", s.Strange)
	}
	if len(s.Found) == 0 {
		fmt.Fprintln(io.out, "nothing is without an owner")
	}
	return nil
}
