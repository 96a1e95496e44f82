package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/mattn/go-isatty"

	"github.com/parley-voice/parley/internal/models"
)

type modelsCmd struct {
	List   modelsListCmd   `cmd:"" default:"withargs" help:"Show the models with size, licence and state."`
	Fetch  modelsFetchCmd  `cmd:"" help:"Fetch what is missing, by name, version and hash."`
	Verify modelsVerifyCmd `cmd:"" help:"Check every file against its hash."`
}

type modelsDir struct {
	Models string `help:"Directory of the models." placeholder:"DIR" env:"PARLEY_MODELS"`
}

func (d modelsDir) path() (string, error) {
	if d.Models != "" {
		return d.Models, nil
	}
	return models.DefaultDir()
}

type modelsListCmd struct{ modelsDir }

func (c modelsListCmd) Run(io streams) error {
	dir, err := c.path()
	if err != nil {
		return err
	}
	return table(io.out, dir, models.List(dir))
}

type modelsVerifyCmd struct{ modelsDir }

func (c modelsVerifyCmd) Run(io streams) error {
	dir, err := c.path()
	if err != nil {
		return err
	}
	states := models.Verify(dir)
	if err := table(io.out, dir, states); err != nil {
		return err
	}
	for _, s := range states {
		if s.State != models.Present {
			return models.ErrIncomplete
		}
	}
	return nil
}

func table(w io.Writer, dir string, all []models.Status) error {
	fmt.Fprintln(w, dir)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range all {
		fmt.Fprintf(t, "%s\t%s %s\t%.1f MB\t%s\t%s\n", s.State, s.Name, s.Version, float64(s.Bytes)/1e6, s.License, s.What)
		if s.Fault != nil {
			fmt.Fprintf(t, "\t%v\n", s.Fault)
		}
	}
	return t.Flush()
}

type modelsFetchCmd struct {
	modelsDir
	From string `help:"Take the packages' wheels from a folder instead." placeholder:"DIR" type:"existingdir"`
}

func (c modelsFetchCmd) Run(ctx context.Context, io streams) error {
	dir, err := c.path()
	if err != nil {
		return err
	}
	if err := models.Fetch(ctx, dir, c.From, bar(io.errs)); err != nil {
		return err
	}
	fmt.Fprintln(io.out, "models are in", dir)
	return nil
}

// bar draws progress: a line that grows on a terminal, a line a package elsewhere.
func bar(w io.Writer) func(models.Progress) {
	f, ok := w.(*os.File)
	terminal := ok && isatty.IsTerminal(f.Fd())
	last := ""
	return func(p models.Progress) {
		const width = 24
		full := int(width * p.Done / max(p.Total, 1))
		switch {
		case terminal:
			fmt.Fprintf(w, "\r%s%s %5.1f of %.1f MB  %s\x1b[K", strings.Repeat("█", full), strings.Repeat("░", width-full),
				float64(p.Done)/1e6, float64(p.Total)/1e6, p.Package)
			if p.Done == p.Total {
				fmt.Fprintln(w)
			}
		case p.Package != last:
			last = p.Package
			fmt.Fprintf(w, "fetching %s, %.1f of %.1f MB done\n", p.Package, float64(p.Done)/1e6, float64(p.Total)/1e6)
		}
	}
}
