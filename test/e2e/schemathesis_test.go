package e2e

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// generated finds in the summary how many requests were made.
var generated = regexp.MustCompile(`(\d+) generated`)

// TestSchemathesis lets schemathesis make requests out of the served description, right and wrong ones, and judges every answer by it. The
// server stands in a namespace without a way out, since requests name hosts. PARLEY_SCHEMATHESIS_EXAMPLES is how many each operation
// gets beside the fixed ones; bench/schemathesis/run takes more.
func TestSchemathesis(t *testing.T) {
	Binary(t)
	installed, err := filepath.Abs("schemathesis/installed")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(installed, "schemathesis")); err != nil {
		t.Skip("needs schemathesis: run `scripts/setup test`")
	}
	if !inside(t) {
		return
	}
	s := Start(t)
	agent := s.Clinic(nil)
	status, call := s.Do("POST", "/api/v1/agents/"+agent+"/call", JSON{"sid": "outside-1", "from": CallerNumber, "to": Number, "direction": "inbound"})
	id, ok := call["id"].(string)
	if !ok {
		t.Fatalf("a call: %d %v", status, call)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-m", "schemathesis.cli", "--config-file", filepath.Join(filepath.Dir(installed), "schemathesis.toml"), "run",
		"http://"+s.HTTP+"/openapi.json", "--seed", cmp.Or(os.Getenv("PARLEY_SCHEMATHESIS_SEED"), "1"),
		"--max-examples", cmp.Or(os.Getenv("PARLEY_SCHEMATHESIS_EXAMPLES"), "2"), "--continue-on-failure", "--no-shrink", "--no-color")
	cmd.Dir = t.TempDir() // it remembers what it found
	cmd.Env = append(os.Environ(), "PYTHONPATH="+installed, "PYTHONDONTWRITEBYTECODE=1", "HOME="+cmd.Dir, "TOKEN="+s.Token, "VOICE="+s.Voice(),
		"CALL="+id, "PERSONAL="+s.Run("user", "create", "--data", s.Data, "--environment", "test", "--email", "ann@example.com"))
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("schemathesis: %v", err)
	}
	m := generated.FindSubmatch(out)
	if m == nil {
		t.Fatal("no summary")
	}
	if n, _ := strconv.Atoi(string(m[1])); n < 1000 {
		t.Errorf("only %d requests", n)
	}
}
