package models

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// State of a package in a cache.
type State string

// States.
const (
	Present State = "present"
	Missing State = "missing"
	Damaged State = "damaged" // a file is absent, or is not the pinned one
)

// Status is a package and how it stands in a cache.
type Status struct {
	Package
	State State
	Fault error // of a damaged package: what is wrong with it
}

// List looks at names and sizes only, in no time.
func List(dir string) []Status { return each(dir, false) }

// Verify reads every file and compares its hash.
func Verify(dir string) []Status { return each(dir, true) }

// ErrIncomplete says that models are missing or damaged; its text names the command that fetches them.
var ErrIncomplete = errors.New("models are missing or damaged: run `parley models fetch`")

// Ready returns nil when the packages for all uses (none given: the whole catalogue) are there, judged as List does, and else
// an ErrIncomplete that lists them.
func Ready(dir string, uses ...Use) error {
	var faults []error
	for _, s := range List(dir) {
		if s.State != Present && (len(uses) == 0 || slices.Contains(uses, s.Use)) {
			faults = append(faults, fmt.Errorf("%s (%s) is %s", s.Folder(), s.Use, s.State))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrIncomplete, errors.Join(faults...))
}

func each(dir string, hashes bool) []Status {
	var all []Status
	for _, p := range Catalogue() {
		all = append(all, check(dir, p, hashes))
	}
	return all
}

// check judges one package.
func check(dir string, p Package, hashes bool) Status {
	s := Status{Package: p, State: Present}
	folder := filepath.Join(dir, p.Folder())
	if _, err := os.Stat(folder); err != nil {
		s.State = Missing
		return s
	}
	for _, f := range p.Files {
		if err := checkFile(filepath.Join(folder, f.Name), f, hashes); err != nil {
			s.State, s.Fault = Damaged, err
			return s
		}
	}
	return s
}

func checkFile(path string, f File, hashes bool) error {
	i, err := os.Stat(path)
	if err != nil {
		return err
	}
	if i.Size() != f.Bytes {
		return fmt.Errorf("%s has %d bytes, want %d", path, i.Size(), f.Bytes)
	}
	if !hashes {
		return nil
	}
	got, err := hashFile(path)
	if err != nil {
		return err
	}
	if got != f.SHA256 {
		return fmt.Errorf("%s: %w", path, errHash)
	}
	return nil
}
