package remains

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-voice/parley/internal/sqlstore"
	"github.com/parley-voice/parley/internal/sqlstore/pgtest"
)

// in the suite there are few checks of few steps; bench/remains/run makes many.
var (
	checks = flag.Int("remains.checks", 12, "random histories on SQLite; on PostgreSQL, which takes its time, a quarter of them")
	steps  = flag.Int("remains.steps", 25, "steps of each, on average")
)

var words = regexp.MustCompile(planted)

// empty is the database that is copied for each life.
const empty = "remainsempty"

// search wants no word in the data directory and the database that is not alive, and those that must be.
func (w *world) search() {
	w.t.Helper()
	found := map[string][]string{} // files by word
	look := func(where string, b []byte) {
		for _, m := range words.FindAll(b, -1) {
			if word := string(m); !slices.Contains(found[word], where) {
				found[word] = append(found[word], where)
			}
		}
	}
	dump, err := w.on.dump(w.database)
	w.must(err)
	look("the database", dump)
	w.must(filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name := strings.TrimPrefix(path, w.dir+"/")
		look(name, []byte(name))
		look(name, b)
		return err
	}))
	var left []string
	for word, files := range found {
		if !w.alive(word) {
			left = append(left, word+" in "+strings.Join(files, ", "))
		}
	}
	if sort.Strings(left); len(left) > 0 {
		w.t.Fatalf("left behind:\n  %s", strings.Join(left, "\n  "))
	}
	for _, a := range w.living() {
		if found[agentWord(a.n, atName)] == nil {
			w.t.Fatalf("the search does not find what agent %d is called, who lives", a.n)
		}
	}
}

// begin opens a new house on a copy of an empty one.
func begin(t fataler, on engine, root string, serial *int) *world {
	w := &world{t: t, on: on, root: root, serial: serial, dir: filepath.Join(root, "empty"), database: empty}
	from, fromDB := w.dir, w.database
	w.dir, w.database = filepath.Join(root, w.name()), w.name()
	w.must(copyDir(from, w.dir))
	w.must(on.fork(fromDB, w.database))
	w.open()
	return w
}

// life is what may happen, in any order.
func life(w *world) map[string]func(*rapid.T) {
	pick := func(t *rapid.T, what string, n int) int {
		if n == 0 {
			t.Skip("none")
		}
		return rapid.IntRange(0, n-1).Draw(t, what)
	}
	anAgent := func(t *rapid.T) *agent { all := w.living(); return all[pick(t, "agent", len(all))] }
	aCall := func(t *rapid.T, ok func(*call) bool) *call {
		all := w.callsThat(ok)
		return all[pick(t, "call", len(all))]
	}
	open := func(c *call) bool { return c.open }
	return map[string]func(*rapid.T){
		"create": func(*rapid.T) { w.create() },
		"train":  func(t *rapid.T) { w.train(anAgent(t)) },
		"call": func(t *rapid.T) {
			a := anAgent(t)
			w.ring(a, rapid.IntRange(0, 2).Draw(t, "caller"))
		},
		"talk":    func(t *rapid.T) { w.talk(aCall(t, open)) },
		"hang up": func(t *rapid.T) { w.end(aCall(t, open)) },
		"deliver": func(*rapid.T) { w.deliver() },
		"late":    func(t *rapid.T) { w.late(aCall(t, func(c *call) bool { return c.old && c.ours })) },
		"delete": func(t *rapid.T) {
			w.remove(anAgent(t), rapid.Bool().Draw(t, "force"))
			w.settle()
			w.search()
		},
		"delete, cut short": func(t *rapid.T) {
			a := anAgent(t)
			w.cut(rapid.IntRange(0, 20).Draw(t, "transactions"), func() {
				if _, err := w.room.Delete(context.Background(), w.actor(), a.row.ID, true); err == nil {
					w.attempt()
				}
			})
			w.settle()
			w.search()
		},
		"delete with an export": func(t *rapid.T) {
			w.order(anAgent(t))
			if w.disk.full.Store(rapid.Bool().Draw(t, "disk full")); !rapid.Bool().Draw(t, "pack it later") {
				w.pack()
				w.eraseAround()
				w.search() // an archive may be there
			}
			w.disk.full.Store(false)
		},
		"delete with an export, cut short": func(t *rapid.T) {
			a := anAgent(t)
			w.cut(rapid.IntRange(0, 30).Draw(t, "transactions"), func() {
				if r, _, err := w.room.DeleteWithExport(context.Background(), w.actor(), a.row.ID, true); err == nil {
					if w.eraser.HandleExport(context.Background(), r.ID) == nil {
						w.attempt()
					}
				}
			})
			w.settle()
			w.search()
		},
		"erase a caller": func(t *rapid.T) {
			w.eraseCaller(rapid.IntRange(0, 2).Draw(t, "caller"))
			w.settle()
			w.search()
		},
		"erase a caller, cut short": func(t *rapid.T) {
			caller := rapid.IntRange(0, 2).Draw(t, "caller")
			w.cut(rapid.IntRange(0, 20).Draw(t, "transactions"), func() {
				if _, err := w.eraser.EraseCaller(context.Background(), w.actor(), phone(caller), nil); err == nil {
					w.attempt()
				}
			})
			w.settle()
			w.search()
		},
		"crash":  func(*rapid.T) { w.crash() },
		"backup": func(*rapid.T) { w.storeAway() },
		"restore": func(t *rapid.T) {
			if w.backup == nil {
				t.Skip("none")
			}
			w.putBack()
			w.settle()
			w.search()
		},
	}
}

// TestNothingRemains lives many lives and looks after each deletion for what is left. A failure prints its steps, shortened, and how to run it
// again.
func TestNothingRemains(t *testing.T) {
	set(t, "rapid.steps", *steps)
	t.Run("SQLite", func(t *testing.T) {
		set(t, "rapid.checks", *checks)
		remains(t, sqlite{})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		if _, err := exec.LookPath("pg_dump"); err != nil {
			t.Skip("needs pg_dump: apt-get install postgresql-client")
		}
		p := postgres{pgtest.Database(t)}
		if err := p.exec("CREATE DATABASE " + empty); err != nil {
			t.Fatal(err)
		}
		set(t, "rapid.checks", max(*checks/4, 1))
		remains(t, p)
	})
}

// set is a flag of rapid's.
func set(t *testing.T, name string, n int) {
	t.Helper()
	if err := flag.Set(name, strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
}

func remains(t *testing.T, on engine) {
	root, serial := t.TempDir(), 0
	// One that is migrated is copied for each life.
	db, err := sqlstore.Open(t.Context(), on.options(filepath.Join(root, "empty"), empty))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Close(), os.MkdirAll(filepath.Join(root, "empty"), 0o700)); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		w := begin(t, on, root, &serial)
		t.Cleanup(w.stop)
		w.create() // so that no life is empty
		t.Repeat(life(w))
	})
}
