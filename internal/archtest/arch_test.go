package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/parley-voice/parley"

// floors maps a room to its floor. A folder below a room belongs to it.
var floors = map[string]int{
	"internal/audio": 0, "internal/rtpmedia": 0, "internal/spoken": 0, "internal/ladder": 0,

	"internal/media": 1, "internal/speech": 1, "internal/llm": 1, "internal/store": 1,

	"internal/turn": 2, "internal/flow": 2, "internal/convo": 2, "internal/record": 2, "internal/grounded": 2, "internal/calls": 2,
	"internal/agents": 2, "internal/telephony": 2, "internal/billing": 2, "internal/accounts": 2, "internal/erasure": 2, "internal/jobs": 2,
	"internal/webhooks": 2, "internal/actions": 2, "internal/archive": 2, "internal/templates": 2,

	"internal/httpapi": 3, "internal/sipdoor": 3, "internal/wsdoor": 3, "internal/providers/local": 3, "internal/providers/openai": 3,
	"internal/providers/kept": 3, "internal/worker": 3, "internal/sqlstore": 3, "internal/river": 3, "internal/phone": 3, "internal/egress": 3,
	"internal/secrets": 3, "internal/models": 3, "internal/ledger": 3, "internal/envelope": 3, "internal/blobs": 3, "internal/config": 3,

	"internal/app": 4, "internal/archtest": 4,

	"cmd": 5, "test": 6, "bench": 6, "demo": 6, "api": 6,
}

// pairs are the only imports within a floor.
var pairs = []string{
	"internal/convo internal/turn", "internal/convo internal/flow", "internal/calls internal/convo", "internal/calls internal/record",
	"internal/providers/local internal/worker", "internal/providers/local internal/models", "internal/worker internal/models",
	"internal/sqlstore internal/river", "internal/envelope internal/secrets",
	"internal/phone internal/sipdoor",
}

// room finds the room that a package path (relative to the module) lies in; the root package has none.
func room(rel string) (string, bool) {
	for p := rel; p != "." && p != ""; p = filepath.Dir(p) {
		if _, ok := floors[p]; ok {
			return p, true
		}
	}
	return "", false
}

// allowed says whether code in from may import to; both are paths relative to the module, empty for the root package.
func allowed(from, to string) string {
	if to == "" {
		return ""
	}
	target, ok := room(to)
	if !ok {
		return "the package lies in no room of the table"
	}
	source, ok := room(from)
	switch {
	case from == "":
		return "the root package imports nothing of the house"
	case !ok:
		return "the importing package lies in no room of the table"
	case source == target || floors[target] < floors[source]:
		return ""
	case floors[target] > floors[source]:
		return "imports point down only"
	case floors[source] == 2 && target == "internal/jobs":
		return ""
	case floors[source] >= 5 || slices.Contains(pairs, source+" "+target):
		return ""
	}
	return "imports do not go sideways"
}

func TestImportsPointDown(t *testing.T) {
	root := "../.."
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); path != root && (strings.HasPrefix(n, ".") || n == "testdata" || n == "bin" || n == "web") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		files++
		check(t, root, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Fatalf("only %d files seen: the walk is looking in the wrong place", files)
	}
}

func check(t *testing.T, root, path string) {
	rel, err := filepath.Rel(root, filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if rel == "." {
		rel = ""
	}
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	for _, im := range f.Imports {
		p, err := strconv.Unquote(im.Path.Value)
		if err != nil || p != module && !strings.HasPrefix(p, module+"/") {
			continue
		}
		to := strings.TrimPrefix(strings.TrimPrefix(p, module), "/")
		if why := allowed(rel, to); why != "" {
			t.Errorf("%s imports %s: %s", path, p, why)
		}
	}
}

func TestRule(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		ok             bool
	}{
		{"a room may use a contract", "internal/convo", "internal/media", true},
		{"a contract may not use a room", "internal/media", "internal/convo", false},
		{"a door may use a room", "internal/httpapi", "internal/agents", true},
		{"doors do not meet", "internal/httpapi", "internal/sipdoor", false},
		{"rooms do not meet", "internal/agents", "internal/calls", false},
		{"a listed pair may", "internal/calls", "internal/convo", true},
		{"but not the other way", "internal/convo", "internal/calls", false},
		{"any room may name jobs", "internal/erasure", "internal/jobs", true},
		{"the vocabulary stands alone", "", "internal/audio", false},
		{"everybody may use the vocabulary", "internal/audio", "", true},
		{"a new room must be entered in the table", "internal/attic", "internal/audio", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if why := allowed(c.from, c.to); (why == "") != c.ok {
				t.Errorf("%s -> %s: %q", c.from, c.to, why)
			}
		})
	}
}
