package app

import (
	"context"
	"path/filepath"

	"github.com/parley-voice/parley/internal/config"
)

// checkKeys warns when the agents' keys lie where a backup of the data takes them along: what was deleted could be read again with it.
func checkKeys(_ context.Context, cfg config.Config) finding {
	f := finding{level: fine, what: "keys", seen: cfg.KeysDir()}
	_, stated, _ := cfg.KeysBackedUp() // checked
	switch {
	case within(cfg.KeysDir(), cfg.Data):
		f.level, f.seen = warn, f.seen+" lies in the data directory"
		f.whatToDo = "leave it out of backups of the data, or move it with erasure.keys"
	case !stated:
		f.whatToDo = "state with erasure.keys_backup how long copies of it live, so that receipts can say what backups still show"
	}
	return f
}

// checkLedger warns when the list of what was erased would be lost with a disk.
func checkLedger(_ context.Context, cfg config.Config) finding {
	f := finding{level: fine, what: "ledger", seen: cfg.LedgerPath()}
	switch {
	case cfg.LedgerCopy == "":
		f.level, f.seen = warn, f.seen+" has no second copy"
		f.whatToDo = "name a file on another disk with erasure.ledger_copy"
	case filepath.Dir(cfg.LedgerCopy) == filepath.Dir(cfg.LedgerPath()):
		f.level, f.seen, f.whatToDo = warn, f.seen+" has its copy beside it", "name a file on another disk with erasure.ledger_copy"
	default:
		f.seen += ", copy in " + cfg.LedgerCopy
	}
	return f
}

// within says whether a path lies below a directory.
func within(path, dir string) bool {
	a, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	d, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(d, a)
	return err == nil && filepath.IsLocal(rel)
}
